"""Layers that learn from data or look up: Normalization, Discretization, encodings, hashes, vocabularies."""

import json

import numpy as np
import pytest

import eager as tf

layers = tf.keras.layers
SEED = 20240301


def data(rows=70, columns=4):
    return np.random.default_rng(SEED).normal(2, 3, (rows, columns)).astype("float32")


# Normalization --------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["array", "dataset", "generator", "list"])
def test_normalization_learns_mean_and_variance(given):
    x = data()
    layer = layers.Normalization()
    batches = {
        "array": x, "dataset": tf.data.Dataset.from_tensor_slices(x).batch(9), "list": x.tolist(),
        "generator": (x[i : i + 7] for i in range(0, 70, 7)),
    }  # fmt: skip
    layer.adapt(batches[given])
    mean, variance, count = layer.get_weights()
    np.testing.assert_allclose(mean, x.astype("float64").mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance, x.astype("float64").var(0), rtol=1e-5)
    assert count == 70 and layer.is_adapted
    np.testing.assert_allclose(layer(x).numpy(), (x - x.mean(0)) / x.std(0), atol=1e-5)


def test_normalization_of_the_documentation():
    layer = layers.Normalization(mean=3.0, variance=2.0)
    found = layer(np.array([[1.0], [2.0], [3.0]], "float32")).numpy()
    np.testing.assert_allclose(found, [[-1.4142135], [-0.70710677], [0.0]], rtol=1e-6)
    inverse = layers.Normalization(axis=-1, invert=True)
    inverse.adapt(np.array([[0.0, 7.0, 4.0], [2.0, 9.0, 6.0], [0.0, 7.0, 4.0], [2.0, 9.0, 6.0]], "float32"))
    np.testing.assert_allclose(inverse(np.array([[1.0, 2.0, 3.0]], "float32")).numpy(), [[2, 10, 8]])


def test_normalization_over_all_and_over_several_axes():
    layer = layers.Normalization(axis=None)
    layer.adapt([0, 2])
    assert layer([0, 1, 2]).numpy().tolist() == [-1, 0, 1]
    x = data(30, 6).reshape(30, 2, 3)
    layer = layers.Normalization(axis=(1, 2))
    layer.adapt(x)
    np.testing.assert_allclose(layer(x).numpy(), (x - x.mean(0)) / x.std(0), atol=1e-5)


def test_models_follow_a_second_adapt_of_normalization():
    layer = layers.Normalization(axis=None)
    layer.adapt([0, 2])
    model = tf.keras.Sequential([layer])
    assert model.predict([0, 1, 2], verbose=0).tolist() == [-1, 0, 1]
    layer.adapt([-1, 1])
    assert model.predict([0, 1, 2], verbose=0).tolist() == [0, 1, 2]


def test_a_constant_feature_divides_by_epsilon():
    layer = layers.Normalization()
    layer.adapt(np.ones((5, 1), "float32"))
    np.testing.assert_allclose(layer(np.array([[2.0]], "float32")).numpy(), [[1e7]], rtol=1e-5)


NORMALIZATION_FAULTS = {
    "one of both": (lambda: layers.Normalization(mean=1.0), "both `mean` and `variance`"),
    "axis": (lambda: layers.Normalization(axis=3)(data()), "ndim"),
    "given": (lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(data()), "static"),
    "unknown": (lambda: layers.Normalization().build((None, None)), "unknown axis"),
    "nothing": (lambda: layers.Normalization().adapt(np.zeros((0, 2), "float32")), "no data"),
    "batch size": (lambda: layers.Normalization().adapt(iter([data()]), batch_size=2), "batch_size"),
    "pairs": (lambda: layers.Normalization().adapt(iter([(data(), data())])), "one tensor per batch"),
}


@pytest.mark.parametrize("name", NORMALIZATION_FAULTS)
def test_normalization_fault(name):
    call, words = NORMALIZATION_FAULTS[name]
    with pytest.raises(ValueError, match=words):
        call()


# Discretization --------------------------------------------------------------------------------


def test_discretization_of_the_documentation():
    x = np.array([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]])
    assert layers.Discretization([0.0, 1.0, 2.0])(x).numpy().tolist() == [[0, 2, 3, 1], [1, 3, 2, 1]]
    layer = layers.Discretization(num_bins=4, epsilon=0.01)
    layer.adapt(x)
    assert layer(x).numpy().tolist() == [[0, 2, 3, 2], [1, 3, 3, 1]]


