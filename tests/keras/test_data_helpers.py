"""tf.keras.utils that turn arrays, folders and images into data."""

import io

import numpy as np
import pytest

import eager as tf

utils = tf.keras.utils


def values(dataset):
    return [tf.nest.map_structure(np.asarray, e) for e in dataset.as_numpy_iterator()]


def test_class_numbers_as_rows():
    assert utils.to_categorical([[2], [0]]).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert utils.to_categorical(np.array([[0, 1]]), 2, "int8").tolist() == [[[1, 0], [0, 1]]]
    assert utils.to_ordinal([0, 1, 3]).tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 1]]
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    assert utils.normalize(x).tolist() == [[0.6, 0.8], [0, 0]]
    assert utils.normalize(x, axis=0, order=1).tolist() == [[1, 1], [0, 0]]


def test_embeddings_of_known_words_stay(tmp_path):
    (tmp_path / "words").write_text("a\nb\n", encoding="utf-8")
    matrix = utils.warmstart_embedding_matrix(
        str(tmp_path / "words"), ["b", "new", "a"], np.array([[1.0, 2.0], [3.0, 4.0]]), "zeros"
    )
    assert matrix.numpy().tolist() == [[3, 4], [0, 0], [1, 2]]


def test_parts_of_a_dataset():
    left, right = utils.split_dataset(np.arange(10), left_size=0.7)
    assert values(left) == list(range(7)) and values(right) == [7, 8, 9] and len(right) == 3
    left, right = utils.split_dataset(tf.data.Dataset.range(6), right_size=2)
    assert (len(left), len(right)) == (4, 2)
    left, right = utils.split_dataset((np.arange(4), np.ones((4, 2))), 2, 1)
    assert values(right)[0][0] == 3 and left.element_spec[1] == tf.TensorSpec((2,), tf.float64)
    mixed = [values(p) for p in utils.split_dataset(np.arange(50), 25, shuffle=True, seed=3)]
    assert sorted(mixed[0] + mixed[1]) == list(range(50)) and mixed[0] != list(range(25))
    assert mixed == [values(p) for p in utils.split_dataset(np.arange(50), 25, shuffle=True, seed=3)]
    for wrong, error in ((dict(left_size=1.5), ValueError), (dict(left_size="a"), TypeError), (dict(), ValueError),
                         (dict(left_size=6, right_size=6), ValueError)):  # fmt: skip
        with pytest.raises(error):
            utils.split_dataset(np.arange(10), **wrong)


def test_windows_of_a_series():
    series = np.arange(20)
    batches = values(utils.timeseries_dataset_from_array(series, series + 100, 3, 4, 2, batch_size=2))
    assert batches[0][0].tolist() == [[0, 2, 4], [4, 6, 8]] and batches[0][1].tolist() == [100, 104]
    assert sum(len(x) for x, _ in batches) == 4
    alone = values(utils.timeseries_dataset_from_array(series, None, 5, batch_size=None, start_index=2, end_index=8))
    assert [w.tolist() for w in alone] == [[2, 3, 4, 5, 6], [3, 4, 5, 6, 7]]
    mixed = values(utils.timeseries_dataset_from_array(series, None, 2, batch_size=64, shuffle=True, seed=1))
    assert sorted(mixed[0][:, 0].tolist()) == list(range(19)) != mixed[0][:, 0].tolist()
    with pytest.raises(ValueError, match="sampling_rate"):
        utils.timeseries_dataset_from_array(series, None, 2, sampling_rate=0)
    with pytest.raises(ValueError, match="lower than"):
        utils.timeseries_dataset_from_array(series, None, 2, start_index=5, end_index=4)


@pytest.fixture
def texts(tmp_path):
    for folder, count in (("bad", 3), ("good", 5)):
        (tmp_path / folder).mkdir()
        for i in range(count):
            (tmp_path / folder / f"{i}.txt").write_text(f"{folder} {i}", encoding="utf-8")
    return tmp_path


