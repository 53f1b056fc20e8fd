"""Reading graphs back from their text form: a hand-written recursive parser with limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphcore import dims
from graphcore.dims import Dim
from graphcore.errors import LayerJitError, ParseError
from graphcore.graph import Graph, Node, Value
from graphcore.optable import OpDef, get_op
from graphcore.text_literal import read_dim, read_int, read_literal, read_type
from graphcore.text_location import parse_locations
from graphcore.text_scan import Scanner
from graphcore.types import TensorType
from graphcore.verify import verify

MAX_CHARACTERS = 256 * 2**20
MAX_DEPTH = 64
_FAULTS = (LayerJitError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError)


def parse(text: str, max_characters: int = MAX_CHARACTERS, max_depth: int = MAX_DEPTH) -> Graph:
    """The graph that a text describes, verified.

    Args:
        text: what `to_text` printed, or the same form written by hand.
        max_characters: refuses longer texts.
        max_depth: refuses deeper nesting of brackets and body graphs.

    Raises:
        ParseError: naming the line, when the text has another form, an unknown op or symbol, a type that
            inference does not give, or an object of the running program (a host call's function).
        VerifyError: when the graph that was read breaks a rule of graphs.
    """
    if len(text) > max_characters:
        raise ParseError(f"the text has {len(text)} characters, more than the limit of {max_characters}")
    s = Scanner(text, max_depth)
    s.skip_lines()
    graph = _GraphReader(s, {}).read()
    s.skip_lines()
    s.expect("end")
    return verify(graph)


class _GraphReader:
    """Reads one graph; body graphs get a reader of their own that knows the same symbols."""

    def __init__(self, scanner: Scanner, symbols: dict[str, Dim]) -> None:
        self.s = scanner
        self.symbols = symbols
        self.values: dict[str, Value] = {}
        self.ids: set[int] = set()
        self.nodes: list[Node] = []
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.names: list[str] = []
        self.updates: list[tuple[int, Value]] = []
        self.guards: list[dims.Guard] = []

    def read(self) -> Graph:
        self.s.enter()
        self.s.expect("name", "graph")
        name = self.s.string()
        self.s.expect("sign", "{")
        self.s.end_line()
        while True:
            self.s.skip_lines()
            if self.s.accept("}"):
                break
            self._line()
        self.s.leave()
        return Graph(name, self.nodes, self.inputs, self.outputs, self._update_pairs(), self.names, self.guards)

    def _update_pairs(self) -> list[tuple[int, int]]:
        for _, value in self.updates:
            if value not in self.inputs:
                self.s.fail(f"{value.name} is updated, but it is not an input")
        return [(output, self.inputs.index(value)) for output, value in self.updates]

    def _line(self) -> None:
        token = self.s.ahead
        if token.kind == "value":
            with dims.assuming(self.guards):
                return self._node()
        readers = {
            "dims": self._dims, "guard": self._guard, "input": self._input, "inputs": self._inputs,
            "output": self._output,
        }  # fmt: skip
        if token.kind != "name" or token.text not in readers:
            self.s.fail(
                f"expected dims, guard, input, inputs, output or a node (%1 = ...), found {token.text!r}"
            )
        self.s.take()
        return readers[token.text]()

    def _dims(self) -> None:
        while True:
            name = self.s.string() if self.s.accept("$") else self.s.expect("name").text
            if self.s.accept("in"):
                low = self._low()
                self.s.expect("sign", "..")
                high = read_dim(self.s, self.symbols)
                if isinstance(high, int) and low is not None and high < low:
                    self.s.fail(f"symbol {name!r} has no size between {low} and {high}")
            else:
                self.s.expect("sign", ">=")
                low, high = self._low(), None
            # A symbol's lower bound defaults to 1; None (no bound) has to reach the atom itself.
            atom = dims.Atom("symbol", name, (), low, high)
            self.symbols[name] = dims.SymDim((((atom,), 1),))
            if not self.s.accept(","):
                break
        self.s.end_line()

    def _guard(self) -> None:
        kind = self.s.expect("name").text
        a = read_dim(self.s, self.symbols)
        self.s.expect("sign", ",")
        b = read_dim(self.s, self.symbols)
        outcome = self.s.expect("name").text
        if kind not in ("eq", "lt", "le") or outcome not in ("true", "false"):
            self.s.fail("expected guard eq|lt|le SIZE, SIZE true|false")
        self.guards.append((kind, a, b, outcome == "true"))
        self.s.end_line()

    def _low(self) -> int | None:
        negative = self.s.accept("-")
        if negative and self.s.accept("inf"):
            return None
        return -read_int(self.s) if negative else read_int(self.s)

    def _input(self) -> None:
        node_id = self._new_name()
        attrs = {"name": self.s.string(), "role": self.s.expect("name").text}
        self.s.expect("sign", ":")
        self._finish_node(node_id, get_op("input"), (), attrs, (read_type(self.s, self.symbols),))

    def _inputs(self) -> None:
        listed = self._value_list()
        if any(v.node.op.name != "input" for v in listed):
            self.s.fail("inputs lists a value that no input node gives")
        self.inputs = listed
        self.s.end_line()

    def _output(self) -> None:
        self.outputs.append(self._value())
        self.names.append(self.s.string())
        if self.s.accept("updates"):
            self.updates += [(len(self.outputs) - 1, value) for value in self._value_list()]
        self.s.end_line()

    def _value_list(self) -> list[Value]:
        found: list[Value] = []
        while self.s.ahead.kind == "value":
            found.append(self._value())
            if not self.s.accept(","):
                break
        return found

    def _value(self) -> Value:
        text = self.s.expect("value").text
        if text not in self.values:
            self.s.fail(f"{text} is not defined before this line")
        return self.values[text]

    def _new_name(self) -> int:
        text = self.s.expect("value").text
        if "." in text or len(text) > 10 or int(text[1:]) in self.ids:
            self.s.fail(f"{text} cannot name a new node: it is taken, too long, or has a dot")
        return int(text[1:])

    def _node(self) -> None:
        node_id = self._new_name()
        self.s.expect("sign", "=")
        op = self._op(self.s.expect("name").text)
        operands, attrs = self._arguments()
        self.s.expect("sign", ":")
        self._finish_node(node_id, op, operands, attrs, self._result_types())

    def _op(self, name: str) -> OpDef:
        try:
            return get_op(name)
        except KeyError as error:
            return self.s.fail(str(error.args[0]))

    def _arguments(self) -> tuple[list[Value], dict[str, Any]]:
        operands: list[Value] = []
        attrs: dict[str, Any] = {}
        self.s.expect("sign", "(")
        while not self.s.accept(")"):
            if (operands or attrs) and not self.s.accept(","):
                self.s.fail(f"expected , or ) after an operand, found {self.s.ahead.text!r}")
            if self.s.ahead.kind == "value":
                operands.append(self._value())
                continue
            name = self.s.expect("name").text
            self.s.expect("sign", "=")
            attrs[name] = read_literal(self.s, self.symbols)
        return operands, attrs

    def _result_types(self) -> list[TensorType]:
        if not self.s.accept("("):
            return [read_type(self.s, self.symbols)]
        types: list[TensorType] = []
        while not self.s.accept(")"):
            if types:
                self.s.expect("sign", ",")
            types.append(read_type(self.s, self.symbols))
        return types

    def _finish_node(
        self, node_id: int, op: OpDef, operands: Sequence[Value], attrs: dict[str, Any],
        types: Sequence[TensorType],
    ) -> None:  # fmt: skip
        line = self.s.ahead.line
        locations = parse_locations(self.s.end_line())
        node = Node(node_id, op, operands, attrs, types, frozenset(locations), tuple(self._bodies()))
        _check_inference(node, line)
        self.nodes.append(node)
        self.ids.add(node_id)
        self.values.update({v.name: v for v in node.results})
        if op.name == "input":
            self.inputs.append(node.result)

    def _bodies(self) -> list[Graph]:
        bodies: list[Graph] = []
        while self.s.ahead.kind == "name" and self.s.ahead.text == "graph":
            bodies.append(_GraphReader(self.s, self.symbols).read())
            self.s.end_line()
        return bodies


def _check_inference(node: Node, line: int) -> None:
    """Inference meets attributes of any form here, so whatever it raises is a fault of the text."""
    if node.op.name == "input":
        return
    attrs = {**node.attrs, "bodies": node.bodies} if node.bodies else node.attrs
    try:
        types = tuple(node.op.infer([v.type for v in node.operands], attrs))
    except _FAULTS as error:
        raise ParseError(f"line {line}: {node.op.name}: {type(error).__name__}: {error}") from error
    have = tuple(v.type for v in node.results)
    if types != have:
        raise ParseError(f"line {line}: {node.op.name} gives {types}, the text says {have}")
