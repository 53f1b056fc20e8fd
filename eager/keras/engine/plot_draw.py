"""Layered drawings: DOT text, positions of boxes, SVG."""

from __future__ import annotations

import itertools
from html import escape
from typing import Any, NamedTuple

from eager.keras.engine.plot_graph import Box, ModelGraph

_CHAR, _LINE, _PAD = 7.2, 20.0, 8.0
_GAP, _RANK_GAP, _MARGIN = 24.0, 36.0, 16.0
_FRAME_PAD, _FRAME_TITLE = 10.0, 16.0

_NO_BOX = Box("", ((),), ())

Point = tuple[float, float]


class Placed(NamedTuple):
    """A box at its place: left, top, width, height, and the width of its first column."""

    box: Box
    x: float
    y: float
    width: float
    height: float


class Frame(NamedTuple):
    """A frame around the layers of a model."""

    title: str
    x: float
    y: float
    width: float
    height: float


class Picture(NamedTuple):
    """A drawing: boxes, lines with an arrow head at their end, frames, and its size."""

    boxes: list[Placed]
    lines: list[list[Point]]
    frames: list[Frame]
    width: float
    height: float


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _record(text: str) -> str:
    return "".join(f"\\{c}" if c in "{}|<>\\\" " else c for c in text)


def dot_lines(graph: ModelGraph, rankdir: str, dpi: int, subgraph: bool) -> list[str]:
    """The graph in the DOT language; models inside are clusters."""
    lines = [
        ("subgraph cluster_model {" if subgraph else "digraph G {"),
        f"rankdir={rankdir};", "concentrate=true;", f"dpi={dpi};", "node [shape=record];",
    ]  # fmt: skip
    for box in graph.boxes.values():
        label = "{" + "|".join("{" + "|".join(map(_record, row)) + "}" for row in box.rows) + "}"
        node = f'{_quoted(box.key)} [label="{label}"];'
        for depth in range(len(box.frames), 0, -1):
            path = "/".join(box.frames[:depth])
            title = _quoted(box.frames[depth - 1])
            node = f"subgraph {_quoted('cluster_' + path)} {{ label={title}; {node} }}"
        lines.append(node)
    lines.extend(f"{_quoted(a)} -> {_quoted(b)};" for a, b in graph.arrows)
    return [*lines, "}"]


def _size(box: Box) -> tuple[float, float]:
    width = max(sum(len(cell) * _CHAR + 2 * _PAD for cell in row) for row in box.rows)
    return width, len(box.rows) * _LINE + _PAD


def _ranks(graph: ModelGraph) -> tuple[list[list[str]], dict[tuple[str, str], list[str]]]:
    """The boxes by how many arrows lead to them at most, ordered to have few crossings; and the way of each arrow.

    An arrow that passes ranks has a place of its own in each of them, so that it passes beside the boxes.
    """
    import networkx as nx

    directed: nx.DiGraph[str] = nx.DiGraph()
    directed.add_nodes_from(graph.boxes)
    directed.add_edges_from(graph.arrows)
    if not nx.is_directed_acyclic_graph(directed):
        # A layer that is called on its own results: drawn without the arrows that lead back.
        order = list(graph.boxes)
        directed.remove_edges_from([(a, b) for a, b in graph.arrows if order.index(a) >= order.index(b)])
    ranks = [list(rank) for rank in nx.topological_generations(directed)]
    number = {key: i for i, rank in enumerate(ranks) for key in rank}
    ways: dict[tuple[str, str], list[str]] = {}
    for a, b in list(directed.edges):
        passed = [f"{a}\0{b}\0{i}" for i in range(number[a] + 1, number[b])]
        ways[a, b] = [a, *passed, b]
        for i, key in enumerate(passed, number[a] + 1):
            ranks[i].append(key)
        if passed:
            directed.remove_edge(a, b)
            nx.add_path(directed, ways[a, b])
    _sort(ranks, graph, directed)
    return ranks, ways


def _sort(ranks: list[list[str]], graph: ModelGraph, directed: Any) -> None:
    """Puts each box near those that lead to it; those of one frame stay together."""
    place = {key: float(j) for rank in ranks for j, key in enumerate(rank)}

    def order(key: str) -> Any:
        box = graph.boxes.get(key)
        return (() if box is None else box.frames, _mean([place[p] for p in directed.predecessors(key)], place[key]))

    for _ in range(4):
        for rank in ranks:
            rank.sort(key=order)
            place.update({key: float(j) for j, key in enumerate(rank)})


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def layout(graph: ModelGraph, rankdir: str = "TB") -> Picture:
    """Places the boxes in ranks and the arrows between them."""
    across = rankdir in ("LR", "RL")
    ranks, ways = _ranks(graph)
    if rankdir in ("BT", "RL"):
        ranks.reverse()
    sizes = {key: _size(graph.boxes[key]) if key in graph.boxes else (1.0, 1.0) for rank in ranks for key in rank}
    breadth, depth = (1, 0) if across else (0, 1)
    spans = [sum(sizes[k][breadth] for k in rank) + _GAP * (len(rank) - 1) for rank in ranks]
    widest = max(spans, default=0.0)
    placed: dict[str, Placed] = {}
    at = _MARGIN + _frame_room(graph)
    for rank, span in zip(ranks, spans, strict=True):
        side = _MARGIN + _frame_room(graph) + (widest - span) / 2
        thick = max(sizes[k][depth] for k in rank)
        for key in rank:
            middle = at + (thick - sizes[key][depth]) / 2
            x, y = (middle, side) if across else (side, middle)
            placed[key] = Placed(graph.boxes.get(key, _NO_BOX), x, y, *sizes[key])
            side += sizes[key][breadth] + _GAP
        at += thick + _RANK_GAP + _frame_room(graph)
    lines = [_line([placed[key] for key in way], across) for way in ways.values()]
    placed = {key: at for key, at in placed.items() if key in graph.boxes}
    frames = _frames(placed)
    right = max([p.x + p.width for p in placed.values()] + [f.x + f.width for f in frames], default=0.0)
    bottom = max([p.y + p.height for p in placed.values()] + [f.y + f.height for f in frames], default=0.0)
    return Picture(list(placed.values()), lines, frames, right + _MARGIN, bottom + _MARGIN)


