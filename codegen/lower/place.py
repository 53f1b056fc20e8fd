"""Placing: a program laid out in loops, every statement in the loop of the innermost counter that it depends on.

Reductions make *stages*: what depends on a reduction's result runs after the loops that fold it. In the row layout the
folded axes are innermost, the last of them vector loops with 16-lane accumulators; in the column layout the last kept
axis is the vector loop, and serial loops inside it fold. A value that an earlier stage's loop has computed is computed
again if that is cheap; otherwise it is kept in a row buffer in scratch memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from codegen import loopir
from codegen.loopir import Init, Load, Loop, Store
from codegen.lower.merge import Axis, linear_parts, merge
from codegen.lower.program import Program, Reduce
from graphcore import dims
from graphcore.dims import Dim
from graphcore.errors import UnsupportedError
from graphcore.passes.fuse_cost import WORD_COSTS

KEEP_COST = 9
"""A value that costs at least this many simple operations is kept in a row buffer between stages."""

TILE = 16
"""Positions along an axis that are handled together where vectors run across it."""


class _Block:
    """A list of statements under construction, and the names that it defines."""

    def __init__(self, body: list[Any], symbol: str = "", stage: int = 0, *, never: bool = False) -> None:
        self.body = body
        self.symbol = symbol
        self.never = never  # a loop without iterations
        self.stage = stage
        self.done: set[str] = set()


class Placer:
    """Lays one program out in loops."""

    def __init__(self, program: Program, axes: list[Axis], *, block: int = 0) -> None:
        """Merges the axes where index expressions allow it, and chooses the layout.

        Args:
            program: what is computed.
            axes: its counters, outermost first.
            block: where all axes are folded, they are in blocks of about so many elements, one per chunk.
        """
        self.program = program
        expressions = [d for s in program.statements.values() for d in loopir.index_dims(s)]
        expressions += [r.at for r in program.roots]
        expressions += [a.extent for a in axes]  # a window's extent may depend on the counters outside of it
        self.axes, self.replace = merge(axes, expressions)
        self.kept = [a for a in self.axes if not a.reduced]
        self.reduced = [a for a in self.axes if a.reduced]
        self.column = not self.reduced or (bool(self.kept) and self.axes[-1] is self.kept[-1])
        if block:
            self._divide(block)
        self._tile = self._tiled() if self.column and not self.reduced else None
        self.body: list[Any] = []
        self._blocks = [_Block(self.body)]
        self._closed: list[_Block] = []
        self._stages: dict[str, int] = {}
        self._kept_rows: dict[str, str] = {}
        self._folding: frozenset[str] = frozenset(a.name for a in self.reduced)
        self._gone = {name for name, value in self.replace.items() if value == 0}

    @property
    def chunks(self) -> Dim:
        """Extent of the loop that is divided into chunks, 1 if there is none."""
        return self.kept[0].extent if self.kept else 1

    def run(self) -> list[Any]:
        """Places every root; returns the kernel's body."""
        self._kept_loops(0)
        return self.body

    def _divide(self, block: int) -> None:
        """Makes blocks of the outermost folded axis a kept one."""
        first, *rest = self.reduced
        inner = dims.product(a.extent for a in rest)
        rows = dims.ceildiv(block, inner)
        outer = Axis(f"{first.name}b", dims.ceildiv(first.extent, rows), "kept")
        start = dims.symbol(outer.name, 0, outer.extent - 1) * rows
        inside = start + dims.symbol(first.name, 0, rows - 1)
        self.kept = [outer]
        self.reduced[0] = Axis(first.name, dims.minimum(rows, first.extent - start), first.group)
        self.replace = {n: dims.substitute(d, {first.name: inside}) for n, d in self.replace.items()}
        self.replace.setdefault(first.name, inside)

    # -- tiles

    def _tiled(self) -> Axis | None:
        """The inner part of an axis that is split, where a load runs along that axis instead of the vector loop's.

        So a transposition goes through its source in tiles: the cache lines that one vector touches are used again
        for its neighbours along the split axis before they are evicted.
        """
        across = self._across()
        if across is None:
            return None
        outer = Axis(f"{across.name}t", dims.ceildiv(across.extent, TILE), across.group)
        self.kept[self.kept.index(across)] = outer
        start = dims.symbol(outer.name, 0, outer.extent - 1) * TILE
        inside = start + dims.symbol(across.name, 0, TILE - 1)
        self.replace = {n: dims.substitute(d, {across.name: inside}) for n, d in self.replace.items()}
        self.replace.setdefault(across.name, inside)
        return Axis(across.name, dims.minimum(across.extent - start, TILE), across.group)

    def _across(self) -> Axis | None:
        """A kept axis, large as the vector loop's, along which some load is contiguous, but not along that one."""
        if len(self.kept) < 2 or not all(isinstance(s, Load | loopir.Compute | loopir.Const) for s in self._all()):
            return None
        *outer, vector = self.kept
        names = frozenset(a.name for a in self.kept)
        for s in self._all():
            parts, linear = linear_parts(self._dim(s.at), names) if isinstance(s, Load) else ({}, False)
            if linear and parts.get(vector.name, 0) not in (0, 1):
                found = next((a for a in outer if parts.get(a.name) == 1 and _many(a) and _many(vector)), None)
                if found is not None:
                    return found
        return None

    def _all(self) -> Iterable[Any]:
        return self.program.statements.values()

    # -- loops

    def _kept_loops(self, depth: int) -> None:
        if depth == len(self.kept):
            if self._tile is None:
                self._inside()
            else:
                self._loop(self._tile, "serial", self._inside)
            return
        axis = self.kept[depth]
        vector = self.column and depth == len(self.kept) - 1
        self._loop(axis, "vector" if vector else "serial", lambda: self._kept_loops(depth + 1), chunk=depth == 0)

    def _loop(self, axis: Axis, mode: str, inside: Any, *, chunk: bool = False, stage: int = 0) -> None:
        body: list[Any] = []
        self._blocks.append(_Block(body, axis.name, stage, never=_may_be_empty(axis.extent)))
        inside()
        self._closed.append(self._blocks.pop())
        self._blocks[-1].body.append(Loop(axis.name, axis.extent, mode, chunk, body))

    def _inside(self) -> None:
        """The folds stage by stage, then the stores that need no folded counter."""
        program, folding = self.program, self._folding
        reduces = [s for s in program.statements.values() if isinstance(s, Reduce)]
        full = [r for r in program.roots if self._counters(r) & folding]
        checks = [c for c in program.checks if program.needs[c] & folding]
        last = max((self._stage(x) for x in [*(r.dest for r in reduces), *(r.src for r in full), *checks]), default=0)
        for stage in range(last + 1):
            feeding = [r for r in reduces if max(map(self._stage, r.srcs)) == stage]
            stores = [r for r in full if self._stage(r.src) == stage]
            now = [c for c in checks if self._stage(c) == stage]
            if feeding or stores or now:
                self._fold(stage, feeding, stores, now)
        for check in program.checks:
            if check not in checks:
                self._place(check)
        roots = [r for r in program.roots if r not in full]
        # An output may lie over an operand: all that is read at a position is read before anything is stored there.
        for name in program.ordered([r.src for r in roots]) if len(roots) > 1 else ():
            if isinstance(program.statements[name], Load) and not program.needs[name] & folding:
                self._place(name)
        for root in roots:
            self._store(root)

    def _counters(self, root: Any) -> frozenset[str]:
        return self.program.needs[root.src] | self.program.symbols_of(root.at)

    def _fold(self, stage: int, feeding: list[Reduce], stores: list[Any], checks: list[str]) -> None:
        for r in feeding:
            self._blocks[-1].body.append(Init(f"a_{r.dest}", r.dtype, r.init, r.step, r.combine, r.label))

        def inside() -> None:
            for check in checks:
                self._place(check)
            for r in feeding:
                for src in r.srcs:
                    self._place(src)
                self._blocks[-1].body.append(loopir.Accumulate(f"a_{r.dest}", r.srcs))
            for root in stores:
                self._store(root)

        self._fold_loops(0, stage, inside)
        for r in feeding:
            self._blocks[-1].body.append(loopir.Finish(r.dest, r.dtype, f"a_{r.dest}"))
            self._blocks[-1].done.add(r.dest)

    def _fold_loops(self, depth: int, stage: int, inside: Any) -> None:
        if depth == len(self.reduced):
            inside()
            return
        vector = not self.column and depth == len(self.reduced) - 1
        mode = "vector" if vector else "serial"
        self._loop(self.reduced[depth], mode, lambda: self._fold_loops(depth + 1, stage, inside), stage=stage)

    # -- statements

    def _stage(self, name: str) -> int:
        """How many folds must be finished before the value can be computed."""
        found = self._stages.get(name)
        if found is None:
            found = max((self._stage(a) for a in self.program.arguments(name)), default=0)
            if isinstance(self.program.statements[name], Reduce):
                found += 1
            self._stages[name] = found
        return found

    def _level(self, name: str) -> int:
        """The depth of the innermost open loop that the value depends on."""
        needs = self.program.needs[name] - self._gone
        for depth in range(len(self._blocks) - 1, 0, -1):
            # Nothing is hoisted out of a loop that never runs: a buffer that it reads may have no elements at all.
            if self._blocks[depth].symbol in needs or self._blocks[depth].never:
                missing = needs - {b.symbol for b in self._blocks}
                if missing:
                    break
                return depth
        if needs - {b.symbol for b in self._blocks}:
            raise UnsupportedError(f"a value depends on the counters {sorted(needs)} outside of their loops")
        return 0

    def _place(self, name: str) -> None:
        if any(name in b.done for b in self._blocks):
            return
        statement = self.program.statements[name]
        if isinstance(statement, Reduce):
            raise UnsupportedError(f"the result of {statement.label} is used before it is complete")
        level = self._level(name)
        block = self._blocks[level]
        if self._from_row_buffer(name, block):
            block.done.add(name)
            return
        for argument in self.program.arguments(name):
            self._place(argument)
            # The result of a fold is known inside the loops around it, even if it does not depend on their counters.
            level = max(level, next(d for d, b in enumerate(self._blocks) if argument in b.done))
        block = self._blocks[level]
        block.done.add(name)
        block.body.append(self._rewrite(statement))

    def _store(self, root: Any) -> None:
        self._place(root.src)
        block = self._blocks[-1]
        block.body.append(Store(root.buffer, self._dim(root.at), root.src))

    def _rewrite(self, s: Any) -> Any:
        return rewrite(s, self.replace)

    def _dim(self, d: Dim) -> Dim:
        return dims.substitute(d, self.replace) if self.replace else d

    # -- row buffers

    def _from_row_buffer(self, name: str, block: _Block) -> bool:
        """Loads a value that an earlier stage has computed, if that is cheaper than computing it again."""
        if self.column or block.symbol not in self._folding or block.symbol != self.reduced[-1].name:
            return False
        if not self.program.needs[name] - self._gone >= {a.name for a in self.reduced}:
            return False
        if any(dims.free_symbols(a.extent) & self.program.axes.keys() for a in self.reduced):
            return False  # a window's extent may depend on the counters outside of it; a buffer's size must not
        statement = self.program.statements[name]
        if not isinstance(statement, loopir.Compute) or self._cost(name, set()) < KEEP_COST:
            return False
        source = next((b for b in self._closed if b.symbol == block.symbol and name in b.done), None)
        if source is None:
            return False
        flat: Dim = 0
        for axis in self.reduced:
            flat = flat * axis.extent + dims.symbol(axis.name, 0, axis.extent - 1)
        buffer = self._kept_rows.get(name)
        if buffer is None:
            size = dims.product(a.extent for a in self.reduced)
            buffer = self._kept_rows[name] = self.program.buffer(statement.dtype, size, "scratch")
            source.body.append(Store(buffer, flat, name))
        block.body.append(Load(name, statement.dtype, buffer, flat))
        return True

    def _cost(self, name: str, seen: set[str]) -> int:
        """Simple operations that computing the value anew takes inside the innermost loop."""
        if name in seen or not self.program.needs[name] & self._folding:
            return 0
        seen.add(name)
        s = self.program.statements[name]
        own = 1
        if isinstance(s, loopir.Compute):
            own = WORD_COSTS.get(s.word, 1)
        elif isinstance(s, Load):
            parts, linear = linear_parts(s.at, self._folding)
            own = 1 if linear and all(isinstance(c, int) and abs(c) <= 1 for c in parts.values()) else 6
        return own + sum(self._cost(a, seen) for a in self.program.arguments(name))


def _may_be_empty(extent: Dim) -> bool:
    """Whether a loop may never run: of extent 0, or a size that may be 0, as those that only the run finds out."""
    return extent == 0 or any(a.kind == "symbol" and a.low == 0 and a.high is None for a in dims.atoms(extent))


def _many(axis: Axis) -> bool:
    """Whether an axis is known to be long, or not known to be short."""
    return not isinstance(axis.extent, int) or axis.extent >= 2 * TILE


def rewrite(s: Any, replace: dict[str, Dim]) -> Any:
    """The statement with counters replaced in its index expressions."""
    if not replace:
        return s
    if isinstance(s, Load | loopir.FromIndex):
        return s._replace(at=dims.substitute(s.at, replace))
    if isinstance(s, loopir.Condition):
        return s._replace(a=dims.substitute(s.a, replace), b=dims.substitute(s.b, replace))
    return s
