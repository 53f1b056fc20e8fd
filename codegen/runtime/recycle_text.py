"""Large arrays from recycled memory, as LLVM text: an allocator for NumPy, and PyArray_Empty with it.

A block starts with a line that holds its size; the array's data follow, 64-byte aligned. When the array and all that
looks at its memory are gone, NumPy frees the block, which then waits among others for an array of about its size.
NumPy allocates and frees under the interpreter lock, so nothing here needs one.
"""

from __future__ import annotations

EMPTY, START = 0, 8
"""Byte offsets in the state. Address of `layerjit_recycled_empty`, 0 until it is compiled; of what has that done."""
HANDLER, SET_HANDLER, ARRAY_EMPTY, DECREF = 16, 24, 32, 40
"""NumPy's capsule for the allocator; addresses of PyDataMem_SetHandler, PyArray_Empty and Py_DecRef."""
ALLOC, FREE, MADVISE = 48, 56, 64
"""Functions of the C library; the last is 0 where there are no large pages to ask for."""
PARKED, LIMIT, NEXT = 72, 80, 88
"""Bytes that wait, how many may, and where the next block goes."""
BLOCKS = 128
PLACES = 32
"""How many blocks may wait, as a ring, oldest first from NEXT on; a power of two."""
SIZE = BLOCKS + 8 * PLACES

ENTRIES = tuple(f"layerjit_recycled_{name}" for name in ("empty", "malloc", "calloc", "realloc", "free"))
"""The exported functions."""

