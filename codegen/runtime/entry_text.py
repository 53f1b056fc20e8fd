"""The native call entry as LLVM text: a METH_FASTCALL | METH_KEYWORDS function around layerjit_main.

What it does, in this order (the order matters):

1. check the arguments, bind the symbols, test the guards. Any mismatch tail-calls the slow path;
2. allocate outputs, result Tensors and the result container. This may fail, and on Python 3.11 it may run the
   garbage collector and with it any Python code, so nothing has been read from a variable or written yet;
3. compare the versions of packed inputs, packing anew in Python (and comparing again) where one has changed; read
   the variables and choose, per update, between the old buffer and a second one;
4. take an arena, release the interpreter lock for long work, run layerjit_main;
5. on failure drop everything and raise; else swap the variables' arrays, bump versions and return.

Once the first buffer of a variable is written (in 4), only layerjit_main itself could fail, and a plan
promises that it does not where it says that an update may be done in place. Reference counts are changed by
calls only; one is read, to learn whether a variable is the sole owner of its array.

The interpreter lock is released only if the work is long enough to be worth it (RELEASE_WORK), and not
- when a buffer is overwritten in place: without the lock another thread could take a reference to the array
in the
  middle of the step, and would see half of it. Holding the lock makes such a step atomic for other Python
  threads; the alternative, a second buffer, costs fresh memory on every step of the common single-threaded
  training loop;
- when there are host calls: they take the lock anyway, and switching twice per call costs more than it gives.
While the lock is released (or a host call runs), other code may assign the variables or drop the arguments'
Tensors, so every input array is held by a reference of its own. With the lock held, the caller's references
suffice.

Results that share memory: an output has a buffer of its own, even one that is the value of an input
(layerjit_main copies). An output that updates a variable and is returned becomes a Tensor around the
variable's own array; that array then has two owners, so later steps do not write into it while the Tensor
lives.
"""

from __future__ import annotations

from codegen.emit.text import ModuleText
from codegen.runtime import table as words
from codegen.runtime.dimcode import emit_condition
from codegen.runtime.entry_inputs import EntryInputs
from codegen.runtime.layout import Layout, layout
from codegen.runtime.plan import RELEASE_WORK, EntryPlan
from codegen.runtime.recycle import LARGE
from graphcore.types import TensorType


def write_entry(plan: EntryPlan, module: ModuleText, binding_offset: int, name: str) -> str:
    """Adds the entry of a plan to a module; returns the function's text.

    Args:
        plan: what the entry does. The text depends on its form (types, sources, structure), on no object.
        module: where the function goes. layerjit_main is called through the context, and may be elsewhere.
        binding_offset: where the entry's `self` object keeps the array that is the context table.
        name: the symbol.

    Raises:
        UnsupportedError: if this Python or NumPy lays its objects out in another way.
    """
    writer = _EntryWriter(plan, module, layout(), binding_offset, name)
    writer.write()
    return writer.fn.render()


