"""Arithmetic, comparison and bit words of the LLVM handler, bit-equal to NumPy."""

from __future__ import annotations

from codegen.emit import value_loops
from codegen.emit.value_base import HandlerBase, Val, scalar_type, vector_type
from graphcore.dtypes import DType, bool_, float32, int32, int64
from graphcore.errors import DTypeError

_FCMP = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_ICMP = {"lt": "lt", "le": "le", "gt": "gt", "ge": "ge"}


class Arithmetic(HandlerBase):
    """Words on numbers and bits. Integers wrap; no fast-math flag is ever set."""

    def _arith(self, word: str, stem: str, logic: str, a: Val, b: Val) -> Val:
        a, b = self.same(word, a, b)
        if a.dtype.kind == "f":
            return self.op(f"f{stem}", a, b)
        if a.dtype.kind in "iu":
            return self.op(stem, a, b)
        if logic and a.dtype.kind == "b":
            return self.op(logic, a, b)
        raise DTypeError(f"{word} of {a.dtype.name} is not defined; cast the operands to a number first")

    def add(self, a: Val, b: Val) -> Val:
        """`a + b` (or, for bool)."""
        return self._arith("add", "add", "or", a, b)

    def sub(self, a: Val, b: Val) -> Val:
        """`a - b`."""
        return self._arith("sub", "sub", "", a, b)

    def mul(self, a: Val, b: Val) -> Val:
        """`a * b` (and, for bool)."""
        return self._arith("mul", "mul", "and", a, b)

    def div(self, a: Val, b: Val) -> Val:
        """`a / b` of floating types. Raises DTypeError for others."""
        a, b = self.same("div", a, b)
        self.require_float("div", a)
        return self.op("fdiv", a, b)

    def fma(self, a: Val, b: Val, c: Val) -> Val:
        """`a * b + c`: rounded once on CPUs with FMA, twice on others. For polynomials only."""
        a, b, c = self.unify(a, b, c)
        if self.has_fma:
            return self.intrinsic("fma", a, b, c)
        return self.op("fadd", self.op("fmul", a, b), c)

    def neg(self, x: Val) -> Val:
        """-x; integers wrap."""
        if x.dtype.kind == "f":
            return Val(self.fn.emit(f"fneg {x.typed}"), x.dtype, x.lanes)
        return self.sub(self.like(0, x), x)

    def abs(self, x: Val) -> Val:
        """|x|; the smallest integer stays itself, a NaN loses its sign."""
        if x.dtype.kind == "f":
            return self.intrinsic("fabs", x)
        if x.dtype.kind == "i":
            return self.select(self.lt(x, self.like(0, x)), self.neg(x), x)
        return x

    def sign(self, x: Val) -> Val:
        """-1, 0 or 1; +0.0 for both zeros, NaN for NaN."""
        self.require("sign", x, "fiu", "a number")
        one, zero = self.like(1, x), self.like(0, x)
        if x.dtype.kind == "f":
            other = self.select(self.eq(x, zero), zero, x)
            below = self.select(self.lt(x, zero), self.like(-1, x), other)
        else:
            below = zero if x.dtype.kind == "u" else self.select(self.lt(x, zero), self.like(-1, x), zero)
        return self.select(self.gt(x, zero), one, below)

    def copysign(self, x: Val, sign: Val) -> Val:
        """`x` with the sign bit of `sign`."""
        x, sign = self.same("copysign", x, sign)
        return self.intrinsic("copysign", x, sign)

    def compare(self, word: str, a: Val, b: Val) -> Val:
        """One of eq, ne, lt, le, gt, ge as NumPy compares: NaN is unequal to everything."""
        a, b = self.same(word, a, b)
        if a.dtype.kind == "f":
            return self.op(f"fcmp {_FCMP[word]}", a, b, bool_)
        if word in _ICMP:
            word = ("s" if a.dtype.kind == "i" else "u") + word
        return self.op(f"icmp {word}", a, b, bool_)

    def eq(self, a: Val, b: Val) -> Val:
        """`a == b`."""
        return self.compare("eq", a, b)

    def ne(self, a: Val, b: Val) -> Val:
        """`a != b`."""
        return self.compare("ne", a, b)

    def lt(self, a: Val, b: Val) -> Val:
        """`a < b`."""
        return self.compare("lt", a, b)

    def le(self, a: Val, b: Val) -> Val:
        """`a <= b`."""
        return self.compare("le", a, b)

    def gt(self, a: Val, b: Val) -> Val:
        """`a > b`."""
        return self.compare("gt", a, b)

    def ge(self, a: Val, b: Val) -> Val:
        """`a >= b`."""
        return self.compare("ge", a, b)

    def is_nan(self, x: Val) -> Val:
        """Whether x is NaN (false for integers and bool)."""
        if x.dtype.kind == "f":
            return self.op("fcmp uno", x, x, bool_)
        return self.splat(self.const(False, bool_), x.lanes)

    def _extremum(self, word: str, a: Val, b: Val) -> Val:
        a, b = self.same(word, a, b)
        if a.dtype.kind == "b":
            return self.op("and" if word == "min" else "or", a, b)
        picked = self.select(self.compare("lt" if word == "min" else "gt", a, b), a, b)
        return self.select(self.is_nan(a), a, picked) if a.dtype.kind == "f" else picked

    def min(self, a: Val, b: Val) -> Val:
        """np.minimum: a NaN operand is the result (the first, if both are), and of equal zeros the second."""
        return self._extremum("min", a, b)

    def max(self, a: Val, b: Val) -> Val:
        """np.maximum: a NaN operand is the result (the first, if both are), and of equal zeros the second."""
        return self._extremum("max", a, b)

    def clamp(self, x: Val, low: float, high: float) -> Val:
        """`x` limited to [low, high]; NaN stays NaN. One instruction a side, unlike min and max."""
        bound = self.like(low, x)
        x = self.select(self.lt(x, bound), bound, x)
        bound = self.like(high, x)
        return self.select(self.gt(x, bound), bound, x)

    def _logic(self, word: str, opcode: str, a: Val, b: Val) -> Val:
        a, b = self.same(word, a, b)
        self.require(word, a, "biu", "integers or bool")
        return self.op(opcode, a, b)

    def and_(self, a: Val, b: Val) -> Val:
        """`a & b` of integers or bool."""
        return self._logic("and_", "and", a, b)

    def or_(self, a: Val, b: Val) -> Val:
        """`a | b` of integers or bool."""
        return self._logic("or_", "or", a, b)

    def xor(self, a: Val, b: Val) -> Val:
        """`a ^ b` of integers or bool."""
        return self._logic("xor", "xor", a, b)

    def not_(self, x: Val) -> Val:
        """~x of integers, logical not of bool."""
        return self.xor(x, self.like(True if x.dtype.kind == "b" else -1, x))

    def shl(self, a: Val, b: Val) -> Val:
        """`a << b`; 0 where b is negative or not less than the width, as in NumPy."""
        a, b = self.same("shl", a, b)
        self.require("shl", a, "iu", "integers")
        if self._known_inside(b):
            return self.op("shl", a, b)
        return self.select(self._in_width(b), self.op("shl", a, b), self.like(0, a))

    def shr(self, a: Val, b: Val) -> Val:
        """`a >> b`: logical for unsigned; where b is out of range 0, or -1 for negative a, as in NumPy."""
        a, b = self.same("shr", a, b)
        self.require("shr", a, "iu", "integers")
        if self._known_inside(b):
            return self.op("lshr" if a.dtype.kind == "u" else "ashr", a, b)
        inside = self._in_width(b)
        if a.dtype.kind == "u":
            return self.select(inside, self.op("lshr", a, b), self.like(0, a))
        return self.op("ashr", a, self.select(inside, b, self.like(a.dtype.size * 8 - 1, b)))

    @staticmethod
    def _known_inside(b: Val) -> bool:
        """Whether b is a literal (alone or repeated) within the width, as most shift counts are."""
        digits = b.text.removeprefix(f"splat (i{b.dtype.size * 8} ").removesuffix(")")
        return digits.isdigit() and int(digits) < b.dtype.size * 8

    def _in_width(self, b: Val) -> Val:
        width = self.splat(self.like(b.dtype.size * 8, b), b.lanes)
        return self.op("icmp ult", b, width, bool_)

    def mulhi(self, a: Val, b: Val) -> Val:
        """The upper half of the double-width product of unsigned integers."""
        a, b = self.same("mulhi", a, b)
        self.require("mulhi", a, "u", "unsigned integers")
        bits = a.dtype.size * 8
        wide = f"i{2 * bits}" if a.lanes == 1 else f"<{a.lanes} x i{2 * bits}>"
        shift = str(bits) if a.lanes == 1 else f"splat (i{2 * bits} {bits})"
        wide_a = self.fn.emit(f"zext {a.typed} to {wide}")
        wide_b = self.fn.emit(f"zext {b.typed} to {wide}")
        product = self.fn.emit(f"mul {wide} {wide_a}, {wide_b}")
        high = self.fn.emit(f"lshr {wide} {product}, {shift}")
        return Val(self.fn.emit(f"trunc {wide} {high} to {a.type}"), a.dtype, a.lanes)

    def floordiv(self, a: Val, b: Val) -> Val:
        """np.floor_divide, toward minus infinity; integers divided by 0 give 0, the smallest by -1 wraps."""
        a, b = self.same("floordiv", a, b)
        if a.dtype.kind == "f":
            return self._float_divmod(a, b)[0]
        self.require("floordiv", a, "iu", "numbers")
        return self._int_divmod(a, b)[0]

    def mod(self, a: Val, b: Val) -> Val:
        """np.mod: the sign of b; integers modulo 0 give 0."""
        a, b = self.same("mod", a, b)
        if a.dtype.kind == "f":
            return self._float_divmod(a, b)[1]
        self.require("mod", a, "iu", "numbers")
        return self._int_divmod(a, b)[1]

    def _int_divmod(self, a: Val, b: Val) -> tuple[Val, Val]:
        """Floor quotient and remainder. The divisor is made 1 where the instruction would trap."""
        zero, one = self.like(0, a), self.like(1, a)
        no_divisor = self.eq(b, zero)
        if a.dtype.kind == "u":
            divisor = self.select(no_divisor, one, b)
            quotient, rest = self.op("udiv", a, divisor), self.op("urem", a, divisor)
            return self.select(no_divisor, zero, quotient), rest
        smallest = self.like(1 << (a.dtype.size * 8 - 1), a)
        overflow = self.and_(self.eq(a, smallest), self.eq(b, self.like(-1, a)))
        divisor = self.select(self.or_(no_divisor, overflow), one, b)
        quotient = self.op("sdiv", a, divisor)
        rest = self.sub(a, self.mul(quotient, divisor))
        below = self.and_(self.ne(rest, zero), self.lt(self.xor(rest, divisor), zero))
        quotient = self.select(below, self.sub(quotient, one), quotient)
        return self.select(no_divisor, zero, quotient), self.select(below, self.add(rest, divisor), rest)

    def _float_divmod(self, a: Val, b: Val) -> tuple[Val, Val]:
        """NumPy's npy_divmod, step by step, so that results are bit-equal."""
        zero = self.like(0.0, a)
        plain = self.eq(b, zero)
        rest = value_loops.fmod(self, a, b)
        quotient = self.div(self.sub(a, rest), b)
        nonzero = self.ne(rest, zero)
        wrong_sign = self.and_(nonzero, self.xor(self.lt(b, zero), self.lt(rest, zero)))
        quotient = self.select(wrong_sign, self.sub(quotient, self.like(1.0, a)), quotient)
        adjusted = self.select(wrong_sign, self.add(rest, b), rest)
        adjusted = self.select(nonzero, adjusted, self.copysign(zero, b))
        floored = self.floor(quotient)
        above = self.gt(self.sub(quotient, floored), self.like(0.5, a))
        floored = self.select(above, self.add(floored, self.like(1.0, a)), floored)
        ratio = self.div(a, b)
        floored = self.select(self.ne(quotient, zero), floored, self.copysign(zero, ratio))
        return self.select(plain, ratio, floored), self.select(plain, rest, adjusted)

    def sqrt(self, x: Val) -> Val:
        """The square root, correctly rounded; NaN below zero, -0.0 for -0.0."""
        self.require_float("sqrt", x)
        return self.intrinsic("sqrt", x)

    def rsqrt(self, x: Val) -> Val:
        """1 / sqrt(x), both steps correctly rounded."""
        return self.div(self.like(1.0, x), self.sqrt(x))

    def floor(self, x: Val) -> Val:
        """The largest integer not above x; integers are returned as they are."""
        return self._round("floor", x)

    def ceil(self, x: Val) -> Val:
        """The smallest integer not below x; integers are returned as they are."""
        return self._round("ceil", x)

    def rint(self, x: Val) -> Val:
        """The nearest integer, half to even; integers are returned as they are."""
        return self._round("rint", x)

    def trunc(self, x: Val) -> Val:
        """`x` rounded toward zero; integers are returned as they are."""
        return self._round("trunc", x)

    def _round(self, word: str, x: Val) -> Val:
        if x.dtype.kind != "f":
            return x
        self.require_float(word, x)
        if self.has_round:
            return self.intrinsic(word, x)
        # Without a rounding instruction LLVM would call libm for each lane. Adding and subtracting 2^mantissa
        # rounds |x| to even; a correction by 1 makes the other directions. Large values and NaN stay.
        size = self.abs(x)
        magic = self.like(2.0 ** (23 if x.dtype is float32 else 52), x)
        near = self.sub(self.add(size, magic), magic)
        if word == "trunc":
            near = self.select(self.gt(near, size), self.sub(near, self.like(1.0, x)), near)
        near = self.copysign(near, x)
        if word == "floor":
            near = self.select(self.gt(near, x), self.sub(near, self.like(1.0, x)), near)
        elif word == "ceil":
            near = self.select(self.lt(near, x), self.add(near, self.like(1.0, x)), near)
        near = self.copysign(near, x)
        return self.select(self.lt(size, magic), near, x)

    def any_lane(self, x: Val) -> str:
        """An i1 that tells whether any lane of a bool is set."""
        return value_loops.any_lane(self, x)

    def bits(self, x: Val) -> Val:
        """The bits of a floating value as a signed integer of its size."""
        return self.bitcast(x, int32 if x.dtype is float32 else int64)

    def bitcast(self, x: Val, dtype: DType) -> Val:
        """The same bits as another dtype of equal size. Raises DTypeError if sizes differ or one is bool."""
        if x.dtype is dtype:
            return x
        if x.dtype.size != dtype.size or "b" in x.dtype.kind + dtype.kind:
            raise DTypeError(f"bitcast of {x.dtype.name} to {dtype.name}: sizes differ, or one is bool")
        source, target = scalar_type(x.dtype), scalar_type(dtype)
        if source == target:
            return Val(x.text, dtype, x.lanes)
        return Val(self.fn.emit(f"bitcast {x.typed} to {vector_type(target, x.lanes)}"), dtype, x.lanes)
