"""tf.map_fn, tf.scan, tf.foldl, tf.foldr, tf.vectorized_map: a function along the first axis of tensors.

Eagerly a Python loop over the elements, in a trace one node that loops natively.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager import nest
from eager.convert import convert
from eager.errors import DTypeError, InvalidArgumentError, UnsupportedError
from eager.nest import map_leaves
from eager.ops.common import raw_shape, settled
from eager.ops.create import zeros
from eager.ops.join import concat, stack
from eager.ops.leaves import check_kept, leaf_of, packed, require_callable, running_trace
from eager.ops.public import public
from eager.ops.shaping import broadcast_to, expand_dims
from eager.tensor import Tensor, type_of
from eager.tensor_shape import TensorSpec
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import as_dtype

Step = Callable[[list[Tensor], list[Tensor]], tuple[list[Tensor], list[Tensor]]]
"""(carries, elements) -> (carries, values to be stacked)."""


def _elements(elems: Any, name: str) -> tuple[list[Tensor], Dim]:
    """The tensors of a structure and their common first size.

    Raises:
        ValueError: for an empty structure, a scalar, or first sizes that differ.
    """
    tensors = [convert(x) for x in nest.flatten(elems)]
    if not tensors:
        raise InvalidArgumentError(f"{name}: elems must be a tensor or a structure of tensors, got {elems!r}")
    for t in tensors:
        if not t.ndim:
            raise InvalidArgumentError(
                f"{name}: elements in elems must be 1+ dimensional Tensors, not scalars, got {type_of(t)}"
            )
    size = raw_shape(tensors[0])[0]
    for t in tensors[1:]:
        other = raw_shape(t)[0]
        if not settled(lambda other=other: dims.equal(size, other)):
            raise InvalidArgumentError(f"{name}: first sizes differ: {type_of(tensors[0])} and {type_of(t)}")
    return tensors, size


def loop_over(
    of: str, carries: Sequence[Tensor], xs: Sequence[Tensor], size: Dim, step: Step, reverse: bool = False
) -> tuple[list[Tensor], list[Tensor] | None]:
    """Runs `step` over the elements: the last carries, and the values stacked; None where there was no element."""
    trace = running_trace()
    if trace is None:
        return loop_in_python(of, carries, xs, step, reverse)
    from eager.function.control import emit_scan
    from eager.function.region import attempt

    def checked(before: list[Tensor], elements: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        after, ys = step(before, elements)
        return [check_kept(of, i, a, b) for i, (a, b) in enumerate(zip(before, after, strict=True))], ys

    def traced() -> tuple[list[Tensor], list[Tensor] | None]:
        ends, ys = emit_scan(trace, of, carries, xs, size, checked, reverse)
        return list(ends), list(ys)

    return attempt(trace, traced, lambda: loop_in_python(of, carries, xs, step, reverse))


def loop_in_python(
    of: str, carries: Sequence[Tensor], xs: Sequence[Tensor], step: Step, reverse: bool
) -> tuple[list[Tensor], list[Tensor] | None]:
    """`loop_over` as a Python loop; in a trace it writes the steps one by one, whose number must be known."""
    del of
    state, rows = list(carries), []
    count = len(xs[0])
    for i in reversed(range(count)) if reverse else range(count):
        state, ys = step(state, [x[i] for x in xs])
        rows.append(ys)
    if reverse:
        rows.reverse()
    return state, [stack(column) for column in zip(*rows, strict=True)] if rows else None


# map_fn ---------------------------------------------------------------------------------------------------------------


@public("map_fn")
def map_fn(
    fn: Any, elems: Any, dtype: Any = None, parallel_iterations: int | None = None, back_prop: bool = True,
    swap_memory: bool = False, infer_shape: bool = True, name: str | None = None, fn_output_signature: Any = None,
) -> Any:  # fmt: skip
    """Applies `fn` to the slices of `elems` along their first axis and stacks what it gives (tf.map_fn).

    Args:
        fn: a function of one element, in the structure of `elems`.
        elems: a tensor or a structure of tensors with one first size.
        dtype: the older name of `fn_output_signature`.
        fn_output_signature: a dtype or TensorSpec, or a structure of them, for each result; by default results have
            the structure and dtypes of `elems`.
        parallel_iterations, back_prop, swap_memory, infer_shape, name: accepted for compatibility.

    Returns:
        Results stacked along a new first axis.

    Raises:
        TypeError: if `fn` is not callable, or a result has another dtype.
        ValueError: for elements without a first axis or of different first sizes, or results of another structure.
    """
    del parallel_iterations, back_prop, swap_memory, infer_shape, name
    require_callable(fn, "fn")
    signature = dtype if fn_output_signature is None else fn_output_signature
    xs, size = _elements(elems, "map_fn")
    specs = map_leaves(_spec, packed(elems, xs) if signature is None else signature)
    flat = nest.flatten(specs)

    def step(_: list[Tensor], elements: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        result = fn(packed(elems, elements))
        if nest.is_nested(specs):
            nest.assert_same_structure(specs, result)
        elif nest.is_nested(result):
            result = convert(result)
        return [], [_typed(x, s) for x, s in zip(nest.flatten(result), flat, strict=True)]

    _, ys = loop_over("tf.map_fn", (), xs, size, step)
    if ys is None:
        ys = [zeros((0, *(s.shape.raw if s.shape.is_fully_defined() else ())), s.dtype) for s in flat]
    return packed(specs, ys)


def _spec(x: Any) -> TensorSpec:
    """What a result is declared as."""
    if isinstance(x, TensorSpec):
        return x
    if isinstance(x, Tensor):
        return TensorSpec(None, x.dtype)
    if type(x).__name__ in ("RaggedTensorSpec", "SparseTensorSpec"):
        raise UnsupportedError(f"map_fn: {x!r}: results are dense tensors; pad them to one shape")
    return TensorSpec(None, as_dtype(x))


def _typed(x: Any, spec: TensorSpec) -> Tensor:
    tensor = convert(x, like=spec.dtype)
    if tensor.dtype is not spec.dtype:
        raise DTypeError(
            f"map_fn: fn gives {type_of(tensor)}, expected {spec.dtype.name}; give "
            f"fn_output_signature=tf.{tensor.dtype.name}, or cast it"
        )
    if not spec.shape.is_compatible_with(tensor.shape):
        raise InvalidArgumentError(f"map_fn: fn gives shape {tensor.shape}, the fn_output_signature says {spec.shape}")
    return tensor


@public("vectorized_map")
def vectorized_map(fn: Any, elems: Any, fallback_to_while_loop: bool = True, warn: bool = True) -> Any:
    """Applies `fn` to the slices of `elems` along their first axis and stacks what it gives (tf.vectorized_map).

    Args:
        fn: a function of one element, in the structure of `elems`; it gives any structure of tensors.
        elems: a tensor or a structure of tensors with one first size; a first size of 1 goes with any other.
        fallback_to_while_loop, warn: accepted for compatibility.

    Raises:
        TypeError: if `fn` is not callable.
        ValueError: for elements without a first axis or of different first sizes.
    """
    del fallback_to_while_loop, warn
    require_callable(fn, "fn")
    given = [convert(x) for x in nest.flatten(elems)]
    sizes = [raw_shape(t)[0] for t in given if t.ndim]
    most = next((d for d in sizes if d != 1), 1)
    given = [broadcast_to(t, (most, *raw_shape(t)[1:])) if t.ndim and raw_shape(t)[0] == 1 else t for t in given]
    xs, size = _elements(packed(elems, given) if given else elems, "vectorized_map")
    results: list[Any] = []

    def step(_: list[Tensor], elements: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        results.append(fn(packed(elems, elements)))
        return [], [convert(x) for x in nest.flatten(results[-1])]

    _, ys = loop_over("tf.vectorized_map", (), xs, size, step)
    if ys is None:
        raise InvalidArgumentError(f"vectorized_map: elems has no elements ({type_of(xs[0])}), so no result is known")
    return packed(results[-1], ys)


# folds ----------------------------------------------------------------------------------------------------------------


class _Fold:
    """A function folded over elements: what it starts with, and what is left to go through."""

    def __init__(self, name: str, fn: Any, elems: Any, initializer: Any, reverse: bool) -> None:
        require_callable(fn, "fn")
        self.name, self.fn, self.elems, self.reverse = name, fn, elems, reverse
        xs, size = _elements(elems, name)
        self.structure = elems if initializer is None else initializer
        self.starts_with_element = initializer is None
        if initializer is not None:
            self.start = [convert(x) for x in nest.flatten(initializer)]
        else:
            if not settled(lambda: dims.less_equal(1, size)):
                raise InvalidArgumentError(f"{name}: elems has no elements ({type_of(xs[0])}); give an initializer")
            self.start = [x[-1] if reverse else x[0] for x in xs]
            xs = [x[:-1] if reverse else x[1:] for x in xs]
            size = size - 1
        self.xs, self.size = xs, size

    def call(self, state: list[Tensor], elements: list[Tensor]) -> list[Tensor]:
        """One step. Raises ValueError or TypeError if the function gives another structure."""
        result = self.fn(packed(self.structure, state), packed(self.elems, elements))
        if nest.is_nested(self.structure):
            nest.assert_same_structure(self.structure, result)
        leaves = nest.flatten(result) if nest.is_nested(self.structure) else [result]
        return [leaf_of(x, like) for x, like in zip(leaves, state, strict=True)]

    def last(self) -> Any:
        """What the last step gives."""
        ends, _ = loop_over(
            f"tf.{self.name}", self.start, self.xs, self.size, lambda s, e: (self.call(s, e), []), self.reverse
        )
        return packed(self.structure, ends)

    def all(self) -> Any:
        """What every step gives, stacked."""

        def step(state: list[Tensor], elements: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            new = self.call(state, elements)
            return new, new

        _, ys = loop_over(f"tf.{self.name}", self.start, self.xs, self.size, step, self.reverse)
        if ys is None:
            ys = [zeros((0, *raw_shape(t)), t.dtype) for t in self.start]
        if self.starts_with_element:
            firsts = [expand_dims(t, 0) for t in self.start]
            ys = [concat([y, f] if self.reverse else [f, y], 0) for f, y in zip(firsts, ys, strict=True)]
        return packed(self.structure, ys)


@public("scan")
def scan(
    fn: Any, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, infer_shape: bool = True, reverse: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Folds `fn` over the slices of `elems` along their first axis and stacks every step's result (tf.scan).

    Args:
        fn: a function of the value so far and one element that gives the next value, of the same dtypes and shapes.
        elems: a tensor or a structure of tensors with one first size.
        initializer: the value to start with; without one it is the first element, which is the first result too.
        reverse: starts at the last element; results stand beside their elements.
        parallel_iterations, back_prop, swap_memory, infer_shape, name: accepted for compatibility.

    Raises:
        TypeError: if `fn` is not callable, or a dtype changes.
        ValueError: for elements without a first axis, or if a structure or shape changes.
    """
    del parallel_iterations, back_prop, swap_memory, infer_shape, name
    return _Fold("scan", fn, elems, initializer, reverse).all()


@public("foldl")
def foldl(
    fn: Any, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Folds `fn` over the slices of `elems` from the first to the last (tf.foldl). Arguments and errors as tf.scan."""
    del parallel_iterations, back_prop, swap_memory, name
    return _Fold("foldl", fn, elems, initializer, False).last()


@public("foldr")
def foldr(
    fn: Any, elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Folds `fn` over the slices of `elems` from the last to the first (tf.foldr). Arguments and errors as tf.scan."""
    del parallel_iterations, back_prop, swap_memory, name
    return _Fold("foldr", fn, elems, initializer, True).last()


__all__ = ["foldl", "foldr", "map_fn", "scan", "vectorized_map"]