def _line(way: list[Placed], across: bool) -> list[Point]:
    """The points of an arrow through the places of its way."""
    points: list[Point] = []
    for a, b in itertools.pairwise(way):
        points.extend(_route(a, b, across))
    return [p for p, q in itertools.pairwise([*points, (-1.0, -1.0)]) if p != q]


def _frame_room(graph: ModelGraph) -> float:
    depth = max((len(box.frames) for box in graph.boxes.values()), default=0)
    return depth * (_FRAME_PAD + _FRAME_TITLE)


def _route(a: Placed, b: Placed, across: bool) -> list[Point]:
    """A line from one box to another: straight, or with two bends where they are not opposite each other."""
    if across:
        forward = a.x < b.x
        start = (a.x + a.width if forward else a.x, a.y + a.height / 2)
        end = (b.x if forward else b.x + b.width, b.y + b.height / 2)
        middle = (start[0] + end[0]) / 2
        return [start, end] if abs(start[1] - end[1]) < 1 else [start, (middle, start[1]), (middle, end[1]), end]
    forward = a.y < b.y
    start = (a.x + a.width / 2, a.y + a.height if forward else a.y)
    end = (b.x + b.width / 2, b.y if forward else b.y + b.height)
    bend = end[1] - (_RANK_GAP / 2 if forward else -_RANK_GAP / 2)
    return [start, end] if abs(start[0] - end[0]) < 1 else [start, (start[0], bend), (end[0], bend), end]


def _frames(placed: dict[str, Placed]) -> list[Frame]:
    paths = {p.box.frames[: i + 1] for p in placed.values() for i in range(len(p.box.frames))}
    deepest = max(map(len, paths), default=0)
    frames: list[Frame] = []
    for path in sorted(paths):
        inside = [p for p in placed.values() if p.box.frames[: len(path)] == path]
        pad = _FRAME_PAD * (deepest - len(path) + 1)
        title = _FRAME_TITLE * (deepest - len(path) + 1)
        left, top = min(p.x for p in inside) - pad, min(p.y for p in inside) - title
        right = max(p.x + p.width for p in inside) + pad
        bottom = max(p.y + p.height for p in inside) + pad
        frames.append(Frame(path[-1], left, top, right - left, bottom - top))
    return frames


def cells(placed: Placed) -> list[tuple[str, float, float, float, float]]:
    """The cells of a box as (text, left, top, width, height)."""
    found: list[tuple[str, float, float, float, float]] = []
    height = placed.height / len(placed.box.rows)
    for i, row in enumerate(placed.box.rows):
        total = sum(len(cell) * _CHAR + 2 * _PAD for cell in row)
        left = placed.x
        for cell in row:
            width = (len(cell) * _CHAR + 2 * _PAD) * placed.width / total
            found.append((cell, left, placed.y + i * height, width, height))
            left += width
    return found


def svg(picture: Picture) -> str:
    """The drawing as SVG text."""
    size = f'width="{picture.width:.0f}" height="{picture.height:.0f}"'
    box = f'viewBox="0 0 {picture.width:.0f} {picture.height:.0f}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} font-family="monospace" font-size="12">',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for f in picture.frames:
        out.append(f'<rect {_rect(f.x, f.y, f.width, f.height)} fill="none" stroke="#888" stroke-dasharray="4 3"/>')
        out.append(f'<text x="{f.x + 4:.1f}" y="{f.y + 12:.1f}" fill="#555">{escape(f.title)}</text>')
    for line in picture.lines:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
        out.append(f'<polyline points="{points}" fill="none" stroke="black" marker-end="url(#head)"/>')
    for placed in picture.boxes:
        out.append(f"<g><title>{escape(placed.box.key)}</title>")
        for text, x, y, width, height in cells(placed):
            out.append(f'<rect {_rect(x, y, width, height)} fill="white" stroke="black"/>')
            middle = f'x="{x + width / 2:.1f}" y="{y + height / 2 + 4:.1f}"'
            out.append(f'<text {middle} text-anchor="middle">{escape(text)}</text>')
        out.append("</g>")
    return "\n".join([*out, "</svg>"]) + "\n"


def _rect(x: float, y: float, width: float, height: float) -> str:
    return f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
