# pyright: basic
"""From LLVM text to an object, and from an object to callable addresses.

Objects are position-independent and name no address of the process, so the same bytes serve the just-in-time
loader, the disk cache and ahead-of-time export. LLVM is reached through llvmlite, imported on first use.
"""

from __future__ import annotations

import functools
import itertools
import os
import struct
import threading
import time
from collections.abc import Iterable
from typing import Any

from codegen import debug, image
from codegen.target import Target, host_target, target_machine
from graphcore.errors import LayerJitError, UnsupportedError

_names = itertools.count()
_lock = threading.RLock()
_kept: list[Library] = []
if hasattr(os, "register_at_fork"):  # a child would wait for ever for a thread of its parent that compiles
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


class CodegenError(LayerJitError):
    """Generated code is not valid LLVM, or an object does not load: a bug of the code generator."""


class ObjectCode:
    """A relocatable object and what it cost to make.

    Attributes:
        data: the object file.
        target: the CPU that it was generated for.
        parse_seconds: time to parse and verify the text.
        codegen_seconds: time to generate the object.
    """

    __slots__ = ("codegen_seconds", "data", "parse_seconds", "target")

    def __init__(self, data: bytes, target: Target, parse_seconds: float, codegen_seconds: float) -> None:
        """Made by compile_object."""
        self.data = data
        self.target = target
        self.parse_seconds = parse_seconds
        self.codegen_seconds = codegen_seconds

    @property
    def seconds(self) -> float:
        """The time that compilation took in all."""
        return self.parse_seconds + self.codegen_seconds


def _parse(text: str, target: Target) -> Any:
    """A verified module. Verification is never skipped: LLVM aborts the process on invalid input."""
    import llvmlite.binding as llvm

    try:
        module = llvm.parse_assembly(text)
        module.triple = target.triple
        module.verify()
    except RuntimeError as error:
        raise CodegenError(
            f"generated LLVM text is not valid: {error}\n{_excerpt(text, str(error))}"
        ) from error
    return module


def _excerpt(text: str, message: str) -> str:
    """The lines around the position that LLVM's message names ("<string>:12:7: ..."), numbered."""
    numbers = [int(part) for part in message.split(":")[1:2] if part.isdigit()]
    lines = text.splitlines()
    at = min(numbers[0], len(lines)) if numbers else 0
    first = max(at - 6, 0)
    return "\n".join(f"{first + i + 1:6} {line}" for i, line in enumerate(lines[first : at + 5]))


def compile_object(text: str, target: Target | None = None) -> ObjectCode:
    """Compiles LLVM text to an object, without an optimisation pipeline (the emitter has optimised already).

    Args:
        text: an LLVM module.
        target: the CPU; None is the host, or what LAYERJIT_ISA says.

    Raises:
        CodegenError: if the text does not parse or does not verify.
    """
    target = target or host_target()
    machine = target_machine(target)
    with _lock:  # a TargetMachine is not thread-safe, and llvmlite serialises anyway
        started = time.perf_counter()
        module = _parse(text, target)
        parsed = time.perf_counter()
        data: bytes = machine.emit_object(module)
        finished = time.perf_counter()
        module.close()
    return ObjectCode(data, target, parsed - started, finished - parsed)


def assembly(text: str, target: Target | None = None) -> str:
    """The assembly that LLVM text becomes, for people. Raises CodegenError as compile_object does."""
    target = target or host_target()
    machine = target_machine(target)
    with _lock:
        module = _parse(text, target)
        try:
            return machine.emit_assembly(module)
        finally:
            module.close()


class Library:
    """A loaded object. Its code stays mapped for as long as this object lives, or for ever after `keep`.

    Attributes:
        name: the library's name inside the loader, unique in the process.
        load_seconds: the time that loading took.
    """

    __slots__ = ("_addresses", "_owner", "load_seconds", "name")

    def __init__(self, name: str, owner: Any, addresses: dict[str, int], load_seconds: float) -> None:
        """Made by load_object; `owner` holds the code's memory."""
        self.name = name
        self._owner = owner
        self._addresses = addresses
        self.load_seconds = load_seconds

    def address(self, symbol: str) -> int:
        """The address of an exported symbol. Raises KeyError with the known names."""
        try:
            return self._addresses[symbol]
        except KeyError:
            known = ", ".join(self._addresses)
            raise KeyError(f"{symbol} is not among the symbols asked for at load: {known}") from None

    def __contains__(self, symbol: str) -> bool:
        """Whether the symbol was exported at load."""
        return symbol in self._addresses

    def keep(self) -> Library:
        """Never unloads this library: something outside Python's reference counts may hold its addresses."""
        with _lock:
            if self not in _kept:
                _kept.append(self)
        return self


