"""Native code of graphs in the disk cache: looked up by the traced graph, before any pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from codegen.cache import access, machine
from codegen.cache.form import BadForm, Opaque, dump, load
from codegen.cache.key import GraphKey, NotCacheable, graph_key
from codegen.native import NativeGraph
from codegen.packing import PackedInput, PackedLayout
from codegen.runtime.host import HostCall, HostCalls
from codegen.runtime.host_node import host_call
from graphcore.graph import Const, Graph, Node
from graphcore.optable import OPS, get_op

if TYPE_CHECKING:
    from codegen.compiled import CompiledGraph, KernelInfo
    from codegen.runtime.plan import EntryPlan
    from codegen.target import Target


class Entry(NamedTuple):
    """What a file holds.

    Attributes:
        name: of the function that was compiled, for people.
        data: the relocatable object.
        entry_form: form of the call entry inside it, or empty.
        packed, arena, donations, work, messages: as of NativeGraph.
        symbols: names of all sizes, as host calls get them.
        calls: the nodes of host calls.
        seconds: what making it cost.
    """

    name: str
    data: bytes
    entry_form: bytes
    packed: Any
    arena: Any
    donations: Any
    work: Any
    messages: Any
    symbols: Any
    calls: Any
    seconds: float


class CachedGraph(NativeGraph):
    """Native code that was read from the disk cache. What people ask for beyond running it is made anew then.

    Attributes:
        host_calls: what runs in Python, in order.
    """

    def __init__(self, graph: Graph, entry: Entry, calls: list[HostCall], make: Callable[[], CompiledGraph]) -> None:
        """Takes the traced graph, its entry with the host calls in it, and what compiles the graph anew."""
        super().__init__(
            [v.type for v in graph.inputs], [v.type for v in graph.outputs],
            host=HostCalls(calls, entry.symbols) if calls else None,
            packed=tuple(PackedInput(number, PackedLayout(*layout)) for number, layout in entry.packed),
            arena=entry.arena, donations=entry.donations, work=entry.work, messages=entry.messages, timings={},
        )  # fmt: skip
        self.host_calls = [c.name for c in calls]
        self.origin = "read from the disk cache"
        self._data, self._entry_form = entry.data, entry.entry_form
        self._make = make
        self._made: CompiledGraph | None = None

    @property
    def object_bytes(self) -> bytes:
        """The relocatable object."""
        return self._data

    def _take_entry(self, plan: EntryPlan, form: bytes) -> None:
        del plan, form  # the object is made already

    @property
    def whole(self) -> CompiledGraph:
        """The graph optimised, lowered and emitted again, for people; its code is the same and is not made."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    @property
    def graph(self) -> Graph:
        """The optimised graph."""
        return self.whole.graph

    @property
    def kernels(self) -> list[KernelInfo]:
        """One KernelInfo per kernel call, in order of execution."""
        return self.whole.kernels

    @property
    def target(self) -> Target:
        """The CPU that the code is for."""
        return self.whole.target

    @property
    def llvm(self) -> str:
        """The module's text."""
        return self.whole.llvm

    def assembly(self) -> str:
        """The machine code as text."""
        return self.whole.assembly()

    def message(self, number: int) -> str:
        """What a failure means, with the lines where the user's source has them today."""
        today = self.whole.messages
        return today[number] if len(today) == len(self.messages) else self.messages[number]


def cached(
    graph: Graph, pipeline: str, make: Callable[[], CompiledGraph], isa: str | None = None
) -> CompiledGraph | CachedGraph:
    """The native code of a traced graph: from the disk cache, or made now and put there when it has become an object.

    Args:
        graph: as traced.
        pipeline: the names of the passes that `make` runs.
        make: optimises and compiles the graph.
        isa: the instruction set that `make` compiles for; None as of host_target.
    """
    cache = access.opened()
    if cache is None:
        return make()
    try:
        key = graph_key(graph, machine.salt(pipeline, isa))
    except NotCacheable as reason:
        made = make()
        made.origin = f"compiled, and not for the disk cache: {reason}"
        return made
    started = time.perf_counter()
    content = cache.get(key.digest)
    if content is not None:
        try:
            found = _restored(graph, content, key, make)
        except (BadForm, TypeError, ValueError, KeyError, IndexError) as error:
            cache.reject(key.digest, str(error))
        else:
            found.timings["read"] = time.perf_counter() - started
            return found
    made = make()
    made.on_object = lambda compiled: _store(cache, key, compiled, graph.name)
    return made


def _store(cache: access.Access, key: GraphKey, compiled: CompiledGraph, name: str) -> None:
    """Writes the entry of a graph whose object has just been made."""
    host = compiled.host
    try:
        content = dump(tuple(Entry(
            name, compiled.object_bytes, compiled.entry_form,
            tuple((item.number, tuple(item.layout)) for item in compiled.packed), compiled.arena,
            compiled.donations, compiled.work, compiled.messages, host.symbols if host else (),
            tuple(_described(call, key) for call in host.calls) if host else (), sum(compiled.timings.values()),
        )))  # fmt: skip
    except (NotCacheable, TypeError) as reason:
        compiled.origin = f"compiled, and not for the disk cache: {reason}"
        return
    compiled.origin = "compiled, and written to the disk cache" if cache.writes else "compiled"
    cache.put(key.digest, content)


def _restored(graph: Graph, content: bytes, key: GraphKey, make: Callable[[], CompiledGraph]) -> CachedGraph:
    """The code that an entry describes. Raises what badly formed contents raise."""
    entry = Entry(*load(content))
    return CachedGraph(graph, entry, [_call(item, key) for item in entry.calls], make)


def _described(call: HostCall, key: GraphKey) -> tuple[Any, ...]:
    """A host call as plain values. Raises NotCacheable if it is not a plain node of the op table."""
    node = call.node
    if node is None or node.bodies or OPS.get(node.op.name) is not node.op:
        raise NotCacheable(f"{call.name} runs in Python and is no op of the table")
    attrs = {name: _plain(value, key) for name, value in node.attrs.items()}
    return node.op.name, attrs, call.inputs, call.outputs


def _plain(value: Any, key: GraphKey) -> Any:
    """An attribute's value with what no file can hold replaced by its number in the traced graph."""
    if isinstance(value, tuple | list):
        return type(value)(_plain(item, key) for item in value)
    if isinstance(value, dict):
        return {name: _plain(item, key) for name, item in value.items()}
    if isinstance(value, Const):
        return value
    number = next((i for i, item in enumerate(key.opaque) if item is value), None)
    return value if number is None else Opaque(number)


def _call(item: Any, key: GraphKey) -> HostCall:
    """The host call that `_described` described."""
    name, attrs, inputs, outputs = item
    operands = [Node(i, get_op("input"), (), {}, (kind,)).result for i, kind in enumerate(inputs)]
    filled = {str(k): _filled(v, key) for k, v in attrs.items()}
    return host_call(Node(len(operands), get_op(name), operands, filled, outputs))


def _filled(value: Any, key: GraphKey) -> Any:
    if isinstance(value, Opaque):
        return key.opaque[value.number]
    if isinstance(value, tuple | list):
        return type(value)(_filled(item, key) for item in value)
    if isinstance(value, dict):
        return {name: _filled(item, key) for name, item in value.items()}
    return value
