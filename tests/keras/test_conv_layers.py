"""Convolution, pooling, padding, cropping, upsampling layers: names, configs, errors, open sizes, masks.

Their values, gradients and compiled forms are rows of the layer table (tests/helpers/layer_cases_conv.py).
"""

import numpy as np
import pytest

import eager as tf

L = tf.keras.layers

ALIASES = {
    **{f"Convolution{n}D": f"Conv{n}D" for n in (1, 2, 3)},
    **{f"Convolution{n}DTranspose": f"Conv{n}DTranspose" for n in (1, 2, 3)},
    **{f"SeparableConvolution{n}D": f"SeparableConv{n}D" for n in (1, 2)},
    **{f"MaxPool{n}D": f"MaxPooling{n}D" for n in (1, 2, 3)},
    **{f"AvgPool{n}D": f"AveragePooling{n}D" for n in (1, 2, 3)},
    **{f"GlobalMaxPool{n}D": f"GlobalMaxPooling{n}D" for n in (1, 2, 3)},
    **{f"GlobalAvgPool{n}D": f"GlobalAveragePooling{n}D" for n in (1, 2, 3)},
}


@pytest.mark.parametrize("alias", ALIASES)
def test_alias_is_the_layer(alias: str) -> None:
    assert getattr(L, alias) is getattr(L, ALIASES[alias])
    assert L.registry.find(alias) is getattr(L, alias)


def test_kinds_of_convolution_are_related() -> None:
    assert all(issubclass(getattr(L, f"Conv{n}DTranspose"), getattr(L, f"Conv{n}D")) for n in (1, 2, 3))


CONFIG = {
    "Conv2D": "filters kernel_size strides padding data_format dilation_rate groups activation use_bias "
    "kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint "
    "bias_constraint",
    "DepthwiseConv2D": "kernel_size strides padding data_format dilation_rate groups activation use_bias "
    "bias_initializer bias_regularizer activity_regularizer bias_constraint depth_multiplier depthwise_initializer "
    "depthwise_regularizer depthwise_constraint",
    "MaxPooling2D": "pool_size padding strides data_format",
    "GlobalAveragePooling2D": "data_format keepdims",
    "ZeroPadding2D": "padding data_format",
    "Cropping2D": "cropping data_format",
    "UpSampling2D": "size data_format interpolation",
    "UpSampling3D": "size data_format",
    "ZeroPadding1D": "padding",
    "Cropping1D": "cropping",
    "UpSampling1D": "size",
}
CONFIG["Conv2DTranspose"] = f"{CONFIG['Conv2D']} output_padding"
CONFIG["SeparableConv2D"] = f"{CONFIG['Conv2D']} depth_multiplier " + " ".join(
    f"{role}_{part}" for role in ("depthwise", "pointwise") for part in ("initializer", "regularizer", "constraint")
)
CONFIG["Conv3DTranspose"] = CONFIG["Conv2DTranspose"].replace("dilation_rate ", "")
POSITIONAL = {"Conv": (3, 2), "Separable": (3, 2), "Depthwise": (2,)}


def made(name: str, **options: object) -> tf.keras.layers.Layer:
    given = next((args for start, args in POSITIONAL.items() if name.startswith(start)), ())
    return getattr(L, name)(*given, **options)


@pytest.mark.parametrize("name", CONFIG)
def test_config_keys(name: str) -> None:
    assert set(made(name).get_config()) == {"name", "trainable", "dtype", *CONFIG[name].split()}


def test_a_dilated_transposed_3d_layer_keeps_its_dilation() -> None:
    layer = made("Conv3DTranspose", dilation_rate=2)
    assert L.Conv3DTranspose.from_config(layer.get_config()).dilation_rate == (2, 2, 2)


