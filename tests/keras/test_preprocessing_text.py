"""TextVectorization and the older helpers of tf.keras.preprocessing."""

import json
import random
import warnings

import numpy as np
import pytest

import eager as tf

layers = tf.keras.layers
preprocessing = tf.keras.preprocessing
TEXT = np.array(["The quick, brown fox!", "jumps over the lazy dog. The end?", "É'a\tb  c"])
PUNCTUATION = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"


def tokens_of(text, standardize, split, ngrams):
    """The tokens of one text, restated."""
    if standardize in ("lower", "lower_and_strip_punctuation"):
        text = "".join(c.lower() if c.isascii() else c for c in text)
    if standardize in ("strip_punctuation", "lower_and_strip_punctuation"):
        text = "".join(c for c in text if c not in PUNCTUATION)
    words = text.split() if split == "whitespace" else list(text)
    if ngrams is None:
        return words
    return [" ".join(words[i : i + n]) for n in ngrams for i in range(len(words) - n + 1)]


@pytest.mark.parametrize("ngrams", [None, (1, 2), (3,)])
@pytest.mark.parametrize("split", ["whitespace", "character"])
@pytest.mark.parametrize("standardize", ["lower_and_strip_punctuation", "lower", "strip_punctuation", None])
def test_text_becomes_numbers_and_counts(standardize, split, ngrams):
    rows = [tokens_of(str(t), standardize, split, ngrams) for t in TEXT]
    seen = [t for row in rows for t in row]
    ranked = sorted(set(seen), key=lambda t: (seen.count(t), t.encode()), reverse=True)[:11]
    options = {"max_tokens": 12, "standardize": standardize, "split": split, "ngrams": ngrams}
    layer = layers.TextVectorization(output_sequence_length=4, **options)
    layer.adapt(TEXT)
    assert layer.get_vocabulary() == ["", "[UNK]", *ranked[:10]]
    numbers = [[ranked.index(t) + 2 if t in ranked[:10] else 1 for t in row] for row in rows]
    assert layer(TEXT).numpy().tolist() == [(row + [0] * 4)[:4] for row in numbers]
    for mode in ("count", "multi_hot"):
        layer = layers.TextVectorization(output_mode=mode, **options)
        layer.adapt(TEXT[:, None])
        # Rows have no place for padding, so there is one for another token.
        unknown = [sum(t not in ranked for t in row) for row in rows]
        wanted = np.array([[n, *map(row.count, ranked)] for n, row in zip(unknown, rows, strict=True)])
        found = layer(TEXT[:, None]).numpy()
        assert found.tolist() == (np.minimum(wanted, 1) if mode == "multi_hot" else wanted).tolist()


def test_documented_example_and_lengths():
    layer = layers.TextVectorization(vocabulary=["earth", "wind", "and", "fire"], output_sequence_length=4)
    found = layer(np.array([["earth, Wind!"], ["fire and water and fire"]]))
    assert found.numpy().tolist() == [[2, 3, 0, 0], [5, 4, 1, 4]] and found.dtype == tf.int64
    assert layer("wind").numpy().tolist() == [3, 0, 0, 0]
    free = layers.TextVectorization(vocabulary=["a"])
    assert free(["a b a", "c"]).numpy().tolist() == [[2, 1, 2], [1, 0, 0]]
    plain = layers.TextVectorization(vocabulary=["a"], split=None, standardize=None)
    assert plain([["a", "b"]]).numpy().tolist() == [[2, 1]]
    bare = layers.TextVectorization(vocabulary=["a"], output_mode=None)
    assert bare(["A b", "c"]).numpy().tolist() == [[b"a", b"b"], [b"c", b""]]


def test_own_steps():
    layer = layers.TextVectorization(standardize=tf.strings.upper, split=lambda x: tf.strings.split(x, ","), ngrams=2)
    layer.adapt(["a,b", "b", "a,b"])
    assert layer.get_vocabulary() == ["", "[UNK]", "B", "A B", "A"]
    assert layer(["b,a,b"]).numpy().tolist() == [[2, 4, 2, 1, 3]]


