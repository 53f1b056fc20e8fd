"""layerjit_main functions written by hand, and call entries around them, for the tests of the call entry."""

from typing import Any

import numpy as np
import pytest

from codegen import engine
from codegen.emit.text import ModuleText
from codegen.runtime import entry, layout
from codegen.runtime.context import slot
from codegen.runtime.host import HostCall, HostCalls
from codegen.runtime.plan import EntryPlan
from graphcore import dims, dtypes
from graphcore.types import TensorType

native = pytest.mark.skipif(not layout.native_entry_supported(), reason="no native call entry here")
N = dims.symbol("n")
M = dims.symbol("m")


class Tensor:
    __slots__ = ("__weakref__", "_array", "_keras_history", "_value")


class Variable:
    __slots__ = ("_array", "version")

    def __init__(self, values):
        self._array = np.array(values, dtype=np.float32)
        self.version = np.zeros((), dtype=np.int64)

    @property
    def source(self):
        return ("variable", self, self.version)


def f32(*shape):
    return TensorType(dtypes.float32, shape)


def tensor(values, dtype=np.float32):
    made = Tensor()
    made._array = np.array(values, dtype=dtype)
    return made


def tensor_of(array):
    made = Tensor()
    made._array = array
    return made


def main_text(*adds, status=0, body=""):
    """A layerjit_main: per (target, a, b, count) it does buf[target][:] = buf[a][:] + buf[b][:].

    Count is an int or a number of a symbol as a string.
    """
    lines = ["define i32 @layerjit_main(ptr %ctx, ptr %bufs, ptr %dims, ptr %arena) {", "entry:"]
    before = "entry"
    for k, (target, a, b, count) in enumerate(adds):
        for name, index in (("t", target), ("a", a), ("b", b)):
            lines += [f"  %{name}p{k} = getelementptr ptr, ptr %bufs, i64 {index}"]
            lines += [f"  %{name}{k} = load ptr, ptr %{name}p{k}"]
        size = str(count)
        if isinstance(count, str):
            lines += [
                f"  %np{k} = getelementptr i64, ptr %dims, i64 {count}",
                f"  %n{k} = load i64, ptr %np{k}",
            ]
            size = f"%n{k}"
        lines += [
            f"  br label %head{k}",
            f"head{k}:",
            f"  %i{k} = phi i64 [ 0, %{before} ], [ %j{k}, %body{k} ]",
            f"  %go{k} = icmp slt i64 %i{k}, {size}",
            f"  br i1 %go{k}, label %body{k}, label %done{k}",
            f"body{k}:",
            *(f"  %{x}e{k} = getelementptr float, ptr %{x}{k}, i64 %i{k}" for x in "tab"),
            f"  %x{k} = load float, ptr %ae{k}",
            f"  %y{k} = load float, ptr %be{k}",
            f"  %s{k} = fadd float %x{k}, %y{k}",
            f"  store float %s{k}, ptr %te{k}",
            f"  %j{k} = add i64 %i{k}, 1",
            f"  br label %head{k}",
            f"done{k}:",
        ]
        before = f"done{k}"
    return "\n".join([*lines, body, f"  ret i32 {status}", "}", ""])


HOST = f"""
  %hostp = getelementptr i64, ptr %ctx, i64 {slot("host")}
  %host = load ptr, ptr %hostp
  %st = call i32 %host(i64 0, ptr %bufs, ptr %dims)
  %bad = icmp ne i32 %st, 0
  br i1 %bad, label %fail, label %good
fail:
  ret i32 %st
good:
"""
# Writes the arena's first and last bytes, fails with 7 unless it is aligned.
ARENA = """
  %addr = ptrtoint ptr %arena to i64
  %low = and i64 %addr, 63
  %odd = icmp ne i64 %low, 0
  br i1 %odd, label %fail, label %good
fail:
  ret i32 7
good:
  %size = load i64, ptr %dims
  %bytes = mul i64 %size, 4
  %end = getelementptr i8, ptr %arena, i64 %bytes
  %last = getelementptr i8, ptr %end, i64 -1
  store i8 1, ptr %arena
  store i8 1, ptr %last
"""


class Slow:
    """A slow path that records its calls."""

    def __init__(self):
        self.calls = []

    def __call__(self, *args, **kwargs):
        self.calls.append((args, kwargs))
        return "slow"


def load(plan, text):
    module = ModuleText()
    entry.emit_entry(plan, module)
    code = engine.compile_object(text + module.render())
    assert engine.undefined_symbols(code.data) in (frozenset(), None)
    return engine.load_object(code.data, ["layerjit_main", entry.ENTRY_NAME])


def make(text, *, inputs, input_types, output_types, **more) -> Any:
    slow = more.pop("slow", None) or Slow()
    arguments = more.pop("arguments", sum(source[0] == "arg" for source in inputs))
    plan = EntryPlan(
        arguments=arguments,
        inputs=inputs,
        input_types=input_types,
        output_types=output_types,
        tensor_type=Tensor,
        slow=slow,
        **more,
    )
    return entry.bind_entry(plan, load(plan, text)), slow


def adder(**more) -> Any:
    """Two [n] arrays in, their sum out."""
    return make(
        main_text((2, 0, 1, "0")),
        inputs=[("arg", 0), ("arg", 1)],
        input_types=[f32(N), f32(N)],
        output_types=[f32(N)],
        **more,
    )


def counter(variable, *, donatable=True, returned=False, **more) -> Any:
    """variable += x; x is [3]. Buffers: x, variable, new value."""
    return make(
        main_text((2, 0, 1, 3)),
        inputs=[("arg", 0), variable.source],
        input_types=[f32(3), f32(3)],
        output_types=[f32(3)],
        updates=[(0, 1, donatable)],
        result="single" if returned else "none",
        returned=[0] if returned else (),
        **more,
    )


def host_add_ten(error=None, before=None):
    def add_ten(x):
        if before is not None:
            before(x)
        if error is not None:
            raise type(error)(*error.args)  # a new one, for an old one collects tracebacks
        return x + np.float32(10)

    return HostCalls([HostCall("add_ten", add_ten, [f32(N)], [f32(N)])], ["n"])


def host_function(host, **more) -> Any:
    return make(
        main_text(body=HOST),
        inputs=[("arg", 0)],
        input_types=[f32(N)],
        output_types=[f32(N)],
        host=host,
        **more,
    )