def test_weight_names_and_shapes() -> None:
    for layer, x, want in (
        (L.Conv2D(6, (3, 2), groups=2, name="a"), (1, 5, 5, 4), {"a/kernel:0": (3, 2, 2, 6), "a/bias:0": (6,)}),
        (L.Conv2DTranspose(6, (3, 2), name="b"), (1, 5, 5, 4), {"b/kernel:0": (3, 2, 6, 4), "b/bias:0": (6,)}),
        (L.DepthwiseConv1D(3, depth_multiplier=2, name="c"), (1, 5, 4),
         {"c/depthwise_kernel:0": (3, 4, 2), "c/bias:0": (8,)}),
        (L.SeparableConv2D(5, 3, depth_multiplier=2, use_bias=False, name="d"), (1, 5, 5, 4),
         {"d/depthwise_kernel:0": (3, 3, 4, 2), "d/pointwise_kernel:0": (1, 1, 8, 5)}),
    ):  # fmt: skip
        layer(np.zeros(x, "float32"))
        assert {w.name: tuple(w.shape) for w in layer.weights} == want


BAD = [
    ("Conv2D", (0, 3), {}, "strictly positive"),
    ("Conv2D", (-1, 3), {}, "strictly positive"),
    ("Conv2D", (5, 3), {"groups": 2}, "evenly divisible"),
    ("Conv2D", (4, (3, 3, 3)), {}, "`kernel_size` argument must be a tuple of 2 integers"),
    ("Conv2D", (4, 0), {}, "kernel_size"),
    ("Conv2D", (4, 2.5), {}, "kernel_size"),
    ("Conv2D", (4, 3), {"strides": 0}, "strides"),
    ("Conv2D", (4, 3), {"strides": 2, "dilation_rate": 2}, "not supported in conjunction"),
    ("Conv2D", (4, 3), {"padding": "causal"}, "Causal padding"),
    ("Conv2D", (4, 3), {"padding": "full"}, "padding"),
    ("Conv2D", (4, 3), {"data_format": "NHWC"}, "data_format"),
    ("Conv1DTranspose", (4, 3), {"padding": "causal"}, "Causal padding"),
    ("Conv2DTranspose", (4, 3), {"strides": 2, "output_padding": 2}, "greater than output padding"),
    ("Conv2DTranspose", (4, 3), {"groups": 2}, "no groups"),
    ("DepthwiseConv2D", (3,), {"depth_multiplier": 0}, "depth_multiplier"),
    ("MaxPooling2D", (), {"pool_size": 0}, "pool_size"),
    ("MaxPooling2D", (), {"padding": "causal"}, "Causal"),
    ("GlobalMaxPooling2D", (), {"data_format": "x"}, "data_format"),
    ("ZeroPadding2D", ((1, 2, 3),), {}, "2 elements"),
    ("ZeroPadding2D", (None,), {}, "should be either an int"),
    ("ZeroPadding2D", (-1,), {}, ">= 0"),
    ("Cropping3D", (((1, 2), (3,), (1, 1)),), {}, "entry 1 of cropping"),
    ("UpSampling2D", ((2, 2, 2),), {}, "size"),
]


