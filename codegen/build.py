"""The steps of one graph: lowered to kernels, then emitted as a function. Bodies of control nodes are graphs too."""

from __future__ import annotations

from typing import Any, NamedTuple

from codegen import debug, loopir
from codegen.compiled import KernelInfo
from codegen.emit.contract import is_contract
from codegen.emit.driver_spec import Body, DriverSpec
from codegen.emit.main import MainSpec
from codegen.emit.module import GraphModule
from codegen.emit.text import FunctionText
from codegen.layout import Layout, Place, Step
from codegen.lower.assertion import lower_assert
from codegen.lower.nodes import is_native, lower_node
from codegen.lower.view import Lowered
from codegen.packing import PackedCapture, PackedInput, packable_capture, packable_input
from codegen.regions import REGIONS, driver_spec, driver_step, first_capture, saved_sizes
from codegen.runtime.host import HostCall
from codegen.runtime.host_node import host_call
from codegen.runtime.plan import symbol_order
from codegen.target import Target
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import int32
from graphcore.errors import UnsupportedError
from graphcore.graph import Const, Graph, Node, Value

MAIN_NAME = "layerjit_main"


class Shared:
    """What the function of a graph and those of the bodies in it have in common.

    Attributes:
        target: the CPU.
        entry_sizes: the number of sizes that callers of layerjit_main give.
        symbols: names of all sizes: those, then what loops with saved values find out.
        module: the module.
        calls: what runs in Python, in order.
        messages: what failure code i + 1 means.
        made: every kernel call and driver, in order of execution.
    """

    def __init__(self, graph: Graph, target: Target) -> None:
        """Starts the module of a graph."""
        self.target = target
        given = symbol_order([v.type for v in graph.inputs])
        self.entry_sizes = len(given)
        self.symbols = tuple(dict.fromkeys((*given, *saved_sizes(graph.walk()))))
        self.module = GraphModule(target, self.symbols)
        self.calls: list[HostCall] = []
        self.messages: list[str] = []
        self.made: list[tuple[str, tuple[int, ...], str, str, FunctionText]] = []
        self._names: dict[str, int] = {}

    def name(self, stem: str) -> str:
        """A name of a function that no other has: the stem with a number."""
        number = self._names[stem] = self._names.get(stem, -1) + 1
        return f"{stem}_{number}"

    def infos(self) -> list[KernelInfo]:
        """What each kernel call and driver is."""
        return [KernelInfo(name, ids, kind, loops, fn.render()) for name, ids, kind, loops, fn in self.made]


class _Planned(NamedTuple):
    """A step that is lowered but not emitted: a kernel, a host call, or a control node with its bodies' builds.

    `number` is that of the host call, or the first failure code of the kernel less one.
    """

    places: tuple[Place, ...]
    number: int = 0
    part: Lowered | None = None
    node: Node | None = None
    bodies: tuple[GraphBuild, ...] = ()


