"""canonicalize: named rewrite rules, applied until none fits.

Each rule is a function whose docstring is its law; every law holds bit for bit. The rules stand by op in
`rules_arithmetic`, `rules_contract`, `rules_convolve`, `rules_logic` and `rules_move`.
"""

from __future__ import annotations

from graphcore.errors import InconclusiveDim
from graphcore.graph import Graph, Node, Value
from graphcore.passes import rules_arithmetic, rules_contract, rules_convolve, rules_logic, rules_move
from graphcore.passes.match import Operands, Rule
from graphcore.passes.rewrite import Rewriter

MAX_SWEEPS = 12
"""Sweeps over the graph before the pass stops although a rule still fits."""

MAX_CHAIN = 16
"""Rules applied to one node, each to the result of the one before, within one sweep."""

RULES: dict[str, tuple[Rule, ...]] = {
    **rules_arithmetic.RULES, **rules_contract.RULES, **rules_convolve.RULES, **rules_logic.RULES, **rules_move.RULES,
}  # fmt: skip
"""Op name -> the rules that are tried on it, in order."""


def rules_of(node: Node) -> tuple[Rule, ...]:
    """The rules to try on a node."""
    # The laws of arithmetic here are those of real numbers: 1 * z may differ from z where z has an infinite part.
    table = rules_move.RULES if any(v.type.dtype.is_complex for v in node.operands) else RULES
    own = table.get(node.op.name, ())
    return own + rules_move.ELEMENTWISE_RULES if node.op.kind == "elementwise" else own


def rule_laws() -> dict[str, str]:
    """Every rule's name and law, for documentation."""
    every = [r for rules in (*RULES.values(), rules_move.ELEMENTWISE_RULES) for r in rules]
    return {r.__name__: (r.__doc__ or "").strip() for r in every}


def canonicalize(graph: Graph, notes: list[str]) -> Graph:
    """Applies the rules in sweeps until a sweep changes nothing; notes how often each rule was applied.

    Nodes that a rewrite leaves without users stay until `dce`.
    """
    sweep = _Sweep()
    for _ in range(MAX_SWEEPS):
        before = sum(sweep.counts.values())
        after = Rewriter(graph).run(sweep.visit)
        if sum(sweep.counts.values()) == before:
            break
        graph = after
    else:
        notes.append(f"stopped after {MAX_SWEEPS} sweeps with rules still applying")
    notes += [f"{name}: {count}" for name, count in sorted(sweep.counts.items())]
    return graph


class _Sweep:
    """Counts the rules applied."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def visit(self, r: Rewriter, node: Node, operands: Operands) -> list[Value] | None:
        if node.op.name == "custom_gradient":  # gradients are taken before passes run
            self.counts["finished_values"] = self.counts.get("finished_values", 0) + 1
            return list(operands[: len(node.results)])
        if len(node.results) != 1 or node.op.effects or node.bodies:
            return None
        found: Value | None = None
        for _ in range(MAX_CHAIN):
            new = self._apply(r, node, operands)
            if new is None:
                break
            found, node, operands = new, new.node, new.node.operands
            if len(node.results) != 1 or node.op.effects:
                break
        return None if found is None else [found]

    def _apply(self, r: Rewriter, node: Node, operands: Operands) -> Value | None:
        for rule in rules_of(node):
            try:
                new = rule(r.f, node, operands)
            except InconclusiveDim:
                # The law holds, but the result's type cannot be written without knowing a size.
                continue
            if new is not None and new.type == node.result.type and new not in node.results:
                self.counts[rule.__name__] = self.counts.get(rule.__name__, 0) + 1
                return new
        return None
