"""Element types (tf.DType): numbers and bool everywhere, further kinds open to the host.

A `DType` is one object per type and compares by identity; `as_dtype` accepts every spelling that tf.as_dtype does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_KIND_WORDS = {"f": "floating point", "i": "signed integer", "u": "unsigned integer", "b": "boolean"}


class DType:
    """One element type, as tf.DType.

    Attributes:
        name: its TensorFlow name, such as "float32".
        numpy: the numpy.dtype of arrays that hold it.
        kind: "f" floating, "i" signed, "u" unsigned, "b" bool, "c" complex, "O" host only (string).
        size: bytes of one element.
    """

    __slots__ = ("kind", "name", "numpy", "size")

    def __init__(self, name: str, numpy_dtype: Any, kind: str) -> None:
        """Makes a type; users take the module's instances instead."""
        self.name = name
        self.numpy: np.dtype[Any] = np.dtype(numpy_dtype)
        self.kind = kind
        self.size: int = self.numpy.itemsize

    @property
    def is_floating(self) -> bool:
        """Whether this is a real floating-point type (tf.DType.is_floating)."""
        return self.kind == "f"

    @property
    def is_integer(self) -> bool:
        """Whether this is a signed or unsigned integer type, bool not included (tf.DType.is_integer)."""
        return self.kind in "iu"

    @property
    def is_unsigned(self) -> bool:
        """Whether this is an unsigned integer type (tf.DType.is_unsigned)."""
        return self.kind == "u"

    @property
    def is_bool(self) -> bool:
        """Whether this is the boolean type (tf.DType.is_bool)."""
        return self.kind == "b"

    @property
    def is_complex(self) -> bool:
        """Whether this is a complex type (tf.DType.is_complex)."""
        return self.kind == "c"

    @property
    def is_numeric(self) -> bool:
        """Whether arithmetic is defined: floating, integer or complex."""
        return self.kind in "fiuc"

    @property
    def is_half(self) -> bool:
        """Whether this is a 16-bit float: float16 or bfloat16. It is stored in 16 bits and computed in float32."""
        return self.kind == "f" and self.size == 2

    @property
    def is_native(self) -> bool:
        """Whether native kernels hold it: floats, integers and bool. The others run through host calls."""
        return self.kind in "fiub"

    @property
    def arithmetic(self) -> DType:
        """The type that it is computed in: float32 for 16-bit floats, itself otherwise."""
        return float32 if self.kind == "f" and self.size == 2 else self

    @property
    def as_numpy_dtype(self) -> type:
        """The NumPy scalar type (tf.DType.as_numpy_dtype)."""
        return self.numpy.type

    @property
    def base_dtype(self) -> DType:
        """The type itself; reference types do not exist here (tf.DType.base_dtype)."""
        return self

    @property
    def real_dtype(self) -> DType:
        """The type of the real part (tf.DType.real_dtype)."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    @property
    def min(self) -> Any:
        """The smallest finite value, as a NumPy scalar (tf.DType.min). Raises TypeError for other kinds."""
        return self._limits("min")

    @property
    def max(self) -> Any:
        """The largest finite value, as a NumPy scalar (tf.DType.max). Raises TypeError for other kinds."""
        return self._limits("max")

    def _limits(self, which: str) -> Any:
        if self.is_integer:
            return self.as_numpy_dtype(getattr(np.iinfo(self.numpy), which))
        if self.is_floating:
            return getattr(self.finfo(), which)
        if self.is_bool:
            return which == "max"
        raise TypeError(f"Cannot find the {which} value of dtype {self.name}; only numbers have one.")

    def finfo(self) -> Any:
        """The limits of a floating type, as np.finfo has them. Raises TypeError for other kinds."""
        if self.numpy.kind == "f":
            return np.finfo(self.numpy)
        if not self.is_floating:
            raise TypeError(f"{self.name} has no floating-point limits; only floating types do.")
        import ml_dtypes

        return ml_dtypes.finfo(self.numpy)

    def is_compatible_with(self, other: object) -> bool:
        """Whether `other` names this same type (tf.DType.is_compatible_with)."""
        return as_dtype(other) is self

    def __eq__(self, other: object) -> bool:
        """Compares with a DType or anything that as_dtype understands (so `x.dtype == "float32"` works)."""
        if self is other:
            return True
        if isinstance(other, DType) or other is None:
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __hash__(self) -> int:
        """Hashes by name."""
        return hash(self.name)

    def __repr__(self) -> str:
        """Prints as TensorFlow does: tf.float32."""
        return f"tf.{self.name}"

    def __str__(self) -> str:
        """Prints as TensorFlow does: <dtype: 'float32'>."""
        return f"<dtype: {self.name!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles as its name, so that it stays one object per type."""
        return (as_dtype, (self.name,))

    def describe(self) -> str:
        """Its name and kind in words, for messages."""
        return f"{self.name} ({_KIND_WORDS.get(self.kind, 'host only')})"


