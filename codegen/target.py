# pyright: basic
"""Which instructions code is generated for: the host's CPU, or a lesser one that LAYERJIT_ISA asks for.

Four instruction sets exist. `avx512` and `avx2` (which includes FMA) may use target intrinsics; `sse2` is the
x86-64 baseline; `portable` uses none, and is what other architectures (aarch64, Apple silicon) get. llvmlite
is imported inside the functions, so that importing `codegen` does not load LLVM.
"""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

from graphcore.errors import InvalidArgumentError

ISA_NAMES = ("avx512", "avx2", "sse2", "portable")
"""The instruction sets, the most capable first."""

_VECTOR_BITS = {"avx512": 512, "avx2": 256, "sse2": 128, "portable": 128}
# What the emitter may use once it sees the name, beyond what the name says.
_NEEDS = {
    "avx512": ("avx512f", "avx512vl", "avx512bw", "avx512dq", "avx512cd", "avx2", "fma"),
    "avx2": ("avx2", "fma", "bmi", "bmi2", "f16c", "lzcnt"),
    "sse2": ("sse2",),
    "portable": (),
}
# A forced lower set is compiled for the generic CPU of its level, so that it cannot use more than its name
# says.
_GENERIC_CPU = {"avx512": "x86-64-v4", "avx2": "x86-64-v3", "sse2": "x86-64", "portable": ""}
# Tuning of the host that halves vectors; the emitter chooses widths itself.
_CLEARED_TUNING = "-prefer-256-bit"

_lock = threading.RLock()


class Target:
    """A CPU to generate code for; immutable, hashable by value.

    Attributes:
        isa: one of ISA_NAMES.
        triple: LLVM target triple.
        cpu: LLVM CPU name ("" is the generic one).
        features: LLVM feature string, such as "+avx2,-prefer-256-bit".
        has_fma: whether llvm.fma is an instruction; without it the emitter writes a product and a sum.
        has_vnni: whether vpdpbusd (sums of products of bytes) is an instruction on its widest vectors.
        vector_bits: width of the native vectors.
    """

    __slots__ = ("cpu", "features", "has_fma", "has_vnni", "isa", "triple", "vector_bits")

    def __init__(self, isa: str, triple: str, cpu: str = "", features: str = "") -> None:
        """Describes a CPU; most callers want `host_target`.

        Raises:
            InvalidArgumentError: if `isa` is not one of ISA_NAMES.
        """
        self.isa = check_isa(isa)
        self.triple = triple
        self.cpu = cpu
        self.features = features
        self.has_fma = isa in ("avx512", "avx2") or (isa == "portable" and _is_arm64(triple))
        self.has_vnni = isa == "avx512" and "+avx512vnni" in features.split(",")
        self.vector_bits = _VECTOR_BITS[isa]

    def key(self) -> tuple[str, str, str, str]:
        """What distinguishes code for this target from code for another (for caches)."""
        return self.isa, self.triple, self.cpu, self.features

    def __eq__(self, other: object) -> bool:
        """Whether both describe the same CPU."""
        return isinstance(other, Target) and self.key() == other.key()

    def __hash__(self) -> int:
        """Hash of the description."""
        return hash(self.key())

    def __repr__(self) -> str:
        """The instruction set and the CPU."""
        return f"Target({self.isa}, {self.triple}, cpu={self.cpu or 'generic'})"


def check_isa(isa: str) -> str:
    """Returns the name of an instruction set, or raises InvalidArgumentError that lists the names."""
    if isa not in ISA_NAMES:
        raise InvalidArgumentError(f"unknown instruction set {isa!r}; use one of {', '.join(ISA_NAMES)}")
    return isa


def _is_arm64(triple: str) -> bool:
    return triple.startswith(("aarch64", "arm64"))


def _is_x86_64(triple: str) -> bool:
    return triple.startswith(("x86_64", "amd64"))


@functools.cache
def _host() -> tuple[str, str, dict[str, bool]]:
    """(triple, CPU name, features) of this machine, as LLVM sees them."""
    import llvmlite.binding as llvm

    return llvm.get_process_triple(), llvm.get_host_cpu_name(), dict(llvm.get_host_cpu_features())


@functools.cache
def host_isa() -> str:
    """The most capable instruction set that this machine has."""
    triple, _, features = _host()
    if not _is_x86_64(triple):
        return "portable"
    return next(isa for isa in ISA_NAMES if all(features.get(name, False) for name in _NEEDS[isa]))


def host_target(isa: str | None = None) -> Target:
    """The target for code that this process will run.

    Args:
        isa: an instruction set below or equal to the host's; None takes LAYERJIT_ISA, or else the host's.

    Raises:
        InvalidArgumentError: if the name is unknown, or the host lacks that instruction set.
    """
    wanted = isa or os.environ.get("LAYERJIT_ISA") or host_isa()
    return _host_target(check_isa(wanted))


@functools.cache
def _host_target(isa: str) -> Target:
    best = host_isa()
    if isa != "portable" and ISA_NAMES.index(isa) < ISA_NAMES.index(best):
        raise InvalidArgumentError(
            f"instruction set {isa!r} was asked for (argument `isa` or LAYERJIT_ISA), but this CPU has only "
            f"{best!r}; ask for that or a lower one of {', '.join(ISA_NAMES)}"
        )
    triple, cpu, features = _host()
    if isa != best:
        return Target(isa, triple, _GENERIC_CPU[isa] if _is_x86_64(triple) else cpu, "")
    flags = [("+" if present else "-") + name for name, present in sorted(features.items())]
    if _is_x86_64(triple):
        flags.append(_CLEARED_TUNING)
    return Target(isa, triple, cpu, ",".join(flags))


def target_machine(target: Target) -> Any:
    """The llvmlite TargetMachine for `target`: codegen level 2, position-independent, small code model.

    Raises:
        InvalidArgumentError: if this LLVM has no back end for the triple.
    """
    with _lock:
        return _target_machine(target)


@functools.cache
def _target_machine(target: Target) -> Any:
    import llvmlite.binding as llvm

    _initialize(native=target.triple == _host()[0])
    try:
        found = llvm.Target.from_triple(target.triple)
    except RuntimeError as error:
        raise InvalidArgumentError(
            f"LLVM has no code generator for triple {target.triple!r}: {error}"
        ) from error
    return found.create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, reloc="pic", codemodel="small"
    )


@functools.cache
def _initialize(*, native: bool) -> None:
    """Registers LLVM's back ends; the foreign ones only when asked for (cross compilation, tests)."""
    import llvmlite.binding as llvm

    if native:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    else:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
