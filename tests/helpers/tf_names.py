"""The public names of TensorFlow 2.15 for dense tensors on one device: tf, tf.math, tf.nn, tf.linalg.

Left out are modules with a life of their own (tf.data, tf.keras, tf.image, tf.signal, tf.random), names of graph mode
that only tf.compat.v1 code uses, and aliases of keras packages.
"""

NAMES: dict[str, str] = {
    "tf": """
        Assert abs acos acosh add add_n approx_top_k argmax argmin argsort as_dtype as_string asin asinh
        assert_equal assert_greater assert_less assert_rank atan atan2 atanh batch_to_space bitcast
        boolean_mask broadcast_dynamic_shape broadcast_static_shape broadcast_to case cast clip_by_global_norm
        clip_by_norm clip_by_value complex concat cond constant constant_initializer control_dependencies
        convert_to_tensor cos cosh cumsum custom_gradient device divide dynamic_partition dynamic_stitch
        edit_distance eig eigvals einsum ensure_shape equal executing_eagerly exp expand_dims
        extract_volume_patches eye fill fingerprint floor foldl foldr function gather gather_nd
        get_current_name_scope get_logger get_static_value grad_pass_through gradients greater greater_equal
        group guarantee_const hessians histogram_fixed_width histogram_fixed_width_bins identity identity_n
        import_graph_def init_scope inside_function is_symbolic_tensor is_tensor less less_equal linspace
        load_library load_op_library logical_and logical_not logical_or make_ndarray make_tensor_proto map_fn
        matmul matrix_square_root maximum meshgrid minimum multiply name_scope negative no_gradient no_op
        nondifferentiable_batch_function norm not_equal numpy_function one_hot ones ones_initializer ones_like
        pad parallel_stack pow print py_function random_index_shuffle random_normal_initializer
        random_uniform_initializer range rank realdiv recompute_grad reduce_all reduce_any reduce_logsumexp
        reduce_max reduce_mean reduce_min reduce_prod reduce_sum register_tensor_conversion_function repeat
        required_space_to_batch_paddings reshape reverse reverse_sequence roll round saturate_cast scalar_mul
        scan scatter_nd searchsorted sequence_mask shape shape_n sigmoid sign sin sinh size slice sort
        space_to_batch space_to_batch_nd split sqrt square squeeze stack stop_gradient strided_slice subtract
        switch_case tan tanh tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min
        tensor_scatter_nd_sub tensor_scatter_nd_update tensordot tile timestamp transpose truediv truncatediv
        truncatemod tuple type_spec_from_value unique unique_with_counts unravel_index unstack
        variable_creator_scope vectorized_map where while_loop zeros zeros_initializer zeros_like
        AggregationMethod CriticalSection DType DeviceSpec GradientTape Graph IndexedSlices IndexedSlicesSpec
        Module Operation OptionalSpec RaggedTensor RaggedTensorSpec RegisterGradient SparseTensor
        SparseTensorSpec Tensor TensorArray TensorArraySpec TensorShape TensorSpec TypeSpec
        UnconnectedGradients Variable VariableAggregation VariableSynchronization newaxis audio autodiff
        autograph compat distribute dtypes feature_column graph_util io linalg lite lookup math mlir nn
        profiler quantization queue ragged raw_ops saved_model sets sparse strings summary tpu xla
    """,
    "tf.math": """
        abs accumulate_n acos acosh add add_n angle approx_max_k approx_min_k argmax argmin asin asinh atan
        atan2 atanh bessel_i0 bessel_i0e bessel_i1 bessel_i1e betainc bincount ceil confusion_matrix conj cos
        cosh count_nonzero cumprod cumsum cumulative_logsumexp digamma divide divide_no_nan equal erf erfc
        erfcinv erfinv exp expm1 floor floordiv floormod greater greater_equal igamma igammac imag in_top_k
        invert_permutation is_finite is_inf is_nan is_non_decreasing is_strictly_increasing l2_normalize lbeta
        less less_equal lgamma log log1p log_sigmoid log_softmax logical_and logical_not logical_or
        logical_xor maximum minimum mod multiply multiply_no_nan ndtri negative nextafter not_equal polygamma
        polyval pow real reciprocal reciprocal_no_nan reduce_all reduce_any reduce_euclidean_norm
        reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_std reduce_sum reduce_variance
        rint round rsqrt scalar_mul segment_max segment_mean segment_min segment_prod segment_sum sigmoid sign
        sin sinh sobol_sample softmax softplus softsign special sqrt square squared_difference subtract tan
        tanh top_k truediv unsorted_segment_max unsorted_segment_mean unsorted_segment_min
        unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum xdivy xlog1py xlogy zero_fraction
        zeta
    """,
    "tf.nn": """
        all_candidate_sampler approx_max_k approx_min_k atrous_conv2d atrous_conv2d_transpose avg_pool
        avg_pool1d avg_pool2d avg_pool3d batch_norm_with_global_normalization batch_normalization bias_add
        collapse_repeated compute_accidental_hits compute_average_loss conv1d conv1d_transpose conv2d
        conv2d_transpose conv3d conv3d_transpose conv_transpose convolution crelu ctc_beam_search_decoder
        ctc_greedy_decoder ctc_loss ctc_unique_labels depth_to_space depthwise_conv2d
        depthwise_conv2d_backprop_filter depthwise_conv2d_backprop_input dilation2d dropout elu
        embedding_lookup embedding_lookup_sparse erosion2d fixed_unigram_candidate_sampler fractional_avg_pool
        fractional_max_pool gelu in_top_k isotonic_regression l2_loss l2_normalize leaky_relu
        learned_unigram_candidate_sampler local_response_normalization log_poisson_loss log_softmax
        log_uniform_candidate_sampler lrn max_pool max_pool1d max_pool2d max_pool3d max_pool_with_argmax
        moments nce_loss normalize_moments pool relu relu6 safe_embedding_lookup_sparse sampled_softmax_loss
        scale_regularization_loss selu separable_conv2d sigmoid sigmoid_cross_entropy_with_logits silu softmax
        softmax_cross_entropy_with_logits softplus softsign space_to_batch space_to_depth
        sparse_softmax_cross_entropy_with_logits sufficient_statistics swish tanh top_k
        weighted_cross_entropy_with_logits weighted_moments with_space_to_batch zero_fraction
    """,
    "tf.linalg": """
        LinearOperator adjoint band_part banded_triangular_solve cholesky cholesky_solve cross det diag
        diag_part eig eigh eigh_tridiagonal eigvals eigvalsh einsum expm eye global_norm inv l2_normalize
        logdet logm lstsq lu lu_matrix_inverse lu_reconstruct lu_solve matmul matrix_rank matrix_transpose
        matvec norm normalize pinv qr set_diag slogdet solve sqrtm svd tensor_diag tensor_diag_part tensordot
        trace triangular_solve tridiagonal_matmul tridiagonal_solve
    """,
}
