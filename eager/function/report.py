"""What tf.function tells about itself: explain() and dump()."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eager.function.concrete import ConcreteFunction
    from eager.function.function import Function


def explain(function: Function) -> str:
    """Traces, passes, fusion groups, kernels, host calls and fallbacks of a function, as text."""
    from graphcore.inspect import summary

    lines = [f"tf.function {function.__name__}: {len(function.concrete_functions)} traces"]
    lines.extend(f"  {entry.text()}" for entry in function.ledger)
    for concrete in function.concrete_functions:
        lines.extend(("", summary(collect(function, concrete))))
        lines.append(f"  disk cache: {concrete.function.compiled.origin}")
        packed = concrete.function.compiled.packed
        if packed:
            size = sum(item.layout.nbytes for item in packed)
            lines.append(f"  {len(packed)} packed input{'s' * (len(packed) > 1)}, {size} bytes, shared by functions")
    return "\n".join(lines)


def collect(function: Function, concrete: ConcreteFunction) -> Any:
    """The inspection data of one trace."""
    from graphcore import inspect

    compiled = concrete.function.compiled
    return inspect.collect(
        concrete.name,
        concrete.function.passes,
        compiled.kernels,
        ledger=[entry.as_dict() for entry in function.ledger],
        host_calls=compiled.host_calls,
        isa=compiled.target.isa,
    )


def dump(function: Function, path: Any) -> None:
    """Writes the dump of the newest trace. Raises ValueError if there is none."""
    from graphcore import inspect

    traces = function.concrete_functions
    if not traces:
        raise ValueError(f"{function.__name__} has not been traced; call it once, or give dump() its arguments")
    inspect.write_dump(path, collect(function, traces[-1]))
