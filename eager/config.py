"""tf.config: switches of the whole process."""

from __future__ import annotations

from eager.function.api import functions_run_eagerly, run_functions_eagerly
from eager.lazy import lazy_names

__all__ = ["functions_run_eagerly", "run_functions_eagerly"]

__getattr__, __dir__ = lazy_names(globals(), "tf.config", {"eager.config_threading": "threading="})
