"""tf.train: checkpoints of objects."""

from __future__ import annotations

from eager.lazy import lazy_names

_MODULES = {
    "eager.train.averages": "ExponentialMovingAverage",
    "eager.train.checkpoint": "Checkpoint",
    "eager.train.manager": "CheckpointManager checkpoints_iterator",
    "eager.train.files": "CheckpointOptions get_checkpoint_state latest_checkpoint list_variables load_checkpoint "
    "load_variable",
}
__getattr__, __dir__ = lazy_names(globals(), "tf.train", _MODULES)
