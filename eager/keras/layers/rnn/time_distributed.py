"""One layer for every step of a sequence."""

from __future__ import annotations

from typing import Any

from eager import nest
from eager.keras.backend_rnn import rnn
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.input_spec import InputSpec
from eager.keras.engine.shapes import map_shapes
from eager.keras.layers.rnn.states import accepts, first_shape
from eager.keras.layers.table import registry
from eager.keras.layers.wrapper import Wrapper
from eager.nest import map_leaves
from eager.ops.array import reshape, shape
from eager.ops.math import reduce_any
from eager.tensor_shape import TensorShape


@registry.add()
class TimeDistributed(Wrapper):
    """Applies a layer to every step (tf.keras.layers.TimeDistributed).

    Takes (batch, time, ...) and gives (batch, time, ...). All steps go through the layer as one batch of batch * time
    samples; through a stateful layer one after the other.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        """Takes the layer. Raises ValueError if it is none."""
        if not isinstance(layer, Layer):
            raise ValueError(
                "Please initialize `TimeDistributed` layer with a `tf.keras.layers.Layer` instance. Received: "
                f"{layer}"
            )
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer for the shape of one step. Raises ValueError for inputs of fewer than three axes."""

        def spec(given: TensorShape) -> InputSpec:
            if given.rank is not None and given.rank < 3:
                raise ValueError(
                    "`TimeDistributed` Layer should be passed an `input_shape` with at least 3 dimensions, received: "
                    f"{input_shape}"
                )
            return InputSpec(shape=[None, None, *given[2:]])

        self.input_spec = map_shapes(spec, input_shape)
        super().build(map_shapes(_without_time, input_shape))
        Layer.build(self, input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The layer's output shape with the time axis after the batch."""
        time = first_shape(input_shape)[1]
        inner = self.layer.compute_output_shape(map_shapes(_without_time, input_shape))
        return map_shapes(lambda s: TensorShape([s[0], time, *s[1:]]), inner)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """What the layer gives for each step."""
        options: dict[str, Any] = {"training": training} if accepts(self.layer, "training") else {}
        if self._stepwise(inputs):
            return rnn(lambda x, _: (self.layer(x, **options), []), inputs, [], mask=mask)[1]
        if mask is not None and accepts(self.layer, "mask"):
            options["mask"] = map_leaves(_merged, mask)
        outputs = self.layer(map_leaves(_merged, inputs), **options)
        first = nest.flatten(inputs)[0]
        return map_leaves(lambda y: _split(y, first), outputs)

    def _stepwise(self, inputs: Any) -> bool:
        """Whether the order of steps matters, and the batch is one that the layer's state fits."""
        return bool(getattr(self.layer, "stateful", False)) and nest.flatten(inputs)[0].shape[0] is not None

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The layer's mask of the steps; where it has none, whether anything in a step is valid."""
        if self._stepwise(inputs):
            return mask
        inner = None if mask is None else map_leaves(_merged, mask)
        found = self.layer.compute_mask(map_leaves(_merged, inputs), inner)
        if found is not None:
            return _split(found, nest.flatten(inputs)[0])
        return mask if mask is None or mask.ndim == 2 else reduce_any(mask, axis=list(range(2, mask.ndim)))


def _without_time(given: TensorShape) -> TensorShape:
    return TensorShape([given[0], *given[2:]])


def _sizes(x: Any, start: int) -> list[Any]:
    """The sizes from an axis on, as numbers where they are known."""
    dynamic = shape(x)
    return [dynamic[i] if n is None else n for i, n in enumerate(x.shape.as_list()) if i >= start]


def _merged(x: Any) -> Any:
    """(batch, time, ...) as (batch * time, ...)."""
    return reshape(x, [-1, *_sizes(x, 2)])


def _split(y: Any, like: Any) -> Any:
    """(batch * time, ...) as (batch, time, ...), with the sizes of another tensor."""
    return reshape(y, [*_sizes(like, 0)[:2], *_sizes(y, 1)])