@pytest.mark.parametrize("count", [50, 5000])
def test_learnt_bins_hold_about_equally_many(count):
    x = np.random.default_rng(SEED).normal(size=(count, 1)).astype("float32")
    layer = layers.Discretization(num_bins=5, epsilon=0.01)
    layer.adapt(x)
    assert len(layer.bin_boundaries) == 4
    shares = np.bincount(layer(x).numpy().ravel(), minlength=5) / count
    assert np.all(np.abs(shares - 0.2) < 0.06)


def test_what_is_no_number_is_in_the_last_bin():
    assert layers.Discretization([0.0, 1.0])(np.array([np.nan, np.inf, -np.inf])).numpy().tolist() == [2, 2, 0]


def test_discretization_faults():
    with pytest.raises(ValueError, match="should not be set"):
        layers.Discretization([1.0], num_bins=2)
    with pytest.raises(ValueError, match="use `num_bins`"):
        layers.Discretization([1.0]).adapt(data())
    with pytest.raises(NotImplementedError, match="sparse"):
        layers.Discretization([1.0], output_mode="count", sparse=True)


# Encoding and hashing --------------------------------------------------------------------------------


def test_category_encoding_of_the_documentation():
    found = layers.CategoryEncoding(4, "one_hot")([3, 2, 0, 1]).numpy()
    assert found.tolist() == np.eye(4)[[3, 2, 0, 1]].tolist()
    x, weights = np.array([[0, 1], [0, 0], [1, 2], [3, 1]]), np.array([[0.1, 0.2], [0.1, 0.1], [0.2, 0.3], [0.2, 0.4]])
    assert layers.CategoryEncoding(4)(x).numpy().tolist() == [[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 1]]
    counted = layers.CategoryEncoding(4, "count")(x, count_weights=weights).numpy()
    np.testing.assert_allclose(counted, [[0.1, 0.2, 0, 0], [0.2, 0, 0, 0], [0, 0.2, 0.3, 0], [0, 0.4, 0, 0.2]])


def test_category_encoding_faults():
    for numbers in ([[4]], [[-1]]):
        with pytest.raises(ValueError, match="num_tokens=4"):
            layers.CategoryEncoding(4)(np.array(numbers))
    with pytest.raises(ValueError, match="must be set"):
        layers.CategoryEncoding()
    with pytest.raises(ValueError, match="count_weights"):
        layers.CategoryEncoding(4)(np.array([[1]]), count_weights=np.array([[1.0]]))
    with pytest.raises(ValueError, match="rank"):
        layers.CategoryEncoding(4)(np.zeros((2, 2, 2), int))


LETTERS = np.array([["A"], ["B"], ["C"], ["D"], ["E"]])


def test_hashing_of_the_documentation():
    assert layers.Hashing(3)(LETTERS).numpy().ravel().tolist() == [1, 0, 1, 1, 2]
    masked = layers.Hashing(3, mask_value="")(np.array([["A"], ["B"], [""], ["C"], ["D"]]))
    assert masked.numpy().ravel().tolist() == [1, 1, 0, 2, 2]
    assert layers.Hashing(3, salt=[133, 137])(LETTERS).numpy().ravel().tolist() == [1, 2, 1, 0, 2]
    assert layers.Hashing(3, salt=133)(LETTERS).numpy().ravel().tolist() == [0, 0, 2, 1, 0]


def test_hashed_crossing_of_the_documentation():
    parts = (tf.constant(["A", "B", "A", "B", "A"]), tf.constant([101, 101, 101, 102, 102]))
    assert layers.HashedCrossing(5)(parts).numpy().tolist() == [1, 4, 1, 1, 3]
    rows = layers.HashedCrossing(5, output_mode="one_hot")(parts).numpy()
    assert rows.tolist() == np.eye(5)[[1, 4, 1, 1, 3]].tolist()


def test_hashing_faults():
    with pytest.raises(ValueError, match="non-positive"):
        layers.Hashing(0)
    with pytest.raises(ValueError, match="salt"):
        layers.Hashing(3, salt="x")
    with pytest.raises(ValueError, match="equal shape"):
        layers.HashedCrossing(5)([tf.constant([1]), tf.constant([1, 2])])
    with pytest.raises(ValueError, match="at least two"):
        layers.HashedCrossing(5)([tf.constant([1])])


# Vocabularies --------------------------------------------------------------------------------

WORDS = ["a", "b", "c", "d"]
TEXT = np.array([["a", "c", "d"], ["d", "z", "b"]])