def test_texts_in_folders(texts, capsys):
    dataset = utils.text_dataset_from_directory(texts, batch_size=4, shuffle=False, max_length=3)
    assert "Found 8 files belonging to 2 classes." in capsys.readouterr().out
    (words, labels), (_, rest) = values(dataset)
    assert words.tolist() == [b"bad"] * 3 + [b"goo"] and labels.tolist() == [0, 0, 0, 1] and rest.tolist() == [1] * 4
    assert dataset.class_names == ["bad", "good"] and dataset.file_paths[0].endswith("0.txt")
    train, held_out = utils.text_dataset_from_directory(
        texts, label_mode="categorical", validation_split=0.25, subset="both", seed=1, batch_size=None
    )
    assert [len(train), len(held_out)] == [6, 2] and not set(train.file_paths) & set(held_out.file_paths)
    assert values(held_out)[0][1].shape == (2,)
    one = utils.text_dataset_from_directory(texts, labels=None, label_mode=None, batch_size=8)
    assert sorted(values(one)[0].tolist())[0] == b"bad 0"
    binary = values(utils.text_dataset_from_directory(texts, label_mode="binary", shuffle=False))[0][1]
    assert binary.shape == (8, 1) and binary.dtype == np.float32


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(labels="guess"), "`labels`"),
        (dict(label_mode="many"), "`label_mode`"),
        (dict(validation_split=0.2), "subset"),
        (dict(validation_split=0.2, subset="training"), "seed"),
        (dict(class_names=["good"]), "class_names"),
        (dict(labels=[1, 2]), "2 labels for 8 files"),
    ],
)
def test_arguments_that_do_not_fit(texts, options, words):
    with pytest.raises(ValueError, match=words):
        utils.text_dataset_from_directory(texts, **options)


def test_a_folder_without_files(tmp_path):
    with pytest.raises(ValueError, match="No files found"):
        utils.text_dataset_from_directory(tmp_path)
    with pytest.raises(NotADirectoryError, match="nowhere"):
        utils.text_dataset_from_directory(tmp_path / "nowhere")


def test_images_in_files_and_folders(tmp_path):
    pytest.importorskip("PIL")
    for folder, shade in (("dark", 10), ("light", 240)):
        (tmp_path / folder).mkdir()
        for i in range(2):
            utils.save_img(tmp_path / folder / f"{i}.png", np.full((4, 6, 3), shade + i), scale=False)
    one = utils.img_to_array(utils.load_img(tmp_path / "dark" / "1.png"))
    assert one.shape == (4, 6, 3) and one.dtype == np.float32 and (one == 11).all()
    assert utils.img_to_array(utils.load_img(tmp_path / "dark" / "0.png", True, target_size=(2, 2))).shape == (2, 2, 1)
    assert utils.img_to_array(one[..., 0], "channels_first").shape == (1, 4, 6)
    dataset = utils.image_dataset_from_directory(tmp_path, image_size=(2, 3), batch_size=3, shuffle=False)
    (images, labels), _ = values(dataset)
    assert images.shape == (3, 2, 3, 3) and labels.tolist() == [0, 0, 1] and images[2].max() == 240
    square = utils.image_dataset_from_directory(
        tmp_path, color_mode="grayscale", image_size=(4, 4), crop_to_aspect_ratio=True, label_mode=None, batch_size=None
    )
    assert square.element_spec == tf.TensorSpec((4, 4, 1), tf.float32)
    stretched = np.asarray(utils.array_to_img(np.array([[[0.0], [1.0]]])))
    assert stretched.tolist() == [[0, 255]]
    buffer = io.BytesIO()
    utils.save_img(buffer, np.zeros((2, 2, 4)), file_format="png")
    assert utils.load_img(io.BytesIO(buffer.getvalue()), color_mode="rgba").mode == "RGBA"
    for wrong in (lambda: utils.array_to_img(np.zeros((2, 2))), lambda: utils.load_img(buffer, color_mode="cmyk")):
        with pytest.raises(ValueError, match=r"rank 3|color_mode"):
            wrong()


def test_the_inputs_behind_a_symbolic_tensor():
    a, b = tf.keras.Input((2,)), tf.keras.Input((2,))
    both = tf.keras.layers.Add()([a, tf.keras.layers.Dense(2)(b) * 2])
    assert {id(t) for t in utils.get_source_inputs(both)} == {id(a), id(b)}
