"""16-bit floats in programs: stored in 16 bits, computed in float32, rounded once per op.

An op's whole body runs in float32 on widened operands, and its result is narrowed, as NumPy does for float16. Single
words that element rules apply to 16-bit values are treated alike. Bodies that only select and convert move the 16 bits,
and bodies that look at the bits of their operands (bitcast) see those 16; each of their words rounds by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from codegen import loopir
from graphcore.dtypes import DType
from graphcore.graph import Node
from graphcore.handler import VOCABULARY, result_dtype

if TYPE_CHECKING:
    from codegen.lower.program import Handle, Program

_EXACT = frozenset(("min", "max", "neg", "abs", "sign", "floor", "ceil", "rint", "trunc", "select"))
"""Words whose result is a 16-bit float if their operands are."""
_MOVING = frozenset(("select",))


class _Words:
    """A handler whose values are dtypes, and which notes the words on 16-bit floats that it is asked for."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self.bits = False

    def __getattr__(self, word: str) -> Callable[..., DType]:
        if word not in VOCABULARY:
            raise AttributeError(f"{word!r} is not a word of scalar bodies")

        def note(*operands: DType) -> DType:
            if any(x.is_half for x in operands):
                self.used.add(word)
            return result_dtype(word, list(operands))

        return note

    def dtype(self, x: DType) -> DType:
        return x

    def const(self, value: Any, dtype: DType) -> DType:
        return dtype

    def cast(self, x: DType, dtype: DType) -> DType:
        return dtype

    def bitcast(self, x: DType, dtype: DType) -> DType:
        self.bits |= x.is_half or dtype.is_half
        return dtype


def apply_body(program: Program, node: Node, operands: Sequence[Handle]) -> Any:
    """What an elementwise node's body makes of its operands; in float32 if they are 16-bit floats."""
    body = node.op.body
    assert body is not None
    if not any(x.dtype.is_half for x in operands) or keeps_halves(node, [x.dtype for x in operands]):
        return body(program, *operands, **node.attrs)
    found = body(program, *(program.cast(x, x.dtype.arithmetic) for x in operands), **node.attrs)
    if isinstance(found, tuple):
        return tuple(program.cast(x, v.type.dtype) for x, v in zip(found, node.results, strict=True))
    return program.cast(found, node.result.type.dtype)


def keeps_halves(node: Node, dtypes: Sequence[DType]) -> bool:
    """Whether an op's body gets 16-bit floats as they are: it only selects or converts them, or needs their bits."""
    words = _Words()
    assert node.op.body is not None
    node.op.body(words, *dtypes, **node.attrs)
    return words.bits or words.used <= _MOVING


def apply_word(program: Program, word: str, operands: Sequence[Handle]) -> Handle:
    """One word on 16-bit floats, through float32."""
    dtype = result_dtype(word, [x.dtype for x in operands])
    if word in _MOVING:
        return program.compute(word, dtype, operands)
    wide = [program.cast(x, x.dtype.arithmetic) for x in operands]
    return program.cast(program.compute(word, dtype.arithmetic, wide), dtype)


def wide_source(program: Program, narrow: Handle) -> str | None:
    """The float32 value that was narrowed to a 16-bit one, if that narrowing changed nothing."""
    s = program.statements[narrow.name]
    if not isinstance(s, loopir.Compute) or s.word != "cast":
        return None
    wide = getattr(program.statements[s.args[0]], "dtype", None) is narrow.dtype.arithmetic
    return s.args[0] if wide and _fits(program, s.args[0], narrow.dtype) else None


def _fits(program: Program, name: str, dtype: DType) -> bool:
    """Whether a float32 value is surely one of the 16-bit type."""
    s = program.statements[name]
    if isinstance(s, loopir.Const):
        with np.errstate(over="ignore"):
            return bool(dtype.numpy.type(s.value) == s.value)
    if not isinstance(s, loopir.Compute):
        return False
    if s.word == "cast":
        source = program.statements[s.args[0]]
        return getattr(source, "dtype", None) is dtype
    if s.word not in _EXACT:
        return False
    return all(_fits(program, a, dtype) for a in (s.args[1:] if s.word == "select" else s.args))
