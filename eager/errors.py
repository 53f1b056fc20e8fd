"""tf.errors: the exceptions that ops raise. Each also derives from the built-in one that fits."""

from __future__ import annotations

from graphcore.errors import (
    DTypeError,
    InconclusiveDim,
    InvalidArgumentError,
    LayerJitError,
    ShapeError,
    UnsupportedError,
)

OpError = LayerJitError
"""Base of all (tf.errors.OpError)."""


class FailedPreconditionError(LayerJitError, RuntimeError):
    """An object is not in the state that the operation needs (tf.errors.FailedPreconditionError)."""


class NotFoundError(LayerJitError, LookupError):
    """Something asked for is not there (tf.errors.NotFoundError)."""


class OutOfRangeError(LayerJitError, IndexError):
    """An iteration or index went past the end (tf.errors.OutOfRangeError)."""


class UntraceableError(LayerJitError, TypeError):
    """Python asked a traced tensor for its value where there is none (a TensorSpec or Input trace)."""


class RetraceError(LayerJitError, RuntimeError):
    """A new trace or a fallback where tf.no_retrace() or tf.function(strict=True) forbids it."""


UnimplementedError = UnsupportedError

__all__ = [
    "DTypeError", "FailedPreconditionError", "InconclusiveDim", "InvalidArgumentError", "NotFoundError", "OpError",
    "OutOfRangeError", "RetraceError", "ShapeError", "UnimplementedError", "UnsupportedError", "UntraceableError",
]  # fmt: skip
