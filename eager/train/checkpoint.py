"""tf.train.Checkpoint: the variables of objects in a file, found again by the names that lead to them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from eager.context import init_scope, thread
from eager.train.files import CheckpointState, get_checkpoint_state, read, write, write_state
from eager.train.graph import children, graph_of, is_trackable
from eager.train.restore import InitialStatus, LoadStatus
from eager.variable import Variable

_COUNTER = "save_counter"


class Checkpoint:
    """Saves and restores the variables of objects (tf.train.Checkpoint).

    `Checkpoint(model=model, optimizer=optimizer)` keeps objects under names; `Checkpoint(model)` keeps those inside the
    model. The file is layerjit's own (`eager.train.files`): TensorFlow reads `.keras` and `.h5` files instead.
    """

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        """Takes objects: variables, modules, layers, models, optimizers, or lists and dicts of such.

        Args:
            root: an object whose insides are kept at the top.
            **kwargs: objects by name.

        Raises:
            ValueError: for an object that cannot be kept, or a name that the root has for another object.
        """
        state = self.__dict__
        state["_root"], state["_objects"], state["_counter"] = None, {}, None
        state["_statuses"] = []
        if root is not None:
            _require(root, "root")
            state["_root"] = root
        for name, value in kwargs.items():
            _require(value, name)
            have = dict(children(root)).get(name, value) if root is not None else value
            if have is not value:
                raise ValueError(
                    f"Cannot create a Checkpoint with keyword argument {name!r} if the root has another object there"
                )
            state["_objects"][name] = value

    def __setattr__(self, name: str, value: Any) -> None:
        """Keeps a further object. Raises ValueError for one that cannot be kept."""
        _require(value, name)
        self._objects[name] = value
        for status in self._statuses:
            status._restoring.attached(self)

    def __getattr__(self, name: str) -> Any:
        """A kept object. Raises AttributeError if there is none of that name."""
        objects = self.__dict__.get("_objects", {})
        if name not in objects:
            raise AttributeError(f"'Checkpoint' object has no attribute {name!r}; it keeps {sorted(objects)}")
        return objects[name]

    def _checkpoint_children(self) -> dict[str, Any]:
        inner = {} if self._root is None else dict(children(self._root))
        counter = {} if self._counter is None else {_COUNTER: self._counter}
        return inner | self._objects | counter

    @property
    def save_counter(self) -> Variable:
        """How often `save` was called, an int64 variable that is saved too."""
        counter: Variable | None = self._counter
        if counter is None:
            with init_scope():
                counter = Variable(0, name=_COUNTER, dtype="int64", trainable=False)
            self.__dict__["_counter"] = counter
            for status in self._statuses:
                status._restoring.attached(self)
        return counter

    # Saving ---------------------------------------------------------------------------------------------------------

    def write(self, file_prefix: Any, options: Any = None) -> str:
        """Writes the file `<file_prefix>.npz`, without counting; returns the name for `read`.

        Raises:
            RuntimeError: inside a traced function.
        """
        del options
        if thread.frame is not None:
            raise RuntimeError("Checkpoints are written outside of tf.function; call save or write around it.")
        nodes, variables = graph_of(self)
        write(file_prefix, nodes, {key: v.numpy() for key, v in variables.items()})
        return os.fspath(file_prefix)

    def save(self, file_prefix: Any, options: Any = None) -> str:
        """Writes the file `<file_prefix>-<n>.npz`, where n counts, and notes it as the latest; returns its name."""
        counter = self.save_counter
        counter.assign_add(1)
        name = f"{os.fspath(file_prefix)}-{int(counter.numpy())}"
        try:
            self.write(name, options)
        except BaseException:
            counter.assign_sub(1)
            raise
        self._note(name)
        return name

    def _note(self, name: str) -> None:
        """Adds a checkpoint to the file `checkpoint` of its folder."""
        folder = Path(name).parent
        old = get_checkpoint_state(folder)
        kept = [] if old is None else [p for p in old.all_model_checkpoint_paths if Path(p) != Path(name)]
        times = [] if old is None else old.all_model_checkpoint_timestamps[: len(kept)]
        times += [time.time()] * (len(kept) - len(times))
        write_state(folder, CheckpointState(name, [*kept, name], [*times, time.time()]))

    # Restoring ------------------------------------------------------------------------------------------------------

    def read(self, save_path: Any, options: Any = None) -> LoadStatus:
        """Restores a checkpoint of `write`; variables that do not exist yet get their values when they are made.

        Raises:
            NotFoundError: if there is no such file.
            ValueError: if a shape or dtype does not fit; nothing is changed then.
            UnsafeFileError: if the file is damaged or refused.
        """
        del options
        nodes, arrays = read(save_path)
        return self._restored(LoadStatus(self, nodes, arrays))

    def restore(self, save_path: Any, options: Any = None) -> LoadStatus:
        """Restores a checkpoint of `save`, the counter included; of None, nothing. Raises as `read`."""
        del options
        if save_path is None:
            return InitialStatus(self)
        nodes, arrays = read(save_path)
        if _COUNTER in nodes[0].children:
            _ = self.save_counter
        return self._restored(LoadStatus(self, nodes, arrays))

    def _restored(self, status: LoadStatus) -> LoadStatus:
        """An older status waits no longer: the newer values are the ones to keep."""
        for old in self._statuses:
            old._forget()
        self.__dict__["_statuses"] = [status]
        return status


def _require(value: Any, name: str) -> None:
    if not is_trackable(value) and not (isinstance(value, list | tuple | dict) and not value):
        raise ValueError(
            f"`Checkpoint` was expecting {name} to be a trackable object (a Variable, Module, layer, model, optimizer, "
            f"or a list or dict of such), but got {value!r}."
        )
