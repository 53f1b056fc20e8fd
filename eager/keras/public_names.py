"""The public names of tf.keras, tf.data and tf.train of TensorFlow 2.15 that `layerjit coverage` looks for.

Names only, from the documentation: modules, then the methods of the classes that users derive from or hold; a class
lists what it has beyond the one it derives from. Of tf.keras.applications the architectures are listed that layerjit
promises.
"""

from __future__ import annotations

NAMES: dict[str, str] = {
    "tf.keras": """
        Input Model Sequential activations applications backend callbacks constraints datasets initializers
        layers losses metrics mixed_precision models optimizers preprocessing regularizers saving utils
    """,
    "tf.keras.layers": """
        AbstractRNNCell Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention
        Average AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D
        BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose
        Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D
        Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose
        Cropping1D Cropping2D Cropping3D Dense DenseFeatures DepthwiseConv1D DepthwiseConv2D Discretization
        Dot Dropout ELU EinsumDense Embedding Flatten GRU GRUCell GaussianDropout GaussianNoise
        GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D
        GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D
        GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization HashedCrossing Hashing Identity Input
        InputLayer InputSpec IntegerLookup LSTM LSTMCell Lambda Layer LayerNormalization LeakyReLU
        LocallyConnected1D LocallyConnected2D Masking MaxPool1D MaxPool2D MaxPool3D MaxPooling1D
        MaxPooling2D MaxPooling3D Maximum Minimum MultiHeadAttention Multiply Normalization PReLU Permute
        RNN RandomBrightness RandomContrast RandomCrop RandomFlip RandomHeight RandomRotation
        RandomTranslation RandomWidth RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
        SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D SimpleRNN
        SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization
        StackedRNNCells StringLookup Subtract TextVectorization ThresholdedReLU TimeDistributed
        UnitNormalization UpSampling1D UpSampling2D UpSampling3D Wrapper ZeroPadding1D ZeroPadding2D
        ZeroPadding3D add average concatenate deserialize dot maximum minimum multiply serialize subtract
    """,
    "tf.keras.layers.Layer": """
        activity_regularizer add_loss add_metric add_update add_variable add_weight build build_from_config
        call compute_dtype compute_mask compute_output_shape compute_output_signature count_params dtype
        dtype_policy dynamic finalize_state from_config get_build_config get_config get_input_at
        get_input_mask_at get_input_shape_at get_output_at get_output_mask_at get_output_shape_at
        get_weights inbound_nodes input input_mask input_shape input_spec load_own_variables losses metrics
        name name_scope non_trainable_variables non_trainable_weights outbound_nodes output output_mask
        output_shape save_own_variables set_weights stateful submodules supports_masking trainable
        trainable_variables trainable_weights updates variable_dtype variables weights with_name_scope
    """,
    "tf.keras.Model": """
        autotune_steps_per_execution compile compile_from_config compute_loss compute_metrics
        distribute_reduction_method distribute_strategy evaluate evaluate_generator export fit fit_generator
        get_compile_config get_layer get_metrics_result get_weight_paths jit_compile layers load_weights
        make_predict_function make_test_function make_train_function metrics_names predict predict_generator
        predict_on_batch predict_step reset_metrics reset_states run_eagerly save save_spec save_weights
        state_updates steps_per_execution summary test_on_batch test_step to_json to_yaml train_on_batch
        train_step
    """,
    "tf.keras.Sequential": """
        add pop
    """,
    "tf.keras.losses": """
        BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy
        CategoricalHinge CosineSimilarity Hinge Huber KLD KLDivergence LogCosh Loss MAE MAPE MSE MSLE
        MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson
        Reduction SparseCategoricalCrossentropy SquaredHinge binary_crossentropy binary_focal_crossentropy
        categorical_crossentropy categorical_focal_crossentropy categorical_hinge cosine_similarity
        deserialize get hinge huber kl_divergence kld kullback_leibler_divergence log_cosh logcosh mae mape
        mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error
        mse msle poisson serialize sparse_categorical_crossentropy squared_hinge
    """,
    "tf.keras.losses.Loss": """
        call from_config get_config
    """,
    "tf.keras.metrics": """
        AUC Accuracy BinaryAccuracy BinaryCrossentropy BinaryIoU CategoricalAccuracy CategoricalCrossentropy
        CategoricalHinge CosineSimilarity F1Score FBetaScore FalseNegatives FalsePositives Hinge IoU KLD
        KLDivergence LogCoshError MAE MAPE MSE MSLE Mean MeanAbsoluteError MeanAbsolutePercentageError
        MeanIoU MeanMetricWrapper MeanRelativeError MeanSquaredError MeanSquaredLogarithmicError MeanTensor
        Metric OneHotIoU OneHotMeanIoU Poisson Precision PrecisionAtRecall R2Score Recall RecallAtPrecision
        RootMeanSquaredError SensitivityAtSpecificity SparseCategoricalAccuracy
        SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy SpecificityAtSensitivity SquaredHinge
        Sum TopKCategoricalAccuracy TrueNegatives TruePositives binary_accuracy binary_crossentropy
        binary_focal_crossentropy categorical_accuracy categorical_crossentropy
        categorical_focal_crossentropy deserialize get hinge kl_divergence kld kullback_leibler_divergence
        log_cosh logcosh mae mape mean_absolute_error mean_absolute_percentage_error mean_squared_error
        mean_squared_logarithmic_error mse msle poisson serialize sparse_categorical_accuracy
        sparse_categorical_crossentropy sparse_top_k_categorical_accuracy squared_hinge
        top_k_categorical_accuracy
    """,
    "tf.keras.metrics.Metric": """
        merge_state reset_state reset_states result update_state
    """,
    "tf.keras.optimizers": """
        Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lion Nadam Optimizer RMSprop SGD deserialize get
        serialize
    """,
    "tf.keras.optimizers.Optimizer": """
        add_variable add_variable_from_reference aggregate_gradients apply_gradients build compute_gradients
        exclude_from_weight_decay finalize_variable_values from_config get_config iterations learning_rate
        load_own_variables lr minimize save_own_variables set_weights update_step variables
    """,
    "tf.keras.optimizers.schedules": """
        CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay LearningRateSchedule
        PiecewiseConstantDecay PolynomialDecay deserialize serialize
    """,
    "tf.keras.optimizers.legacy": """
        Adadelta Adagrad Adam Adamax Ftrl Nadam Optimizer RMSprop SGD
    """,
    "tf.keras.initializers": """
        Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity Initializer LecunNormal LecunUniform
        Ones Orthogonal RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros constant
        deserialize get glorot_normal glorot_uniform he_normal he_uniform identity lecun_normal
        lecun_uniform ones orthogonal random_normal random_uniform serialize truncated_normal
        variance_scaling zeros
    """,
    "tf.keras.regularizers": """
        L1 L1L2 L2 OrthogonalRegularizer Regularizer deserialize get l1 l1_l2 l2 orthogonal_regularizer
        serialize
    """,
    "tf.keras.constraints": """
        Constraint MaxNorm MinMaxNorm NonNeg RadialConstraint UnitNorm deserialize get max_norm min_max_norm
        non_neg radial_constraint serialize unit_norm
    """,
    "tf.keras.activations": """
        deserialize elu exponential gelu get hard_sigmoid linear mish relu selu serialize sigmoid softmax
        softplus softsign swish tanh
    """,
    "tf.keras.callbacks": """
        BackupAndRestore BaseLogger CSVLogger Callback CallbackList EarlyStopping History LambdaCallback
        LearningRateScheduler ModelCheckpoint ProgbarLogger ReduceLROnPlateau RemoteMonitor
        SidecarEvaluatorModelExport TensorBoard TerminateOnNaN
    """,
    "tf.keras.callbacks.Callback": """
        on_batch_begin on_batch_end on_epoch_begin on_epoch_end on_predict_batch_begin on_predict_batch_end
        on_predict_begin on_predict_end on_test_batch_begin on_test_batch_end on_test_begin on_test_end
        on_train_batch_begin on_train_batch_end on_train_begin on_train_end set_model set_params
    """,
    "tf.keras.mixed_precision": """
        LossScaleOptimizer Policy global_policy set_global_policy
    """,
    "tf.keras.models": """
        Model Sequential clone_model load_model model_from_config model_from_json model_from_yaml save_model
    """,
    "tf.keras.saving": """
        custom_object_scope deserialize_keras_object get_custom_objects get_registered_name
        get_registered_object load_model register_keras_serializable save_model serialize_keras_object
    """,
    "tf.keras.utils": """
        CustomObjectScope FeatureSpace GeneratorEnqueuer OrderedEnqueuer Progbar Sequence SequenceEnqueuer
        SidecarEvaluator StepsPerExecutionTuner TimedThread array_to_img audio_dataset_from_directory
        custom_object_scope deserialize_keras_object disable_interactive_logging enable_interactive_logging
        get_custom_objects get_file get_registered_name get_registered_object get_source_inputs
        image_dataset_from_directory img_to_array is_interactive_logging_enabled load_img model_to_dot
        normalize pack_x_y_sample_weight pad_sequences plot_model register_keras_serializable save_img
        serialize_keras_object set_random_seed split_dataset text_dataset_from_directory
        timeseries_dataset_from_array to_categorical to_ordinal unpack_x_y_sample_weight
        warmstart_embedding_matrix
    """,
    "tf.keras.preprocessing": """
        image_dataset_from_directory text_dataset_from_directory timeseries_dataset_from_array
    """,
    "tf.keras.preprocessing.sequence": """
        TimeseriesGenerator make_sampling_table pad_sequences skipgrams
    """,
    "tf.keras.preprocessing.text": """
        Tokenizer hashing_trick one_hot text_to_word_sequence tokenizer_from_json
    """,
    "tf.keras.preprocessing.image": """
        DirectoryIterator ImageDataGenerator Iterator NumpyArrayIterator apply_affine_transform
        apply_brightness_shift apply_channel_shift array_to_img img_to_array load_img random_brightness
        random_channel_shift random_rotation random_shear random_shift random_zoom save_img smart_resize
    """,
    "tf.keras.backend": """
        abs all any arange argmax argmin backend batch_dot batch_flatten batch_get_value batch_normalization
        batch_set_value bias_add binary_crossentropy binary_focal_crossentropy cast cast_to_floatx
        categorical_crossentropy categorical_focal_crossentropy clear_session clip concatenate constant
        conv1d conv2d conv2d_transpose conv3d cos count_params ctc_batch_cost ctc_decode
        ctc_label_dense_to_sparse cumprod cumsum depthwise_conv2d dot dropout dtype elu epsilon equal eval
        exp expand_dims eye flatten floatx foldl foldr function gather get_uid get_value gradients greater
        greater_equal hard_sigmoid image_data_format in_test_phase in_top_k in_train_phase int_shape
        is_keras_tensor is_sparse l2_normalize learning_phase learning_phase_scope less less_equal
        local_conv1d local_conv2d log manual_variable_initialization map_fn max maximum mean min minimum
        moving_average_update name_scope ndim normalize_batch_in_training not_equal one_hot ones ones_like
        permute_dimensions placeholder pool2d pool3d pow print_tensor prod random_bernoulli random_binomial
        random_normal random_normal_variable random_uniform random_uniform_variable relu repeat
        repeat_elements reset_uids reshape resize_images resize_volumes reverse rnn round separable_conv2d
        set_epsilon set_floatx set_image_data_format set_learning_phase set_value shape sigmoid sign sin
        softmax softplus softsign sparse_categorical_crossentropy spatial_2d_padding spatial_3d_padding sqrt
        square squeeze stack std stop_gradient sum switch tanh temporal_padding tile to_dense transpose
        truncated_normal update update_add update_sub var variable zeros zeros_like
    """,
    "tf.keras.applications.mobilenet_v2": """
        MobileNetV2 decode_predictions preprocess_input
    """,
    "tf.keras.applications.resnet50": """
        ResNet50 decode_predictions preprocess_input
    """,
    "tf.keras.applications.efficientnet": """
        EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 EfficientNetB5
        EfficientNetB6 EfficientNetB7 decode_predictions preprocess_input
    """,
    "tf.data": """
        AUTOTUNE Dataset DatasetSpec FixedLengthRecordDataset INFINITE_CARDINALITY Iterator IteratorSpec
        NumpyIterator Options TFRecordDataset TextLineDataset ThreadingOptions UNKNOWN_CARDINALITY
    """,
    "tf.data.Dataset": """
        apply as_numpy_iterator batch bucket_by_sequence_length cache cardinality choose_from_datasets
        concatenate counter element_spec enumerate filter flat_map from_generator from_tensor_slices
        from_tensors get_single_element group_by_window ignore_errors interleave list_files load map options
        padded_batch prefetch ragged_batch random range rebatch reduce rejection_resample repeat
        sample_from_datasets save scan shard shuffle skip snapshot sparse_batch take take_while unbatch
        unique window with_options zip
    """,
    "tf.train": """
        BytesList Checkpoint CheckpointManager CheckpointOptions CheckpointView ClusterDef ClusterSpec
        Coordinator Example ExponentialMovingAverage Feature FeatureList FeatureLists Features FloatList
        Int64List JobDef SequenceExample ServerDef TrackableView checkpoints_iterator get_checkpoint_state
        latest_checkpoint list_variables load_checkpoint load_variable
    """,
}
