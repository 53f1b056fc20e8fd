"""A wrapper that keeps the largest singular value of a layer's kernel at 1."""

from __future__ import annotations

from typing import Any

from eager.keras.engine.smart import choose
from eager.keras.initializers import TruncatedNormal
from eager.keras.layers.table import registry
from eager.keras.layers.wrapper import Wrapper
from eager.ops.array import reshape, stop_gradient, where
from eager.ops.linalg import matmul
from eager.ops.math import not_equal, reduce_any
from eager.ops.nn import l2_normalize
from eager.variable import Variable


@registry.add()
class SpectralNormalization(Wrapper):
    """Divides a layer's kernel by its largest singular value at each training step (Miyato et al. 2018).

    tf.keras.layers.SpectralNormalization. The singular value is estimated by power iteration from `vector_u`, which
    stays from step to step. Layers with `kernel` or `embeddings` can be wrapped.
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        """Takes the layer and the number of iterations for each step. Raises ValueError unless it is positive."""
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ValueError(
                f"`power_iterations` should be greater than zero. Received: `power_iterations={power_iterations}`"
            )
        self.power_iterations = power_iterations

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer and makes vector_u (1, kernel's last size). Raises ValueError for a layer without kernel."""
        super().build(input_shape)
        name = next((n for n in ("kernel", "embeddings") if hasattr(self.layer, n)), None)
        if name is None:
            self.built = False
            raise ValueError(f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'")
        self._kernel_name = name
        kernel = getattr(self.layer, name)
        self.vector_u = self.add_weight(
            "vector_u", (1, kernel.shape[-1]), dtype=kernel.dtype, initializer=TruncatedNormal(stddev=0.02),
            trainable=False, autocast=False,
        )  # fmt: skip

    def save_own_variables(self, store: Any) -> None:
        """The kernel, which Keras lists here as well as in the layer inside, and vector_u."""
        store["0"] = Variable.value(getattr(self.layer, self._kernel_name)).numpy()
        store["1"] = self.vector_u.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Takes vector_u; the kernel comes with the layer inside. Raises ValueError if it does not fit."""
        super().load_own_variables({"0": store["1"]} if len(store.keys()) > 1 else store)

    def call(self, inputs: Any, training: Any = False) -> Any:
        """The layer's outputs, while training with its kernel normalised first."""
        self._normalize(training)
        return self.layer(inputs)

    def normalize_weights(self) -> None:
        """Divides the kernel by its largest singular value, unless it is all 0."""
        self._normalize(True)

    def _normalize(self, training: Any) -> None:
        if training is False or training is None:
            return
        kernel = getattr(self.layer, self._kernel_name)
        # As stored, also where mixed precision reads it in 16 bits.
        stored, u = Variable.value(kernel), self.vector_u.value()
        matrix = stop_gradient(reshape(stored, (-1, kernel.shape[-1])))
        normalized, direction = self._iterated(matrix, u)
        kept = reduce_any(not_equal(matrix, 0.0))
        new = reshape(where(kept, normalized, matrix), kernel.shape)
        kernel.assign(choose(training, lambda: new, lambda: stop_gradient(stored)))
        self.vector_u.assign(choose(training, lambda: where(kept, direction, u), lambda: u))

    def _iterated(self, matrix: Any, u: Any) -> tuple[Any, Any]:
        """The matrix divided by its largest singular value, and the direction that the iteration found."""
        v = u
        for _ in range(self.power_iterations):
            v = l2_normalize(matmul(u, matrix, transpose_b=True))
            u = l2_normalize(matmul(v, matrix))
        sigma = matmul(matmul(v, matrix), u, transpose_b=True)
        return matrix / sigma, u

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The layer's output shape."""
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"power_iterations": self.power_iterations}