class GraphBuild:
    """One graph under construction: layerjit_main, or the body of a control node.

    Attributes:
        arena: bytes of scratch memory that a run needs; known once it is emitted.
        packed: the inputs of which the function takes packed copies.
        work: about how many picoseconds a run takes; a while loop counts as one of UNKNOWN.
    """

    def __init__(self, graph: Graph, shared: Shared, name: str = MAIN_NAME, captures: int | None = None) -> None:
        """Starts with no steps.

        Args:
            graph: the graph.
            shared: what it has in common with the others of its module.
            name: the symbol of its function.
            captures: for the body of a loop the number of its first input that is the same in every iteration.

        Raises:
            UnsupportedError: if a value cannot lie in memory, or an output has a size that only the run finds out.
        """
        self.graph, self.shared, self.name = graph, shared, name
        self.layout = Layout(graph)
        self.found = frozenset(saved_sizes(graph.nodes))
        self.captures = captures
        self.packed: list[PackedInput] = []
        self.packed_captures: list[PackedCapture] = []
        self.arena: Dim = 0
        self.work: Dim = 0
        self._own: Dim = 0
        self._planned: list[_Planned] = []
        for v in graph.outputs:
            if self.found & dims.free_symbols(v.type.shape):
                raise UnsupportedError(
                    f"output {v!r} has a size that only the run finds out; reduce it inside of the function, or run "
                    "the function eagerly"
                )

    # -- lowering

    def lower(self) -> GraphBuild:
        """Lowers every node, those of bodies included."""
        for node in self.graph.nodes:
            if node.op.name not in ("input", "constant"):
                self._lower(node)
        # Outputs that are inputs, constants, or other outputs are copied last.
        for value, place in self.layout.copies:
            self._copy(value, place)
        return self

    def _lower(self, node: Node) -> None:
        """Adds what computes one node."""
        if any(self.layout.is_alias(v) for v in node.results):
            return
        if node.op.name in REGIONS:
            self._region(node)
        elif "fail" in node.op.effects and not node.results:
            self._add(lower_assert(node, self._name(node)))
        elif not is_native(node):
            self._host(node)
        else:
            parts = lower_node(node, self._name(node))
            if len(parts) > 1:
                self.layout.apart(node)
            for part in parts:
                self._add(part)

    def _copy(self, value: Value, place: Place) -> None:
        # What no register holds is copied as whole words.
        own = value.type.dtype.is_native
        dtype = value.type.dtype if own else int32
        size = value.type.size if own else value.type.bytes // int32.size
        index = dims.symbol("i", 0, size - 1)
        source = loopir.Buffer("in0", dtype, size, "in")
        target = loopir.Buffer("out1", dtype, size, "out")
        load = loopir.Load("x", dtype, "in0", index)
        body = [loopir.Loop("i", size, "vector", True, [load, loopir.Store("out1", index, "x")])]
        name = self.shared.name("copy")
        kernel = loopir.Kernel(name, "copy", (value.node.id,), (source, target), body, size)
        self._planned.append(_Planned((self.layout.place(value), place), part=Lowered(kernel, ())))

    def _name(self, node: Node) -> str:
        stem = str(node.attrs.get("category", node.op.name)) if node.bodies else node.op.name
        return self.shared.name(stem)

    def _add(self, part: Lowered) -> None:
        places = tuple(
            Place("const", 0, v) if isinstance(v, Const) else self.layout.place(v) for v in part.args
        )
        self._planned.append(_Planned(places, len(self.shared.messages), part))
        self.shared.messages.extend(part.kernel.messages)
        debug.show("loops", str(part.kernel))

    def _host(self, node: Node) -> None:
        places = tuple(self.layout.place(v) for v in (*node.operands, *node.results))
        self._planned.append(_Planned(places, len(self.shared.calls)))
        self.shared.calls.append(host_call(node))

    def _region(self, node: Node) -> None:
        name = self._name(node)
        parts = tuple(
            GraphBuild(body, self.shared, f"{name}_{part}", first_capture(node, body)).lower()
            for body, part in zip(node.bodies, REGIONS[node.op.name](node), strict=True)
        )
        self._planned.append(_Planned((), part=None, node=node, bodies=parts))

    # -- emission

    def emit(self) -> Body:
        """Emits every kernel, driver and body, and the function of the graph."""
        steps: list[Step] = []
        scratch: Dim = 0
        for plan in self._planned:
            step, needs = self._step(plan)
            if self.found & dims.free_symbols(needs):
                step = step._replace(scratch_owned=self.layout.own(needs))
            else:
                scratch = dims.maximum(scratch, needs)
            steps.append(step)
        start = self.layout.arena
        self.arena = start + scratch
        shared = self.shared
        known = None
        if self.name == MAIN_NAME and len(shared.symbols) > shared.entry_sizes:
            known = shared.entry_sizes
        elif self.found:
            known = len(shared.symbols)
        shared.module.main(MainSpec(
            self.name, steps, start, len(self.graph.inputs), len(self.graph.outputs), self.layout.owned, known
        ))  # fmt: skip
        return Body(self.name, self.arena, self.work, self._own)

    def _step(self, plan: _Planned) -> tuple[Step, Dim]:
        """A step, and the bytes of scratch that it needs."""
        if plan.node is not None:
            return self._emit_region(plan)
        if plan.part is None:
            return Step(plan.places, host=plan.number), 0
        kernel = plan.part.kernel
        packed, places = self._pack(kernel, plan.places)
        emitted = self.shared.module.kernel(kernel, packed=packed)
        self.shared.made.append((emitted.name, kernel.node_ids, kernel.category, str(kernel), emitted.function))
        self.work, self._own = self.work + emitted.total, self._own + emitted.total
        step = Step(places, emitted, can_fail=bool(kernel.messages), first_code=plan.number)
        return step, emitted.scratch

    def _emit_region(self, plan: _Planned) -> tuple[Step, Dim]:
        node = plan.node
        assert node is not None
        stem = plan.bodies[0].name.rpartition("_")[0]
        bodies = tuple(build.emit() for build in plan.bodies)
        spec: DriverSpec = driver_spec(node, stem, bodies, self.layout, self.graph)
        spec = spec._replace(packs=tuple(
            self.shared.module.pack(f"{stem}_pack_{i}", item) for i, item in enumerate(plan.bodies[-1].packed_captures)
        ))  # fmt: skip
        self.work = self.work + spec.total
        self._own = self._own + (spec.work if spec.kind == "cond" else 0)
        function = self.shared.module.driver(spec)
        debug.show("loops", spec.text())
        self.shared.made.append((spec.name, (node.id,), spec.kind, spec.text(), function))
        return driver_step(node, spec, self.layout), spec.scratch

    def _pack(self, kernel: loopir.Kernel, places: tuple[Place, ...]) -> tuple[bool, tuple[Place, ...]]:
        """Whether a kernel reads a packed copy of its right operand, and then its places with that copy."""
        if not is_contract(kernel):
            return False, places
        known: list[Any] = self.packed if self.name == MAIN_NAME else self.packed_captures
        item = None
        if self.name == MAIN_NAME:
            item = packable_input(kernel, places, self.graph, self.shared.target)
        elif self.captures is not None:
            item = packable_capture(kernel, places, self.captures)
        if item is None:
            return False, places
        if item not in known:
            known.append(item)
        copy = Place("packed", known.index(item))
        return True, tuple(copy if p == Place("input", item.number) else p for p in places)