class _EntryWriter(EntryInputs):
    """Writes one entry; the methods follow the steps of the module's docstring."""

    def __init__(
        self, plan: EntryPlan, module: ModuleText, at: Layout, binding_offset: int, name: str
    ) -> None:
        super().__init__(plan, module, at, name)
        self.binding_offset = binding_offset
        self.updated = {output: i for i, (output, _, _) in enumerate(plan.updates)}
        self.tensor_of: dict[int, int] = {}  # output -> index of its Tensor among the owned objects
        self.unused: list[int] = []  # indices of owned arrays that nobody gets
        self.owned_count = 0
        self.main_context = ""  # what layerjit_main gets, where it is not always the context
        self.failures: dict[int, str] = {}  # number of owned objects -> block that drops them

    def write(self) -> None:
        """The whole function."""
        plan, fn = self.plan, self.fn
        array = self.load("ptr", "%self", self.binding_offset)
        self.require_object(array, "gone")
        self.context = self.load("ptr", array, self.at.data)
        self.owned = fn.alloca(f"[{len(plan.output_types) + 2} x ptr]", 16)
        self.fresh = fn.alloca(f"[{max(len(plan.updates), 1)} x ptr]", 16)
        self.chosen = fn.alloca(f"[{max(len(plan.updates), 1)} x ptr]", 16)
        self.check_call()
        self.check_arguments()
        self.check_sizes()
        self.allocate()
        self.read_packed()
        self.read_variables()
        in_place = self.prepare_updates()
        self.run(in_place)
        self.commit()
        self.finish()
        self.write_exits()

    # 2. Allocation

    def allocate(self) -> None:
        """Output arrays, Tensors, the container: all that can lack memory or run Python code."""
        for output, kind in enumerate(self.plan.output_types):
            returned = output in self.plan.returned
            if output not in self.updated:
                array = self.allocate_output(output, kind)
                if not returned:
                    self.unused.append(self.own(array))
                    continue
                self.store("ptr", array, self.owned, 8 * self.owned_count)
                tensor = self.new_tensor(self.owned_count + 1)
                self.store("ptr", array, tensor, self.array_slot)  # from here on the Tensor owns the array
                self.tensor_of[output] = self.own(tensor)
            elif returned:  # its array is chosen in step 3
                self.tensor_of[output] = self.own(self.new_tensor(self.owned_count))
        if self.plan.result not in ("single", "none"):
            self.container = self.call_slot("ptr", "container_new", f"i64 {len(self.plan.returned)}")
            self.require_object(self.container, self.failure(self.owned_count))
            self.own(self.container)

    def own(self, thing: str) -> int:
        """Notes an object that is dropped if the call fails; returns its index."""
        self.store("ptr", thing, self.owned, 8 * self.owned_count)
        self.owned_count += 1
        return self.owned_count - 1

    def allocate_output(self, output: int, kind: TensorType) -> str:
        """A new array for an output, its address among the buffers."""
        shape = self.fn.alloca(f"[{max(kind.rank, 1)} x i64]", 16)
        for axis, dim in enumerate(kind.shape):
            self.store("i64", self.dim(dim), shape, 8 * axis)
        dtype = self.word(self.table.dtypes[kind.dtype.name])
        size = self.dim(kind.bytes)
        array = self.new_array(str(kind.rank), shape, dtype, size, self.failure(self.owned_count))
        position = len(self.plan.inputs) + output
        self.store("ptr", self.load("ptr", array, self.at.data), self.buffers, 8 * position)
        return array

    def new_array(self, rank: str, shape: str, dtype: str, size: str, otherwise: str) -> str:
        """PyArray_Empty, which takes over one reference of the dtype; arrays of many bytes are recycled."""
        self.increase(dtype)
        if size.isdigit() and int(size) < LARGE:
            array = self.call_slot("ptr", "empty", f"i32 {rank}, ptr {shape}, ptr {dtype}, i32 0")
        else:
            array = self.new_large(rank, shape, dtype, size)
        self.require_object(array, otherwise)
        return array

    def new_tensor(self, owned: int) -> str:
        """A Tensor whose slots are all null; without memory for it, `owned` objects are dropped."""
        tensor = self.call_slot("ptr", "generic_alloc", f"ptr {self.word('tensor')}, i64 0")
        self.require_object(tensor, self.failure(owned))
        return tensor

    def failure(self, owned: int) -> str:
        """The block that drops the first `owned` objects and returns null; an exception is set already."""
        return self.failures.setdefault(owned, f"failed.{owned}")

    # 3. Variables

    def prepare_updates(self) -> str:
        """A buffer for every new value; returns an i1: some old buffer will be overwritten."""
        if not self.plan.updates:
            return "false"
        in_place = self.fn.alloca("i64", 8)
        self.store("i64", "0", in_place)
        with self.loop(len(self.plan.updates)) as i:
            self.prepare_update(i, in_place)
        for output, index in self.tensor_of.items():
            if output in self.updated:
                array = self.load("ptr", self.chosen, 8 * self.updated[output])
                self.increase(array)
                self.store("ptr", array, self.load("ptr", self.owned, 8 * index), self.array_slot)
        return self.test("ne", "i64", self.load("i64", in_place), 0)

    def prepare_update(self, i: str, in_place: str) -> None:
        """One update: `fresh[i]` is its new array or null, `chosen[i]` the array whose buffer is written."""
        fn = self.fn
        self.update_number = i
        record = self.update_record(i)
        old = self.load("ptr", self.at_word(self.arrays, self.load("i64", record, 8 * words.UPDATE_HELD)))
        over, second, join = (fn.new_label(hint) for hint in ("over", "second", "join"))
        fn.branch_if(self.sole_owner(record, old), over, second)
        fn.place(over)
        self.store("i64", "1", in_place)
        fn.branch(join)
        fn.place(second)
        rank = fn.emit(f"trunc i64 {self.load('i64', record, 8 * words.UPDATE_RANK)} to i32")
        shape, dtype = (self.load("ptr", record, 8 * w) for w in (words.UPDATE_DIMS, words.UPDATE_DTYPE))
        size = self.load("i64", record, 8 * words.UPDATE_BYTES)
        made = self.new_array(rank, shape, dtype, size, "failed_update")
        made_in = fn.block
        fn.branch(join)
        fn.place(join)
        array = fn.phi("ptr", [(old, over), (made, made_in)])
        fresh = fn.phi("ptr", [("null", over), (made, made_in)])
        self.store("ptr", fresh, self.at_word(self.fresh, i))
        self.store("ptr", array, self.at_word(self.chosen, i))
        buffer = self.at_word(self.buffers, self.load("i64", record, 8 * words.UPDATE_BUFFER))
        self.store("ptr", self.load("ptr", array, self.at.data), buffer)

    def update_record(self, i: str) -> str:
        """The address of an update's record."""
        first = self.at_offset(self.context, 8 * self.table.updates)
        return self.at_word(first, self.fn.emit(f"mul i64 {i}, {words.UPDATE_WORDS}"))

    def sole_owner(self, record: str, old: str) -> str:
        """Whether the old array may be overwritten: allowed, and nobody but the variable can see its memory.

        A Tensor, a view, a buffer export or another running call that uses the array holds a reference to it.
        """
        conditions = [
            self.test("ne", "i64", self.load("i64", record, 8 * words.UPDATE_DONATE), 0),
            self.test("eq", "i32", self.load("i32", old, self.at.refcount), 1),
            self.test("eq", "ptr", self.load("ptr", old, self.at.base), "null"),
            self.has_bits(self.load("i32", old, self.at.flags), self.at.writable),
        ]
        holds = conditions[0]
        for condition in conditions[1:]:
            holds = self.fn.emit(f"and i1 {holds}, {condition}", "c")
        return holds

    # 4. The run

    def run(self, in_place: str) -> None:
        """Arena, interpreter lock, layerjit_main; goes on only if it succeeded."""
        if in_place != "false":
            quiet = self.word("quiet")
            self.main_context = self.fn.emit(f"select i1 {in_place}, ptr {quiet}, ptr {self.context}")
        block, memory = "", "null"
        if self.plan.arena != 0:
            block = self.take_arena(self.dim(self.plan.arena))
            self.require_object(block, "no_arena")
            memory = self.arena_memory(block)
        if self.plan.host is not None:
            status = self.run_held(memory, release=False)
        else:
            status = self.run_released(memory, self.release_condition(in_place))
        if block:
            self.put_arena(block)
        self.status = status
        self.require(self.test("eq", "i32", status, 0), "failed_run")

    def release_condition(self, in_place: str) -> str:
        """An i1: release the interpreter lock."""
        long = emit_condition(self.fn, ("le", RELEASE_WORK, self.plan.work), self.symbols, self.memo)
        if long == "false" or in_place == "false":
            return long
        not_in_place = self.fn.emit(f"xor i1 {in_place}, true", "c")
        return self.fn.emit(f"and i1 {long}, {not_in_place}", "c")

    def run_released(self, memory: str, release: str) -> str:
        """Runs with the interpreter lock released if the condition holds."""
        if release in ("true", "false"):
            return self.run_held(memory, release=True) if release == "true" else self.run_main(memory)
        fn = self.fn
        freely, directly, ran = (fn.new_label(hint) for hint in ("freely", "directly", "ran"))
        fn.branch_if(release, freely, directly)
        fn.place(freely)
        status = self.run_held(memory, release=True)
        fn.branch(ran)
        fn.place(directly)
        other = self.run_main(memory)
        fn.branch(ran)
        fn.place(ran)
        return fn.phi("i32", [(status, freely), (other, directly)])

    def run_held(self, memory: str, *, release: bool) -> str:
        """Runs with a reference to every input array, so that other Python code cannot free one meanwhile."""
        self.for_each("incref", self.arrays, self.held)
        state = self.call_slot("ptr", "save_thread", "") if release else ""
        status = self.run_main(memory)
        if release:
            self.call_slot("void", "restore_thread", f"ptr {state}")
        self.for_each("decref", self.arrays, self.held)
        return status

    def run_main(self, memory: str) -> str:
        """Calls layerjit_main; returns its status."""
        arguments = f"ptr {self.main_context or self.context}, ptr {self.buffers}, ptr {self.sizes}, ptr {memory}"
        return self.call_slot("i32", "main", arguments)

    # 5. The end

    def commit(self) -> None:
        """Puts the new arrays into the variables; the old ones are dropped after all are in place."""
        if not self.plan.updates:
            return
        fn = self.fn
        with self.loop(len(self.plan.updates)) as i:
            record = self.update_record(i)
            swap, counted, bump, end = (fn.new_label(hint) for hint in ("swap", "counted", "bump", "end"))
            place = self.at_word(self.fresh, i)
            new = self.load("ptr", place)
            fn.branch_if(self.test("ne", "ptr", new, "null"), swap, counted)
            fn.place(swap)
            variable = self.load("ptr", record, 8 * words.UPDATE_SLOT)
            self.store("ptr", self.load("ptr", variable), place)
            self.store("ptr", new, variable)
            fn.branch(counted)
            fn.place(counted)
            version = self.load("ptr", record, 8 * words.UPDATE_VERSION)
            fn.branch_if(self.test("ne", "ptr", version, "null"), bump, end)
            fn.place(bump)
            self.store("i64", fn.emit(f"add i64 {self.load('i64', version)}, 1"), version)
            fn.branch(end)
            fn.place(end)
        self.for_each("decref", self.fresh, len(self.plan.updates))

    def finish(self) -> None:
        """Returns the result."""
        plan, fn = self.plan, self.fn
        for index in self.unused:
            self.drop(self.load("ptr", self.owned, 8 * index))
        if plan.result == "single":
            (output,) = plan.returned
            fn.ret(f"ptr {self.load('ptr', self.owned, 8 * self.tensor_of[output])}")
        elif plan.result == "none":
            none = self.word("none")
            self.increase(none)
            fn.ret(f"ptr {none}")
        else:
            self.fill_container()
            packed = self.container
            if callable(plan.result):
                packed = self.call_python("pack", self.container)
                self.drop(self.container)
            fn.ret(f"ptr {packed}")

    def fill_container(self) -> None:
        """Moves the Tensors into the container."""
        for i, output in enumerate(self.plan.returned):
            tensor = self.load("ptr", self.owned, 8 * self.tensor_of[output])
            if output in self.plan.returned[:i]:
                self.increase(tensor)
            self.call_slot("i32", "container_set", f"ptr {self.container}, i64 {i}, ptr {tensor}")

    def write_exits(self) -> None:
        """The blocks that leave the function early."""
        fn, plan = self.fn, self.plan
        if plan.variables:
            fn.place("retreat")
            self.for_each("decref", self.owned, self.owned_count)
            fn.branch("slow")
        if plan.updates:
            fn.place("failed_update")
            self.for_each("decref", self.fresh, self.update_number)
            fn.branch(self.failure(self.owned_count))
        self.write_stale(self.failure(self.owned_count))
        fn.place("failed_run")
        self.for_each("decref", self.fresh, len(plan.updates))
        self.for_each("decref", self.owned, self.owned_count)
        self.write_raise()
        if plan.arena != 0:
            fn.place("no_arena")
            self.for_each("decref", self.fresh, len(plan.updates))
            self.call_slot("ptr", "no_memory", "")
            fn.branch(self.failure(self.owned_count))
        for owned, label in self.failures.items():
            fn.place(label)
            self.for_each("decref", self.owned, owned)
            fn.ret("ptr null")
        fn.place("slow")
        call = f"tail call ptr {self.word('vectorcall')}"
        result = fn.emit(f"{call}(ptr {self.word('slow')}, ptr %args, i64 %nargs, ptr %kwnames)")
        fn.ret(f"ptr {result}")
        # Only the cycle collector can have emptied the binding; CPython makes a SystemError of this null.
        fn.place("gone")
        fn.ret("ptr null")

    def write_raise(self) -> None:
        """Calls plan.on_error with the status; it raises."""
        number = self.call_slot("ptr", "from_long", f"i64 {self.fn.emit(f'sext i32 {self.status} to i64')}")
        self.require_object(number, self.failure(0))
        result = self.call_python("failed", number)
        self.drop(number)
        self.fn.ret(f"ptr {result}")
