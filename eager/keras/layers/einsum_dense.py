"""A fully connected layer over any axes, by an einsum equation."""

from __future__ import annotations

import re
from typing import Any

from eager.keras import activations, regularizers
from eager.keras.layers.table import registry
from eager.keras.layers.weight_roles import WeightRoles
from eager.ops.einsum import einsum
from eager.tensor_shape import TensorShape

_FORMS = (
    r"(\.\.\.)?([a-zA-Z]+),([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]*)",
    r"([a-zA-Z]+)(\.\.\.),([a-zA-Z]+)->([a-zA-Z]*)(\.\.\.)",
)


@registry.add()
class EinsumDense(WeightRoles):
    """activation(einsum(equation, inputs, kernel) + bias) (tf.keras.layers.EinsumDense).

    The equation names the axes of inputs, kernel and outputs, such as "abc,cd->abd", "...x,xy->...y" or
    "ab...,bc->ac...".
    """

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        """Makes a layer.

        Args:
            equation: how inputs and kernel give the outputs.
            output_shape: the output's sizes without the batch and without those of an ellipsis; None for a size that
                is the input's.
            activation: name or function; None is linear.
            bias_axes: the labels of the outputs along which the bias varies; None for no bias.
            kernel_initializer, bias_initializer: how the weights start.
            kernel_regularizer, bias_regularizer, activity_regularizer: penalties.
            kernel_constraint, bias_constraint: applied after each update.
            **kwargs: as for Layer.
        """
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.equation = equation
        self.partial_output_shape = [output_shape] if isinstance(output_shape, int) else list(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self._set_role("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_role("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.bias = None

    def build(self, input_shape: Any) -> None:
        """Makes the kernel and the bias.

        Raises:
            ValueError: if equation, input shape and output shape do not fit together.
        """
        kernel, bias, self.full_output_shape = _shapes(
            self.equation, self.bias_axes, TensorShape(input_shape).as_list(), self.partial_output_shape
        )
        self.kernel = self._make_weight("kernel", kernel)
        if bias is not None:
            self.bias = self._make_weight("bias", bias)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """activation(einsum(equation, inputs, kernel) + bias)."""
        product = einsum(self.equation, inputs, self.kernel)
        return self.activation(product if self.bias is None else product + self.bias)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The shape of the outputs. Raises ValueError if equation and shapes do not fit together."""
        sizes = TensorShape(input_shape).as_list()
        return TensorShape(_shapes(self.equation, self.bias_axes, sizes, self.partial_output_shape)[2])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        } | self._role_config()


def _shapes(
    equation: str, bias_axes: str | None, input_shape: list[Any], partial: list[Any]
) -> tuple[list[Any], list[Any] | None, list[Any]]:
    """The shapes of kernel, bias (None without one) and outputs."""
    source, kernel, target = _labels(equation, len(input_shape))
    sizes = dict(zip(source, input_shape, strict=True))
    # The ellipsis of the outputs keeps the input's sizes; the batch is the first axis unless it lies in the ellipsis.
    given = [c for c in target if not c.startswith(".")]
    inside = equation.replace(" ", "").startswith("...")
    if len(given) - len(partial) not in ((0, 1) if inside else (1,)):
        raise ValueError(
            f"EinsumDense: output_shape {partial} must have one size for each of the labels {given} of the outputs in "
            f"{equation!r}, the batch left out."
        )
    known = dict(zip(given[len(given) - len(partial) :], partial, strict=True))
    for label, size in known.items():
        if label in sizes and size is not None and sizes[label] is not None and size != sizes[label]:
            raise ValueError(
                "Input shape and output shape do not match at shared dimension "
                f"{label!r}. Input shape is {sizes[label]}, and output shape is {size}."
            )
    known = sizes | {k: n for k, n in known.items() if n is not None}
    for label in target:
        if label not in sizes and label not in kernel:
            raise ValueError(
                f"Dimension {label!r} was specified in the output {''.join(target)!r} but has no corresponding "
                f"dimension in the input spec {''.join(source)!r} or weight spec {''.join(kernel)!r}"
            )
    for label in kernel:
        if label not in sizes and label not in target:
            raise ValueError(
                f"Weight dimension {label!r} did not have a match in either the input spec {''.join(source)!r} or the "
                f"output spec {''.join(target)!r}. For this layer, the weight must be fully specified."
            )
    bias = None if bias_axes is None else _bias_shape(bias_axes, target, known)
    return [known.get(c) for c in kernel], bias, [known.get(c) for c in target]


def _labels(equation: str, rank: int) -> tuple[list[str], list[str], list[str]]:
    """The labels of inputs, kernel and outputs; the axes of an ellipsis are "...0", "...1"."""
    compact = equation.replace(" ", "")
    if not any(re.fullmatch(form, compact) for form in _FORMS):
        raise ValueError(
            f"Invalid einsum equation '{equation}'. Equations must be in the form [X],[Y]->[Z], ...[X],[Y]->...[Z], or "
            "[X]...,[Y]->[Z]...."
        )
    left, _, target = compact.partition("->")
    source, _, kernel = left.partition(",")
    if ("..." in source) != ("..." in target):
        raise ValueError(f"EinsumDense: {equation!r} must have '...' in both inputs and outputs, or in neither.")
    letters = len(source.replace(".", ""))
    if letters > rank or ("..." not in source and letters != rank):
        raise ValueError(f"EinsumDense: the inputs of {equation!r} do not have rank {rank}.")
    hidden = [f"...{i}" for i in range(rank - letters)]
    return _expanded(source, hidden), list(kernel), _expanded(target, hidden)


def _expanded(labels: str, hidden: list[str]) -> list[str]:
    before, dots, after = labels.partition("...")
    return [*before, *(hidden if dots else []), *after]


def _bias_shape(bias_axes: str, target: list[str], sizes: dict[str, Any]) -> list[Any]:
    """The bias has the sizes of its axes and 1 along the axes behind the first of them."""
    for label in bias_axes:
        if label not in target:
            raise ValueError(
                f"Bias dimension '{label}' was requested, but is not part of the output spec '{''.join(target)}'"
            )
    if not bias_axes:
        return []
    first = min(target.index(c) for c in bias_axes)
    return [sizes.get(c) if c in bias_axes else 1 for c in target[first:]]
