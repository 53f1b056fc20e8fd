"""tf.cond, tf.case, tf.switch_case: one of several functions, chosen by a tensor.

Eagerly the chosen function runs, and it alone. In a trace all of them become bodies of one node, of which a run runs
the chosen one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eager import nest
from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.ops import math
from eager.ops.common import op, raw_shape
from eager.ops.debugging import Assert
from eager.ops.leaves import filled, leaves_of, packed, require_callable, running_trace, same_sizes, tensor_of
from eager.ops.public import public
from eager.ops.shaping import cast
from eager.ops.tensor_array import TensorArray
from eager.tensor import Tensor, type_of
from graphcore.dtypes import int32

if TYPE_CHECKING:
    from eager.function.control import Traced
    from eager.function.trace import Trace

Branch = Callable[[], Any]


@public("cond")
def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """What `true_fn()` gives if `pred` holds, else what `false_fn()` gives (tf.cond).

    In a trace both are traced, and must give the same structure, dtypes and shapes. Where shapes differ, or Python
    asks for a tensor's value, the trace ends.

    Args:
        pred: a scalar; a number holds if it is not 0.
        true_fn: a function without arguments.
        false_fn: a function without arguments.
        name: accepted for compatibility.

    Raises:
        TypeError: if a function is missing or not callable, or if results differ in structure or dtype.
        InvalidArgumentError: if `pred` is no scalar.
    """
    del name
    require_callable(true_fn, "true_fn")
    require_callable(false_fn, "false_fn")
    holds = truth(pred, "cond")
    if holds._array is not None:
        return true_fn() if bool(holds) else false_fn()
    return _choose("tf.cond", cast(op("logical_not", holds), int32), [true_fn, false_fn])


def truth(pred: Any, name: str) -> Tensor:
    """A condition as a bool scalar. Raises InvalidArgumentError for a tensor of several elements."""
    tensor = convert(pred)
    if raw_shape(tensor) != ():
        if tensor.shape.num_elements() != 1:
            raise InvalidArgumentError(
                f"{name}: the condition is {type_of(tensor)}, expected a scalar; use tf.reduce_all or tf.reduce_any"
            )
        tensor = op("reshape", tensor, shape=())
    return tensor if tensor.dtype.is_bool else op("not_equal", tensor, convert(0, like=tensor.dtype))


def _choose(of: str, index: Tensor, functions: Sequence[Branch]) -> Any:
    """The result of the function of a traced number; outside of their range it is the last one."""
    from eager.function.region import attempt

    trace = running_trace()
    assert trace is not None

    def chosen() -> Any:
        number = int(index)
        return functions[number if 0 <= number < len(functions) else -1]()

    return attempt(trace, lambda: _traced_choice(trace, of, index, functions), chosen)


def _traced_choice(trace: Trace, of: str, index: Tensor, functions: Sequence[Branch]) -> Any:
    from eager.function.control import emit_cond, trace_body

    results: list[Any] = []
    branches: list[Traced] = []
    for function in functions:

        def leaves(_: list[Tensor], function: Branch = function) -> list[Any]:
            results.append(function())
            return leaves_of(results[-1])

        branches.append(trace_body(trace, "branch", of, (), leaves))
    first = _aligned(trace, of, results, branches)
    found = emit_cond(index, branches)
    return packed(results[0], filled(first, iter(found)))


def _aligned(trace: Trace, of: str, results: Sequence[Any], branches: Sequence[Traced]) -> list[Any]:
    """Leaves the branches with tensors of equal types, and returns the leaves of the first."""
    from eager.function.region import inside, leave

    for number, other in enumerate(results[1:], 1):
        try:
            nest.assert_same_structure(results[0], other)
        except (TypeError, ValueError) as error:
            raise _differ(of, results, number, str(error)) from None
    for leaf, column in enumerate(zip(*(b.results for b in branches), strict=True)):
        known = next((t for t in map(tensor_of, column) if t is not None), None)
        for number, (branch, x) in enumerate(zip(branches, column, strict=True)):
            if type(x) is not type(column[0]):
                raise _differ(of, results, number, f"value {leaf} is {column[0]!r} in one and {x!r} in the other")
            if known is not None and isinstance(x, TensorArray):
                with inside(branch.region):
                    branch.results[leaf] = x.with_elements_of(raw_shape(known)[1:])
            have, want = tensor_of(branch.results[leaf]), tensor_of(branches[0].results[leaf])
            if have is None or want is None:
                continue
            if have.dtype is not want.dtype:
                how = f"value {leaf} is {type_of(want)} in one, {type_of(have)} in the other"
                raise _differ(of, results, number, how)
            if not same_sizes(raw_shape(have), raw_shape(want)):
                leave(trace, f"the branches of {of} give shapes {want.shape} and {have.shape}")
    first = list(branches[0].results)
    for branch in branches:
        with inside(branch.region):
            branch.results[:] = [t for t in map(tensor_of, branch.results) if t is not None]
    return first


def _differ(of: str, results: Sequence[Any], number: int, how: str) -> TypeError:
    return TypeError(
        f"{of}: branches must have the same number, type, and overall structure of return values.\n\nbranch 0 output: "
        f"{results[0]}\nbranch {number} output: {results[number]}\n\nError details:\n{how}"
    )


@public("case")
def case(
    pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False, name: str = "case"
) -> Any:
    """What the function beside the first true predicate gives (tf.case).

    Args:
        pred_fn_pairs: a list of (bool scalar tensor, function) pairs, or a dict of predicate references to functions.
        default: the function for when no predicate holds; without one, one must hold.
        exclusive: makes it an error if more than one predicate holds.
        strict, name: accepted for compatibility.

    Raises:
        TypeError: for pairs of another form.
        InvalidArgumentError: if no predicate holds and there is no default, or with `exclusive` several do.
    """
    del strict, name
    preds, functions = _pairs(pred_fn_pairs)
    if default is not None:
        require_callable(default, "default")
    if exclusive and len(preds) > 1:
        count = math.add_n([cast(p, int32) for p in preds])
        Assert(math.less_equal(count, 1), [f"More than one condition evaluated as True: {count}, with exclusive=True"])
    if default is None:
        Assert(math.reduce_any(preds), ["None of conditions evaluated as True, and tf.case has no default"])
    if all(p._array is not None for p in preds):
        # The assertion above holds where there is no default.
        chosen = next((f for p, f in zip(preds, functions, strict=True) if bool(p)), default)
        assert chosen is not None
        return chosen()
    index = convert(len(preds))
    for number in reversed(range(len(preds))):
        index = op("select", preds[number], convert(number), index)
    return _choose("tf.case", index, [*functions, default or functions[-1]])


def _pairs(pairs: Any) -> tuple[list[Tensor], list[Branch]]:
    if not isinstance(pairs, list | tuple | dict):
        raise TypeError(f"'pred_fn_pairs' must be a list, tuple, or dict. Received: {type(pairs)}")
    preds: list[Tensor] = []
    functions: list[Branch] = []
    for pair in pairs.items() if isinstance(pairs, dict) else pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"Each entry in 'pred_fn_pairs' must be a 2-tuple. Received {pair!r}.")
        pred = pair[0].deref() if hasattr(pair[0], "deref") else pair[0]
        if not isinstance(pred, Tensor) or not pred.dtype.is_bool:
            raise TypeError(f"case: a predicate must be a bool Tensor. Received {pred!r}.")
        require_callable(pair[1], "fn")
        preds.append(truth(pred, "case"))
        functions.append(pair[1])
    if not preds:
        raise InvalidArgumentError("case: 'pred_fn_pairs' is empty; give at least one (predicate, function) pair")
    return preds, functions


@public("switch_case")
def switch_case(branch_index: Any, branch_fns: Any, default: Any = None, name: str = "switch_case") -> Any:
    """What the function of a number gives (tf.switch_case).

    Args:
        branch_index: an integer scalar tensor.
        branch_fns: a list of functions, of (int, function) pairs, or a dict of them; the numbers are 0 to n - 1.
        default: the function for a number outside; by default the last one.
        name: accepted for compatibility.

    Raises:
        TypeError: if the index is no integer tensor, or an entry is no function.
        ValueError: if the numbers do not run from 0 to n - 1, or there is none.
    """
    del name
    if not isinstance(branch_index, Tensor) or not branch_index.dtype.is_integer:
        raise TypeError(f"'branch_index' must be an integer Tensor, got {branch_index!r}")
    if branch_index.ndim:
        raise InvalidArgumentError(f"switch_case: the index is {type_of(branch_index)}, expected a scalar")
    functions = _numbered(branch_fns)
    if default is not None:
        require_callable(default, "default")
        functions.append(default)
    last = len(functions) - 1
    if branch_index._array is not None:
        number = int(branch_index)
        return functions[number if 0 <= number <= last else last]()
    inside = op("logical_and", branch_index >= 0, branch_index < last)
    index = op("select", inside, branch_index, convert(last, like=branch_index.dtype))
    return _choose("tf.switch_case", cast(index, int32), functions)


def _numbered(branch_fns: Any) -> list[Branch]:
    if not isinstance(branch_fns, list | tuple | dict):
        raise TypeError(f"'branch_fns' must be a list, tuple, or dict. Received: {branch_fns!r}")
    entries = list(branch_fns.items() if isinstance(branch_fns, dict) else branch_fns)
    if not entries:
        raise ValueError("switch_case: must provide at least one item in 'branch_fns'")
    if all(callable(f) for f in entries):
        entries = list(enumerate(entries))
    for entry in entries:
        if not isinstance(entry, tuple) or len(entry) != 2:
            raise TypeError(f"Each entry in 'branch_fns' must be a 2-tuple. Received {entry!r}.")
        if not isinstance(entry[0], int):
            raise TypeError(f"switch_case: key must be a Python `int`, got {entry[0]!r}")
        require_callable(entry[1], f"fn for key {entry[0]}")
    numbers = sorted(entry[0] for entry in entries)
    if numbers != list(range(len(entries))):
        raise ValueError(
            f"branch indices (keys) must form contiguous range of [0 to {len(entries)}) but found {numbers}"
        )
    return [function for _, function in sorted(entries, key=lambda entry: entry[0])]