@functools.cache
def _jit() -> Any:
    import llvmlite.binding as llvm

    return llvm.create_lljit_compiler(target_machine(host_target("portable")), use_jit_link=True)


def load_object(data: bytes, exports: Iterable[str] = ("layerjit_main",)) -> Library:
    """Maps an object into the process: in Python where `codegen.image` can, which needs no LLVM, else through LLJIT.

    Args:
        data: an object for the host's architecture.
        exports: the symbols whose addresses are wanted.

    Raises:
        CodegenError: if a symbol is missing, or something that the object needs does not exist in the
        process.
    """
    names = list(exports)
    started = time.perf_counter()
    name = f"layerjit.{next(_names)}"  # LLJIT refuses to use a name twice
    owner, addresses = _lay(data, names) or _link(data, names, name)
    return Library(name, owner, addresses, time.perf_counter() - started)


def _lay(data: bytes, names: list[str]) -> tuple[Any, dict[str, int]] | None:
    """The object laid out by `codegen.image`; None if LLJIT must do it, which also says best what is wrong."""
    if not image.supported():
        return None
    try:
        laid = image.lay(data, names)
    except (image.ImageError, OSError) as error:
        debug.show("cache", f"an object goes through LLJIT: {error}")
        return None
    return laid, laid.addresses


def _link(data: bytes, names: list[str], name: str) -> tuple[Any, dict[str, int]]:
    """The object loaded by LLJIT."""
    import llvmlite.binding as llvm

    with _lock:
        jit = _jit()
        builder = llvm.JITLibraryBuilder().add_object_img(data).add_current_process()
        for symbol in names:
            builder.export_symbol(symbol)
        try:
            tracker = builder.link(jit, name)
        except RuntimeError as error:
            raise CodegenError(_load_failure(data, names, str(error))) from error
        return (tracker, jit), {symbol: tracker[symbol] for symbol in names}  # the loader outlives what it loaded


def _load_failure(data: bytes, exports: list[str], message: str) -> str:
    undefined = undefined_symbols(data)
    needs = (
        ""
        if undefined is None
        else f"; it needs {', '.join(sorted(undefined)) or 'nothing'} from the process"
    )
    return f"cannot load an object that should define {', '.join(exports)}{needs}: {message.strip()}"


_ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_ELF_SECTION = struct.Struct("<IIQQQQIIQQ")
_ELF_SYMBOL = struct.Struct("<IBBHQQ")
_SYMBOL_TABLE = 2  # SHT_SYMTAB
_MACHINES = (62, 183)  # EM_X86_64, EM_AARCH64


def undefined_symbols(data: bytes) -> frozenset[str] | None:
    """The names that an object expects from elsewhere.

    Returns:
        The names, or None for object formats that are not read here (Mach-O, COFF).

    Raises:
        UnsupportedError: for an ELF file that is not 64-bit little-endian x86-64 or aarch64.
    """
    if data[:4] != b"\x7fELF":
        return None
    header = _ELF_HEADER.unpack_from(data)
    if data[4:6] != b"\x02\x01" or header[2] not in _MACHINES:
        raise UnsupportedError("only 64-bit little-endian ELF objects for x86-64 and aarch64 are read")
    table_offset, entry_size, count = header[6], header[11], header[12]
    sections = [_ELF_SECTION.unpack_from(data, table_offset + i * entry_size) for i in range(count)]
    names: set[str] = set()
    for section in sections:
        if section[1] == _SYMBOL_TABLE:
            names |= _undefined_in(data, section, sections[section[6]])
    return frozenset(names)


def _undefined_in(data: bytes, table: tuple[int, ...], strings: tuple[int, ...]) -> set[str]:
    names: set[str] = set()
    for at in range(table[4], table[4] + table[5], _ELF_SYMBOL.size):
        name, _info, _other, section, _value, _size = _ELF_SYMBOL.unpack_from(data, at)
        if name and section == 0:
            start = strings[4] + name
            names.add(data[start : data.index(b"\0", start)].decode())
    return names
