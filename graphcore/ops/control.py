"""Ops that stand for structure: inputs, constants, identities, effects, fused bodies and calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore.dtypes import as_dtype
from graphcore.errors import InvalidArgumentError
from graphcore.ops.rules import BOOL, Attrs, Types, require_kind, samples
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions

# input: attrs name, role; made by GraphBuilder.input, which gives it its type


def _input_has_no_rule(*_: Any, **__: Any) -> Any:
    raise InvalidArgumentError(
        "input: an input has no operands to infer or compute it from; use GraphBuilder.input"
    )


input = register(OpDef(
    "input", "control", _input_has_no_rule, _input_has_no_rule, differentiable=False, samples=samples("none")
))  # fmt: skip

# constant: attr value, a graphcore.graph.Const


def _constant_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    array = attrs["value"].array
    return (TensorType(as_dtype(array.dtype), array.shape),)


constant = register(OpDef(
    "constant", "control", _constant_infer, lambda value: value.array, differentiable=False,
    samples=samples("constants"),
))  # fmt: skip

# identity and stop_gradient: the operand itself

identity = register(OpDef(
    "identity", "elementwise", lambda types, attrs: (types[0],), lambda x: x,
    lambda f, cts, inputs, outputs, attrs: (cts[0],), lambda k, x: x, samples=samples("identities"),
))  # fmt: skip
stop_gradient = register(OpDef(
    "stop_gradient", "elementwise", lambda types, attrs: (types[0],), lambda x: x, None, lambda k, x: x,
    differentiable=False, samples=samples("identities"),
))  # fmt: skip

# assert: operand bool of any shape, attr message; no result; stops the run unless all hold


def _assert_infer(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    require_kind("assert", types[0], BOOL)
    return ()


def _assert_evaluate(condition: Any, message: str = "") -> tuple[()]:
    if not np.all(condition):
        raise InvalidArgumentError(message or "assertion failed")
    return ()


assert_ = register(OpDef(
    "assert", "control", _assert_infer, _assert_evaluate, effects=frozenset({"fail"}), differentiable=False,
    samples=samples("assertions"),
))  # fmt: skip

# host_call: attr call, an object with .name, .infer(types) -> types and .function(*arrays) -> sequence of
# arrays; it may have .vjp(f, cts, inputs, outputs)


def _host_vjp(f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs) -> Any:
    rule = getattr(attrs["call"], "vjp", None)
    return [None] * len(inputs) if rule is None else rule(f, cts, inputs, outputs)


host_call = register(OpDef(
    "host_call", "host", lambda types, attrs: tuple(attrs["call"].infer(types)),
    lambda *arrays, call: tuple(call.function(*arrays)), _host_vjp, effects=frozenset({"host"}),
    samples=samples("host_calls"), native=False,
))  # fmt: skip

# fusion: one body graph whose inputs are the operands, attr category; passes make it


def _fusion_infer(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    return tuple(v.type for v in attrs["bodies"][0].outputs)


def _fusion_evaluate(*arrays: Any, bodies: Any, category: str = "") -> tuple[Any, ...]:
    from graphcore.interpret import interpret

    return tuple(interpret(bodies[0], arrays))


def _fusion_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    from graphcore.autodiff import backward, copy_into

    records, results = copy_into(attrs["bodies"][0], inputs, f)
    wanted = [(r, ct) for r, ct in zip(results, cts, strict=True) if ct is not None]
    return backward(records, [r for r, _ in wanted], inputs, [ct for _, ct in wanted], f)


fusion = register(OpDef(
    "fusion", "control", _fusion_infer, _fusion_evaluate, _fusion_vjp, samples=samples("fusions")
))  # fmt: skip

# custom_gradient: operands are `results` finished values, then `arguments` values they were computed from, then what
# the body needs; results are the finished values themselves. The body maps cotangents of the results, and what it
# needs, to cotangents of the arguments. It is for differentiation only: canonicalize puts the operands in its place.


def _custom_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    from graphcore.autodiff import copy_into

    first, last = attrs["results"], attrs["results"] + attrs["arguments"]
    given = [f.zeros_like(y) if ct is None else ct for ct, y in zip(cts, outputs, strict=True)]
    found = copy_into(attrs["bodies"][0], [*given, *inputs[last:]], f)[1]
    kinds = [f.type(x).dtype.kind for x in inputs[first:last]]
    return [*[None] * first, *(g if k in "fc" else None for g, k in zip(found, kinds, strict=True)),
            *[None] * (len(inputs) - last)]  # fmt: skip


custom_gradient = register(OpDef(
    "custom_gradient", "host", lambda types, attrs: tuple(types[: attrs["results"]]),
    lambda *arrays, bodies, results, arguments, env=None: tuple(arrays[:results]), _custom_vjp,
    samples=samples("custom_gradients"), native=False,
))  # fmt: skip

# call: attr function, an object with .infer(types), .evaluate(*arrays) and .vjp(f, cts, inputs, outputs): a
# compiled function as one op on an eager tape

call = register(OpDef(
    "call", "host", lambda types, attrs: tuple(attrs["function"].infer(types)),
    lambda *arrays, function: tuple(function.evaluate(*arrays)),
    lambda f, cts, inputs, outputs, attrs: attrs["function"].vjp(f, cts, inputs, outputs),
    samples=samples("calls"), native=False,
))  # fmt: skip
