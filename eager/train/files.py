"""Files of checkpoints: one `<name>.npz` each, with the arrays by path and the graph of objects as JSON.

This container is layerjit's own. TensorFlow's `.index` and `.data-...` files are neither read nor written; models and
weights are exchanged with TensorFlow by `.keras` and `.h5` files. The file `checkpoint` beside the others, which
says which is the latest, has TensorFlow's form.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eager.errors import NotFoundError, UnsupportedError
from eager.keras.saving.archive import Archive
from eager.keras.saving.atomic import replacing
from eager.keras.saving.limits import UnsafeFileError, check, parse_json
from eager.keras.saving.weight_files import npz_arrays, write_npz
from eager.train.graph import Node

Array = np.ndarray[Any, Any]
ENDING = ".npz"
_GRAPH = "object_graph.json"
_FORMAT = "layerjit checkpoint"
_LINE = re.compile(r'^(\w+): (.+)$')


class CheckpointOptions:
    """Options of saving and restoring (tf.train.CheckpointOptions); on one machine there is nothing to choose."""

    def __init__(self, **kwargs: Any) -> None:
        """Accepts TensorFlow's options."""
        self.given = kwargs


def path_of(prefix: Any) -> Path:
    """The file of a checkpoint's name."""
    text = os.fspath(prefix)
    return Path(text if text.endswith(ENDING) else text + ENDING)


def write(prefix: Any, nodes: list[Node], arrays: dict[str, Array]) -> None:
    """Writes a checkpoint as a whole; folders are made."""
    path = path_of(prefix)
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = [{"children": n.children} | ({} if n.array is None else {"array": n.array}) for n in nodes]
    text = json.dumps({"format": _FORMAT, "version": 1, "nodes": listed}).encode()
    with replacing(path) as part:
        write_npz(part, arrays, {_GRAPH: text})


