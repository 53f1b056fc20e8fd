"""Symbolic dimensions as LLVM i64 arithmetic."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

from codegen.emit.text import FunctionText
from graphcore.dims import Atom, Dim, SymDim, bounds
from graphcore.errors import InvalidArgumentError

_PREDICATES = {"eq": "eq", "lt": "slt", "le": "sle"}
_COMPARE: dict[str, Callable[[int, int], bool]] = {"eq": operator.eq, "lt": operator.lt, "le": operator.le}


def emit_dim(
    fn: FunctionText, dim: Dim, symbols: Mapping[str, str], memo: dict[Dim, str] | None = None
) -> str:
    """Emits instructions that compute a Dim; returns an i64 operand (an SSA name or a literal).

    Args:
        fn: the function under construction; instructions go to its current block.
        dim: a polynomial over symbols, floordiv, mod (floor semantics, positive divisors), min and max.
        symbols: the i64 operand of every symbol in `dim`.
        memo: values already computed, by Dim; only valid where their blocks dominate this one.

    Raises:
        KeyError: if a symbol has no operand.
    """
    if isinstance(dim, int):
        return str(dim)
    if memo is not None and dim in memo:
        return memo[dim]
    total = ""
    for monomial, factor in dim.terms:
        term = _monomial(fn, monomial, factor, symbols, memo)
        total = term if not total else fn.emit(f"add i64 {total}, {term}", "d")
    if memo is not None:
        memo[dim] = total
    return total


def _monomial(
    fn: FunctionText,
    monomial: tuple[Atom, ...],
    factor: int,
    symbols: Mapping[str, str],
    memo: dict[Dim, str] | None,
) -> str:
    if not monomial:
        return str(factor)
    value = _atom(fn, monomial[0], symbols, memo)
    for atom in monomial[1:]:
        value = fn.emit(f"mul i64 {value}, {_atom(fn, atom, symbols, memo)}", "d")
    return value if factor == 1 else fn.emit(f"mul i64 {value}, {factor}", "d")


def _atom(fn: FunctionText, atom: Atom, symbols: Mapping[str, str], memo: dict[Dim, str] | None) -> str:
    if atom.kind == "symbol":
        return symbols[atom.name]
    own = SymDim((((atom,), 1),))
    if memo is not None and own in memo:
        return memo[own]
    a, b = (emit_dim(fn, argument, symbols, memo) for argument in atom.args)
    if atom.kind in ("min", "max"):
        less = fn.emit(f"icmp slt i64 {a}, {b}", "d")
        first, second = (a, b) if atom.kind == "min" else (b, a)
        value = fn.emit(f"select i1 {less}, i64 {first}, i64 {second}", "d")
    elif atom.kind in ("floordiv", "mod"):
        value = _division(fn, atom, a, b)
    else:
        raise InvalidArgumentError(f"no instruction for {atom.kind} of dimensions")
    if memo is not None:
        memo[own] = value
    return value


def _division(fn: FunctionText, atom: Atom, a: str, b: str) -> str:
    """Floor division or its remainder; plain unsigned instructions where the dividend cannot be negative."""
    low = bounds(atom.args[0])[0]
    quotient = atom.kind == "floordiv"
    if low is not None and low >= 0:
        return fn.emit(f"{'udiv' if quotient else 'urem'} i64 {a}, {b}", "d")
    rest = fn.emit(f"srem i64 {a}, {b}", "d")
    below = fn.emit(f"icmp slt i64 {rest}, 0", "d")  # the divisor is positive
    if quotient:
        truncated = fn.emit(f"sdiv i64 {a}, {b}", "d")
        return fn.emit(f"add i64 {truncated}, {fn.emit(f'sext i1 {below} to i64', 'd')}", "d")
    raised = fn.emit(f"add i64 {rest}, {b}", "d")
    return fn.emit(f"select i1 {below}, i64 {raised}, i64 {rest}", "d")


def emit_condition(
    fn: FunctionText,
    condition: tuple[str, Dim, Dim],
    symbols: Mapping[str, str],
    memo: dict[Dim, str] | None = None,
) -> str:
    """Emits a comparison ("eq" | "lt" | "le", a, b) of Dims; returns an i1 operand ("true" if constant)."""
    kind, a, b = condition
    if isinstance(a, int) and isinstance(b, int):
        return "true" if _COMPARE[kind](a, b) else "false"
    left = emit_dim(fn, a, symbols, memo)
    right = emit_dim(fn, b, symbols, memo)
    return fn.emit(f"icmp {_PREDICATES[kind]} i64 {left}, {right}", "c")
