"""Derivatives beyond GradientTape.gradient: forward mode, tf.gradients and tf.hessians inside traced functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast

from eager import nest
from eager.context import thread
from eager.convert import convert
from eager.dispatch import functions
from eager.tape import GradientTape, UnconnectedGradients, is_variable, value_of
from eager.tensor import Tensor, type_of
from eager.tensor_shape import TensorSpec
from graphcore.autodiff import Record, backward, graph_records

if TYPE_CHECKING:
    from eager.function.trace import Trace
    from graphcore.graph import Value


class _ForwardTape(GradientTape):
    """The tape of an accumulator."""

    @property
    def recording(self) -> bool:
        """Whether it records now."""
        return self._recording


class ForwardAccumulator:
    """Directional derivatives, forward mode (tf.autodiff.ForwardAccumulator).

    Records what happens in its context; `jvp(x)` is the derivative of x in the direction of the tangents. It is found
    by differentiating the (linear) reverse pass with respect to its cotangent, so every op that a tape can
    differentiate twice has it, and accumulators and tapes nest in any order.
    """

    def __init__(self, primals: Any, tangents: Any) -> None:
        """Takes tensors or variables, and as many directions of their shapes and dtypes.

        Raises:
            ValueError: if the structures differ, or a primal is given twice.
        """
        self._tape = _ForwardTape(persistent=True, watch_accessed_variables=False)
        self._around: list[_ForwardTape] = []
        nest.assert_same_structure(primals, tangents)
        self._primals = [p if is_variable(p) else convert(p) for p in nest.flatten(primals)]
        if len({id(p) for p in self._primals}) != len(self._primals):
            raise ValueError("ForwardAccumulator: a primal is given twice; add its tangents")
        self._tangents = [_tangent(p, t) for p, t in zip(self._primals, nest.flatten(tangents), strict=True)]

    def __enter__(self) -> Self:
        """Starts recording."""
        self._around = [t for t in thread.tapes if isinstance(t, _ForwardTape)]
        self._tape.__enter__()
        for primal in self._primals:
            self._tape.watch(primal)
        return self

    def __exit__(self, *exc: object) -> None:
        """Ends recording."""
        self._tape.__exit__(*exc)

    def jvp(self, primals: Any, unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE) -> Any:
        """The directional derivative of each tensor of a structure; None or zeros where nothing connects it."""
        zero = UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO
        # Accumulators around this one that have ended see its products as if they were formed in their context.
        with ExitStack() as stack:
            for tape in self._around:
                if not tape.recording:
                    stack.enter_context(tape)
            return nest.map_structure(lambda x: self._directional(x, zero), primals)

    def _directional(self, target: Any, zero: bool) -> Tensor | None:
        end = target if is_variable(target) else convert(target)
        for primal, tangent in zip(self._primals, self._tangents, strict=True):
            if primal is end:
                return tangent
        f = functions()
        cotangent = f.full(type_of(value_of(end)), 0)
        with GradientTape() as linear:
            linear.watch(cotangent)
            found = self._tape.gradient(end, self._primals, output_gradients=cotangent)
            pairs = [(convert(g), t) for g, t in zip(found, self._tangents, strict=True) if g is not None]
        result = linear.gradient([g for g, _ in pairs], cotangent, [t for _, t in pairs]) if pairs else None
        return f.full(type_of(value_of(end)), 0) if result is None and (zero or pairs) else result


def _tangent(primal: Any, tangent: Any) -> Tensor:
    found = convert(tangent, dtype=primal.dtype, name="a tangent")
    if not found.shape.is_compatible_with(primal.shape):
        raise ValueError(f"ForwardAccumulator: a tangent has shape {found.shape}, its primal {primal.shape}")
    return found


def gradients(
    ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", gate_gradients: bool = False,
    aggregation_method: Any = None, stop_gradients: Any = None,
    unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
) -> list[Tensor | None]:  # fmt: skip
    """The gradients of the sum of `ys` with respect to each of `xs`, inside a traced function (tf.gradients).

    Args:
        ys: a traced tensor or a list of them.
        xs: tensors or variables that the function has read.
        grad_ys: cotangents of `ys`, by default ones.
        name, gate_gradients, aggregation_method: accepted for compatibility.
        stop_gradients: tensors that count as constants.
        unconnected_gradients: NONE gives None for an x without a path to a y, ZERO gives zeros.

    Raises:
        RuntimeError: outside of a traced function; use tf.GradientTape there.
    """
    del name, gate_gradients, aggregation_method
    zero = UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO
    recorded = _Recorded("tf.gradients", [] if stop_gradients is None else nest.flatten(stop_gradients))
    return recorded.gradients(nest.flatten(ys), nest.flatten(xs), grad_ys, zero)


class _Recorded:
    """What the running trace has recorded so far, as records of tensors that can be differentiated."""

    def __init__(self, what: str, stops: Sequence[Any] = ()) -> None:
        frame = thread.frame
        if frame is None or not frame.tracing:
            raise RuntimeError(
                f"{what} is not supported when eager execution is enabled. Use tf.GradientTape instead."
            )
        self._trace = cast("Trace", frame)
        self._tensors: dict[Value, Tensor] = {}
        constant = {id(self.tensor(self._trace.value_of(convert(x)))) for x in stops}
        self._records = [
            Record(op, tuple(map(self.tensor, inputs)), tuple(map(self.tensor, outputs)), attrs)
            for op, inputs, outputs, attrs in graph_records(self._trace.builder.nodes)
        ]
        self._records = [r for r in self._records if not any(id(o) in constant for o in r.outputs)]

    def tensor(self, value: Value) -> Tensor:
        """The one tensor that stands for a value of the graph."""
        if value not in self._tensors:
            self._tensors[value] = self._trace._wrap(value)
        return self._tensors[value]

    def place(self, x: Any) -> Tensor:
        """The tensor of the records for a tensor or variable."""
        return self.tensor(self._trace.value_of(value_of(x)))

    def gradients(self, ys: Sequence[Any], xs: Sequence[Any], grad_ys: Any, zero: bool) -> list[Tensor | None]:
        """The gradients of the sum of `ys` with respect to each of `xs`."""
        f = functions()
        targets, sources = [self.place(convert(y)) for y in ys], [self.place(x) for x in xs]
        given = [None] * len(targets) if grad_ys is None else nest.flatten(grad_ys)
        cotangents = [f.full(type_of(y), 1) if g is None else convert(g) for y, g in zip(targets, given, strict=True)]
        found = backward(self._records, targets, sources, cotangents, f)
        return [f.full(type_of(x), 0) if g is None and zero else g for x, g in zip(sources, found, strict=True)]

    def product(self, ends: list[Tensor], starts: list[Tensor], cotangent: Tensor) -> Tensor:
        """The gradient of one tensor of the records by another, for a cotangent; zeros without a path."""
        f = functions()
        (found,) = backward(self._records, ends, starts, [cotangent], f)
        return f.full(type_of(starts[0]), 0) if found is None else found


def hessians(ys: Any, xs: Any, name: str = "hessians") -> list[Tensor]:
    """The second derivatives of the sum of `ys`, of shape [*x.shape, *x.shape] for each x (tf.hessians).

    Raises:
        RuntimeError: outside of a traced function; use nested tf.GradientTape there: `gradient`, then `jacobian`.
        ValueError: if an x does not influence the sum.
    """
    del name
    found: list[Tensor] = []
    for x in nest.flatten(xs):
        (slope,) = _Recorded("tf.hessians").gradients(nest.flatten(ys), [x], None, False)
        if slope is None:
            raise ValueError(f"tf.hessians: {x!r} does not influence ys")
        recorded = _Recorded("tf.hessians")
        ends, starts = [recorded.place(slope)], [recorded.place(x)]
        found.append(stack_rows(slope, partial(recorded.product, ends, starts), _spec(x)))
    return found


def stack_rows(target: Tensor, function: Callable[[Tensor], Any], signature: Any) -> Any:
    """`function` of each unit tensor of the target's shape, its results stacked to that leading shape.

    In a traced function this is a loop of the graph. `signature` holds a TensorSpec per result of the function.
    """
    from eager.ops.create import eye
    from eager.ops.fold import map_fn
    from eager.ops.join import concat
    from eager.ops.shaping import reshape, shape, size

    sizes, count = shape(target), size(target)
    units = reshape(eye(count, dtype=target.dtype), concat([[count], sizes], 0))
    stacked = map_fn(function, units, fn_output_signature=signature)
    return nest.map_structure(lambda g: reshape(g, concat([sizes, shape(g)[1:]], 0)), stacked)


def _spec(source: Any) -> TensorSpec:
    return TensorSpec(source.shape, source.dtype)


def jacobian(tape: GradientTape, target: Any, sources: Sequence[Any]) -> list[Tensor | None]:
    """For each source the derivatives of every element of `target`: [*target.shape, *source.shape], or None."""
    linked = [s for s in sources if tape.connects(s, target)]
    found: list[Any] = []
    if linked:
        found = stack_rows(
            value_of(target), lambda row: tape.cotangents([target], linked, [row]), [_spec(s) for s in linked]
        )
    by_source = dict(zip(map(id, linked), found, strict=True))
    return [by_source.get(id(s)) for s in sources]


def batch_jacobian(tape: GradientTape, target: Tensor, source: Any) -> Tensor | None:
    """The derivatives within each example: [b, *target.shape[1:], *source.shape[1:]], or None.

    Raises:
        ValueError: if the two do not share their first axis.
    """
    from eager.ops.create import eye
    from eager.ops.fold import map_fn
    from eager.ops.join import concat
    from eager.ops.shaping import broadcast_to, reshape, shape, transpose

    x, y = value_of(source), value_of(target)
    if not x.shape.rank or not y.shape.rank or not x.shape[:1].is_compatible_with(y.shape[:1]):
        raise ValueError(
            f"Need first dimension of target shape ({y.shape}) and source shape ({x.shape}) to match"
        )
    if not tape.connects(source, target):
        return None
    if y.shape.rank == 1:
        return tape.cotangents([target], [source], [functions().full(type_of(y), 1)])[0]
    rest = shape(y)[1:]
    flat = reshape(y, concat([shape(y)[:1], [-1]], 0))
    rows = map_fn(
        lambda row: tape.cotangents([target], [source], [broadcast_to(reshape(row, rest), shape(y))])[0],
        eye(shape(flat)[1], dtype=flat.dtype), fn_output_signature=_spec(x),
    )  # fmt: skip
    front = [1, 0, *range(2, rows.ndim)]
    return reshape(transpose(rows, front), concat([shape(y), shape(x)[1:]], 0))
