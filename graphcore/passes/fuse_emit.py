"""Building the graph of fusion nodes from groups: bodies, their operands and outputs."""

from __future__ import annotations

from collections.abc import Iterable

from graphcore.builder import GraphBuilder
from graphcore.graph import Graph, Location, Value
from graphcore.optable import get_op
from graphcore.passes.fuse_cost import CONTRACT, REDUCE, SOURCE
from graphcore.passes.fuse_groups import Group, State, bits
from graphcore.passes.fuse_order import Unit, schedule

BODY_CONSTANT_BYTES = 64
"""Constants up to this size are copied into bodies; larger ones are operands."""

_NEVER_FOLD = -1


def emit(state: State, units: list[Unit]) -> Graph:
    """The new graph; nodes are in an order in which assertions come as early as their operands allow."""
    out = GraphBuilder(state.graph.name, fold_bytes=_NEVER_FOLD)
    new: dict[Value, Value] = {}
    for v in state.graph.inputs:
        attrs = v.node.attrs
        new[v] = out.input(v.type, attrs["name"], attrs["role"], v.node.locations)
    needed = {v for u in units for v in u.operands} | set(state.graph.outputs)
    for i, node in enumerate(state.nodes):
        if state.roles[i] == SOURCE and node.op.name == "constant" and node.result in needed:
            new[node.result] = out.constant(node.attrs["value"], node.locations)
    for unit in schedule(state, units):
        _emit_unit(state, out, unit, needed, new)
    outputs = [new[v] for v in state.graph.outputs]
    out.guards = list(state.graph.guards)
    return out.finish(outputs, state.graph.updates, state.graph.output_names)


def units_of(state: State) -> list[Unit]:
    """Everything that becomes a node, with what it reads."""
    units: list[Unit] = []
    for group in state.groups:
        if group.members:
            unit = Unit(len(units), [], sorted(group.members), group)
            _look_inside(state, unit, group)
            units.append(unit)
    for i in sorted(state.standing):
        unit = Unit(len(units), [i], [i], None)
        unit.operands = list(dict.fromkeys(state.nodes[i].operands))
        units.append(unit)
    return units


def _look_inside(state: State, unit: Unit, group: Group) -> None:
    """Finds the clones that the members need, and what is read from outside."""
    inside = 0
    for i in unit.members:
        inside |= 1 << i
    operands: dict[Value, None] = {}
    # A node's operands come before it, so one pass from the last node to the first meets every clone that is
    # needed.
    reads: list[tuple[int, int, Value]] = []
    pending = inside
    while pending:
        i = pending.bit_length() - 1
        pending ^= 1 << i
        for slot, v in enumerate(state.nodes[i].operands):
            p = state.position[v.node]
            if inside >> p & 1:
                continue
            if group.allowed >> p & 1 or _is_small_constant(state, v):
                inside |= 1 << p
                pending |= 1 << p
            else:
                reads.append((i, slot, v))
    for _, _, v in sorted(reads, key=lambda r: r[:2]):
        operands[v] = None
    unit.inside = list(bits(inside))
    unit.operands = list(operands)


def _is_small_constant(state: State, value: Value) -> bool:
    if value.node.op.name != "constant":
        return False
    size = value.type.bytes
    return value.type.rank == 0 or (isinstance(size, int) and size <= BODY_CONSTANT_BYTES)


# -- nodes


def _emit_unit(
    state: State, out: GraphBuilder, unit: Unit, needed: set[Value], new: dict[Value, Value]
) -> None:
    operands = [new[v] for v in unit.operands]
    if unit.group is None:
        node = state.nodes[unit.last]
        given = [new[v] for v in node.operands]
        types = [v.type for v in node.results]
        results = out.emit_node(node.op, given, node.attrs, node.locations, node.bodies, types)
        new.update(zip(node.results, results, strict=True))
        return
    values = [v for i in unit.members for v in state.nodes[i].results if v in needed]
    body = _body(state, unit, values)
    locations = frozenset[Location]().union(*(state.nodes[i].locations for i in unit.members))
    attrs = {"category": unit.group.category, "reason": _reason(state, unit)}
    types = [v.type for v in values]
    results = out.emit_node(get_op("fusion"), operands, attrs, locations, (body,), types)
    new.update(zip(values, results, strict=True))


def _body(state: State, unit: Unit, values: Iterable[Value]) -> Graph:
    group = unit.group
    builder = GraphBuilder(group.category if group else "", fold_bytes=_NEVER_FOLD)
    new: dict[Value, Value] = {}
    for n, v in enumerate(unit.operands):
        new[v] = builder.input(v.type, f"in{n}", "argument", v.node.locations)
    for i in unit.inside:
        node = state.nodes[i]
        if node.op.name == "constant":
            new[node.result] = builder.constant(node.attrs["value"], node.locations)
            continue
        operands = [new[v] for v in node.operands]
        types = [v.type for v in node.results]
        results = builder.emit_node(node.op, operands, node.attrs, node.locations, (), types)
        new.update(zip(node.results, results, strict=True))
    return builder.finish([new[v] for v in values])


def _reason(state: State, unit: Unit) -> str:
    """Why these nodes are one kernel, in a few words."""
    computing = [i for i in unit.inside if state.roles[i] != SOURCE]
    seeds = [state.nodes[i].op.name for i in computing if state.roles[i] in (CONTRACT, REDUCE)]
    rest = len(computing) - len(seeds)
    group = unit.group
    if group is None or group.category == "loop":
        return f"{rest} op{'s' * (rest != 1)} over one iteration space"
    if group.category == "attention":
        return f"{len(seeds)} contractions and folds and {rest} op{'s' * (rest != 1)} over blocks of rows of scores"
    if group.category == "contract":
        extra = f" with {rest} op{'s' * (rest != 1)} on its operands and result"
        return seeds[0] + extra * (rest > 0)
    where = "the same rows" if group.category == "row" else "one pass"
    return f"{len(seeds)} reduction{'s' * (len(seeds) != 1)} and {rest} op{'s' * (rest != 1)} in {where}"


