"""Laying an x86-64 ELF object into memory: sections, symbols and relocations, without a linker and without LLVM.

Memory is written while it is writable and made executable or read-only afterwards, never both at once. Source: System
V ABI, AMD64 supplement (relocation types), and the generic ABI (sections, symbols).
"""

from __future__ import annotations

import functools
import mmap
import struct
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from graphcore.errors import LayerJitError


class ImageError(LayerJitError):
    """An object that is not laid out here: another format, a relocation of another kind, a missing symbol."""


class _Section(NamedTuple):
    """A section header: its type, flags, place in the file, links and alignment."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry: int


_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELA = struct.Struct("<QQq")
_PROGBITS, _SYMTAB, _RELA_KIND, _NOBITS, _REL_KIND = 1, 2, 4, 8, 9
_WRITE, _ALLOC, _EXECUTE, _TLS = 1, 2, 4, 0x400
_ABSOLUTE, _COMMON = 0xFFF1, 0xFFF2
_WEAK = 2
_MAX_ALIGN = 4096  # the memory begins at a page
MAX_IMAGE = 1 << 30
"""Bytes that one image may take."""

# Relocation types: S + A, S + A - P, GOT + ... - P; what each stores is in _apply.
_R_64, _R_PC32, _R_PLT32, _R_GOTPCREL, _R_32, _R_32S, _R_PC64 = 1, 2, 4, 9, 10, 11, 24
_R_GOTPCRELX, _R_REX_GOTPCRELX = 41, 42
_THROUGH_GOT = (_R_GOTPCREL, _R_GOTPCRELX, _R_REX_GOTPCRELX)
_JUMP = b"\xff\x25\x00\x00\x00\x00\xcc\xcc"  # jmp [rip + 0], then the address
_STUB = len(_JUMP) + 8


def supported() -> bool:
    """Whether objects of this process's kind can be laid out here: x86-64 and mprotect."""
    import os

    return sys.platform == "linux" and os.uname().machine == "x86_64" and sys.maxsize == 2**63 - 1


class Image:
    """A loaded object. Its memory is unmapped with it.

    Attributes:
        addresses: of the symbols that were asked for.
    """

    __slots__ = ("_memory", "addresses")

    def __init__(self, memory: mmap.mmap, addresses: dict[str, int]) -> None:
        """Made by `lay`."""
        self._memory = memory
        self.addresses = addresses


def lay(data: bytes, exports: Iterable[str]) -> Image:
    """Maps an object into the process.

    Args:
        data: a relocatable x86-64 ELF object, position-independent.
        exports: the symbols whose addresses are wanted.

    Raises:
        ImageError: if the file is damaged or of another format, or needs what is not done here.
        OSError: if there is no memory, or the system forbids executable memory.
    """
    try:
        return _Layer(data).lay(list(exports))
    except (struct.error, IndexError, ValueError, UnicodeDecodeError) as error:
        raise ImageError(f"the object is damaged: {error}") from error