_HUGE = 4 << 20
_TEXT = """
define ptr @layerjit_recycled_empty(ptr %state, i32 %rank, ptr %shape, ptr %dtype) nounwind {
entry:
  $load handler HANDLER
  $load set SET_HANDLER
  $load empty ARRAY_EMPTY
  $load decref DECREF
  %before = call ptr %set(ptr %handler)
  %failed = icmp eq ptr %before, null
  br i1 %failed, label %none, label %make
make:
  %array = call ptr %empty(i32 %rank, ptr %shape, ptr %dtype, i32 0)
  %own = call ptr %set(ptr %before)
  call void %decref(ptr %before)
  call void %decref(ptr %own)
  ret ptr %array
none:
  call void %decref(ptr %dtype)
  ret ptr null
}

define ptr @layerjit_recycled_malloc(ptr %state, i64 %bytes) nounwind {
entry:
  %more = add i64 %bytes, 4159
  %size = and i64 %more, -4096
  %eighth = lshr i64 %size, 3
  %most = add i64 %size, %eighth
  br label %look
look:
  %i = phi i64 [ 0, %entry ], [ %next, %other ]
  %over = icmp eq i64 %i, PLACES
  br i1 %over, label %fresh, label %test
test:
  $place place i
  %block = load ptr, ptr %place, align 8
  %free = icmp eq ptr %block, null
  br i1 %free, label %other, label %compare
compare:
  %has = load i64, ptr %block, align 8
  %enough = icmp uge i64 %has, %size
  %close = icmp ule i64 %has, %most
  %fits = and i1 %enough, %close
  br i1 %fits, label %take, label %other
other:
  %next = add i64 %i, 1
  br label %look
take:
  store ptr null, ptr %place, align 8
  $address parked PARKED
  %before = load i64, ptr %parked, align 8
  %left = sub i64 %before, %has
  store i64 %left, ptr %parked, align 8
  %data = getelementptr i8, ptr %block, i64 64
  ret ptr %data
fresh:
  %made = call ptr @fresh(ptr %state, i64 %size)
  %missing = icmp eq ptr %made, null
  br i1 %missing, label %clear, label %done
clear:
  call void @evict(ptr %state, i64 0)
  %again = call ptr @fresh(ptr %state, i64 %size)
  br label %done
done:
  %result = phi ptr [ %made, %fresh ], [ %again, %clear ]
  ret ptr %result
}

define internal ptr @fresh(ptr %state, i64 %size) nounwind {
entry:
  $load alloc ALLOC
  $load madvise MADVISE
  %huge = icmp uge i64 %size, HUGE
  %line = select i1 %huge, i64 2097152, i64 64
  %block = call ptr %alloc(i64 %line, i64 %size)
  %none = icmp eq ptr %block, null
  br i1 %none, label %fail, label %made
made:
  store i64 %size, ptr %block, align 8
  %able = icmp ne ptr %madvise, null
  %ask = and i1 %huge, %able
  br i1 %ask, label %advise, label %done
advise:
  %advised = call i32 %madvise(ptr %block, i64 %size, i32 14)
  br label %done
done:
  %data = getelementptr i8, ptr %block, i64 64
  ret ptr %data
fail:
  ret ptr null
}

define internal void @evict(ptr %state, i64 %limit) nounwind {
entry:
  $address parked PARKED
  $address nextat NEXT
  $load release FREE
  %first = load i64, ptr %nextat, align 8
  br label %look
look:
  %i = phi i64 [ 0, %entry ], [ %next, %other ]
  %now = load i64, ptr %parked, align 8
  %few = icmp ule i64 %now, %limit
  %last = icmp eq i64 %i, PLACES
  %over = or i1 %few, %last
  br i1 %over, label %end, label %test
test:
  %sum = add i64 %first, %i
  %at = and i64 %sum, LAST
  $place place at
  %block = load ptr, ptr %place, align 8
  %free = icmp eq ptr %block, null
  br i1 %free, label %other, label %drop
drop:
  %has = load i64, ptr %block, align 8
  %left = sub i64 %now, %has
  store i64 %left, ptr %parked, align 8
  store ptr null, ptr %place, align 8
  call void %release(ptr %block)
  br label %other
other:
  %next = add i64 %i, 1
  br label %look
end:
  ret void
}

define void @layerjit_recycled_free(ptr %state, ptr %data, i64 %bytes) nounwind {
entry:
  %none = icmp eq ptr %data, null
  br i1 %none, label %end, label %some
some:
  %block = getelementptr i8, ptr %data, i64 -64
  %has = load i64, ptr %block, align 8
  $address parked PARKED
  $address nextat NEXT
  $load_i64 limit LIMIT
  $load release FREE
  %large = icmp ugt i64 %has, %limit
  br i1 %large, label %drop, label %park
drop:
  call void %release(ptr %block)
  br label %end
park:
  %room = sub i64 %limit, %has
  call void @evict(ptr %state, i64 %room)
  %number = load i64, ptr %nextat, align 8
  $place place number
  %old = load ptr, ptr %place, align 8
  %empty = icmp eq ptr %old, null
  br i1 %empty, label %put, label %replace
replace:
  %gone = load i64, ptr %old, align 8
  %with = load i64, ptr %parked, align 8
  %without = sub i64 %with, %gone
  store i64 %without, ptr %parked, align 8
  call void %release(ptr %old)
  br label %put
put:
  store ptr %block, ptr %place, align 8
  %before = load i64, ptr %parked, align 8
  %after = add i64 %before, %has
  store i64 %after, ptr %parked, align 8
  %following = add i64 %number, 1
  %wrapped = and i64 %following, LAST
  store i64 %wrapped, ptr %nextat, align 8
  br label %end
end:
  ret void
}

define ptr @layerjit_recycled_calloc(ptr %state, i64 %count, i64 %each) nounwind {
entry:
  %product = call { i64, i1 } @llvm.umul.with.overflow.i64(i64 %count, i64 %each)
  %bytes = extractvalue { i64, i1 } %product, 0
  %overflow = extractvalue { i64, i1 } %product, 1
  br i1 %overflow, label %fail, label %make
fail:
  ret ptr null
make:
  %data = call ptr @layerjit_recycled_malloc(ptr %state, i64 %bytes)
  %none = icmp eq ptr %data, null
  %size = select i1 %none, i64 0, i64 %bytes
  br label %look
look:
  %i = phi i64 [ 0, %make ], [ %next, %set ]
  %more = icmp ult i64 %i, %size
  br i1 %more, label %set, label %end
set:
  %at = getelementptr i8, ptr %data, i64 %i
  store i64 0, ptr %at, align 8
  %next = add i64 %i, 8
  br label %look
end:
  ret ptr %data
}

define ptr @layerjit_recycled_realloc(ptr %state, ptr %old, i64 %bytes) nounwind {
entry:
  %new = call ptr @layerjit_recycled_malloc(ptr %state, i64 %bytes)
  %failed = icmp eq ptr %new, null
  %fresh = icmp eq ptr %old, null
  %over = or i1 %failed, %fresh
  br i1 %over, label %end, label %measure
measure:
  %block = getelementptr i8, ptr %old, i64 -64
  %has = load i64, ptr %block, align 8
  %room = sub i64 %has, 64
  %less = icmp ult i64 %bytes, %room
  %size = select i1 %less, i64 %bytes, i64 %room
  br label %look
look:
  %i = phi i64 [ 0, %measure ], [ %next, %copy ]
  %more = icmp ult i64 %i, %size
  br i1 %more, label %copy, label %copied
copy:
  %from = getelementptr i8, ptr %old, i64 %i
  %to = getelementptr i8, ptr %new, i64 %i
  %word = load i64, ptr %from, align 8
  store i64 %word, ptr %to, align 8
  %next = add i64 %i, 8
  br label %look
copied:
  call void @layerjit_recycled_free(ptr %state, ptr %old, i64 0)
  br label %end
end:
  ret ptr %new
}

declare { i64, i1 } @llvm.umul.with.overflow.i64(i64, i64)
"""


def recycle_text() -> str:
    """The module. Blocks are whole pages, so words that begin inside of one end there too."""
    return "\n".join(map(_line, _TEXT.splitlines()))


def _line(text: str) -> str:
    """One line, with the short forms for words of the state written out."""
    word, *rest = text.split() or [""]
    if word in ("$address", "$load", "$load_i64"):
        pointer = f"%{rest[0]}" if word == "$address" else f"%{rest[0]}.at"
        found = f"  {pointer} = getelementptr i8, ptr %state, i64 {globals()[rest[1]]}"
        kind = {"$load": "ptr", "$load_i64": "i64"}.get(word)
        return found if kind is None else f"{found}\n  %{rest[0]} = load {kind}, ptr {pointer}, align 8"
    if word == "$place":
        first = f"  %{rest[0]}.first = getelementptr i8, ptr %state, i64 {BLOCKS}"
        return f"{first}\n  %{rest[0]} = getelementptr ptr, ptr %{rest[0]}.first, i64 %{rest[1]}"
    return text.replace("PLACES", str(PLACES)).replace("LAST", str(PLACES - 1)).replace("HUGE", str(_HUGE))