@pytest.mark.parametrize(("name", "args", "options", "message"), BAD)
def test_bad_argument(name: str, args: tuple, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(L, name)(*args, **options)


def test_unknown_interpolation() -> None:
    with pytest.raises(NotImplementedError, match=r"cubicular.*lanczos5"):
        L.UpSampling2D(interpolation="cubicular")


@pytest.mark.parametrize("name", ["Conv2D", "SeparableConv2D", "DepthwiseConv2D", "Conv2DTranspose"])
def test_channels_must_be_known(name: str) -> None:
    with pytest.raises(ValueError, match=r"channel dimension.*should be defined"):
        made(name)(tf.keras.Input((8, 8, None)))


def test_groups_must_divide_channels() -> None:
    with pytest.raises(ValueError, match=r"groups=2, but the input has 3 channels.*\(1, 5, 5, 3\)"):
        L.Conv2D(4, 3, groups=2)(np.zeros((1, 5, 5, 3), "float32"))


@pytest.mark.parametrize("name", ["Conv2D", "SeparableConv2D", "DepthwiseConv2D", "MaxPooling2D", "AveragePooling2D"])
def test_empty_output_names_layer_and_shapes(name: str) -> None:
    arguments = {"pool_size": 4} if "Pooling" in name else {"kernel_size": 4}
    if name in ("Conv2D", "SeparableConv2D"):
        arguments["filters"] = 2
    layer = getattr(L, name)(name="small", **arguments)
    for call in (layer.compute_output_shape, lambda s: layer(np.zeros(s, "float32"))):
        with pytest.raises(ValueError, match=r"in small\..*\(1, 3, 9, 2\).*\(1, 0, [26], 2\)"):
            call((1, 3, 9, 2))
    with pytest.raises(ValueError, match=r"\(None, 3, 9, 2\).*\(None, 0, [26], 2\)"):
        layer(tf.keras.Input((3, 9, 2)))


def test_a_built_layer_checks_later_inputs_and_stays() -> None:
    layer = L.Conv2D(2, 3)
    layer(np.zeros((1, 4, 4, 2), "float32"))
    before = layer.get_weights()
    with pytest.raises(ValueError, match="<= 0 due to downsampling"):
        layer(np.zeros((1, 2, 4, 2), "float32"))
    with pytest.raises(ValueError, match="expected axis -1"):
        layer(np.zeros((1, 4, 4, 3), "float32"))
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


@pytest.mark.parametrize("name", ["Conv2DTranspose", "DepthwiseConv2D", "MaxPooling2D", "GlobalMaxPooling2D"])
def test_wrong_rank(name: str) -> None:
    for shape in ((2, 5, 5), (2, 3, 5, 5, 4)):
        with pytest.raises(ValueError, match=r"rank 4|ndim=4|min_ndim=4"):
            made(name)(np.zeros(shape, "float32"))


def test_global_pooling_of_nothing() -> None:
    with pytest.raises(ValueError, match="dimension 0 at reduction axis 1"):
        L.GlobalMaxPooling2D()(np.zeros((2, 0, 3, 1), "float32"))


def test_cropping_all_away() -> None:
    for call in (L.Cropping2D(2).compute_output_shape, lambda s: L.Cropping2D(2)(np.zeros(s, "float32"))):
        with pytest.raises(ValueError, match=r"cropping.*\(1, 4, 6, 1\).*\(0, 2\)"):
            call((1, 4, 6, 1))


def test_compute_output_shape_builds_nothing() -> None:
    layer = L.Conv2D(5, 3, strides=2, padding="same")
    assert layer.compute_output_shape((None, 9, None, 3)).as_list() == [None, 5, None, 5]
    assert not layer.built
    assert L.SeparableConv1D(5, 3, data_format="channels_first").compute_output_shape((2, 4, 8)) == (2, 5, 6)


# Masks ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_mean_of_steps_that_the_mask_keeps(layout: str, keepdims: bool) -> None:
    x = np.random.default_rng(5).normal(size=(3, 4, 2)).astype("float32")
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 1, 0]], bool)
    want = np.stack([row[m].mean(0) for row, m in zip(x, mask, strict=True)])
    axis = 1 if layout == "channels_last" else 2
    layer = L.GlobalAveragePooling1D(layout, keepdims=keepdims)
    got = layer(x if axis == 1 else x.transpose(0, 2, 1), mask=tf.constant(mask))
    np.testing.assert_allclose(got, np.expand_dims(want, axis) if keepdims else want, rtol=1e-6)


def test_mask_arrives_from_a_layer_before_and_ends() -> None:
    x = np.array([[[1.0], [3.0], [0.0]], [[2.0], [0.0], [0.0]]], "float32")
    inputs = tf.keras.Input((None, 1))
    pooled = L.GlobalAveragePooling1D()(L.Masking()(inputs))
    assert getattr(pooled, "_keras_mask", None) is None
    np.testing.assert_allclose(tf.keras.Model(inputs, pooled).predict_on_batch(x), [[2.0], [2.0]])


# Open sizes, data formats, dtypes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5", "gaussian",
                                    "mitchellcubic"])  # fmt: skip
@pytest.mark.parametrize("size", [(2, 2), (3, 1), (1, 4)])
def test_upsampling_is_resizing(method: str, size: tuple[int, int]) -> None:
    x = np.random.default_rng(6).normal(size=(2, 3, 8, 2))
    want = tf.image.resize(x, (3 * size[0], 8 * size[1]), method).numpy()
    np.testing.assert_allclose(L.UpSampling2D(size, None, method, dtype="float64")(x), want, rtol=1e-9, atol=1e-9)


