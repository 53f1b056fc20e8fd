"""tf.keras.callbacks. Each module is loaded when the first of its names is asked for."""

from __future__ import annotations

from eager.keras.callbacks.base import Callback, CallbackList
from eager.lazy import lazy_names

_MODULES = {
    "eager.keras.callbacks.backup": "BackupAndRestore",
    "eager.keras.callbacks.checkpoint": "ModelCheckpoint",
    "eager.keras.callbacks.history": "History LambdaCallback TerminateOnNaN",
    "eager.keras.callbacks.logging": "CSVLogger RemoteMonitor",
    "eager.keras.callbacks.progress": "ProgbarLogger",
    "eager.keras.callbacks.rates": "LearningRateScheduler ReduceLROnPlateau",
    "eager.keras.callbacks.stopping": "EarlyStopping",
    "eager.keras.callbacks.tensorboard": "TensorBoard",
}

__all__ = ["Callback", "CallbackList"]

__getattr__, __dir__ = lazy_names(globals(), "tf.keras.callbacks", _MODULES)
