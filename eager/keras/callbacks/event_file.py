"""Event files that TensorBoard reads: records of protocol buffers, written by hand.

A record is its length (8 bytes), the masked CRC32-C of those, the data, and the masked CRC32-C of the data. The data
is an Event message: wall_time = 1 (double), step = 2 (int64), file_version = 3 (string), summary = 5.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np

_POLYNOMIAL = 0x82F63B78
_MASK = 0xA282EAD8
_FLOAT, _DOUBLE = 1, 2
_SCALAR_DATA, _TENSOR_DATA = 1, 2


def _table() -> list[int]:
    table: list[int] = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def masked_crc(data: bytes) -> int:
    """The CRC32-C of data, rotated and shifted as record files keep it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """Data with length and checksums around it."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data))


def varint(value: int) -> bytes:
    """A whole number in groups of seven bits; a negative one as 64 bits."""
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: Any) -> bytes:
    """One field of a message: an int as varint, a float as double, text and bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def _tensor(array: Any) -> bytes:
    """A TensorProto: dtype = 1, tensor_shape = 2, tensor_content = 4."""
    kind = _DOUBLE if array.dtype == np.float64 else _FLOAT
    shape = b"".join(field(2, field(1, int(n))) for n in array.shape)
    return field(1, kind) + field(2, shape) + field(4, np.ascontiguousarray(array).tobytes())


def _value(tag: str, plugin: str, data_class: int, array: Any) -> bytes:
    """A Summary.Value: tag = 1, metadata = 9 (plugin_data = 1 (plugin_name = 1), data_class = 4), tensor = 8."""
    metadata = field(1, field(1, plugin)) + field(4, data_class)
    return field(1, tag) + field(9, metadata) + field(8, _tensor(array))


def histogram(values: Any, buckets: int = 30) -> Any:
    """Rows of left edge, right edge and count, as TensorBoard's histograms plugin takes them (float64)."""
    flat = np.asarray(values, np.float64).reshape(-1)
    flat = flat[np.isfinite(flat)]
    if not flat.size:
        return np.zeros((0, 3))
    low, high = flat.min(), flat.max()
    if low == high:
        return np.array([[low - 0.5, high + 0.5, flat.size]])
    counts, edges = np.histogram(flat, buckets)
    return np.stack([edges[:-1], edges[1:], counts.astype(np.float64)], 1)


class EventFile:
    """One event file, made on the first event.

    Attributes:
        path: where it lies.
    """

    def __init__(self, folder: Any, suffix: str = "") -> None:
        """Takes the folder, which is made where it is missing."""
        name = f"events.out.tfevents.{time.time():.0f}.{socket.gethostname()}.{os.getpid()}.{time.monotonic_ns()}"
        self.path = Path(folder) / f"{name}{suffix}.v2"
        self._file: Any = None

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Writes a number (float32)."""
        self._write(_value(tag, "scalars", _SCALAR_DATA, np.asarray(value, np.float32)), step)

    def histogram(self, tag: str, values: Any, step: int) -> None:
        """Writes how values are distributed."""
        self._write(_value(tag, "histograms", _TENSOR_DATA, histogram(values)), step)

    def _write(self, value: bytes, step: int) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
            self._file.write(record(field(1, time.time()) + field(3, "brain.Event:2")))
        self._file.write(record(field(1, time.time()) + field(2, int(step)) + field(5, field(1, value))))

    def flush(self) -> None:
        """Hands what was written to the file system."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Closes the file; a later event opens no new one."""
        if self._file is not None:
            self._file.close()
