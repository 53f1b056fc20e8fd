"""Objects laid into memory in Python: every kind of relocation and section, and what is refused."""

import ctypes
import struct

import pytest

from codegen import engine, image

pytestmark = pytest.mark.skipif(not image.supported(), reason="objects are laid out on x86-64 Linux only")

TEXT = """
@state = internal global i64 5
@zeros = internal global [64 x i64] zeroinitializer
@shared = global i32 11
@merged = common global i64 0
@table = internal constant [3 x i64] [i64 10, i64 20, i64 30], align 64
@pointers = internal global [2 x ptr] [ptr @state, ptr @twice]
@environ = external global ptr
declare double @cos(double)
declare ptr @memset(ptr, i32, i64)
define internal i64 @twice(i64 %x) noinline {
  %y = shl i64 %x, 1
  ret i64 %y
}
define i64 @count() {
  %a = load i64, ptr @state
  %b = add i64 %a, 1
  store i64 %b, ptr @state
  ret i64 %b
}
define i64 @lookup(i64 %i) {
  %p = getelementptr [3 x i64], ptr @table, i64 0, i64 %i
  %v = load i64, ptr %p
  %f = load ptr, ptr getelementptr ([2 x ptr], ptr @pointers, i64 0, i64 1)
  %w = call i64 %f(i64 %v)
  ret i64 %w
}
define i64 @merge(i64 %x) {
  %old = load i64, ptr @merged
  store i64 %x, ptr @merged
  %z = getelementptr [64 x i64], ptr @zeros, i64 0, i64 63
  %v = load i64, ptr %z
  %s = load i32, ptr @shared
  %t = sext i32 %s to i64
  %a = add i64 %old, %v
  %b = add i64 %a, %t
  ret i64 %b
}
define double @outside(double %x) {
  %y = call double @cos(double %x)
  ret double %y
}
define ptr @variables() {
  %p = load ptr, ptr @environ
  ret ptr %p
}
"""
INT = ctypes.c_int64


@pytest.fixture(scope="module")
def data() -> bytes:
    return engine.compile_object(TEXT).data


def call(laid: image.Image, name: str, result, *arguments):
    kind = ctypes.CFUNCTYPE(result, *[type(a) for a in arguments])
    return kind(laid.addresses[name])(*arguments)


def test_code_data_constants_and_the_process(data):
    laid = image.lay(data, ["count", "lookup", "merge", "outside", "variables"])
    assert [call(laid, "count", INT) for _ in range(3)] == [6, 7, 8]
    assert [call(laid, "lookup", INT, INT(i)) for i in range(3)] == [20, 40, 60]
    assert [call(laid, "merge", INT, INT(i)) for i in (100, 3)] == [11, 111]
    assert call(laid, "outside", ctypes.c_double, ctypes.c_double(0.0)) == 1.0
    assert call(laid, "variables", ctypes.c_void_p) == ctypes.c_void_p.in_dll(ctypes.CDLL(None), "environ").value


def test_every_copy_has_its_own_data(data):
    first, second = (image.lay(data, ["count"]) for _ in range(2))
    assert [call(first, "count", INT), call(first, "count", INT), call(second, "count", INT)] == [6, 7, 6]


def test_no_page_is_writable_and_executable(data):
    laid = image.lay(data, ["count", "lookup"])
    with open("/proc/self/maps") as file:  # noqa: PTH123
        maps = [line.split()[:2] for line in file]
    rights = {}
    for span, right in maps:
        low, high = (int(x, 16) for x in span.split("-"))
        rights.update({name: right for name, at in laid.addresses.items() if low <= at < high})
    assert set(rights.values()) == {"r-xp"}


def test_agrees_with_llvms_loader(data):
    names = ["count", "lookup"]
    (_, addresses), laid = engine._link(data, names, "layerjit.test_image"), image.lay(data, names)
    theirs = image.Image(laid._memory, addresses)
    assert call(theirs, "count", INT) == call(laid, "count", INT)
    assert call(theirs, "lookup", INT, INT(2)) == call(laid, "lookup", INT, INT(2)) == 60


def test_a_missing_symbol_is_named(data):
    with pytest.raises(image.ImageError, match="does not define nothing_here"):
        image.lay(data, ["nothing_here"])
    text = "declare i64 @layerjit_nowhere()\ndefine i64 @f() {\n  %x = call i64 @layerjit_nowhere()\n  ret i64 %x\n}"
    with pytest.raises(image.ImageError, match="layerjit_nowhere does not exist"):
        image.lay(engine.compile_object(text).data, ["f"])


def relocations(data: bytes) -> list[int]:
    """Where the types of all relocations of loaded sections stand in the file."""
    header = struct.unpack_from("<16sHHIQQQIHHHHHH", data)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, header[6] + 64 * i) for i in range(header[12])]
    return [
        section[4] + 24 * i + 8
        for section in sections
        if section[1] == 4 and sections[section[7]][2] & 2
        for i in range(section[5] // 24)
    ]


def test_an_unknown_relocation_goes_to_llvm(data):
    strange = bytearray(data)
    strange[relocations(data)[0]] = 37
    with pytest.raises(image.ImageError, match="relocation type 37 is not known"):
        image.lay(bytes(strange), ["count"])
    assert engine._lay(bytes(strange), ["count"]) is None
    assert engine._lay(data, ["count"]) is not None


@pytest.mark.parametrize("size", [0, 3, 63, 64, 200, -1, -40])
def test_damaged_objects_are_refused(data, size):
    cut = data[:size]
    with pytest.raises(image.ImageError):
        image.lay(cut, ["count"])


def test_other_formats_are_refused(data):
    for wrong in (b"\xcf\xfa\xed\xfe" + bytes(100), data[:18] + b"\xb7\x00" + data[20:], bytes(400)):
        with pytest.raises(image.ImageError, match="not a relocatable x86-64 ELF object"):
            image.lay(wrong, ["count"])
