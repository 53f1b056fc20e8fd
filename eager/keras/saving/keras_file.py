"""`.keras` files (format v3 of Keras 3): a ZIP of metadata, config, weights in HDF5 and further files.

What layerjit writes, Keras 3 reads; files of Keras 3 and of TensorFlow 2.13 to 2.15 are read.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eager.keras.saving import dialect, h5, op_layers
from eager.keras.saving.archive import Archive, write_archive
from eager.keras.saving.atomic import replacing
from eager.keras.saving.limits import UnsafeFileError, check, parse_json
from eager.keras.saving.state import Loader, finish, save_state
from graphcore.version import __version__

KERAS_VERSION = "3.15.0"
"""The version of Keras whose format is written."""
_OWN_VERSION = "layerjit_version"
_CONFIG, _METADATA, _WEIGHTS, _ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets/"


def save(model: Any, path: Any) -> None:
    """Writes a model, its optimizer's state included.

    Keras 3 gives the same outputs, with one exception that is Keras's own: its `hard_sigmoid` is another function.

    Args:
        model: a model whose config can be serialized.
        path: the file; it is replaced as a whole.

    Raises:
        ValueError: if a layer holds a lambda.
        NotImplementedError: if a class lacks get_config.
        ImportError: without h5py.
    """
    h5.h5py()
    members: dict[str, bytes | Path] = {
        _METADATA: _json({
            "keras_version": KERAS_VERSION, "date_saved": f"{datetime.now(UTC):%Y-%m-%d@%H:%M:%S}",
            _OWN_VERSION: __version__,
        }),
        _CONFIG: _json(file_config(model)),
    }
    with replacing(path) as part, tempfile.TemporaryDirectory() as folder:
        assets = Path(folder)
        members[_WEIGHTS] = weights_bytes(model, assets)
        files = sorted(p for p in assets.rglob("*") if p.is_file())
        members |= {f"{_ASSETS}{p.relative_to(assets).as_posix()}": p for p in files}
        write_archive(part, members)


def file_config(model: Any) -> dict[str, Any]:
    """A model's serialized form as Keras 3 reads it."""
    from eager.keras.serialization import serialize_keras_object

    return _with_operations(dialect.for_keras3(serialize_keras_object(model)))


def _with_operations(data: Any) -> Any:
    """Layers of tf functions in functional models as operations of Keras 3."""
    if isinstance(data, list):
        return [_with_operations(x) for x in data]
    if not isinstance(data, dict):
        return data
    found = {k: _with_operations(v) for k, v in data.items()}
    if "inbound_nodes" in found:
        found = op_layers.for_keras3(found)
        found["inbound_nodes"] = [_without_tuples(call) for call in found["inbound_nodes"]]
    return found


def _without_tuples(data: Any) -> Any:
    """Keras 3 writes tuples as lists."""
    if isinstance(data, dict):
        if data.get("class_name") == "__tuple__":
            return _without_tuples(data["items"])
        return {k: _without_tuples(v) for k, v in data.items()}
    return [_without_tuples(v) for v in data] if isinstance(data, list) else data


def weights_bytes(model: Any, assets: Path | None, skip: frozenset[int] = frozenset()) -> bytes:
    """The variables as an HDF5 file in memory; files that layers write go into the folder `assets`."""
    stream = io.BytesIO()
    with h5.h5py().File(stream, "w") as file:
        save_state(model, h5.H5Store(file), assets, skip)
    return stream.getvalue()


def load(path: Any, custom_objects: Any = None, compile: bool = True) -> Any:
    """The model of a file.

    Args:
        path: the file.
        custom_objects: classes and functions by name, beside the registered ones.
        compile: whether a compiled model is compiled again, with the optimizer's state.

    Raises:
        UnsafeFileError: for a broken file, or one that is refused.
        TypeError: for a class that is neither built in nor custom.
        ValueError: for the code of a lambda, or weights that do not fit.
    """
    from eager.keras.serialization import deserialize_keras_object, no_compile

    with Archive(path) as archive:
        config = parse_json(archive.read(_CONFIG, "json_bytes"), "the config")
        if not isinstance(config, dict):
            raise UnsafeFileError("Refused: the config of the file is no object")
        _check_version(archive, config, custom_objects)
        with no_compile():
            model = _made(config, lambda c: deserialize_keras_object(c, custom_objects))
        if compile and config.get("compile_config"):
            with _custom(custom_objects):
                model.compile_from_config(config["compile_config"])
            build_optimizer(model)
        with opened(archive) as (store, assets):
            loader = Loader(store, assets)
            loader.load(model, _optimizers(model) if not compile else frozenset())
            finish(loader, only_warn=False)
    return model


def _check_version(archive: Archive, config: dict[str, Any], custom_objects: Any) -> None:
    """Files that Keras 3 itself wrote may name functions that are others there."""
    metadata = parse_json(archive.read(_METADATA, "json_bytes"), "the metadata")
    theirs = isinstance(metadata, dict) and _OWN_VERSION not in metadata
    if theirs and str(metadata.get("keras_version", "")).startswith("3."):
        dialect.require_same_meaning(config, custom_objects)


def _made(config: dict[str, Any], make: Any) -> Any:
    try:
        return make(config)
    except (KeyError, IndexError, AttributeError, RecursionError) as error:
        raise UnsafeFileError(f"Refused: the config of the file has another form: {error!r}") from error


@contextmanager
def _custom(objects: Any) -> Generator[None]:
    from eager.keras.serialization import custom_object_scope

    with custom_object_scope(objects or {}):
        yield


def build_optimizer(model: Any) -> None:
    """Makes the optimizer's variables, so that its state can be loaded; not before the model's weights exist."""
    build = getattr(model.optimizer, "build", None)
    if build is not None and model.built:
        build(model.trainable_variables)


def _optimizers(model: Any) -> frozenset[int]:
    return frozenset() if getattr(model, "optimizer", None) is None else frozenset((id(model.optimizer),))


@contextmanager
def opened(archive: Archive) -> Generator[tuple[h5.H5Store, Path | None]]:
    """The arrays of a `.keras` file, and a folder with its further files, None if it has none."""
    data = archive.read(_WEIGHTS)
    names = [n for n in archive.names if n.startswith(_ASSETS)]
    check(len(names), "members", "the number of files")
    with tempfile.TemporaryDirectory() as folder, h5.open_h5(io.BytesIO(data), _WEIGHTS) as file:
        for name in names:
            target = Path(folder, name.removeprefix(_ASSETS))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))
        yield h5.H5Store(file), Path(folder) if names else None


def _json(data: Any) -> bytes:
    return json.dumps(data).encode()
