"""Which slots of the context table one entry plan uses, and how they are filled when the entry is bound."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from codegen.runtime.context import FIRST_FREE, Context
from codegen.runtime.layout import Layout, check_slot
from codegen.runtime.packed import PACKED_WORDS, PackedRecords, PackedSource
from codegen.runtime.plan import EntryPlan

# Words of one variable's record: address of its array slot, index of its buffer.
VARIABLE_WORDS = 2
VARIABLE_SLOT, VARIABLE_BUFFER = range(VARIABLE_WORDS)
# Words of one update's record.
UPDATE_WORDS = 9
(
    UPDATE_SLOT,
    UPDATE_VERSION,
    UPDATE_HELD,
    UPDATE_BUFFER,
    UPDATE_DONATE,
    UPDATE_RANK,
    UPDATE_DTYPE,
    UPDATE_DIMS,
    UPDATE_BYTES,
) = range(UPDATE_WORDS)


class EntryTable:
    """The slots of a plan beyond the named ones. Depends on the plan's form only, not on its objects.

    Attributes:
        dtypes: slot of each dtype's address, by name.
        captured: slot of each captured buffer's address, by input.
        constants: slot of each constant argument's address, by argument number.
        keywords: first slot of the keyword names.
        variables: first slot of the variables' records.
        updates: first slot of the updates' records.
        packed: first slot of the packed inputs' records.
        size: number of slots in all.
    """

    __slots__ = ("captured", "constants", "dtypes", "keywords", "packed", "size", "updates", "variables")

    def __init__(self, plan: EntryPlan) -> None:
        """Numbers the slots."""
        at = FIRST_FREE
        types = {t.dtype.name for t in plan.output_types}
        types |= {t.dtype.name for t, s in zip(plan.input_types, plan.inputs, strict=True) if s[0] == "arg"}
        self.dtypes = {name: at + i for i, name in enumerate(sorted(types))}
        at += len(self.dtypes)
        captured = [i for i, source in enumerate(plan.inputs) if source[0] == "captured"]
        self.captured = {position: at + i for i, position in enumerate(captured)}
        at += len(captured)
        self.constants = {number: at + i for i, (number, _) in enumerate(plan.constants)}
        at += len(plan.constants)
        self.keywords = at
        self.variables = self.keywords + len(plan.keywords)
        self.updates = self.variables + VARIABLE_WORDS * len(plan.variables)
        self.packed = self.updates + UPDATE_WORDS * len(plan.updates)
        self.size = self.packed + PACKED_WORDS * len(plan.packed)


def fill_plan(context: Context, table: EntryTable, plan: EntryPlan, layout: Layout) -> None:
    """Writes the addresses of a plan's objects into its context, and keeps the objects alive with it."""
    for kind in plan.input_types + plan.output_types:
        if kind.dtype.name in table.dtypes:
            # The dtype object that arrays of this type really have.
            context.set(table.dtypes[kind.dtype.name], context.keep(np.empty((), kind.dtype.numpy).dtype))
    for position, index in table.captured.items():
        array: Any = plan.inputs[position][1]
        context.keep(array)
        context.set(index, array.ctypes.data)
    for number, value in plan.constants:
        context.set(table.constants[number], context.keep(value))
    for i, name in enumerate(plan.keywords):
        context.set(table.keywords + i, context.keep(_interned(name)))
    _fill_variables(context, table, plan)
    _fill_updates(context, table, plan, layout)
    _fill_packed(context, table, plan)


def _interned(name: str) -> str:
    """The one string object that the compiler puts into calls with this keyword."""
    import sys

    return sys.intern(name)


def _fill_variables(context: Context, table: EntryTable, plan: EntryPlan) -> None:
    for i, position in enumerate(plan.variables):
        variable: Any = plan.inputs[position][1]
        context.keep(variable)
        at = table.variables + VARIABLE_WORDS * i
        context.set(at + VARIABLE_SLOT, check_slot(variable))
        context.set(at + VARIABLE_BUFFER, position)


def _fill_updates(context: Context, table: EntryTable, plan: EntryPlan, layout: Layout) -> None:
    uses = Counter(id(plan.inputs[position][1]) for position in plan.variables)
    first_variable = sum(source[0] == "arg" for source in plan.inputs)
    for i, (output, position, donatable) in enumerate(plan.updates):
        source = plan.inputs[position]
        variable: Any = source[1]
        version: Any = source[2] if source[0] == "variable" else None
        kind = plan.input_types[position]
        sizes = np.array(kind.shape or (0,), dtype=np.int64)
        dtype = np.empty((), kind.dtype.numpy).dtype
        context.kept += [version, sizes, dtype]
        record = [0] * UPDATE_WORDS
        record[UPDATE_SLOT] = check_slot(variable)
        record[UPDATE_VERSION] = 0 if version is None else version.ctypes.data
        record[UPDATE_HELD] = first_variable + plan.variables.index(position)
        record[UPDATE_BUFFER] = len(plan.inputs) + output
        # A variable read through two inputs cannot be overwritten: the other input is the same memory. Host
        # calls may fail after the write, and may look at the variable meanwhile.
        record[UPDATE_DONATE] = int(donatable and plan.host is None and uses[id(variable)] == 1)
        record[UPDATE_RANK], record[UPDATE_DTYPE], record[UPDATE_DIMS] = (
            kind.rank,
            id(dtype),
            sizes.ctypes.data,
        )
        record[UPDATE_BYTES] = variable._array.nbytes
        at = table.updates + UPDATE_WORDS * i
        context.table[at : at + UPDATE_WORDS] = record


def _fill_packed(context: Context, table: EntryTable, plan: EntryPlan) -> None:
    if plan.packed:
        sources = [PackedSource(item, plan.inputs[item.number]) for item in plan.packed]
        context.set("repack", context.keep(PackedRecords(context, table.packed, sources)))
