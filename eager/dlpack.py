"""tf.experimental.dlpack: tensors to and from other libraries without a copy.

Tensors themselves follow the protocol (`np.from_dlpack(t)`, `torch.from_dlpack(t)`); these are TensorFlow's names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.tensor import Tensor, concrete, wrap
from graphcore.dtypes import as_dtype


def to_dlpack(tf_tensor: Any) -> Any:
    """A capsule of a tensor's memory, which whoever takes it must not write (tf.experimental.dlpack.to_dlpack).

    Raises:
        InvalidArgumentError: for a dtype that DLPack does not know, such as string.
    """
    array = np.array(concrete(convert(tf_tensor), "DLPack"), copy=False)
    try:
        return array.__dlpack__()
    except (BufferError, TypeError, RuntimeError) as error:
        # NumPy exports no read-only memory in the first version of the protocol.
        if array.dtype.hasobject:
            raise InvalidArgumentError(f"to_dlpack: {error}") from None
        return array.copy().__dlpack__()


def from_dlpack(dlcapsule: Any) -> Tensor:
    """A tensor over the memory of a capsule, or of any object with `__dlpack__` (tf.experimental.dlpack.from_dlpack).

    The memory is shared: whoever lends it must not write to it as long as the tensor lives.

    Raises:
        InvalidArgumentError: for memory that is not the CPU's, or a dtype that tensors do not have.
    """
    try:
        array = np.from_dlpack(dlcapsule if hasattr(dlcapsule, "__dlpack__") else _Capsule(dlcapsule))
        as_dtype(array.dtype)
    except (BufferError, TypeError, RuntimeError, ValueError) as error:
        raise InvalidArgumentError(f"from_dlpack: {error}") from None
    array.flags.writeable = False
    return wrap(np.ascontiguousarray(array))


class _Capsule:
    """A bare capsule with the methods that consumers ask for."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **kwargs: Any) -> Any:
        """The capsule itself; it can be taken once."""
        del kwargs
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        """The CPU."""
        return (1, 0)