def read(prefix: Any) -> tuple[list[Node], dict[str, Array]]:
    """The graph and the arrays of a checkpoint.

    Raises:
        NotFoundError: if there is no such file.
        UnsupportedError: for a checkpoint of TensorFlow.
        UnsafeFileError: if the file is damaged or refused.
    """
    path = path_of(prefix)
    if not path.exists():
        if Path(f"{os.fspath(prefix)}.index").exists():
            raise UnsupportedError(
                f"{prefix} is a checkpoint of TensorFlow, which layerjit does not read. In TensorFlow save the model "
                "with model.save('x.keras') or model.save_weights('x.weights.h5') and load that."
            )
        raise NotFoundError(f"Unsuccessful restore: there is no checkpoint {path}")
    with Archive(path) as archive:
        data = parse_json(archive.read(_GRAPH, "json_bytes"), "the graph of objects")
        arrays = npz_arrays(archive)
    try:
        if data["format"] != _FORMAT or data["version"] != 1:
            raise UnsafeFileError(f"Refused: {path} is of another format or version: {data['version']!r}")
        nodes = [Node({str(k): v for k, v in n["children"].items()}, n.get("array")) for n in data["nodes"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise UnsafeFileError(f"Refused: {path} is no checkpoint of layerjit: {error!r}") from error
    _check(nodes, arrays, path)
    return nodes, arrays


def _check(nodes: list[Node], arrays: dict[str, Array], path: Path) -> None:
    check(len(nodes), "members", "the number of objects")
    for node in nodes:
        if not all(type(i) is int and 0 <= i < len(nodes) for i in node.children.values()):
            raise UnsafeFileError(f"Refused: {path} refers to objects that it does not have")
        if node.array is not None and node.array not in arrays:
            raise UnsafeFileError(f"Refused: {path} has no value of {node.array!r}")
    if not nodes:
        raise UnsafeFileError(f"Refused: {path} has no objects")


# The file `checkpoint` ----------------------------------------------------------------------------------------------


class CheckpointState(NamedTuple):
    """What the file `checkpoint` of a folder says; paths are those given or joined to the folder.

    Attributes:
        model_checkpoint_path: the latest checkpoint.
        all_model_checkpoint_paths: those that are kept, oldest first.
        all_model_checkpoint_timestamps: when they were saved, in seconds.
        last_preserved_timestamp: when one was last kept for good.
    """

    model_checkpoint_path: str
    all_model_checkpoint_paths: list[str]
    all_model_checkpoint_timestamps: list[float]
    last_preserved_timestamp: float | None = None


def write_state(folder: Any, state: CheckpointState, name: str = "checkpoint") -> None:
    """Writes the file `checkpoint`; paths in the folder are written relative to it."""
    base = Path(folder)

    def shown(path: str) -> str:
        inside = Path(path).parent.absolute() == base.absolute()
        return json.dumps(Path(path).name if inside else path)

    lines = [f"model_checkpoint_path: {shown(state.model_checkpoint_path)}"] if state.model_checkpoint_path else []
    lines += [f"all_model_checkpoint_paths: {shown(p)}" for p in state.all_model_checkpoint_paths]
    lines += [f"all_model_checkpoint_timestamps: {t!r}" for t in state.all_model_checkpoint_timestamps]
    if state.last_preserved_timestamp is not None:
        lines.append(f"last_preserved_timestamp: {state.last_preserved_timestamp!r}")
    with replacing(base / name) as part:
        part.write_text("".join(f"{line}\n" for line in lines))


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> CheckpointState | None:
    """What the file `checkpoint` of a folder says, None if there is none (tf.train.get_checkpoint_state).

    Raises:
        UnsafeFileError: if the file has another form.
    """
    base = Path(os.fspath(checkpoint_dir))
    path = base / (latest_filename or "checkpoint")
    if not path.is_file():
        return None
    check(path.stat().st_size, "json_bytes", f"the size of {path}")
    found: dict[str, list[Any]] = {}
    for line in path.read_text().splitlines():
        match = _LINE.match(line)
        if match is None:
            raise UnsafeFileError(f"Refused: {path} has a line of another form: {line!r}")
        found.setdefault(match[1], []).append(parse_json(match[2], str(path)))
    paths = [str(base / str(p)) for p in found.get("all_model_checkpoint_paths", [])]
    latest = [str(base / str(p)) for p in found.get("model_checkpoint_path", [])]
    times = [float(t) for t in found.get("all_model_checkpoint_timestamps", [])]
    last = [float(t) for t in found.get("last_preserved_timestamp", [])]
    return CheckpointState(latest[0] if latest else "", paths, times, last[0] if last else None)


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The name of the latest checkpoint of a folder, None if there is none (tf.train.latest_checkpoint)."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None or not state.model_checkpoint_path or not path_of(state.model_checkpoint_path).exists():
        return None
    return state.model_checkpoint_path


# Looking into a checkpoint ------------------------------------------------------------------------------------------


class CheckpointReader:
    """The values of a checkpoint by name (what tf.train.load_checkpoint gives)."""

    def __init__(self, prefix: Any) -> None:
        """Reads a checkpoint. Raises as `read`."""
        self._nodes, self._arrays = read(prefix)

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shapes by name."""
        return {name: list(a.shape) for name, a in self._arrays.items()}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        """The dtypes by name."""
        from eager.dtypes import as_dtype

        return {name: as_dtype(a.dtype) for name, a in self._arrays.items()}

    def has_tensor(self, name: str) -> bool:
        """Whether there is a value of that name."""
        return name in self._arrays

    def get_tensor(self, name: str) -> Array:
        """A value as an array. Raises NotFoundError if there is none."""
        if name not in self._arrays:
            raise NotFoundError(f"Key {name} not found in checkpoint; it has {sorted(self._arrays)[:20]}")
        return self._arrays[name]


def load_checkpoint(ckpt_dir_or_file: Any) -> CheckpointReader:
    """The reader of a checkpoint, of a folder the latest one (tf.train.load_checkpoint).

    Raises:
        ValueError: if a folder has none.
        NotFoundError: if there is no such file.
    """
    if not Path(os.fspath(ckpt_dir_or_file)).is_dir():
        return CheckpointReader(ckpt_dir_or_file)
    latest = latest_checkpoint(ckpt_dir_or_file)
    if latest is None:
        raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {ckpt_dir_or_file}")
    return CheckpointReader(latest)


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """Names and shapes of the values of a checkpoint, sorted by name (tf.train.list_variables)."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def load_variable(ckpt_dir_or_file: Any, name: str) -> Array:
    """A value of a checkpoint as an array (tf.train.load_variable). Raises NotFoundError if there is none."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))
