"""tf.custom_gradient and tf.recompute_grad: functions that bring their own gradient."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from eager import nest
from eager.context import run_frame, state, thread
from eager.convert import convert
from eager.dispatch import functions
from eager.errors import InvalidArgumentError
from eager.frame import again
from eager.tape import GradientTape
from eager.tensor import Tensor, type_of
from eager.variable import Variable
from graphcore.optable import OpDef, get_op


def custom_gradient(f: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """A function whose gradient is what it says (tf.custom_gradient).

    Args:
        f: takes tensors and returns (result, grad_fn). `grad_fn(*upstream)` gets one cotangent per tensor of the
            result and returns one gradient per argument. If f reads variables, grad_fn must take `variables=None` too
            and return (gradients of the arguments, gradients of the variables).

    Returns:
        The function of the result alone. It works eagerly and traced, and around it a tape may be nested; keyword
        arguments reach f as they are and get no gradient.

    Raises:
        TypeError: from a call, if f reads variables and grad_fn does not take them.
        ValueError: from the gradient, if grad_fn returns a wrong number of gradients.
    """
    if f is None:
        return lambda g: custom_gradient(g)

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        inputs = [x if isinstance(x, Variable) else convert(x) for x in nest.flatten(list(args))]
        watcher = GradientTape(persistent=True)
        with watcher:
            result, grad_fn = f(*nest.pack_sequence_as(list(args), inputs), **kwargs)
        given = {id(x) for x in inputs}
        variables = [v for v in watcher.watched_variables() if id(v) not in given]
        rule = _rule(f, grad_fn, len(inputs), variables)
        outputs = [convert(y) for y in nest.flatten(result)]
        fresh = _recorded(f, rule, [*inputs, *variables], outputs) if state.busy else outputs
        return nest.pack_sequence_as(result, fresh)

    return call


def _rule(
    f: Any, grad_fn: Callable[..., Any], count: int, variables: Sequence[Variable]
) -> Callable[[Sequence[Tensor]], list[Any]]:
    """From upstream cotangents to one gradient (or None) per argument and variable."""
    name = getattr(f, "__name__", "function")
    if variables and not _takes_variables(grad_fn):
        raise TypeError(
            f"custom_gradient: {name} reads variables ({', '.join(v.name for v in variables)}), so its gradient "
            "function must accept a keyword argument `variables` and return their gradients too"
        )

    def rule(upstream: Sequence[Tensor]) -> list[Any]:
        if variables:
            found, of_variables = grad_fn(*upstream, variables=list(variables))
        else:
            found, of_variables = grad_fn(*upstream), []
        grads = [found] if not isinstance(found, list | tuple) else nest.flatten(list(found))
        grads += list(of_variables) if isinstance(of_variables, list | tuple) else [of_variables]
        if len(grads) != count + len(variables):
            raise ValueError(
                f"custom_gradient: the gradient function of {name} returned {len(grads)} gradients, expected {count} "
                f"for its arguments and {len(variables)} for its variables"
            )
        return [None if g is None else convert(g) for g in grads]

    return rule


def _takes_variables(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return any(p.name == "variables" or p.kind is p.VAR_KEYWORD for p in parameters)


def _recorded(f: Any, rule: Callable[..., list[Any]], inputs: list[Any], outputs: list[Tensor]) -> list[Tensor]:
    """New tensors of the outputs' values, which every tape takes to come from the inputs by the rule."""
    frame = thread.frame
    if frame is not None and frame.tracing and any(t._array is None for t in outputs):
        return _traced(f, rule, inputs, outputs)
    fresh = [again(y) for y in outputs]
    op = _op(getattr(f, "__name__", "function"), rule)
    for tape in thread.tapes:
        tape.record(op, tuple(inputs), tuple(fresh), {})
    return fresh


def _op(name: str, rule: Callable[..., list[Any]]) -> OpDef:
    def vjp(f: Any, cts: Sequence[Any], inputs: Any, outputs: Sequence[Any], attrs: Any) -> list[Any]:
        return rule([f.zeros_like(y) if ct is None else ct for ct, y in zip(cts, outputs, strict=True)])

    def only_on_tapes(*_: Any, **__: Any) -> Any:
        raise InvalidArgumentError(f"{name}: a custom gradient is a record of tapes, not an op to run")

    return OpDef(f"custom_gradient of {name}", "host", only_on_tapes, only_on_tapes, vjp, native=False)


def _traced(f: Any, rule: Callable[..., list[Any]], inputs: list[Any], outputs: list[Tensor]) -> list[Tensor]:
    """The outputs through a node that carries the backward pass as a body, for tapes outside of the trace too."""
    from eager.dispatch import run
    from eager.function.region import Region, attempt, inside, leave, operands
    from eager.ops.leaves import running_trace

    trace = running_trace()
    assert trace is not None
    name = getattr(f, "__name__", "function")

    def traced() -> list[Tensor]:
        region = Region(trace, f"{name}_gradient", f"the gradient function of {name}")
        upstream = [region.parameter(type_of(y), f"ct{i}") for i, y in enumerate(outputs)]
        with inside(region):
            found = rule(upstream)
            zeros = [functions().zeros_like(x.value() if isinstance(x, Variable) else x) for x in inputs]
            body = [z if g is None else g for g, z in zip(found, zeros, strict=True)]
        if any(region.assigned()):
            leave(trace, f"the gradient function of {name} assigns variables or draws random numbers")
        captured = list(region.captured())
        graph = region.finish(captured, body)
        items = [*outputs, *operands(inputs), *operands(captured)]
        attrs = {"bodies": (graph,), "results": len(outputs), "arguments": len(inputs)}
        return list(run(get_op("custom_gradient"), items, attrs))

    return attempt(trace, traced, lambda: _recorded(f, rule, inputs, outputs))


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose intermediate values a tape does not keep: they are computed again for the gradient.

    (tf.recompute_grad; Chen et al., Training deep nets with sublinear memory cost, 2016.) In a traced function the
    compiler decides what is kept, and f is traced as it is.
    """

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        frame = thread.frame
        if not thread.tapes or (frame is not None and frame.tracing):
            return f(*args, **kwargs)
        return _recomputed(f, args, kwargs)

    return call


def _recomputed(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    inputs = [x if isinstance(x, Variable) else convert(x) for x in nest.flatten(list(args))]
    watcher = GradientTape(persistent=True)
    with run_frame(thread.frame), watcher:
        result = f(*nest.pack_sequence_as(list(args), inputs), **kwargs)
    given = {id(x) for x in inputs}
    sources = [*inputs, *(v for v in watcher.watched_variables() if id(v) not in given)]
    watcher.reset()
    outputs = [again(convert(y)) for y in nest.flatten(result)]

    def rule(upstream: Sequence[Tensor]) -> list[Any]:
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([x for x in sources if x.dtype.is_floating or x.dtype.is_complex])
            once_more = nest.flatten(f(*nest.pack_sequence_as(list(args), inputs), **kwargs))
        return tape.gradient(once_more, sources, list(upstream))

    op = _op(getattr(f, "__name__", "function"), rule)
    # Reading a variable here makes the tapes of the outside watch it.
    read = tuple([x.value() if isinstance(x, Variable) else x for x in sources])
    for tape in thread.tapes:
        tape.record(op, read, tuple(outputs), {})
    return nest.pack_sequence_as(result, outputs)


__all__ = ["custom_gradient", "recompute_grad"]