def test_upsampling_keeps_16_bit_floats_and_computes_in_32() -> None:
    x = np.linspace(0, 100, 12).reshape(1, 3, 4, 1).astype("float16")
    y = L.UpSampling2D(3, interpolation="bicubic", dtype="float16")(x)
    assert y.dtype == tf.float16
    want = tf.image.resize(x.astype("float64"), (9, 12), "bicubic").numpy()
    np.testing.assert_allclose(y, want, rtol=2**-10, atol=2**-4)
    assert L.UpSampling2D(2, interpolation="bilinear")(np.ones((1, 2, 2, 1), "int32")).dtype == tf.float32
    assert L.UpSampling2D(2)(np.ones((1, 2, 2, 1), "int32")).dtype == tf.int32


def test_open_spatial_sizes_in_one_trace() -> None:
    tf.keras.utils.set_random_seed(3)
    inputs = tf.keras.Input((None, None, 2))
    x = L.ZeroPadding2D(1)(inputs)
    x = L.Conv2D(3, 3, activation="relu")(x)
    x = L.MaxPooling2D(padding="same")(x)
    x = L.Conv2DTranspose(3, 3, 2, "same", output_padding=1)(x)
    x = L.UpSampling2D(2, interpolation="bilinear")(x)
    x = L.Cropping2D(1)(x)
    x = L.SeparableConv2D(2, 3)(L.DepthwiseConv2D(2)(x))
    model = tf.keras.Model(inputs, x)
    assert model.output_shape == (None, None, None, 2)
    function = tf.function(model.__call__, input_signature=[tf.TensorSpec((None, None, None, 2))])
    for shape in ((2, 6, 8, 2), (1, 10, 7, 2), (3, 5, 5, 2)):
        x = np.random.default_rng(1).normal(size=shape).astype("float32")
        np.testing.assert_allclose(function(tf.constant(x)), model(x), rtol=1e-5, atol=1e-5)
    (concrete,) = function.concrete_functions
    assert concrete.function.compiled.host_calls == []


def test_the_global_data_format_is_the_default_of_images() -> None:
    assert tf.keras.backend.image_data_format() == "channels_last"
    tf.keras.backend.set_image_data_format("channels_first")
    try:
        assert L.Conv2D(1, 1).data_format == L.MaxPooling3D().data_format == L.Flatten().data_format == "channels_first"
        assert L.Conv1D(1, 1).data_format == L.MaxPooling1D().data_format == "channels_last"
        assert L.Conv2D(4, 2)(np.zeros((1, 3, 6, 5), "float32")).shape == (1, 4, 5, 4)
    finally:
        tf.keras.backend.set_image_data_format("channels_last")
    with pytest.raises(ValueError, match="Unknown `data_format`: NHWC"):
        tf.keras.backend.set_image_data_format("NHWC")


def test_integers_of_numpy_and_letters_of_any_case() -> None:
    layer = L.Conv2D(np.int64(3), np.int32(2), strides=[2, np.int64(1)], padding="SAME", data_format="Channels_Last")
    assert (layer.kernel_size, layer.strides, layer.padding, layer.data_format) == (
        (2, 2), (2, 1), "same", "channels_last")  # fmt: skip


# Reshaping -----------------------------------------------------------------------------------------------------------


def test_reshaping_errors() -> None:
    x = np.zeros((2, 2, 3), "float32")
    for target, message in (((5,), "total size"), ((4, -1), "total size"), ((-1, -1), "at most one unknown")):
        with pytest.raises(ValueError, match=message):
            L.Reshape(target)(x)
        with pytest.raises(ValueError, match=message):
            L.Reshape(target).compute_output_shape((2, 2, 3))
    with pytest.raises(ValueError, match="consecutive and start from 1"):
        L.Permute((0, 1))
    with pytest.raises(TypeError, match="integer value for `n`"):
        L.RepeatVector(2.0)
    with pytest.raises(ValueError, match="data_format"):
        L.Flatten("NHWC")
