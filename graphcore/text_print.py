"""Printing graphs, nodes, types, attributes and constants in text form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from graphcore import dims
from graphcore.dims import Atom, Dim, SymDim
from graphcore.dtypes import ALL, DType, as_dtype
from graphcore.graph import Const, Graph, Location, Node
from graphcore.types import TensorType

DTYPE_NAMES = frozenset((*(d.name for d in ALL), "bfloat16"))
RESERVED = DTYPE_NAMES | {
    "True", "False", "None", "inf", "nan", "floordiv", "mod", "min", "max", "base64", "sha256",
}  # fmt: skip
"""Words that a literal may start with; a symbol of such a name is printed as $"name"."""

LIST_ELEMENTS = 64
"""Constants of more elements are printed as base64."""

_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PLAIN_PATH = re.compile(r'[^\s"();\\]+')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def to_text(graph: Graph, max_constant: int | None = None) -> str:
    """The text form of a graph, ending without a newline.

    Args:
        graph: any graph, with or without fusion nodes.
        max_constant: constants of more elements are replaced by their sha256, and the text no longer parses;
            None prints them all.
    """
    return "\n".join(_graph_lines(graph, "", max_constant))


def _graph_lines(graph: Graph, indent: str, limit: int | None) -> Iterator[str]:
    yield f"{indent}graph {quote(graph.name)} {{"
    inner = indent + "  "
    symbols = symbol_bounds(graph)
    if symbols and not indent:
        yield f"{inner}dims {', '.join(map(_bound_text, symbols.values()))}"
    for kind, a, b, outcome in graph.guards:
        yield f"{inner}guard {kind} {dim_text(a)}, {dim_text(b)} {'true' if outcome else 'false'}"
    for node in graph.nodes:
        yield inner + node_text(node, limit)
        for body in node.bodies:
            yield from _graph_lines(body, inner + "  ", limit)
    if list(graph.inputs) != [n.result for n in graph.nodes if n.op.name == "input"]:
        yield f"{inner}inputs {', '.join(v.name for v in graph.inputs)}"
    for i, (value, name) in enumerate(zip(graph.outputs, graph.output_names, strict=True)):
        yield f"{inner}output {value.name} {quote(name)}{_updates_text(graph, i)}"
    yield f"{indent}}}"


def _updates_text(graph: Graph, output: int) -> str:
    sources = [graph.inputs[i].name for o, i in graph.updates if o == output]
    return f" updates {', '.join(sources)}" if sources else ""


def node_text(node: Node, max_constant: int | None = None) -> str:
    """One node on one line, its body graphs left out."""
    where = locations_text(node.locations)
    comment = f"  # {where}" if where else ""
    plain_input = set(node.attrs) == {"name", "role"} and len(node.results) == 1
    if node.op.name == "input" and plain_input and _PLAIN.fullmatch(str(node.attrs["role"])):
        name, role = quote(str(node.attrs["name"])), node.attrs["role"]
        return f"input %{node.id} {name} {role} : {type_text(node.result.type)}{comment}"
    arguments = [v.name for v in node.operands]
    if node.attrs:
        arguments.append(attrs_text(node.attrs, max_constant))
    return f"%{node.id} = {node.op.name}({', '.join(arguments)}) : {_types_text(node)}{comment}"


def _types_text(node: Node) -> str:
    types = [type_text(v.type) for v in node.results]
    return types[0] if len(types) == 1 else f"({', '.join(types)})"


def attrs_text(attrs: Mapping[str, Any], max_constant: int | None = None) -> str:
    """Attributes as name=literal, comma separated, in their own order."""
    return ", ".join(f"{name}={literal(value, max_constant)}" for name, value in attrs.items())


def literal(value: Any, max_constant: int | None = None) -> str:
    """The text of one attribute value; what has no literal prints as <name> and does not parse."""
    if value is None or isinstance(value, bool):
        return str(value)
    if type(value) is int or isinstance(value, SymDim):
        return dim_text(value)
    if type(value) is float:
        return repr(value)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, DType):
        return value.name
    if isinstance(value, TensorType):
        return type_text(value)
    if isinstance(value, Const):
        return constant_text(value, max_constant)
    return _container_text(value, max_constant)


def _container_text(value: Any, limit: int | None) -> str:
    if isinstance(value, tuple):
        inner = ", ".join(literal(v, limit) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, list):
        return f"[{', '.join(literal(v, limit) for v in value)}]"
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return f"{{{', '.join(f'{quote(k)}: {literal(v, limit)}' for k, v in value.items())}}}"
    if isinstance(value, np.generic) and value.dtype.kind in "iufb" and value.dtype.isnative:
        return f"{as_dtype(value.dtype).name}({_element_texts(np.asarray(value))[0] or 'nan'})"
    return f"<{opaque_name(value)}>"


def opaque_name(value: Any) -> str:
    """A name for people of something that has no literal: its own `name`, a callable's, or its type's."""
    own = getattr(value, "name", None)
    if isinstance(own, str):
        return re.sub(r"[<>\n]", "", own)
    name = getattr(value, "__qualname__", None) or type(value).__qualname__
    module = getattr(value, "__module__", None)
    return re.sub(r"[<>\n]", "", f"{module}.{name}" if module and module != "builtins" else str(name))


def quote(text: str) -> str:
    r"""A string literal: double quotes, with \" \\ \n \t \r and \uXXXX escapes."""
    return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else _unicode(c)) for c in text) + '"'


