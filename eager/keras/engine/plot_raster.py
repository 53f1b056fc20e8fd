"""PNG files of drawings: anti-aliased strokes, letters of strokes, and the PNG format itself."""

from __future__ import annotations

import itertools
import math
import struct
import zlib
from typing import Any

import numpy as np

from eager.keras.engine.plot_draw import Picture, Point, cells

_FONT = {
    "A": "062046 1434", "B": "003041423303 334445360600", "C": "4130100105163645", "D": "00304145360600",
    "E": "40000646 0333", "F": "400006 0333", "G": "41301001051636454323", "H": "0006 4046 0343",
    "I": "1030 2026 1636", "J": "4045361605", "K": "0006 400346", "L": "000646", "M": "0600234046", "N": "06004640",
    "O": "103041453616050110", "P": "06003041423303", "Q": "103041453616050110 2446", "R": "06003041423303 2346",
    "S": "413010010213334445361605", "T": "0040 2026", "U": "000516364540", "V": "002640", "W": "0016233640",
    "X": "0046 4006", "Y": "002340 2326", "Z": "00400646", "0": "103041453616050110 1531", "1": "112026 1636",
    "2": "01103041420646", "3": "0110304142334445361605 1333", "4": "36300444", "5": "400002324345361605",
    "6": "4130100105163645443303", "7": "004016", "8": "103041423313020110 1304051636454433",
    "9": "4313020110304145361605", "a": "1232434616051444", "b": "0006 0312324345361605", "c": "4332120305163645",
    "d": "4046 4332120305163645", "e": "044443321203051646", "f": "302126 1232", "g": "4247381807 4332120305163645",
    "h": "0006 0312324346", "i": "2226 2020", "j": "32372818 3030", "k": "0006 420446", "l": "102026 1636",
    "m": "0602 03122326 23324346", "n": "0206 0312324346", "o": "123243453616050312", "p": "0208 0312324345361605",
    "q": "4248 4332120305163645", "r": "0206 041232", "s": "43321203143445361605", "t": "202536 1232",
    "u": "0205163645 4246", "v": "022642", "w": "0216243642", "x": "0246 4206", "y": "0226 4218", "z": "02420646",
    "_": "0747", "-": "1333", "(": "30212536", ")": "10212516", "[": "30202636", "]": "10202616", ",": "252617",
    ".": "2626", ":": "2323 2626", ";": "2323 252617", "/": "4006", "\\": "0046", "<": "410345", ">": "014305",
    "=": "0242 0444", "+": "2125 0343", "*": "2125 0244 0442", "{": "30212213242536", "}": "10212233242516",
    "'": "2022", '"': "1012 3032", "#": "1016 3036 0242 0444", "%": "4006 0000 4646", "|": "2027", "!": "2024 2626",
    "?": "011030412324 2626", "^": "022042", "~": "03123243", "`": "1021", " ": "",
}  # fmt: skip
"""Letters as strokes on a grid of 5 columns and 9 rows, each point as column and row."""
_UNKNOWN = "0040460600"
_ADVANCE, _CELL = 7.2, 1.25


class _Canvas:
    """Darkness of pixels, 0 white to 1 black."""

    def __init__(self, width: float, height: float, scale: float) -> None:
        self.scale = scale
        self.ink = np.zeros((max(math.ceil(height * scale), 1), max(math.ceil(width * scale), 1)), np.float32)

    def line(self, a: Point, b: Point, width: float = 1.0, dark: float = 1.0) -> None:
        """A stroke with round ends."""
        (x0, y0), (x1, y1) = ((x * self.scale, y * self.scale) for x, y in (a, b))
        radius = max(width * self.scale / 2, 0.5)
        left, right = self._span(x0, x1, radius, self.ink.shape[1])
        top, bottom = self._span(y0, y1, radius, self.ink.shape[0])
        ys, xs = np.mgrid[top:bottom, left:right] + 0.5
        dx, dy = x1 - x0, y1 - y0
        length = dx * dx + dy * dy
        along = np.clip(((xs - x0) * dx + (ys - y0) * dy) / length, 0, 1) if length else np.zeros_like(xs)
        distance = np.hypot(xs - x0 - along * dx, ys - y0 - along * dy)
        self._darken(top, left, np.clip(radius + 0.5 - distance, 0, 1) * dark)

    @staticmethod
    def _span(a: float, b: float, radius: float, size: int) -> tuple[int, int]:
        low, high = min(a, b) - radius - 1, max(a, b) + radius + 1
        return min(max(int(low), 0), size), min(max(math.ceil(high), 0), size)

    def _darken(self, top: int, left: int, ink: Any) -> None:
        part = self.ink[top : top + ink.shape[0], left : left + ink.shape[1]]
        np.maximum(part, ink, out=part)

    def triangle(self, tip: Point, back: Point) -> None:
        """An arrow head from `back` to `tip`."""
        dx, dy = tip[0] - back[0], tip[1] - back[1]
        length = math.hypot(dx, dy) or 1.0
        dx, dy = dx / length, dy / length
        for step in range(15):
            reach, half = step * 0.5, step * 0.22
            x, y = tip[0] - dx * reach, tip[1] - dy * reach
            self.line((x - dy * half, y + dx * half), (x + dy * half, y - dx * half), 1.0)

    def rectangle(self, x: float, y: float, width: float, height: float, dark: float = 1.0) -> None:
        """The outline of a rectangle; what is inside becomes white."""
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
        for a, b in itertools.pairwise(corners):
            self.line(a, b, 1.0, dark)

    def clear(self, x: float, y: float, width: float, height: float) -> None:
        """Makes a rectangle white."""
        s = self.scale
        self.ink[int(y * s) : math.ceil((y + height) * s), int(x * s) : math.ceil((x + width) * s)] = 0

    def text(self, text: str, x: float, y: float, dark: float = 1.0) -> None:
        """A line of text whose letters stand on `y`."""
        for i, letter in enumerate(text):
            left = x + i * _ADVANCE
            for stroke in _FONT.get(letter, _UNKNOWN).split():
                points = [
                    (left + int(stroke[k]) * _CELL + 0.6, y + (int(stroke[k + 1]) - 6) * _CELL)
                    for k in range(0, len(stroke), 2)
                ]
                for a, b in itertools.pairwise(points):
                    self.line(a, b, 1.1, dark)


def png(picture: Picture, scale: float = 1.0) -> bytes:
    """A drawing as the bytes of a PNG file (8 bit grey).

    Args:
        picture: the drawing.
        scale: pixels per unit of the drawing.
    """
    canvas = _Canvas(picture.width, picture.height, scale)
    for frame in picture.frames:
        canvas.rectangle(frame.x, frame.y, frame.width, frame.height, 0.5)
        canvas.text(frame.title, frame.x + 4, frame.y + 12, 0.7)
    for line in picture.lines:
        for a, b in itertools.pairwise(line):
            canvas.line(a, b)
        canvas.triangle(line[-1], line[-2])
    for placed in picture.boxes:
        canvas.clear(placed.x, placed.y, placed.width, placed.height)
        for text, x, y, width, height in cells(placed):
            canvas.rectangle(x, y, width, height)
            canvas.text(text, x + (width - len(text) * _ADVANCE) / 2, y + height / 2 + 4)
    return _encoded((255 - canvas.ink * 255).round().astype(np.uint8))


def _encoded(pixels: Any) -> bytes:
    height, width = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels], 1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
