"""The base of layers whose state is learnt from data before training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eager.context import executing_eagerly
from eager.errors import UntraceableError
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.keras_tensor import as_keras_tensors
from eager.keras.engine.node import Node
from eager.keras.engine.shapes import abstract_inputs
from eager.keras.host_data import sample_batches
from eager.keras.layers.table import registry
from eager.tensor_shape import TensorShape
from graphcore.errors import InconclusiveDim


@registry.add()
class PreprocessingLayer(Layer):
    """A layer that `adapt` prepares (tf.keras.layers.experimental.preprocessing.PreprocessingLayer).

    Subclasses define `update_state(data)` for one batch, `reset_state()` and `finalize_state()`.
    """

    def __init__(self, **kwargs: Any) -> None:
        """Takes the keywords of Layer."""
        super().__init__(**kwargs)
        self._is_adapted = False
        self._run_eagerly = False
        self._steps_per_execution = 1

    @property
    def is_adapted(self) -> bool:
        """Whether the state was learnt from data."""
        return self._is_adapted

    def update_state(self, data: Any) -> None:
        """Takes one batch into the state. Raises NotImplementedError: subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define update_state(data), which adapt calls")

    def reset_state(self) -> None:
        """Forgets the state. Raises NotImplementedError: subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define reset_state(), which adapt calls")

    def finalize_state(self) -> None:
        """Called at the end of `adapt`, for what follows from the whole data; by default only takes note of it."""
        self._is_adapted = True

    def compile(self, run_eagerly: bool | None = None, steps_per_execution: int | None = None) -> None:
        """Accepts Keras's settings of `adapt`, which always runs eagerly, one batch after the other."""
        self._run_eagerly = bool(run_eagerly)
        self._steps_per_execution = 1 if steps_per_execution is None else steps_per_execution

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learns the state from data, forgetting what was learnt before.

        Args:
            data: arrays, tensors, nested lists, a tf.data.Dataset, a generator or a keras.utils.Sequence of batches.
            batch_size: samples per update for arrays, 32 by default; not for data that comes in batches.
            steps: at most so many batches; needed for endless data.

        Raises:
            RuntimeError: inside of a tf.function.
            ValueError: for no data, or a batch size for data that comes in batches.
        """
        if not executing_eagerly():
            raise RuntimeError("`adapt` cannot be called inside of a tf.function; call it before")
        if self.built:
            self.reset_state()
            self._is_adapted = False
        for batch in self._batches(data, batch_size, steps):
            if not self.built:
                self._build_for(batch)
            self.update_state(batch)
        self.finalize_state()
        self._is_adapted = True

    def _batches(self, data: Any, batch_size: int | None, steps: int | None) -> Iterator[Any]:
        return sample_batches(data, batch_size, steps, self.name)

    def _build_for(self, batch: Any) -> None:
        if self._batch_input_shape is None:
            self._batch_input_shape = (None,) * batch.ndim
        self.build(batch.shape)
        self.built = True


class ShapedLayer(Layer):
    """A layer whose `call` needs sizes that are open in a functional model.

    There its outputs come from `compute_output_shape`; real calls know the sizes, and traces guard them.
    """

    def _call_symbolic(self, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return super()._call_symbolic(inputs, args, kwargs)
        except (InconclusiveDim, UntraceableError):
            shape = self.compute_output_shape(TensorShape(inputs.shape))
            made = abstract_inputs(shape, self._output_dtype(inputs), self.name)
            outputs = as_keras_tensors(made, self.name)
            Node(self, (inputs, *args), kwargs, outputs)
            return outputs

    def _output_dtype(self, inputs: Any) -> Any:
        del inputs
        return self.compute_dtype
