"""tf.keras.applications: published sizes, names and wiring, running eagerly and compiled, training, preprocessing.

A convolution, its normalisation and the rest are tested layer by layer elsewhere; here it is the networks that count.
"""

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.errors import UnsupportedError
from eager.keras import applications, backend, initializers
from tests.helpers.check_layer import only_trace

SEED = 20240607
# Parameters as the documentation of tf.keras.applications and the papers give them, and the number of layers.
PUBLISHED = {
    "MobileNet": (4_253_864, 91), "MobileNetV2": (3_538_984, 156), "VGG16": (138_357_544, 23),
    "VGG19": (143_667_240, 26), "ResNet50": (25_636_712, 177), "ResNet101": (44_707_176, 347),
    "ResNet152": (60_419_944, 517), "ResNet50V2": (25_613_800, 192), "ResNet101V2": (44_675_560, 379),
    "ResNet152V2": (60_380_648, 566), "DenseNet121": (8_062_504, 429), "DenseNet169": (14_307_880, 597),
    "DenseNet201": (20_242_984, 709), "EfficientNetB0": (5_330_571, 240), "EfficientNetB1": (7_856_239, 342),
    "EfficientNetB2": (9_177_569, 342), "EfficientNetB3": (12_320_535, 387), "EfficientNetB4": (19_466_823, 477),
    "EfficientNetB5": (30_562_527, 579), "EfficientNetB6": (43_265_143, 669), "EfficientNetB7": (66_658_687, 816),
}  # fmt: skip
SIZES = {"B1": 240, "B2": 260, "B3": 300, "B4": 380, "B5": 456, "B6": 528, "B7": 600}
FAMILIES = ["MobileNet", "MobileNetV2", "VGG16", "ResNet50", "ResNet50V2", "DenseNet121", "EfficientNetB0"]


@pytest.fixture(autouse=True)
def _fresh_names() -> Any:
    backend.clear_session()
    yield
    backend.set_image_data_format("channels_last")


