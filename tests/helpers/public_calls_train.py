"""Calls of tf.train, and of the older changes of images that are arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from public_calls_table import equal, near, raises, rows, shows

import eager as tf

T, I = tf.train, tf.keras.preprocessing.image  # noqa: E741
TRAIN, IMAGE = "tf.train", "tf.keras.preprocessing.image"


def counted(value: float) -> Any:
    return T.Checkpoint(v=tf.Variable([value, value]), step=tf.Variable(3))


@shows(TRAIN, "Checkpoint CheckpointOptions latest_checkpoint load_checkpoint load_variable list_variables "
       "get_checkpoint_state")  # fmt: skip
def _checkpoints() -> None:
    path, other = counted(2.0).save("folder/at", options=T.CheckpointOptions()), counted(0.0)
    assert Path(path).parts[-2:] == ("folder", "at-1") and T.latest_checkpoint("folder") == path
    assert T.get_checkpoint_state("folder").all_model_checkpoint_paths == [path]
    other.restore(path).assert_consumed()
    assert equal(other.v, [2, 2]) and int(other.step) == 3
    shapes = dict(T.list_variables(path))
    (name,) = [n for n in shapes if n.startswith("v")]
    assert shapes[name] == [2] and equal(T.load_variable(path, name), [2, 2])
    assert equal(T.load_checkpoint(path).get_tensor(name), [2, 2])


@shows(TRAIN, "CheckpointManager checkpoints_iterator")
def _managed() -> None:
    saver = counted(1.0)
    manager = T.CheckpointManager(saver, "kept", max_to_keep=2)
    paths = [manager.save() for _ in range(3)]
    assert manager.checkpoints == paths[1:] and manager.latest_checkpoint == paths[2]
    assert list(T.checkpoints_iterator("kept", timeout=0)) == [paths[2]]
    other = counted(0.0)
    assert T.CheckpointManager(other, "kept", 2).restore_or_initialize() == paths[2] and equal(other.v, [1, 1])


@shows(TRAIN, "ExponentialMovingAverage")
def _averages() -> None:
    v, count = tf.Variable(1.0, name="v"), tf.Variable(0)
    average, early = T.ExponentialMovingAverage(0.75), T.ExponentialMovingAverage(0.75, num_updates=count)
    step = tf.function(lambda: (average.apply([v]), early.apply([v]), v + 0.0)[-1])
    step()
    v.assign(5.0)
    step()
    assert near(average.average(v), 0.75 * 1 + 0.25 * 5) and near(early.average(v), 0.1 * 1 + 0.9 * 5)
    assert average.average_name(v) == "v/ExponentialMovingAverage" and average.average(count) is None
    assert average.variables_to_restore() == {"v/ExponentialMovingAverage": v}
    assert raises(TypeError, lambda: average.apply([count]))


# Images -------------------------------------------------------------------------------------------------------------

X = np.arange(75, dtype="float32").reshape(5, 5, 3)
AXES = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}


def random(change: Callable[..., Any], nothing: Any, something: Any, **axes: Any) -> bool:
    """A change of no extent changes nothing; another one does, and is the same again with the same seed."""
    made = []
    for _ in range(2):
        tf.keras.utils.set_random_seed(5)
        made.append(change(X, *something, **axes))
    return near(change(X, *nothing, **axes), X) and equal(*made) and made[0].shape == X.shape and not near(made[0], X)


rows(IMAGE, {
    "apply_affine_transform": lambda: near(I.apply_affine_transform(X, theta=90, **AXES), np.rot90(X), 1e-4)
    and near(I.apply_affine_transform(X, tx=1, fill_mode="constant", **AXES)[:, :-1], X[:, 1:])
    and near(I.apply_affine_transform(X, zx=2, zy=2, **AXES)[1:4, 1:4], X[::2, ::2]),
    "random_rotation": lambda: random(I.random_rotation, (0,), (30,), **AXES),
    "random_shift": lambda: random(I.random_shift, (0, 0), (0.3, 0.3), **AXES),
    "random_shear": lambda: random(I.random_shear, (0,), (30,), **AXES),
    "random_zoom": lambda: random(I.random_zoom, ((1, 1),), ((0.5, 0.8),), **AXES),
    "apply_channel_shift": lambda: equal(I.apply_channel_shift(X, 10, 2), (X + 10).clip(0, 74)),
    "random_channel_shift": lambda: random(I.random_channel_shift, (0,), (30,), channel_axis=2),
    "apply_brightness_shift": lambda: equal(I.apply_brightness_shift(2 * X, 0.5, scale=False), X),
    "random_brightness": lambda: random(lambda x, r: I.random_brightness(x, r, scale=False), ((1, 1),), ((0.3, 0.5),)),
})  # fmt: skip