def test_weights():
    layer = layers.TextVectorization(vocabulary=["a", "b"], idf_weights=[0.5, 0.7], output_mode="tf_idf")
    np.testing.assert_allclose(layer(["a b b", "c"]).numpy(), [[0, 0.5, 1.4], [0.6, 0, 0]], rtol=1e-6)


FAULTS = {
    "dtype": (lambda: layers.TextVectorization(dtype="int64"), ValueError, "string"),
    "mode": (lambda: layers.TextVectorization(output_mode="x"), ValueError, "output_mode"),
    "length": (lambda: layers.TextVectorization(output_mode="count", output_sequence_length=3), ValueError, "length"),
    "ngrams": (lambda: layers.TextVectorization(ngrams="x"), ValueError, "ngrams"),
    "standardize": (lambda: layers.TextVectorization(standardize="x"), ValueError, "standardize"),
    "rank": (lambda: layers.TextVectorization(vocabulary=["a"])([["a", "b"]]), ValueError, "rank"),
    "ragged": (lambda: layers.TextVectorization(ragged=True), NotImplementedError, "padded"),
    "numbers": (lambda: layers.TextVectorization(vocabulary=["a"])([1]), TypeError, "strings"),
    "before": (lambda: layers.TextVectorization()(["a"]), RuntimeError, "no vocabulary yet"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name):
    call, error, words = FAULTS[name]
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("length", [4, None])
def test_a_model_of_text_trains_compiled_as_it_does_eagerly(length):
    labels = np.array([1.0, 0.0, 1.0], "float32")
    losses = []
    for eagerly in (True, False):
        tf.keras.utils.set_random_seed(3)
        vectors = layers.TextVectorization(output_sequence_length=length)
        inputs = tf.keras.Input((1,), dtype="string")
        hidden = layers.GlobalAveragePooling1D()(layers.Embedding(20, 3)(vectors(inputs)))
        model = tf.keras.Model(inputs, layers.Dense(1)(hidden))
        vectors.adapt(TEXT)
        model.compile("sgd", "mse", run_eagerly=eagerly)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            losses.append(model.fit(TEXT[:, None], labels, epochs=3, verbose=0, shuffle=False).history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_in_a_dataset():
    layer = layers.TextVectorization(vocabulary=["good"], output_sequence_length=2)
    found = list(tf.data.Dataset.from_tensor_slices(["good day", "bad"]).batch(2).map(layer).as_numpy_iterator())
    assert [a.tolist() for a in found] == [[[2, 1], [1, 0]]]


# The older helpers --------------------------------------------------------------------------------


@pytest.mark.parametrize(("padding", "truncating", "expected"), [
    ("pre", "pre", [[0, 1], [2, 3], [5, 6], [0, 0]]), ("post", "pre", [[1, 0], [2, 3], [5, 6], [0, 0]]),
    ("pre", "post", [[0, 1], [2, 3], [4, 5], [0, 0]]), ("post", "post", [[1, 0], [2, 3], [4, 5], [0, 0]]),
])  # fmt: skip
def test_pad_sequences(padding, truncating, expected):
    pad = tf.keras.utils.pad_sequences
    assert pad([[1], [2, 3], [4, 5, 6], []], 2, "int32", padding, truncating).tolist() == expected
    assert pad([["a"], ["b", "c"]], dtype=object, value="z").tolist() == [["z", "a"], ["b", "c"]]
    assert pad([[[1, 2]], [[3, 4], [5, 6]]]).tolist() == [[[0, 0], [1, 2]], [[3, 4], [5, 6]]]


def test_pad_sequences_faults():
    for call in (lambda p: p([1]), lambda p: p([[1]], padding="x"), lambda p: p([["a"]], value="z"),
                 lambda p: p([[1]], truncating="x")):  # fmt: skip
        with pytest.raises(ValueError, match=r"iterable|not understood|dtype"):
            call(preprocessing.sequence.pad_sequences)


def test_skipgrams_are_the_pairs_within_the_window():
    pairs, labels = preprocessing.sequence.skipgrams([0, 1, 2, 3], 6, 1, negative_samples=0.0, shuffle=False)
    assert pairs == [[1, 2], [2, 1], [2, 3], [3, 2]] and labels == [1] * 4
    random.seed(1)
    pairs, labels = preprocessing.sequence.skipgrams([1, 2, 3], 6, 2, negative_samples=0.5, categorical=True, seed=1)
    assert labels.count([0, 1]) == 6 and labels.count([1, 0]) == 3 and len(pairs) == 9


def test_sampling_table_is_that_of_zipfs_law():
    table = preprocessing.sequence.make_sampling_table(1000, 1e-5)
    rank = 500
    frequency = 1 / (rank * (np.log(rank) + 0.577) + 0.5 - 1 / (12 * rank))
    assert table[rank] == pytest.approx(np.sqrt(1e-5 / frequency)) and np.all(np.diff(table[1:]) >= 0)


def test_timeseries_generator():
    data = np.arange(15)
    windows = preprocessing.sequence.TimeseriesGenerator(data, data * 10, 4, sampling_rate=2, batch_size=3)
    x, y = windows[0]
    assert len(windows) == 4
    assert x.tolist() == [[0, 2], [1, 3], [2, 4]] and y.tolist() == [40, 50, 60]
    assert json.loads(windows.to_json())["config"]["length"] == 4
    turned = preprocessing.sequence.TimeseriesGenerator(data, data, 3, stride=5, reverse=True)[0][0]
    assert turned.tolist() == [[2, 1, 0], [7, 6, 5], [12, 11, 10]]
    with pytest.raises(ValueError, match="disallowed"):
        preprocessing.sequence.TimeseriesGenerator(data, data, 20)


def test_tokenizer():
    texts = ["The cat sat on the mat", "the dog; the log!", "A cat"]
    tokenizer = preprocessing.text.Tokenizer(num_words=4, oov_token="?")
    tokenizer.fit_on_texts(texts)
    assert list(tokenizer.word_index)[:3] == ["?", "the", "cat"] and tokenizer.word_counts["the"] == 4
    assert tokenizer.texts_to_sequences(["the cat flew"]) == [[2, 3, 1]]
    assert tokenizer.sequences_to_texts([[2, 3, 99]]) == ["the cat ?"]
    weight = (1 + np.log(2)) * np.log(1 + 3 / (1 + 2))
    assert tokenizer.texts_to_matrix(["the the"], "tfidf")[0, 2] == pytest.approx(weight)
    assert tokenizer.texts_to_matrix(["the the cat"], "freq")[0].tolist() == [0, 0, 2 / 3, 1 / 3]
    again = preprocessing.text.tokenizer_from_json(tokenizer.to_json())
    assert again.texts_to_sequences(texts) == tokenizer.texts_to_sequences(texts)
    assert again.get_config()["word_docs"] == tokenizer.get_config()["word_docs"]
    with pytest.raises(TypeError, match="foo"):
        preprocessing.text.Tokenizer(foo=1)


def test_words_and_hashes():
    text = preprocessing.text
    assert text.text_to_word_sequence("Hello, World!  foo-bar\tx") == ["hello", "world", "foo", "bar", "x"]
    assert text.hashing_trick("a bb", 10, len) == [2, 3]
    first, second = text.hashing_trick("the the", 10, "md5")
    assert first == second == int("8fc42c6ddf9966db3b09e84365034357", 16) % 9 + 1
    assert all(1 <= n < 5 for n in text.one_hot("a b c", 5))