class _Layer:
    """The steps of laying one object out."""

    def __init__(self, data: bytes) -> None:
        header = _HEADER.unpack_from(data)
        if data[:6] != b"\x7fELF\x02\x01" or header[1:3] != (1, 62):
            raise ImageError("not a relocatable x86-64 ELF object")
        self.data = data
        at, count = header[6], header[12]
        self.sections = [_Section(*_SECTION.unpack_from(data, at + i * header[11])) for i in range(count)]
        self.starts: dict[int, int] = {}  # offset of each section in the image
        self.size = 0
        self.got: dict[int, int] = {}  # symbol -> offset of its address
        self.stubs: dict[int, int] = {}  # symbol -> offset of its jump
        table = next((s for s in self.sections if s.kind == _SYMTAB), None)
        self.symbols = [] if table is None else list(_SYMBOL.iter_unpack(self._bytes(table)))
        self.strings = b"" if table is None else self._bytes(self.sections[table.link])
        self.relocations = [
            (s.info, list(_RELA.iter_unpack(self._bytes(s))))
            for s in self.sections
            if s.kind == _RELA_KIND and self.sections[s.info].flags & _ALLOC
        ]
        if any(s.kind == _REL_KIND or s.flags & _TLS for s in self.sections):
            raise ImageError("relocations without addends, and thread-local data, are not laid out")

    def lay(self, exports: list[str]) -> Image:
        """The whole way."""
        code, constants = self._arrange()
        if self.size > MAX_IMAGE:
            raise ImageError(f"an image of {self.size} bytes is too large")
        memory = mmap.mmap(-1, max(self.size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.base = _address(memory)
        for number, start in self.starts.items():
            section = self.sections[number]
            if section.kind != _NOBITS:
                memory[start : start + section.size] = self._bytes(section)
        values = [self._value(symbol) for symbol in self.symbols]
        self._fill(memory, values)
        for section, entries in self.relocations:
            for offset, info, addend in entries:
                self._apply(memory, self.starts[section] + offset, info & 0xFFFFFFFF, info >> 32, addend, values)
        _protect(self.base, code, 5)  # read and execute
        _protect(self.base + code, constants - code, 1)  # read
        return Image(memory, self._addresses(exports, values))

    def _bytes(self, section: _Section) -> bytes:
        found = self.data[section.offset : section.offset + section.size]
        if len(found) != section.size:
            raise ImageError("the object is damaged: a section reaches beyond its end")
        return found

    def _arrange(self) -> tuple[int, int]:
        """Places code with its jumps, constants with the table of addresses, then data; returns where those end."""
        self._place(lambda flags: bool(flags & _EXECUTE))
        for symbol in self._wanted((_R_PLT32,)):
            self.size = _up(self.size, 8)
            self.stubs[symbol] = self.size
            self.size += _STUB
        code = self.size = _up(self.size, mmap.PAGESIZE)
        self._place(lambda flags: not flags & (_EXECUTE | _WRITE))
        self.size = _up(self.size, 8)
        for symbol in dict.fromkeys(s for s in self._wanted(_THROUGH_GOT, outside=False)):
            self.got[symbol] = self.size
            self.size += 8
        constants = self.size = _up(self.size, mmap.PAGESIZE)
        self._place(lambda flags: bool(flags & _WRITE))
        self.common: dict[int, int] = {}
        for number, (_name, _info, _other, section, align, size) in enumerate(self.symbols):
            if section == _COMMON:
                self.size = _up(self.size, align)
                self.common[number] = self.size
                self.size += size
        return code, constants

    def _place(self, belongs: Any) -> None:
        for number, section in enumerate(self.sections):
            if section.flags & _ALLOC and belongs(section.flags):
                if section.align > _MAX_ALIGN:
                    raise ImageError(f"a section is aligned to {section.align} bytes")
                self.starts[number] = self.size = _up(self.size, section.align)
                self.size += section.size

    def _wanted(self, kinds: tuple[int, ...], *, outside: bool = True) -> dict[int, None]:
        """Symbols that relocations of some kinds name; only those from outside of the object if asked."""
        found: dict[int, None] = {}
        for _section, entries in self.relocations:
            for _offset, info, _addend in entries:
                if info & 0xFFFFFFFF in kinds and not (outside and self.symbols[info >> 32][3]):
                    found[info >> 32] = None
        return found

    def _value(self, symbol: tuple[int, int, int, int, int, int]) -> int:
        """The address of a symbol."""
        name, info, _other, section, value, _size = symbol
        if section == 0:
            if not name:
                return 0
            found = resolve(self._name(name))
            if not found and info >> 4 != _WEAK:
                raise ImageError(f"{self._name(name)} does not exist in the process")
            return found
        if section == _ABSOLUTE:
            return value
        if section == _COMMON:
            return self.base + self.common[self.symbols.index(symbol)]
        # Symbols of sections that are not loaded (notes) have no address.
        return self.base + self.starts[section] + value if section in self.starts else 0

    def _name(self, at: int) -> str:
        return self.strings[at : self.strings.index(b"\0", at)].decode()

    def _fill(self, memory: mmap.mmap, values: list[int]) -> None:
        """Writes the jumps and the table of addresses."""
        for symbol, at in self.stubs.items():
            # The address stands right behind the 6 bytes of the jump.
            memory[at : at + _STUB] = _JUMP[:6] + struct.pack("<Q", values[symbol]) + _JUMP[6:]
        for symbol, at in self.got.items():
            memory[at : at + 8] = struct.pack("<Q", values[symbol])

    def _apply(self, memory: mmap.mmap, at: int, kind: int, symbol: int, addend: int, values: list[int]) -> None:
        """One relocation, of the place `at` in the image."""
        place = self.base + at
        if kind in (_R_PC32, _R_PLT32):
            target = self.base + self.stubs[symbol] if symbol in self.stubs and kind == _R_PLT32 else values[symbol]
            struct.pack_into("<i", memory, at, target + addend - place)
        elif kind in _THROUGH_GOT:
            struct.pack_into("<i", memory, at, self.base + self.got[symbol] + addend - place)
        elif kind == _R_64:
            struct.pack_into("<Q", memory, at, (values[symbol] + addend) % 2**64)
        elif kind == _R_PC64:
            struct.pack_into("<q", memory, at, values[symbol] + addend - place)
        elif kind == _R_32:
            struct.pack_into("<I", memory, at, values[symbol] + addend)
        elif kind == _R_32S:
            struct.pack_into("<i", memory, at, values[symbol] + addend)
        elif kind:
            raise ImageError(f"relocation type {kind} is not known")

    def _addresses(self, exports: list[str], values: list[int]) -> dict[str, int]:
        defined = {
            self._name(s[0]): value
            for s, value in zip(self.symbols, values, strict=True)
            if s[0] and s[3] and s[1] >> 4  # global or weak
        }
        missing = [name for name in exports if name not in defined]
        if missing:
            raise ImageError(f"the object does not define {', '.join(missing)}")
        return {name: defined[name] for name in exports}


def _up(value: int, align: int) -> int:
    return -(-value // align) * align if align > 1 else value


@functools.cache
def resolve(name: str) -> int:
    """The address of a C function or variable of the process; 0 if there is none."""
    import ctypes

    try:
        return ctypes.cast(getattr(_process(), name), ctypes.c_void_p).value or 0
    except AttributeError:
        return 0


@functools.cache
def _process() -> Any:
    import ctypes

    return ctypes.CDLL(None)


def _address(memory: mmap.mmap) -> int:
    """Where the memory is. It stays there for as long as it is neither closed nor resized."""
    import ctypes

    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def _protect(start: int, size: int, rights: int) -> None:
    """Sets the rights of whole pages. Raises OSError if the system forbids it."""
    import ctypes
    import os

    if size and _mprotect()(start, size, rights):
        number = ctypes.get_errno()
        raise OSError(number, f"memory of generated code cannot be protected: {os.strerror(number)}")


@functools.cache
def _mprotect() -> Any:
    import ctypes

    function = ctypes.CDLL(None, use_errno=True).mprotect
    function.argtypes, function.restype = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int], ctypes.c_int
    return function