float16 = DType("float16", np.float16, "f")
float32 = DType("float32", np.float32, "f")
float64 = DType("float64", np.float64, "f")
int8 = DType("int8", np.int8, "i")
int16 = DType("int16", np.int16, "i")
int32 = DType("int32", np.int32, "i")
int64 = DType("int64", np.int64, "i")
uint8 = DType("uint8", np.uint8, "u")
uint16 = DType("uint16", np.uint16, "u")
uint32 = DType("uint32", np.uint32, "u")
uint64 = DType("uint64", np.uint64, "u")
bool_ = DType("bool", np.bool_, "b")
complex64 = DType("complex64", np.complex64, "c")
complex128 = DType("complex128", np.complex128, "c")
string = DType("string", np.object_, "O")

ALL: tuple[DType, ...] = (
    float16, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool_,
    complex64, complex128, string,
)  # fmt: skip

_LOOKUP: dict[Any, DType] = {}
for _d in ALL:
    _LOOKUP[_d.name] = _d
    if _d is not string:
        _LOOKUP[_d.numpy] = _d
        _LOOKUP[_d.numpy.type] = _d
_LOOKUP.update({
    float: float32, int: int32, bool: bool_, complex: complex128, str: string, bytes: string, object: string,
    "half": float16, "float": float32, "double": float64, "bool_": bool_,
    np.dtype(np.longlong): int64, np.dtype(np.ulonglong): uint64, np.longlong: int64, np.ulonglong: uint64,
    np.dtype(object): string,
})  # fmt: skip


def bfloat16() -> DType:
    """The bfloat16 type; needs the `bf16` extra (ml_dtypes). Raises ImportError that names it."""
    found = _LOOKUP.get("bfloat16")
    if found is None:
        try:
            import ml_dtypes
        except ImportError as error:
            raise ImportError("bfloat16 needs the package ml_dtypes: pip install 'layerjit[bf16]'") from error
        found = DType("bfloat16", ml_dtypes.bfloat16, "f")
        _LOOKUP["bfloat16"] = found  # before the type itself, whose comparison with this name looks it up
        _LOOKUP.update({found: found, found.numpy: found, found.numpy.type: found})
    return found


def as_dtype(x: object) -> DType:
    """The DType that `x` names (tf.as_dtype).

    Args:
        x: a DType, a name, a numpy dtype or scalar type, or one of Python's number types.

    Raises:
        TypeError: if nothing of that name exists.
    """
    if type(x) is DType:
        return x
    if x is None:  # of which NumPy would make float64
        raise TypeError("Cannot convert None to a dtype; name one, such as tf.float32")
    try:
        found = _LOOKUP.get(x)
    except TypeError:
        found = None
    if found is not None:
        return found
    if (isinstance(x, str) and x == "bfloat16") or getattr(x, "name", None) == "bfloat16":
        return bfloat16()
    try:
        numpy_dtype = np.dtype(x)  # pyright: ignore[reportArgumentType, reportCallIssue]
    except TypeError:
        numpy_dtype = None
    if numpy_dtype is not None:
        if numpy_dtype.kind in "SU":
            return string
        found = _LOOKUP.get(numpy_dtype.newbyteorder("="))
        if found is not None:
            return found
    raise TypeError(f"Cannot convert {x!r} to a dtype; known names: {', '.join(d.name for d in ALL)}, bfloat16.")
