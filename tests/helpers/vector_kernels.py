# pyright: basic
"""Runs bodies over arrays through LLVM, in vectors with a masked tail, per instruction set of the host."""

from __future__ import annotations

import ctypes

import numpy as np

from codegen.emit.text import ModuleText
from codegen.emit.values import LlvmHandler, Val
from codegen.engine import compile_object, load_object, undefined_symbols
from codegen.target import ISA_NAMES, host_isa, host_target
from graphcore.dtypes import as_dtype, int64


def host_isas():
    """The instruction sets that this machine runs, the most capable first."""
    return ISA_NAMES[ISA_NAMES.index(host_isa()) :]


def distinct_isas():
    """The host's instruction sets without "portable" where "sse2" stands for it (their text is the same)."""
    return tuple(isa for isa in host_isas() if isa != "portable") or ("portable",)


def add_kernel(module, name, isa, body, dtypes, result, lanes=16):
    """Adds `void NAME(ptr out, i64 n, ptr in0, ptr in1, ...)` that applies the body elementwise."""
    inputs = [f"%x{i}" for i in range(len(dtypes))]
    fn = module.function(name, ["ptr %out", "i64 %n", *(f"ptr {p}" for p in inputs)])
    k = LlvmHandler(fn, isa, lanes, has_fma=host_target(isa).has_fma)
    head, loop, done = fn.new_label("head"), fn.new_label("loop"), fn.new_label("done")
    arms = [("0", "entry")]
    fn.branch(head)
    fn.place(head)
    index = Val(fn.phi("i64", arms), int64)
    fn.branch_if(fn.emit(f"icmp ult i64 {index.text}, %n"), loop, done)
    fn.place(loop)
    mask = None if lanes == 1 else k.tail_mask(k.sub(Val("%n", int64), index))

    def at(base, dtype):
        return k.address(base, k.mul(index, k.const(dtype.size, int64)))

    values = [k.load(at(p, d), d, lanes, mask) for p, d in zip(inputs, dtypes, strict=True)]
    out = k.splat(body(k, *values), lanes)
    assert out.dtype is result, (name, out.dtype, result)
    k.store(at("%out", result), out, mask)
    arms.append((fn.emit(f"add i64 {index.text}, {lanes}"), fn.block))
    fn.branch(head)
    fn.place(done)
    fn.ret()


class Kernels:
    """Bodies compiled into one object; call them by name on arrays.

    `bodies` maps a name to (body, dtype names of the operands, dtype name of the result).
    """

    def __init__(self, isa, bodies, lanes=16):
        module = ModuleText(prefer_vector_width=512 if isa == "avx512" else 0)
        self.results = {}
        for name, (body, dtypes, result) in bodies.items():
            self.results[name] = as_dtype(result)
            add_kernel(module, name, isa, body, [as_dtype(d) for d in dtypes], as_dtype(result), lanes)
        self.text = module.render()
        code = compile_object(self.text, host_target(isa))
        self.undefined = undefined_symbols(code.data)
        self.library = load_object(code.data, list(bodies))

    def run(self, name, *arrays):
        """The result of one body on contiguous arrays of one shape."""
        arrays = [np.ascontiguousarray(a) for a in arrays]
        out = np.empty(arrays[0].shape, self.results[name].numpy)
        pointers = [ctypes.c_void_p] * len(arrays)
        call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, *pointers)(self.library.address(name))
        call(out.ctypes.data, out.size, *(a.ctypes.data for a in arrays))
        return out


def word(name, *dtypes, result=None):
    """The entry of `Kernels` for one word of the vocabulary."""
    return (lambda k, *xs: getattr(k, name)(*xs)), dtypes, result or dtypes[-1]


def assert_same(got, want, what=""):
    """Bits are equal, except that any NaN equals any other."""
    assert got.dtype == want.dtype, (what, got.dtype, want.dtype)
    bits = (a.view(f"u{a.itemsize}") for a in (np.ascontiguousarray(got), np.ascontiguousarray(want)))
    different = np.not_equal(*bits)
    if got.dtype.kind == "f":
        different &= ~(np.isnan(got) & np.isnan(want))
    at = np.flatnonzero(different)
    assert at.size == 0, (
        f"{what}: {at.size} differ, first at {at[0]}: {got[at[0]]!r}, expected {want[at[0]]!r}"
    )


def ulp_error(got, high, low: object = 0.0):
    """|got - reference| in ulp of the reference rounded to got's dtype.

    The reference is `high`, of more precision than `got`, or `high + low` with high already rounded. Where
    the reference is NaN, infinite or zero, the error is 0 if `got` is equal (zeros in sign, too), else
    infinite.
    """
    with np.errstate(all="ignore"):
        rounded = high.astype(got.dtype)
        same = (got == rounded) & (np.signbit(got) == np.signbit(rounded)) | (
            np.isnan(got) & np.isnan(rounded)
        )
        wide = np.longdouble
        error = np.abs((got.astype(wide) - high.astype(wide)) - low) / np.spacing(np.abs(rounded)).astype(
            wide
        )
        ordinary = np.isfinite(rounded) & (rounded != 0)
        # A result may be infinite or zero where the reference lies half an ulp inside: 1 ulp.
        beyond = ordinary & np.isinf(got) & (np.abs(rounded) == np.finfo(got.dtype).max)
        error = np.where(ordinary, error, np.where(same, 0.0, np.inf))
        error = np.where(beyond, 1.0, error)
        tiny = np.finfo(got.dtype).smallest_subnormal
        error = np.where((rounded == 0) & ~same & (np.abs(got) <= tiny) & (high != 0), 1.0, error)
    return np.where(np.isnan(error), np.inf, error).astype(np.float64)