def test_string_lookup_of_the_documentation():
    layer = layers.StringLookup(vocabulary=WORDS)
    assert layer(TEXT).numpy().tolist() == [[1, 3, 4], [4, 0, 2]]
    inverse = layers.StringLookup(vocabulary=layer.get_vocabulary(), invert=True)
    assert inverse(layer(TEXT)).numpy().tolist() == [[b"a", b"c", b"d"], [b"d", b"[UNK]", b"b"]]
    many = layers.StringLookup(vocabulary=WORDS, num_oov_indices=2)
    assert many([["a", "c", "d"], ["m", "z", "b"]]).numpy().tolist() == [[2, 4, 5], [0, 1, 3]]
    weighted = layers.StringLookup(output_mode="tf_idf")
    weighted.set_vocabulary(WORDS, idf_weights=[0.25, 0.75, 0.6, 0.4])
    found = weighted([["a", "c", "d", "d"], ["d", "z", "b", "z"]]).numpy()
    np.testing.assert_allclose(found, [[0, 0.25, 0, 0.6, 0.8], [1.0, 0, 0.75, 0, 0.4]], rtol=1e-6)


def test_a_learnt_vocabulary_is_ordered_by_frequency_then_by_token_from_the_greatest():
    layer = layers.StringLookup()
    layer.adapt(np.array([["a", "c", "d"], ["d", "z", "b"]]))
    assert layer.get_vocabulary() == ["[UNK]", "d", "z", "c", "b", "a"]
    layer.adapt(np.array([["x", "y"], ["x", ""]]))
    assert layer.get_vocabulary(include_special_tokens=False) == ["x", "y", ""]
    short = layers.StringLookup(max_tokens=3, mask_token="")
    short.adapt(["b", "a", "b", "c", "", "[UNK]"])
    assert short.get_vocabulary() == ["", "[UNK]", "b"] and short.vocabulary_size() == 3


def test_mask_and_unknown_tokens_have_numbers_of_their_own():
    layer = layers.StringLookup(vocabulary=WORDS, mask_token="")
    assert layer(["", "q", "a"]).numpy().tolist() == [0, 1, 2]
    rows = layers.StringLookup(vocabulary=WORDS, mask_token="", output_mode="count")
    assert rows([["", "q", "a", "a"]]).numpy().tolist() == [[1, 2, 0, 0, 0]]
    padded = layers.StringLookup(vocabulary=WORDS, output_mode="multi_hot", max_tokens=7, pad_to_max_tokens=True)
    assert padded([["a", "d"]]).numpy().tolist() == [[0, 1, 0, 0, 1, 0, 0]]


def test_learnt_weights_are_inverse_document_frequencies():
    layer = layers.StringLookup(output_mode="tf_idf")
    layer.adapt(np.array([["a", "b", "b"], ["a", "c", "c"], ["a", "b", "d"]]))
    words, documents = layer.get_vocabulary(False), {"a": 3, "b": 2, "c": 1, "d": 1}
    weights = [np.log(1 + 3 / (1 + documents[w])) for w in words]
    np.testing.assert_allclose(layer.idf_weights.numpy(), [np.mean(weights), *weights], rtol=1e-6)
    row = layer([["b", "b", "q"]]).numpy()[0]
    assert row[1 + words.index("b")] == pytest.approx(2 * np.log(2), rel=1e-6)
    assert row[0] == pytest.approx(np.mean(weights), rel=1e-6)


def test_integer_lookup_of_the_documentation():
    layer = layers.IntegerLookup(vocabulary=[12, 36, 1138, 42])
    x = np.array([[12, 1138, 42], [42, 1000, 36]])
    assert layer(x).numpy().tolist() == [[1, 3, 4], [4, 0, 2]]
    many = layers.IntegerLookup(vocabulary=[12, 36, 1138, 42], num_oov_indices=2)
    assert many(np.array([[12, 1138, 42], [37, 1000, 36]])).numpy().tolist() == [[2, 4, 5], [1, 0, 3]]
    inverse = layers.IntegerLookup(vocabulary=layer.get_vocabulary(), invert=True)
    assert inverse(layer(x)).numpy().tolist() == [[12, 1138, 42], [42, -1, 36]]
    learnt = layers.IntegerLookup()
    learnt.adapt(np.array([[12, 1138, 42], [42, 1000, 36]]))
    assert learnt.get_vocabulary() == [-1, 42, 1138, 1000, 36, 12]


def test_integer_lookup_is_native_and_refuses_unknown_ones_where_there_is_no_place():
    layer = layers.IntegerLookup(vocabulary=[5, -3, 2**40], num_oov_indices=0)
    f = tf.function(layer)
    assert f(tf.constant([2**40, -3], tf.int64)).numpy().tolist() == [2, 1]
    assert f.concrete_functions[0].function.compiled.host_calls == []
    for call in (f, layer):
        with pytest.raises(ValueError, match="num_oov_indices=0"):
            call(tf.constant([7, 5], tf.int64))


