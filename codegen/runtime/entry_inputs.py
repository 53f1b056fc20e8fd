"""The third step of the native call entry: the arrays of variables, and packed copies of lasting inputs."""

from __future__ import annotations

from codegen.packing import PACKED_HEADER
from codegen.runtime import packed as copies
from codegen.runtime import table as words
from codegen.runtime.entry_checks import EntryChecks


class EntryInputs(EntryChecks):
    """Writes what reads the inputs that are not arguments. No Python code may run after it and before the run."""

    def read_packed(self) -> None:
        """The packed copies, in a loop over their records; one of another version goes to the block "stale"."""
        if not self.plan.packed:
            return
        self.fn.branch("packed")
        self.fn.place("packed")
        first = self.at_offset(self.context, 8 * self.table.packed)
        held = self.at_offset(self.arrays, 8 * (len(self.argument_inputs) + len(self.plan.variables)))
        buffers = self.at_offset(self.buffers, 8 * (len(self.plan.inputs) + len(self.plan.output_types)))
        with self.loop(len(self.plan.packed)) as i:
            record = self.at_word(first, self.fn.emit(f"mul i64 {i}, {copies.PACKED_WORDS}"))
            version = self.load("i64", self.load("ptr", record, 8 * copies.PACKED_VERSION))
            array = self.load("ptr", self.load("ptr", record, 8 * copies.PACKED_SLOT))
            data = self.load("ptr", array, self.at.data)
            self.require(self.test("eq", "i64", version, self.load("i64", data, -PACKED_HEADER)), "stale")
            self.store("ptr", array, self.at_word(held, i))
            self.store("ptr", data, self.at_word(buffers, i))

    def write_stale(self, otherwise: str) -> None:
        """The block "stale": packs anew in Python and goes back to `read_packed`; exceptions go to `otherwise`."""
        if not self.plan.packed:
            return
        self.fn.place("stale")
        done = self.call_python("repack", self.word("none"))
        self.require_object(done, otherwise)
        self.drop(done)
        self.fn.branch("packed")

    def read_variables(self) -> None:
        """The variables' arrays, in a loop over their records.

        Only the type is checked, since a Variable keeps dtype, shape and contiguity for life; what is not an
        array means that the variable is being traced.
        """
        if not self.plan.variables:
            return
        first = self.at_offset(self.context, 8 * self.table.variables)
        held = self.at_offset(self.arrays, 8 * len(self.argument_inputs))
        with self.loop(len(self.plan.variables)) as i:
            record = self.at_word(first, self.fn.emit(f"mul i64 {i}, {words.VARIABLE_WORDS}"))
            array = self.load("ptr", self.load("ptr", record, 8 * words.VARIABLE_SLOT))
            self.require_object(array, "retreat")
            kind = self.load("ptr", array, self.at.type)
            self.require(self.test("eq", "ptr", kind, self.word("ndarray")), "retreat")
            self.store("ptr", array, self.at_word(held, i))
            buffer = self.at_word(self.buffers, self.load("i64", record, 8 * words.VARIABLE_BUFFER))
            self.store("ptr", self.load("ptr", array, self.at.data), buffer)

    def call_python(self, name: str, argument: str) -> str:
        """Calls the Python callable of a slot with one argument; returns its result or null."""
        arguments = self.fn.alloca("ptr", 8)
        self.store("ptr", argument, arguments)
        return self.call_slot("ptr", "vectorcall", f"ptr {self.word(name)}, ptr {arguments}, i64 1, ptr null")
