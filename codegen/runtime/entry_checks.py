"""The first step of the native call entry: checks of the arguments, sizes and guards of a call."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.emit.text import UNOPTIMIZED, ModuleText
from codegen.runtime.dimcode import emit_condition, emit_dim
from codegen.runtime.entry_pieces import Pieces
from codegen.runtime.layout import Layout, slot_offset
from codegen.runtime.plan import EntryPlan, symbol_atom
from codegen.runtime.table import EntryTable
from graphcore.dims import Atom, Dim
from graphcore.types import TensorType


class EntryChecks(Pieces):
    """Writes the checks of one entry. Every mismatch goes to the block "slow".

    Attributes:
        plan: what the entry does.
        at: where objects keep their fields.
        table: the plan's slots of the context.
        array_slot: where a Tensor keeps its array.
        buffers: stack memory, the addresses of all inputs and outputs.
        sizes: stack memory, the values of the symbols.
        arrays: stack memory, the array objects of arguments, of variables, then of packed copies.
        held: how many those are.
        symbols: the operand of every symbol bound so far.
    """

    def __init__(self, plan: EntryPlan, module: ModuleText, at: Layout, name: str) -> None:
        """Starts the function and reserves its stack memory."""
        parameters = ["ptr %self", "ptr %args", "i64 %nargs", "ptr %kwnames"]
        super().__init__(module.function(name, parameters, "ptr", attributes=UNOPTIMIZED))
        self.plan, self.at = plan, at
        self.table = EntryTable(plan)
        self.array_slot = slot_offset(plan.tensor_type)
        self.symbols: dict[str, str] = {}
        self.memo: dict[Dim, str] = {}  # filled only in blocks that dominate all later ones
        self.later: list[tuple[str, Dim]] = []
        self.argument_inputs = [(i, s[1]) for i, s in enumerate(plan.inputs) if s[0] == "arg"]
        self.held = len(self.argument_inputs) + len(plan.variables) + len(plan.packed)
        count = len(plan.inputs) + len(plan.output_types) + len(plan.packed)
        self.buffers = self.fn.alloca(f"[{max(count, 1)} x ptr]", 16)
        self.sizes = self.fn.alloca(f"[{max(len(plan.symbols), 1)} x i64]", 16)
        self.arrays = self.fn.alloca(f"[{max(self.held, 1)} x ptr]", 16)

    def check_call(self) -> None:
        """The number of arguments, keywords, the busy flag, arguments that must be one certain object."""
        plan = self.plan
        self.require(self.test("eq", "i64", "%nargs", plan.arguments))
        if plan.keywords:
            self.require_object("%kwnames", "slow")
            count = self.load("i64", "%kwnames", self.at.tuple_size)
            self.require(self.test("eq", "i64", count, len(plan.keywords)))
        else:
            self.require(self.test("eq", "ptr", "%kwnames", "null"))
        for i in range(len(plan.keywords)):
            given = self.load("ptr", "%kwnames", self.at.tuple_items + 8 * i)
            self.require(self.test("eq", "ptr", given, self.word(self.table.keywords + i)))
        self.require(self.test("eq", "i64", self.load("i64", self.word("busy")), 0))
        for number, index in self.table.constants.items():
            self.require(self.test("eq", "ptr", self.load("ptr", "%args", 8 * number), self.word(index)))

    def check_arguments(self) -> None:
        """Every argument that is an input; also the buffers of captured arrays."""
        for held, (position, number) in enumerate(self.argument_inputs):
            self.check_argument(held, position, int(number))
        for position, index in self.table.captured.items():
            self.store("ptr", self.word(index), self.buffers, 8 * position)

    def check_argument(self, held: int, position: int, number: int) -> None:
        """One argument is a Tensor or an array (not of a subclass) of the input's type."""
        place = self.at_offset("%args", 8 * number)
        given = self.load("ptr", place)
        is_tensor = self.test("eq", "ptr", self.load("ptr", given, self.at.type), self.word("tensor"))
        inside = self.at_offset(given, self.array_slot)
        array = self.load("ptr", self.fn.emit(f"select i1 {is_tensor}, ptr {inside}, ptr {place}"))
        self.require_object(array, "slow")  # a Tensor whose slot was never set
        self.require(self.test("eq", "ptr", self.load("ptr", array, self.at.type), self.word("ndarray")))
        self.check_header(array, self.plan.input_types[position])
        self.store("ptr", array, self.arrays, 8 * held)
        self.store("ptr", self.load("ptr", array, self.at.data), self.buffers, 8 * position)

    def check_header(self, array: str, kind: TensorType) -> None:
        """Dtype, contiguity, rank and sizes of an array."""
        dtype = self.word(self.table.dtypes[kind.dtype.name], "i64")
        flags = self.fn.emit(f"and i32 {self.load('i32', array, self.at.flags)}, {self.at.readable}")
        # Flags and rank as one 64-bit number each, so that one comparison serves all three.
        readable = self.fn.emit(f"zext i32 {flags} to i64")
        rank = self.fn.emit(f"zext i32 {self.load('i32', array, self.at.nd)} to i64")
        found = self.load("i64", array, self.at.descr)
        self.require_equal("i64", [(found, dtype), (readable, self.at.readable), (rank, kind.rank)])
        if kind.shape:
            sizes = self.load("ptr", array, self.at.dims)
            self.bind_sizes([(self.load("i64", sizes, 8 * i), dim) for i, dim in enumerate(kind.shape)])

    def bind_sizes(self, found: Sequence[tuple[str, Dim]]) -> None:
        """Compares sizes with what is known already, or binds symbols to them."""
        known: list[tuple[str, str | int]] = []
        for size, dim in found:
            atom = symbol_atom(dim)
            if isinstance(dim, int):
                known.append((size, dim))
            elif atom is None:
                self.later.append((size, dim))
            elif atom.name in self.symbols:
                known.append((size, self.symbols[atom.name]))
            else:
                self.symbols[atom.name] = size
                self.check_bounds(size, atom)
        self.require_equal("i64", known)

    def check_bounds(self, size: str, atom: Atom) -> None:
        """A symbol stands for sizes within its bounds only: an empty array has a trace of its own."""
        if atom.low is not None and atom.low > 0:
            self.require(self.test("sge", "i64", size, atom.low))
        if isinstance(atom.high, int):
            self.require(self.test("sle", "i64", size, atom.high))

    def dim(self, dim: Dim) -> str:
        """The value of a Dim."""
        return emit_dim(self.fn, dim, self.symbols, self.memo)

    def check_sizes(self) -> None:
        """Sizes that are expressions, then the guards; stores the sizes for layerjit_main."""
        self.require_equal("i64", [(size, self.dim(dim)) for size, dim in self.later])
        for kind, a, b, expected in self.plan.guards:
            holds = emit_condition(self.fn, (kind, a, b), self.symbols, self.memo)
            self.require(holds if expected else self.fn.emit(f"xor i1 {holds}, true", "c"))
        for i, name in enumerate(self.plan.symbols):
            self.store("i64", self.symbols[name], self.sizes, 8 * i)
