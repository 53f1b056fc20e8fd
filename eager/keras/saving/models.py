"""tf.keras.models.save_model and load_model, and weights alone: which format a file name means."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

from eager.errors import UnsupportedError
from eager.keras.saving import h5, keras_file, legacy_h5
from eager.keras.saving.archive import Archive
from eager.keras.saving.atomic import replacing
from eager.keras.saving.limits import check
from eager.keras.saving.state import Loader, finish, save_state
from eager.keras.saving.weight_files import ArrayStore, read_npz, read_safetensors, write_npz, write_safetensors

_H5 = (".h5", ".hdf5")
_HDF5_START = b"\x89HDF\r\n\x1a\n"
_NO_SAVED_MODEL = (
    "layerjit does not write or read SavedModel folders; save to a file whose name ends in `.keras` (or `.h5`): "
    "`model.save('{}.keras')`."
)


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, save_format: str | None = None, **kwargs: Any
) -> None:
    """Saves a model as a file: `.keras` by Keras 3's format, `.h5` by the older one (tf.keras.models.save_model).

    Args:
        model: the model; compiled or not.
        filepath: the file; its ending chooses the format.
        overwrite: whether a file that is there may be replaced.
        save_format: "keras" or "h5"; by default what the ending says.
        **kwargs: `include_optimizer` for `.h5`.

    Raises:
        UnsupportedError: for SavedModel, which is save_format "tf" or a name without ending.
        FileExistsError: if the file is there and `overwrite` is False.
        ValueError: if ending and format disagree, or a layer holds a lambda.
        TypeError: for an unknown keyword.
        NotImplementedError: for `.h5` and a subclassed model.
    """
    path = os.fspath(filepath)
    chosen = _format(path, save_format)
    include_optimizer = kwargs.pop("include_optimizer", True)
    if kwargs or (chosen == "keras" and not include_optimizer):
        names = sorted(kwargs) or ["include_optimizer"]
        raise TypeError(f"The following argument(s) are not supported with the format {chosen!r}: {names}")
    _assert_free(path, overwrite)
    if chosen == "keras":
        keras_file.save(model, path)
        return
    model._assert_weights()
    with replacing(path) as part, h5.h5py().File(part, "w") as file:
        legacy_h5.save_model(model, file, include_optimizer)


def _format(path: str, save_format: str | None) -> str:
    ending = "keras" if path.endswith(".keras") else ("h5" if path.endswith(_H5) else "tf")
    chosen = save_format or ending
    if chosen == "tf":
        raise UnsupportedError(_NO_SAVED_MODEL.format(path.rstrip("/")))
    if chosen not in ("keras", "h5", "hdf5"):
        raise ValueError(f'Unknown `save_format`: {save_format!r}. It should be "keras" or "h5".')
    if chosen == "keras" and ending != "keras":
        raise ValueError(f"Invalid filepath for the format \"keras\": {path!r} should end in '.keras'.")
    return "h5" if chosen == "hdf5" else chosen


def _assert_free(path: str, overwrite: bool) -> None:
    if not overwrite and Path(path).exists():
        raise FileExistsError(f"{path} already exists; pass overwrite=True to replace it, or another name.")


def load_model(
    filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """The model of a `.keras` or `.h5` file (tf.keras.models.load_model). Nothing in a file is ever run as code.

    Args:
        filepath: the file; what it is is seen from its first bytes.
        custom_objects: classes and functions by name, beside the registered ones.
        compile: whether a compiled model is compiled again, with the optimizer's state.
        safe_mode: accepted; the code of a lambda is refused in any case.
        **kwargs: `options` is accepted.

    Raises:
        FileNotFoundError: if there is no such file.
        UnsupportedError: for a SavedModel folder.
        UnsafeFileError: for a broken file, or one that is refused.
        TypeError: for a class that is neither built in nor custom.
        ValueError: for the code of a lambda, or weights that do not fit.
    """
    del safe_mode
    if set(kwargs) - {"options"}:
        raise TypeError(f"Invalid keyword arguments: {sorted(kwargs)}")
    path = _existing(filepath)
    if zipfile.is_zipfile(path):
        return keras_file.load(path, custom_objects, compile)
    with _opened_h5(path) as file:
        return legacy_h5.load_model(file, custom_objects, compile)


def _existing(filepath: Any) -> Path:
    path = Path(os.fspath(filepath))
    if path.is_dir():
        raise UnsupportedError(_NO_SAVED_MODEL.format(path))
    if not path.exists():
        raise FileNotFoundError(f"File not found: filepath={path}. Please ensure the file is there.")
    return path


def _opened_h5(path: Path) -> Any:
    check(path.stat().st_size, "file_bytes", f"the size of {path}")
    return h5.open_h5(path, str(path))


# Weights ------------------------------------------------------------------------------------------------------------


def save_weights(
    model: Any, filepath: Any, overwrite: bool = True, save_format: str | None = None, options: Any = None
) -> None:
    """Saves the weights of a model (tf.keras.Model.save_weights).

    Args:
        model: the model, built.
        filepath: `x.weights.h5` is Keras 3's format, another `.h5` the older one; `.npz` and `.safetensors` hold arrays
            by path. Without an ending the file is a tf.train.Checkpoint.
        overwrite: whether a file that is there may be replaced.
        save_format: "h5" or "tf" (a checkpoint); by default what the ending says.
        options: accepted for compatibility.

    Raises:
        ValueError: before the weights are made, or for an unknown format.
        FileExistsError: if the file is there and `overwrite` is False.
    """
    del options
    path = os.fspath(filepath)
    model._assert_weights()
    if not model.built and not model.weights:
        raise ValueError(f"Weights for model {model.name!r} have not yet been created: call it on data, or `build()`.")
    if save_format not in (None, "h5", "hdf5", "keras", "tf", "tensorflow"):
        raise ValueError(f'Unknown `save_format`: {save_format!r}. It should be "h5" or "tf".')
    is_file = path.endswith((*_H5, ".npz", ".safetensors", ".keras"))
    if save_format in ("tf", "tensorflow") or (save_format is None and not is_file):
        _assert_free(f"{path}.npz", overwrite)
        _checkpoint(model).write(path)
        return
    _assert_free(path, overwrite)
    with replacing(path) as part:
        _write_weights(model, path, part)


def _checkpoint(model: Any) -> Any:
    from eager.train.checkpoint import Checkpoint

    return Checkpoint(model)


def _write_weights(model: Any, path: str, part: Path) -> None:
    skip = keras_file._optimizers(model)
    if path.endswith(".weights.h5"):
        part.write_bytes(keras_file.weights_bytes(model, None))
    elif path.endswith((".npz", ".safetensors")):
        store = ArrayStore()
        save_state(model, store, None, skip)
        write = write_npz if path.endswith(".npz") else write_safetensors
        write(part, store.arrays)
    else:
        with h5.h5py().File(part, "w") as file:
            legacy_h5.save_weights(model, file)


def load_weights(
    model: Any, filepath: Any, skip_mismatch: bool = False, by_name: bool = False, options: Any = None
) -> Any:
    """Takes the weights of a file into a model (tf.keras.Model.load_weights).

    Args:
        model: the model, built; for a checkpoint it may be built later.
        filepath: a file of `save_weights`, a whole `.keras` or `.h5` model, or the name of a checkpoint.
        skip_mismatch: whether layers whose weights do not fit are left as they are, with a warning.
        by_name: whether layers are found by name; only for the older `.h5` format.
        options: accepted for compatibility.

    Returns:
        The status of the restoring for a checkpoint, else None.

    Raises:
        ValueError: if weights do not fit, the model is not built, or `by_name` is given for another format. Nothing is
            changed then.
        FileNotFoundError: if there is no such file.
        UnsafeFileError: for a broken file, or one that is refused.
    """
    del options
    path = os.fspath(filepath)
    if not Path(path).exists() and Path(f"{path}.npz").exists():
        return _checkpoint(model).read(path)
    file_path = _existing(path)
    if not model.built and not model._own and not any(layer.weights for layer in model.layers):
        raise ValueError(
            f"Unable to load weights into a model that has not created its variables yet: call {model.name!r} on data, "
            "or `build()`, first."
        )
    before = [(v, v.numpy()) for v in model.weights]
    try:
        _read_weights(model, file_path, skip_mismatch, by_name)
    except BaseException:
        for variable, value in before:
            variable.assign(value)
        raise
    return None


def _read_weights(model: Any, path: Path, skip_mismatch: bool, by_name: bool) -> None:
    with path.open("rb") as file:
        start = file.read(len(_HDF5_START))
    if start == _HDF5_START:
        with _opened_h5(path) as file:
            group = file.get("model_weights", file)
            if "layer_names" in group.attrs or "layer_names0" in group.attrs:
                legacy_h5.load_weights(model, group, by_name, skip_mismatch)
                return
            _forbid_by_name(by_name)
            _take(model, h5.H5Store(file), skip_mismatch)
        return
    _forbid_by_name(by_name)
    if str(path).endswith(".safetensors"):
        _take(model, ArrayStore(read_safetensors(path)), skip_mismatch, keras_file._optimizers(model))
    elif str(path).endswith(".npz"):
        _take(model, ArrayStore(read_npz(path)), skip_mismatch, keras_file._optimizers(model))
    else:
        with Archive(path) as archive, keras_file.opened(archive) as (store, assets):
            _take(model, store, skip_mismatch, keras_file._optimizers(model), assets)


def _forbid_by_name(by_name: bool) -> None:
    if by_name:
        raise ValueError("`by_name` works only with the older `.h5` format of weights, which names layers.")


def _take(
    model: Any, store: Any, skip_mismatch: bool, skip: frozenset[int] = frozenset(), assets: Path | None = None
) -> None:
    loader = Loader(store, assets)
    loader.load(model, skip)
    finish(loader, only_warn=skip_mismatch)