def test_vocabulary_from_a_file_and_beside_a_saved_model(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("ä\nb c\n", encoding="utf-8")
    layer = layers.StringLookup(vocabulary=str(path))
    assert layer.get_vocabulary() == ["[UNK]", "ä", "b c"] and layer(["ä", "b c"]).numpy().tolist() == [1, 2]
    learnt, again = layers.StringLookup(mask_token=""), layers.StringLookup(mask_token="")
    learnt.adapt(["a", "b", "b"])
    learnt.save_assets(tmp_path)
    again.load_assets(tmp_path)
    assert again.get_vocabulary() == learnt.get_vocabulary() == ["", "[UNK]", "b", "a"]


def test_lookup_in_a_model_follows_a_vocabulary_set_later():
    layer = layers.StringLookup()
    inputs = tf.keras.Input((2,), dtype="string")
    model = tf.keras.Model(inputs, layer(inputs))
    with pytest.raises(RuntimeError, match="no vocabulary yet"):
        model.predict(np.array([["a", "b"]]), verbose=0)
    layer.adapt(["a", "a", "b"])
    assert model.predict(np.array([["a", "b"]]), verbose=0).tolist() == [[1, 2]]
    layer.adapt(["b", "b", "a"])
    assert model.predict(np.array([["a", "b"]]), verbose=0).tolist() == [[2, 1]]


LOOKUP_FAULTS = {
    "repeated": (lambda: layers.StringLookup(vocabulary=["a", "a"]), ValueError, "repeated"),
    "reserved": (lambda: layers.StringLookup(vocabulary=["a", ""], mask_token=""), ValueError, "reserved"),
    "too large": (lambda: layers.StringLookup(vocabulary=WORDS, max_tokens=3), ValueError, "maximum"),
    "mode": (lambda: layers.StringLookup(output_mode="x"), ValueError, "output_mode"),
    "file": (lambda: layers.StringLookup(vocabulary="/no/such/file"), ValueError, "does not exist"),
    "without": (lambda: layers.StringLookup(output_mode="count")(TEXT), RuntimeError, "vocabulary"),
    "given": (lambda: layers.StringLookup(vocabulary=WORDS).adapt(TEXT), ValueError, "static vocabulary"),
    "inverse": (lambda: layers.StringLookup(invert=True, output_mode="count"), ValueError, "invert"),
    "weights": (lambda: layers.StringLookup(vocabulary=WORDS, output_mode="tf_idf"), ValueError, "idf_weights"),
    "empty": (lambda: layers.StringLookup(vocabulary=[]), ValueError, "empty"),
    "dtype": (lambda: layers.StringLookup(vocabulary=WORDS, dtype="float32"), ValueError, "integer"),
    "padding": (lambda: layers.StringLookup(pad_to_max_tokens=True), ValueError, "max_tokens"),
    "sparse": (lambda: layers.StringLookup(output_mode="count", sparse=True), NotImplementedError, "sparse"),
    "strings": (lambda: layers.IntegerLookup(vocabulary=WORDS), ValueError, "invalid literal"),
    "unknown": (lambda: layers.StringLookup(vocabulary=WORDS, num_oov_indices=0)(["q"]), ValueError, "b'q'"),
}


@pytest.mark.parametrize("name", LOOKUP_FAULTS)
def test_lookup_fault(name):
    call, error, words = LOOKUP_FAULTS[name]
    with pytest.raises(error, match=words):
        call()


def test_a_size_that_models_rely_on_stays():
    layer = layers.StringLookup(output_mode="multi_hot")
    layer.adapt(["a", "b"])
    with pytest.raises(RuntimeError, match="cannot be changed"):
        layer.adapt(["a", "b", "c"])


def test_adapt_refuses_traces():
    layer = layers.Normalization()
    with pytest.raises(RuntimeError, match=r"tf\.function"):
        tf.function(lambda x: layer.adapt(x))(data())


@pytest.mark.parametrize("layer", [
    lambda: layers.StringLookup(vocabulary=WORDS, num_oov_indices=2, output_mode="count"),
    lambda: layers.HashedCrossing(5), lambda: layers.IntegerLookup(vocabulary=[1, 5], mask_token=0),
    lambda: layers.TextVectorization(ngrams=(1, 2), vocabulary=WORDS, output_mode="multi_hot"),
])  # fmt: skip
def test_configs_are_plain_data(layer):
    made = layer()
    config = json.loads(json.dumps(made.get_config()))
    again = type(made).from_config(config)
    assert json.dumps(again.get_config()) == json.dumps(made.get_config())
