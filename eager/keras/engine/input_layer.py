"""tf.keras.Input and InputLayer: where a functional model begins."""

from __future__ import annotations

from typing import Any

from eager.errors import UnsupportedError
from eager.keras import mixed_precision
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.keras_tensor import KerasTensor
from eager.keras.engine.naming import unique_name
from eager.keras.engine.node import Node
from eager.keras.engine.shapes import symbolic_input


class InputLayer(Layer):
    """The entry of a model (tf.keras.layers.InputLayer)."""

    def __init__(
        self,
        input_shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        input_tensor: Any = None,
        sparse: bool | None = None,
        name: str | None = None,
        ragged: bool | None = None,
        type_spec: Any = None,
        batch_input_shape: Any = None,
    ) -> None:
        """Makes an entry.

        Args:
            input_shape: the shape without the batch.
            batch_size: the batch size, or None for any.
            dtype: the dtype; by default float32.
            input_tensor: a symbolic tensor whose shape and dtype are taken.
            sparse, ragged: not supported.
            name: the name, which names the data in a dict of inputs.
            type_spec: a TensorSpec that gives shape, batch included, and dtype.
            batch_input_shape: the shape with the batch.

        Raises:
            UnsupportedError: for sparse or ragged inputs.
        """
        if sparse or ragged:
            raise UnsupportedError("InputLayer: sparse and ragged inputs are not supported; use dense tensors")
        given = type_spec if type_spec is not None else input_tensor
        if given is not None:
            batch_input_shape, dtype = given.shape.as_list(), given.dtype
        if batch_input_shape is None:
            shape = () if input_shape is None else ((input_shape,) if isinstance(input_shape, int) else input_shape)
            batch_input_shape = (batch_size, *shape)
        kind = mixed_precision.global_policy().compute_dtype if dtype is None else dtype
        super().__init__(dtype=kind, name=name, batch_input_shape=tuple(batch_input_shape))
        self.built = True
        self.sparse, self.ragged = False, False
        Node(self, (), {}, symbolic_input(tuple(batch_input_shape), kind, self.name))

    def _default_name(self) -> str:
        return unique_name("input", start=1)

    def get_config(self) -> dict[str, Any]:
        """batch_input_shape, dtype, sparse, ragged, name."""
        return {
            "batch_input_shape": self._batch_input_shape, "dtype": self.dtype, "sparse": False, "ragged": False,
            "name": self.name,
        }  # fmt: skip


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    name: str | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    tensor: Any = None,
    ragged: bool | None = None,
    type_spec: Any = None,
    batch_shape: Any = None,
) -> Any:
    """A symbolic Keras tensor to build a functional model from (tf.keras.Input).

    Args:
        shape: the shape without the batch; None for open sizes.
        batch_size: the batch size, or None for any.
        name: the input's name.
        dtype: the dtype; by default float32.
        sparse, ragged: not supported.
        tensor: a tensor whose shape and dtype are taken.
        type_spec: a TensorSpec that gives shape, batch included, and dtype.
        batch_shape: the shape with the batch.

    Raises:
        ValueError: if no shape is given.
        UnsupportedError: for sparse or ragged inputs.
    """
    if shape is None and batch_shape is None and tensor is None and type_spec is None:
        raise ValueError(
            "Please provide to Input a `shape` or a `tensor` or a `type_spec` argument. Note that `shape` does not "
            "include the batch dimension."
        )
    layer = InputLayer(
        input_shape=shape, batch_size=batch_size, dtype=dtype, input_tensor=tensor, sparse=sparse, name=name,
        ragged=ragged, type_spec=type_spec, batch_input_shape=batch_shape,
    )  # fmt: skip
    output: KerasTensor = layer._inbound_nodes[0].outputs
    return output