@pytest.fixture
def _no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels start as zeros, which cost no time, where only names and shapes are looked at."""

    def zeros(_: Any, shape: Any, dtype: Any = None, **__: Any) -> Any:
        return tf.constant(np.zeros(shape, np.float32))

    monkeypatch.setattr(initializers.VarianceScaling, "__call__", zeros)


def make(name: str, **options: Any) -> Any:
    return getattr(applications, name)(**{"weights": None, **options})


def given_weights(model: Any) -> Any:
    """The model with drawn weights that keep the size of features, so that its output depends on all of them."""
    rng = np.random.default_rng(SEED)
    values: list[Any] = []
    for w in model.weights:
        shape = tuple(w.shape)
        if w.dtype.is_integer:
            values.append(np.zeros(shape, np.int64))
        elif w.name.endswith(("gamma:0", "variance:0")):
            values.append(rng.uniform(0.5, 1.0, shape))
        elif len(shape) < 2:
            values.append(rng.normal(0.0, 0.1, shape))
        else:
            fan = np.prod(shape[:-2] if "depthwise" in w.name else shape[:-1])
            values.append(rng.normal(0.0, np.sqrt(2 / fan), shape))
    model.set_weights(values)
    return model


def images(count: int, side: int = 32) -> Any:
    return np.random.default_rng(SEED).uniform(0.0, 1.0, (count, side, side, 3)).astype(np.float32)


# Structure ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_no_drawing")
@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_layers_are_the_published_ones(name: str) -> None:
    model = make(name)
    side = SIZES.get(name[-2:], 224) if name.startswith("Efficient") else 224
    assert (model.count_params(), len(model.layers)) == PUBLISHED[name]
    assert (model.input_shape, model.output_shape) == ((None, side, side, 3), (None, 1000))
    versions = {"MobileNet": "mobilenet_1.00_224", "MobileNetV2": "mobilenetv2_1.00_224"}
    assert model.name == versions.get(name, name.lower())


def wiring(model: Any, start: str, stop: str) -> list[str]:
    """`layer <- inputs` for the layers between two names."""
    names = [layer.name for layer in model.layers]
    found: list[str] = []
    for layer in model.layers[names.index(start) : names.index(stop) + 1]:
        sources = [t._keras_history[0].name for n in layer._inbound_nodes for t in n.keras_inputs]
        found.append(f"{layer.name} <- {', '.join(sources)}")
    return found


@pytest.mark.usefixtures("_no_drawing")
def test_a_block_of_each_family_is_wired_as_published() -> None:
    residual = wiring(make("ResNet50", input_shape=(64, 64, 3)), "conv3_block1_2_relu", "conv3_block1_out")
    assert residual == [
        "conv3_block1_2_relu <- conv3_block1_2_bn", "conv3_block1_0_conv <- conv2_block3_out",
        "conv3_block1_3_conv <- conv3_block1_2_relu", "conv3_block1_0_bn <- conv3_block1_0_conv",
        "conv3_block1_3_bn <- conv3_block1_3_conv", "conv3_block1_add <- conv3_block1_0_bn, conv3_block1_3_bn",
        "conv3_block1_out <- conv3_block1_add",
    ]  # fmt: skip
    active = wiring(make("ResNet50V2", input_shape=(64, 64, 3)), "conv2_block3_2_relu", "conv3_block1_preact_bn")
    assert active == [
        "conv2_block3_2_relu <- conv2_block3_2_bn", "max_pooling2d <- conv2_block2_out",
        "conv2_block3_3_conv <- conv2_block3_2_relu", "conv2_block3_out <- max_pooling2d, conv2_block3_3_conv",
        "conv3_block1_preact_bn <- conv2_block3_out",
    ]  # fmt: skip
    inverted = wiring(make("MobileNetV2", input_shape=(96, 96, 3)), "block_1_project_BN", "block_2_add")
    assert (inverted[0], inverted[-1]) == (
        "block_1_project_BN <- block_1_project", "block_2_add <- block_1_project_BN, block_2_project_BN"
    )  # fmt: skip
    squeezed = wiring(make("EfficientNetB0"), "block2b_activation", "block2b_add")
    assert [line.removeprefix("block2b_") for line in squeezed] == [
        "activation <- block2b_bn", "se_squeeze <- block2b_activation", "se_reshape <- block2b_se_squeeze",
        "se_reduce <- block2b_se_reshape", "se_expand <- block2b_se_reduce",
        "se_excite <- block2b_activation, block2b_se_expand", "project_conv <- block2b_se_excite",
        "project_bn <- block2b_project_conv", "drop <- block2b_project_bn", "add <- block2b_drop, block2a_project_bn",
    ]  # fmt: skip
    dense = wiring(make("DenseNet121"), "conv2_block6_concat", "pool2_pool")
    assert dense == [
        "conv2_block6_concat <- conv2_block5_concat, conv2_block6_2_conv", "pool2_bn <- conv2_block6_concat",
        "pool2_relu <- pool2_bn", "pool2_conv <- pool2_relu", "pool2_pool <- pool2_conv",
    ]  # fmt: skip


@pytest.mark.usefixtures("_no_drawing")
def test_weights_come_layer_by_layer_under_the_published_names() -> None:
    model = make("MobileNetV2")
    assert [(w.name, tuple(w.shape)) for w in model.weights][:7] == [
        ("Conv1/kernel:0", (3, 3, 3, 32)), ("bn_Conv1/gamma:0", (32,)), ("bn_Conv1/beta:0", (32,)),
        ("bn_Conv1/moving_mean:0", (32,)), ("bn_Conv1/moving_variance:0", (32,)),
        ("expanded_conv_depthwise/depthwise_kernel:0", (3, 3, 32, 1)), ("expanded_conv_depthwise_BN/gamma:0", (32,)),
    ]  # fmt: skip
    assert len(model.weights) == 262
    assert [w.name for w in model.weights][-2:] == ["predictions/kernel:0", "predictions/bias:0"]
    assert sum(int(np.prod(w.shape)) for w in model.non_trainable_weights) == 34_112


@pytest.mark.usefixtures("_no_drawing")
@pytest.mark.parametrize(
    ("name", "alpha", "count"),
    [("MobileNetV2", 0.35, 1_691_208), ("MobileNetV2", 0.5, 1_987_224), ("MobileNetV2", 0.75, 2_663_064),
     ("MobileNetV2", 1.3, 5_431_048), ("MobileNetV2", 1.4, 6_156_712), ("MobileNet", 0.25, 475_544),
     ("MobileNet", 0.5, 1_342_536), ("MobileNet", 0.75, 2_601_976)],
)  # fmt: skip
def test_the_width_of_mobile_nets(name: str, alpha: float, count: int) -> None:
    model = make(name, alpha=alpha, input_shape=(96, 96, 3))
    assert model.count_params() == count
    assert model.name == f"{name.lower()}_{alpha:.2f}_96"


@pytest.mark.usefixtures("_no_drawing")
@pytest.mark.parametrize("name", FAMILIES)
def test_without_the_classifier(name: str) -> None:
    deep = {"VGG16": 512, "ResNet50": 2048, "ResNet50V2": 2048, "MobileNet": 1024, "DenseNet121": 1024}.get(name, 1280)
    assert make(name, include_top=False).output_shape == (None, None, None, deep)
    pooling, kind = ("max", "GlobalMaxPooling2D") if "Net50" in name else ("avg", "GlobalAveragePooling2D")
    model = make(name, include_top=False, pooling=pooling, input_shape=(65, 47, 3))
    assert (model.input_shape, model.output_shape) == ((None, 65, 47, 3), (None, deep))
    assert type(model.layers[-1]).__name__ == kind


@pytest.mark.usefixtures("_no_drawing")
def test_a_model_inside_a_model() -> None:
    x = tf.keras.Input((64, 64, 3), name="photo")
    base = make("MobileNetV2", input_tensor=x * 2.0, include_top=False, alpha=0.35, pooling="avg")
    assert base.input.name == "photo"
    assert base.layers[1].name != "Conv1"
    features = make("ResNet50", include_top=False, pooling="avg", input_shape=(64, 64, 3))
    model = tf.keras.Model(x, tf.keras.layers.Dense(3)(features(x)))
    assert model.output_shape == (None, 3)
    features.trainable = False
    assert len(model.trainable_weights) == 2


@pytest.mark.usefixtures("_no_drawing")
def test_channels_first() -> None:
    backend.set_image_data_format("channels_first")
    for name in ("MobileNetV2", "ResNet50", "EfficientNetB0"):
        model = make(name)
        assert model.input_shape == (None, 3, 224, 224)
        assert model.count_params() == PUBLISHED[name][0]


@pytest.mark.usefixtures("_no_drawing")
@pytest.mark.parametrize("name", FAMILIES)
def test_a_config_makes_the_same_network(name: str) -> None:
    model = make(name, input_shape=(32, 32, 3), classes=5)
    other = tf.keras.Model.from_config(json.loads(json.dumps(model.get_config())))
    assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    assert [(w.name, w.shape) for w in other.weights] == [(w.name, w.shape) for w in model.weights]
    assert json.dumps(other.get_config()) == json.dumps(model.get_config())  # a tuple is a list in JSON


# Arguments ------------------------------------------------------------------------------------------------------------


def test_signatures() -> None:
    usual = "include_top weights input_tensor input_shape pooling classes classifier_activation"
    expected = {
        "VGG16": usual, "VGG19": usual, "DenseNet121": usual, "ResNet50V2": usual,
        "ResNet50": usual.replace("classifier_activation", "kwargs"), "EfficientNetB0": usual + " kwargs",
        "MobileNetV2": "input_shape alpha include_top weights input_tensor pooling classes "
        "classifier_activation kwargs",
        "MobileNet": "input_shape alpha depth_multiplier dropout include_top weights input_tensor pooling classes "
        "classifier_activation kwargs",
    }  # fmt: skip
    for name, parameters in expected.items():
        constructor = getattr(applications, name)
        assert " ".join(inspect.signature(constructor).parameters) == parameters
        assert constructor.__name__ == name
        assert "UnsupportedError" in constructor.__doc__


@pytest.mark.parametrize("name", FAMILIES)
def test_wrong_arguments(name: str) -> None:
    constructor = getattr(applications, name)
    with pytest.raises(UnsupportedError, match=r"downloads nothing.*weights=path"):
        constructor()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"weights": "nowhere.h5"}, "path to the weights file"),
        ({"weights": None, "input_shape": (16, 16, 3)}, "at least 32x32"),
        ({"weights": None, "input_shape": (64, 3)}, "tuple of three integers"),
        ({"weights": None, "input_shape": (None, None, 3)}, "static `input_shape`"),
        ({"weights": None, "include_top": False, "pooling": "mean"}, "pooling"),
    ]
    for options, message in cases:
        with pytest.raises(ValueError, match=message):
            constructor(**options)
    with pytest.raises((TypeError, ValueError), match="foo"):
        constructor(weights=None, foo=3)
    with pytest.raises(ValueError, match="do not meet"):
        constructor(weights=None, input_tensor=tf.keras.Input((64, 64, 3)), input_shape=(96, 96, 3))


# Running --------------------------------------------------------------------------------------------------------------


def check_inference(name: str, **options: Any) -> None:
    """Compiled with an open batch: what eager gives, for two batch sizes with one trace and no call back to Python."""
    model = given_weights(make(name, input_shape=(32, 32, 3), classes=7, classifier_activation=None, **options))
    for count in (3, 1):
        eagerly = model(images(count), training=False).numpy()
        assert np.ptp(eagerly) > 1e-3
        scale = np.abs(eagerly).max()
        np.testing.assert_allclose(model.predict(images(count), verbose=0), eagerly, rtol=1e-4, atol=2e-5 * scale)
    assert only_trace(model.predict_function.step).function.compiled.host_calls == []


def check_training(name: str, **options: Any) -> None:
    """Native steps change what has a gradient, and running averages; one trace serves batches of two sizes."""
    model = given_weights(make(name, input_shape=(32, 32, 3), classes=4, **options))
    model.compile(tf.keras.optimizers.SGD(1e-3), "sparse_categorical_crossentropy")
    before = model.get_weights()
    history = model.fit(images(5), np.arange(5) % 4, batch_size=4, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    changed = {w.name: not np.array_equal(w.numpy(), old) for w, old in zip(model.weights, before, strict=True)}
    # Constants that a later normalisation takes away again (biases, betas before a convolution) need not change.
    steady = [n for n in changed if not changed[n] and n.endswith(("kernel:0", "gamma:0", "moving_mean:0"))]
    assert steady == []
    assert changed["predictions/bias:0"]
    trace = only_trace(model.train_function.step)
    assert trace.function.compiled.host_calls == []


@pytest.mark.parametrize("name", ["MobileNet", "MobileNetV2"])
def test_mobile_nets_run_compiled(name: str) -> None:
    check_inference(name, alpha=0.35)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ResNet50", "DenseNet121", "EfficientNetB0"])
def test_large_networks_run_compiled(name: str) -> None:
    check_inference(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50", "EfficientNetB0"])
def test_networks_train_compiled(name: str) -> None:
    check_training(name, **({"alpha": 0.35} if name.startswith("Mobile") else {}))


# Images and classes ---------------------------------------------------------------------------------------------------

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MODES = {
    "caffe": lambda x: x[..., ::-1] - np.array([103.939, 116.779, 123.68]),
    "tf": lambda x: x / 127.5 - 1.0,
    "torch": lambda x: (x / 255.0 - MEAN) / DEVIATION,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(4, 5, 3), (2, 4, 5, 3)])
def test_preprocessing(mode: str, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(SEED).integers(0, 256, shape)
    expected = MODES[mode](pixels.astype(np.float64))
    scale = applications.imagenet_utils.preprocess_input
    for kind in (np.uint8, np.int64, np.float32, np.float64):
        x = pixels.astype(kind)
        found = scale(x, mode=mode)
        assert isinstance(found, np.ndarray)
        assert found.dtype == (np.float64 if kind is np.float64 else np.float32)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
        np.testing.assert_array_equal(x, pixels)  # left as it was
        tensor = scale(tf.constant(x), mode=mode)
        assert isinstance(tensor, tf.Tensor)
        np.testing.assert_allclose(tensor, expected, rtol=1e-5, atol=1e-4)
    first = scale(np.moveaxis(pixels, -1, -3).astype(np.float32), "channels_first", mode)
    np.testing.assert_allclose(np.moveaxis(first, -3, -1), expected, rtol=1e-5, atol=1e-4)
    inputs = tf.keras.Input((4, 5, 3))
    model = tf.keras.Model(inputs, scale(inputs, mode=mode))
    np.testing.assert_allclose(model(pixels.reshape(-1, 4, 5, 3)[:1]), expected.reshape(-1, 4, 5, 3)[:1], atol=1e-4)


def test_each_family_has_its_preprocessing() -> None:
    x = np.full((2, 2, 3), 51.0, np.float32)
    modes = {
        "mobilenet": "tf", "mobilenet_v2": "tf", "resnet_v2": "tf", "resnet": "caffe", "resnet50": "caffe",
        "vgg16": "caffe", "vgg19": "caffe", "densenet": "torch",
    }  # fmt: skip
    for module, mode in modes.items():
        found = getattr(applications, module).preprocess_input(x)
        np.testing.assert_allclose(found, MODES[mode](x.astype(np.float64)), rtol=1e-5, atol=1e-5)
    assert applications.efficientnet.preprocess_input(x) is x
    with pytest.raises(ValueError, match="mode"):
        applications.imagenet_utils.preprocess_input(x, mode="keras")
    with pytest.raises(ValueError, match="data_format"):
        applications.vgg16.preprocess_input(x, data_format="NHWC")


def test_decoding(tmp_path: Path) -> None:
    index = {str(i): [f"n{i:08}", f"animal_{i}"] for i in range(4)}
    (tmp_path / "index.json").write_text(json.dumps(index))
    rows = np.array([[0.1, 0.6, 0.25, 0.05], [0.4, 0.1, 0.2, 0.3]])
    decode = applications.resnet50.decode_predictions
    for source in (index, tmp_path / "index.json"):
        assert decode(rows, top=2, class_index=source) == [
            [("n00000001", "animal_1", 0.6), ("n00000002", "animal_2", 0.25)],
            [("n00000000", "animal_0", 0.4), ("n00000003", "animal_3", 0.3)],
        ]
    with pytest.raises(UnsupportedError, match=r"nothing is downloaded.*class_index=path"):
        decode(rows)
    with pytest.raises(ValueError, match=r"\(samples, 4\)"):
        decode(rows[:, :3], class_index=index)
