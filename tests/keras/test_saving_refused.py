"""Files that loading refuses, each for one reason; nothing in a file is ever run, and no limit is passed unseen."""

import io
import json
import pickle
import struct
import sys
import zipfile

import numpy as np
import pytest

import eager as tf
from eager.keras.saving.limits import UnsafeFileError, limits, set_limits

h5py = pytest.importorskip("h5py")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The members of a good `.keras` file."""
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, name="only", input_shape=(3,))])
    path = tmp_path_factory.mktemp("good") / "m.keras"
    model.save(path)
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.fixture
def limited():
    """Sets limits for one test."""
    before = limits()
    yield set_limits
    set_limits(**before._asdict())


def pack(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items() if isinstance(members, dict) else members:
            file.writestr(name, data)
    return path


def refused(path, words):
    with pytest.raises(UnsafeFileError, match=words):
        tf.keras.models.load_model(path)


def changed(config, change):
    data = json.loads(config)
    change(data)
    return json.dumps(data).encode()


# ZIP ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "assets/../../evil", "C:/evil", "assets\\..\\evil"])
def test_members_outside_of_the_archive(tmp_path, good, name):
    if "\\" in name:
        # zipfile replaces backslashes on some systems while writing: the raw bytes are changed instead.
        path = pack(tmp_path / "m.keras", good | {name.replace("\\", "?"): b"x"})
        path.write_bytes(path.read_bytes().replace(name.replace("\\", "?").encode(), name.encode()))
    else:
        path = pack(tmp_path / "m.keras", good | {name: b"x"})
    refused(path, "outside")
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_doubled_members(tmp_path, good):
    refused(pack(tmp_path / "m.keras", [*good.items(), ("config.json", b"{}")]), "twice")


def test_links(tmp_path, good):
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = 0o120777 << 16
    refused(pack(tmp_path / "m.keras", [*good.items(), (link, b"/etc/passwd")]), "link")


def test_unusual_compression_and_encryption(tmp_path, good):
    refused(pack(tmp_path / "m.keras", good, zipfile.ZIP_BZIP2), "compressed in an unusual way")
    path = pack(tmp_path / "n.keras", good)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)
    refused(path, "encrypted")


def test_expansion(tmp_path, good):
    refused(pack(tmp_path / "m.keras", good | {"assets/x": bytes(8 << 20)}, zipfile.ZIP_DEFLATED), "expansion")
    tf.keras.models.load_model(pack(tmp_path / "n.keras", good, zipfile.ZIP_DEFLATED))


def test_sizes_that_the_list_of_members_hides(tmp_path, good):
    path = pack(tmp_path / "m.keras", good)
    data = bytearray(path.read_bytes())
    for offset, start in ((22, b"PK\x03\x04"), (24, b"PK\x01\x02")):
        at = data.rindex(start, 0, data.index(b"config.json", 0 if offset == 22 else data.index(b"PK\x01\x02")))
        struct.pack_into("<I", data, at + offset, 10)
    path.write_bytes(data)
    with pytest.raises(UnsafeFileError, match="Refused"):
        tf.keras.models.load_model(path)


@pytest.mark.parametrize(
    ("limit", "value"),
    [("file_bytes", 100), ("members", 2), ("total_bytes", 1000), ("json_bytes", 50), ("json_depth", 3)],
)
def test_limits_of_keras_files(tmp_path, good, limited, limit, value):
    path = pack(tmp_path / "m.keras", good)
    limited(**{limit: value})
    refused(path, limit)


def test_files_that_are_no_models(tmp_path, good):
    (tmp_path / "text.keras").write_text("hello")
    refused(tmp_path / "text.keras", "no valid HDF5 file")
    (tmp_path / "cut.keras").write_bytes(pack(tmp_path / "m.keras", good).read_bytes()[:-200])
    refused(tmp_path / "cut.keras", "Refused")
    refused(pack(tmp_path / "x.keras", {"metadata.json": b"{}"}), "no member 'config.json'")
    without = {k: v for k, v in good.items() if k != "model.weights.h5"}
    refused(pack(tmp_path / "y.keras", without), r"no member 'model\.weights\.h5'")
    flipped = bytearray(pack(tmp_path / "z.keras", good).read_bytes())
    flipped[flipped.index(b'"class_name"') + 3] ^= 1
    (tmp_path / "z.keras").write_bytes(flipped)
    refused(tmp_path / "z.keras", "damaged")


# JSON ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[" * 5000 + b"]" * 5000, "json_depth"), (b'{"a": 1, "a": 2}', "twice"), (b"{", "no valid JSON"),
        (b"[]", "no object"), (b"\xff\xfe", "no valid JSON"),
        (b'{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense"}]}}', "Refused|required"),
    ],
)  # fmt: skip
def test_configs_of_another_form(tmp_path, good, text, words):
    path = pack(tmp_path / "m.keras", good | {"config.json": text})
    with pytest.raises((UnsafeFileError, TypeError), match=words):
        tf.keras.models.load_model(path)


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("keras.utils", "get_file"),
     ("keras.src.saving", "load_model"), ("eager.keras.layers", "registry"), ("keras.layers", "deserialize")],
)  # fmt: skip
def test_nothing_is_imported_or_called_by_name(tmp_path, good, module, name):
    def evil(data):
        layer = data["config"]["layers"][1]
        layer.update(module=module, class_name=name, registered_name=name, config={"command": "touch evil"})

    path = pack(tmp_path / "m.keras", good | {"config.json": changed(good["config.json"], evil)})
    before = set(sys.modules)
    with pytest.raises(TypeError, match="Could not locate class"):
        tf.keras.models.load_model(path)
    assert not {"this", "antigravity"} & (set(sys.modules) - before)


@pytest.mark.parametrize("name", ["os.system", "system", "eval", "exec", "open", "__import__"])
def test_functions_come_from_the_table_only(tmp_path, good, name):
    def evil(data):
        function = {"module": "os", "class_name": "function", "config": name, "registered_name": name}
        data["config"]["layers"][1]["config"]["activation"] = function

    path = pack(tmp_path / "m.keras", good | {"config.json": changed(good["config.json"], evil)})
    with pytest.raises(TypeError, match="Could not locate function"):
        tf.keras.models.load_model(path)


def test_functional_configs_that_refer_to_nothing():
    x = tf.keras.Input((3,), name="x")
    model = tf.keras.Model(x, tf.keras.layers.Dense(2, name="d")(x))
    config = model.get_config()
    for end in (["absent", 0, 0], ["d", 5, 0], ["d", 0, 4], ["d", -1, 0]):
        with pytest.raises(ValueError, match="refers to"):
            tf.keras.Model.from_config(config | {"output_layers": end})
    with pytest.raises(ValueError, match="two layers"):
        tf.keras.Model.from_config(config | {"layers": [*config["layers"], config["layers"][-1]]})


# HDF5 ---------------------------------------------------------------------------------------------------------------


def h5_file(path, change):
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((3, 2), "float32")
        file["layers/dense/vars/1"] = np.zeros(2, "float32")
        change(file)
    return path


def virtual(file):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (3,))
    file.create_virtual_dataset("layers/v", layout)


def external(file):
    file.create_dataset("layers/e", (3,), "u1", external=[("/etc/hostname", 0, 3)])


def cycle(file):
    file["layers/again"] = file["layers"]


def deep(file):
    file.create_group("/".join("d" * 100))


def soft(file):
    file["layers/soft"] = h5py.SoftLink("/layers/dense")


def elsewhere(file):
    file["layers/out"] = h5py.ExternalLink("/etc/hostname", "/")


def sparse(file):
    file.create_dataset("layers/big", (1 << 30,), "f4", chunks=(1 << 20,))


def zipped(file):
    file.create_dataset("layers/zeros", data=np.zeros(1 << 22, "f4"), compression="gzip", compression_opts=9)


def named(file):
    file["layers/type"] = np.dtype("f4")


def empty(file):
    file["layers/none"] = h5py.Empty("f4")


@pytest.mark.parametrize(
    ("change", "words"),
    [(virtual, "other files"), (external, "other files"), (cycle, "linked twice"), (deep, "group_depth"),
     (soft, "SoftLink"), (elsewhere, "ExternalLink"), (sparse, "expansion"), (zipped, "expansion"),
     (named, "neither a group nor an array"), (empty, "no shape")],
)  # fmt: skip
def test_links_and_storage_of_hdf5_files(tmp_path, change, words):
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
    for name in ("w.weights.h5", "w.h5"):
        with pytest.raises(UnsafeFileError, match=words):
            model.load_weights(h5_file(tmp_path / name, change))
    with zipfile.ZipFile(pack(tmp_path / "m.keras", {})):
        model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as file:
        members = {n: file.read(n) for n in file.namelist()}
    data = h5_file(tmp_path / "inner.h5", change).read_bytes()
    refused(pack(tmp_path / "m.keras", members | {"model.weights.h5": data}), words)


@pytest.mark.parametrize("limit", ["members", "array_bytes", "total_bytes", "file_bytes"])
def test_limits_of_hdf5_files(tmp_path, limited, limit):
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
    model.save_weights(tmp_path / "w.weights.h5")
    limited(**{limit: 3})
    with pytest.raises(UnsafeFileError, match=limit):
        model.load_weights(tmp_path / "w.weights.h5")


def test_arrays_of_other_things(tmp_path):
    def strings(file):
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = ["a", "b"]

    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
    with pytest.raises(ValueError, match="only numbers"):
        model.load_weights(h5_file(tmp_path / "w.weights.h5", strings))


def test_older_h5_files_that_lead_outside(tmp_path):
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, name="d", input_shape=(3,))])
    path = tmp_path / "w.h5"
    for names in ([b"../x"], [b"/x"], [b"absent"]):
        model.save_weights(path)
        with h5py.File(path, "r+") as file:
            file["d"].attrs["weight_names"] = np.array(names)
        with pytest.raises(UnsafeFileError, match=r"lead outside|does not have"):
            model.load_weights(path)


# npz and safetensors ------------------------------------------------------------------------------------------------


def npy(shape, dtype="<f4", data=b""):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue() + data


class Bomb:
    def __reduce__(self):
        return (print, ("unpickled",))


def objects():
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([Bomb()], dtype=object), allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [(objects(), "only numbers"), (pickle.dumps([1]), "no array in npy format"), (npy((1 << 40,)), "has 0 bytes"),
     (npy((2,), data=b"x" * 9), "has 9 bytes"), (npy((2,), [["a", "<f4"]], b"x" * 8), "no array|only numbers"),
     (b"\x93NUMPY\x01\x00\x10\x00{'a': __import__}", "no array"), (b"", "no array"), (npy((-1,)), "says shape")],
)  # fmt: skip
def test_npz_members(tmp_path, data, words, capsys):
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
    pack(tmp_path / "w.npz", {"layers/dense/vars/0.npy": data})
    with pytest.raises(UnsafeFileError, match=words):
        model.load_weights(tmp_path / "w.npz")
    assert capsys.readouterr().out == ""


def test_limits_of_npz_files(tmp_path, limited):
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
    model.save_weights(tmp_path / "w.npz")
    limited(array_bytes=10)
    with pytest.raises(UnsafeFileError, match="array_bytes"):
        model.load_weights(tmp_path / "w.npz")
    with pytest.raises(ValueError, match="unexpected"):
        set_limits(unknown=1)


def tensors(header, body=b"", length=None):
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(first, last, dtype="F32", shape=(2,)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [first, last]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"abc", "longer than the file"), (tensors({}, length=1 << 20), "longer than the file"),
        (tensors({}, length=1 << 60), "json_bytes"), (tensors(b"[]"), "no object"), (tensors(b"{"), "no valid JSON"),
        (tensors({"a": entry(0, 8)}, bytes(4)), "not all there"),
        (tensors({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)), "overlaps"),
        (tensors({"a": entry(4, 12)}, bytes(12)), "gap"), (tensors({"a": entry(0, 8)}, bytes(12)), "no array"),
        (tensors({"a": entry(0, 8, shape=(3,))}, bytes(8)), "says shape"),
        (tensors({"a": entry(0, 8, dtype="X")}, bytes(8)), "no valid dtype"),
        (tensors({"a": entry(0, 8, shape=(-1, -2))}, bytes(8)), "no valid dtype"),
        (tensors({"a": entry(8, 0)}, bytes(8)), "overlaps|gap|says shape"), (tensors({"a": 3}), "data_offsets"),
        (tensors({"a": entry(-8, 0)}, bytes(8)), "data_offsets"), (tensors({"a": entry(0, True)}), "data_offsets"),
    ],
)  # fmt: skip
def test_safetensors_headers(tmp_path, data, words):
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
    (tmp_path / "w.safetensors").write_bytes(data)
    with pytest.raises(UnsafeFileError, match=words):
        model.load_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize("limit", ["file_bytes", "members", "array_bytes"])
def test_limits_of_safetensors_files(tmp_path, limited, limit):
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
    model.save_weights(tmp_path / "w.safetensors")
    limited(**{limit: 1})
    with pytest.raises(UnsafeFileError, match=limit):
        model.load_weights(tmp_path / "w.safetensors")