def _unicode(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def type_text(type_: TensorType) -> str:
    """A type such as float32[n, 4]."""
    return f"{type_.dtype.name}[{', '.join(map(dim_text, type_.shape))}]"


def dim_text(d: Dim) -> str:
    """A size as a polynomial: 2*n*m + floordiv(n, 2) - 1."""
    if isinstance(d, int):
        return str(d)
    text = ""
    for monomial, c in d.terms:
        factors = [_atom_text(a) for a in monomial]
        if abs(c) != 1 or not factors:
            factors.insert(0, str(abs(c)))
        sign = ("- " if text else "-") if c < 0 else ("+ " if text else "")
        text += (" " if text else "") + sign + "*".join(factors)
    return text


def _atom_text(atom: Atom) -> str:
    if atom.kind == "symbol":
        plain = _PLAIN.fullmatch(atom.name) and atom.name not in RESERVED
        return atom.name if plain else f"${quote(atom.name)}"
    return f"{atom.kind}({', '.join(map(dim_text, atom.args))})"


def symbol_bounds(graph: Graph) -> dict[str, Atom]:
    """Every symbol of a graph by name, bodies included, in order of first use."""
    found: dict[str, Atom] = {}

    def collect(obj: Any) -> None:
        if isinstance(obj, SymDim):
            for atom in sorted(dims.atoms(obj), key=repr):
                if atom.kind == "symbol" and atom.name not in found:
                    found[atom.name] = atom
                    collect(atom.high)
        elif isinstance(obj, tuple | list):
            for item in obj:
                collect(item)
        elif isinstance(obj, dict):
            collect(tuple(obj.values()))
        elif isinstance(obj, TensorType):
            collect(obj.shape)

    for node in graph.walk():
        collect(tuple(v.type.shape for v in node.results))
        collect(node.attrs)
    # A bound may name another symbol; that one must be declared first.
    return dict(sorted(found.items(), key=lambda item: isinstance(item[1].high, SymDim)))


def _bound_text(atom: Atom) -> str:
    low = dim_text(atom.low) if atom.low is not None else "-inf"
    if atom.high is None:
        return f"{_atom_text(atom)} >= {low}"
    return f"{_atom_text(atom)} in {low} .. {dim_text(atom.high)}"


def constant_text(const: Const, max_elements: int | None = None) -> str:
    """dtype[shape](elements), dtype[shape] base64 "..." for many, or a sha256 above `max_elements`."""
    array = const.array
    try:
        head = type_text(TensorType(as_dtype(array.dtype), array.shape))
    except TypeError:
        return f"<array of {array.dtype}>"
    if array.dtype.kind not in "fiubcV" or array.dtype.hasobject:
        return f"<array of {array.dtype}>"
    if max_elements is not None and array.size > max_elements:
        return f'{head} sha256 "{sha256(array)}"'
    if array.size <= LIST_ELEMENTS and array.dtype.kind in "fiub":
        texts = _element_texts(array)
        if None not in texts:
            return f"{head}({', '.join(map(str, texts))})"
    import base64

    return f'{head} base64 "{base64.b64encode(little_endian(array).tobytes()).decode()}"'


def sha256(array: np.ndarray[Any, Any]) -> str:
    """The digest of an array's bytes in little-endian order."""
    import hashlib

    return hashlib.sha256(little_endian(array).tobytes()).hexdigest()


def little_endian(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array with its bytes in little-endian order."""
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _element_texts(array: np.ndarray[Any, Any]) -> list[str | None]:
    """One exact literal per element; None for a NaN whose bits are not the usual ones."""
    flat = array.reshape(-1)
    if array.dtype.kind != "f":
        return [str(v) for v in flat.tolist()]
    return [_float_text(v) for v in flat]


def _float_text(value: Any) -> str | None:
    exact = float(value)
    # The shortest decimal of the narrow type reads best; it is kept only if reading it gives the same bits.
    for text in (str(value) if abs(exact) < 1e16 else repr(exact), repr(exact), exact.hex()):
        back = float.fromhex(text) if "x" in text else float(text)
        if type(value)(back).tobytes() == value.tobytes():
            return text
    return None


def locations_text(locations: frozenset[Location]) -> str:
    """Every location of a node, in a fixed order, separated by semicolons."""
    return "; ".join(sorted(map(location_text, locations)))


def location_text(location: Location) -> str:
    """A location such as model.py:12 in call (model/dense)."""
    where = f"{_word(location.file)}:{location.line}"
    if location.function:
        where += f" in {_word(location.function)}"
    if location.layers:
        where += f" ({'/'.join(_word(p, '/') for p in location.layers)})"
    return where


def _word(text: str, avoid: str = "") -> str:
    plain = _PLAIN_PATH.fullmatch(text) and text.isprintable() and not any(c in text for c in avoid)
    return text if plain else quote(text)
