"""tf.config: switches of the whole process."""

from __future__ import annotations

from eager.function.api import functions_run_eagerly, run_functions_eagerly

__all__ = ["functions_run_eagerly", "run_functions_eagerly"]
