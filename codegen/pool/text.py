"""The pool as LLVM text.

A caller publishes a job by one exchange of the word (generation, pieces left); whoever takes part claims pieces by
compare-and-swap of that whole word, so that nobody can claim from a job that is over, and reads what the job is only
after a claim. The caller takes part too, and is done when all pieces are finished, not when all workers have come.
A worker without work looks for some for a short time, then sleeps on the generation.
"""

from __future__ import annotations

from codegen.pool import words

FUTEX_WAIT, FUTEX_WAKE = 128, 129  # private to the process
ENTRIES = ("layerjit_pool_run", "layerjit_pool_worker", "layerjit_pool_halt")
"""The exported functions."""

_PAUSES = {
    "x86_64": ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"),
    "amd64": ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"),
    "aarch64": ("declare void @llvm.aarch64.hint(i32 immarg)", "call void @llvm.aarch64.hint(i32 1)"),
    "arm64": ("declare void @llvm.aarch64.hint(i32 immarg)", "call void @llvm.aarch64.hint(i32 1)"),
}

_RUN = """
define i32 @layerjit_pool_run(ptr %pool, ptr %kernel, ptr %table, ptr %dims, ptr %scratch, i64 %chunks, i64 %grain,
                              i64 %bytes) nounwind {
entry:
  %last = sub i64 %grain, 1
  %sum = add i64 %chunks, %last
  %pieces = udiv i64 %sum, %grain
  $address lock LOCK
  %got = cmpxchg ptr %lock, i64 0, i64 1 acquire monotonic
  %mine = extractvalue { i64, i1 } %got, 1
  br i1 %mine, label %locked, label %alone
locked:
  $load each EACH
  %fits = icmp ule i64 %bytes, %each
  br i1 %fits, label %publish, label %grow
grow:
  %grown = call i1 @grow(ptr %pool, i64 %bytes)
  br i1 %grown, label %publish, label %give_up
give_up:
  store atomic i64 0, ptr %lock release, align 8
  br label %alone
alone:
  %own = call i32 %kernel(ptr %table, ptr %dims, ptr %scratch, i64 0, i64 %chunks)
  ret i32 %own
publish:
  $store ptr kernel KERNEL
  $store ptr table TABLE
  $store ptr dims DIMS
  $store i64 chunks CHUNKS
  $store i64 grain GRAIN
  $store i64 pieces PIECES
  $address finished FINISHED
  store atomic i64 0, ptr %finished monotonic, align 8
  $address failure FAILURE
  store atomic i64 -1, ptr %failure monotonic, align 8
  $address job JOB
  %before = load atomic i64, ptr %job monotonic, align 8
  %generation = and i64 %before, -4294967296
  %next = add i64 %generation, 4294967296
  %word = or i64 %next, %pieces
  %old = atomicrmw xchg ptr %job, i64 %word seq_cst
  $address sleepers SLEEPERS
  %asleep = load atomic i64, ptr %sleepers seq_cst, align 8
  %any = icmp ne i64 %asleep, 0
  br i1 %any, label %wake, label %work
wake:
  %others = sub i64 %pieces, 1
  call void @wake(ptr %pool, i64 %others)
  br label %work
work:
  call void @drain(ptr %pool, ptr %scratch, i64 0)
  $load spins SPINS
  br label %look
look:
  %looks = phi i64 [ 0, %work ], [ %more, %paused ]
  %done = load atomic i64, ptr %finished acquire, align 8
  %all = icmp eq i64 %done, %pieces
  br i1 %all, label %end, label %wait
wait:
  %soon = icmp ult i64 %looks, %spins
  br i1 %soon, label %pause, label %yield
pause:
  $pause
  br label %paused
yield:
  $load_ptr give YIELD
  %given = call i32 %give()
  br label %paused
paused:
  %more = add i64 %looks, 1
  br label %look
end:
  %failed = load atomic i64, ptr %failure monotonic, align 8
  store atomic i64 0, ptr %lock release, align 8
  %fine = icmp eq i64 %failed, -1
  %code = trunc i64 %failed to i32
  %status = select i1 %fine, i32 0, i32 %code
  ret i32 %status
}

define internal void @drain(ptr %pool, ptr %own, i64 %number) nounwind {
entry:
  $address job JOB
  br label %claim
claim:
  %word = load atomic i64, ptr %job acquire, align 8
  %left = and i64 %word, 4294967295
  %none = icmp eq i64 %left, 0
  br i1 %none, label %over, label %try
try:
  %less = sub i64 %word, 1
  %got = cmpxchg ptr %job, i64 %word, i64 %less acq_rel monotonic
  %mine = extractvalue { i64, i1 } %got, 1
  br i1 %mine, label %run, label %claim
run:
  $load pieces PIECES
  $load grain GRAIN
  $load chunks CHUNKS
  $load_ptr kernel KERNEL
  $load_ptr table TABLE
  $load_ptr dims DIMS
  $load_ptr base SCRATCH
  $load each EACH
  %at = mul i64 %each, %number
  %private = getelementptr i8, ptr %base, i64 %at
  %worker = icmp eq ptr %own, null
  %scratch = select i1 %worker, ptr %private, ptr %own
  %piece = sub i64 %pieces, %left
  %begin = mul i64 %piece, %grain
  %after = add i64 %begin, %grain
  %short = icmp ult i64 %after, %chunks
  %end = select i1 %short, i64 %after, i64 %chunks
  %status = call i32 %kernel(ptr %table, ptr %dims, ptr %scratch, i64 %begin, i64 %end)
  %failed = icmp ne i32 %status, 0
  br i1 %failed, label %fail, label %count
fail:
  %high = shl i64 %piece, 32
  %low = zext i32 %status to i64
  %what = or i64 %high, %low
  $address failure FAILURE
  %first = atomicrmw umin ptr %failure, i64 %what monotonic
  br label %count
count:
  $address finished FINISHED
  %done = atomicrmw add ptr %finished, i64 1 release
  br label %claim
over:
  ret void
}

define internal i1 @grow(ptr %pool, i64 %bytes) nounwind {
entry:
  %more = add i64 %bytes, 4095
  %each = and i64 %more, -4096
  $load workers WORKERS
  %size = mul i64 %each, %workers
  $load_ptr old SCRATCH
  $load_ptr free FREE
  call void %free(ptr %old)
  $load_ptr alloc ALLOC
  %new = call ptr %alloc(i64 64, i64 %size)
  %there = icmp ne ptr %new, null
  %room = select i1 %there, i64 %each, i64 0
  $store ptr new SCRATCH
  $store i64 room EACH
  ret i1 %there
}

define ptr @layerjit_pool_worker(ptr %pool) nounwind {
entry:
  $address numbers NEXT
  %number = atomicrmw add ptr %numbers, i64 1 monotonic
  $address job JOB
  $address stop STOP
  $load spins SPINS
  br label %next
next:
  %stopped = load atomic i64, ptr %stop acquire, align 8
  %ends = icmp ne i64 %stopped, 0
  br i1 %ends, label %leave, label %idle
idle:
  %word = load atomic i64, ptr %job acquire, align 8
  %left = and i64 %word, 4294967295
  %none = icmp eq i64 %left, 0
  br i1 %none, label %look, label %work
work:
  call void @drain(ptr %pool, ptr null, i64 %number)
  br label %next
look:
  %looks = phi i64 [ 0, %idle ], [ %more, %again ]
  $pause
  %now = load atomic i64, ptr %job monotonic, align 8
  %same = icmp eq i64 %now, %word
  br i1 %same, label %again, label %next
again:
  %more = add i64 %looks, 1
  %going = icmp ult i64 %more, %spins
  br i1 %going, label %look, label %doze
doze:
  call void @doze(ptr %pool, i64 %word)
  br label %next
leave:
  ret ptr null
}

define i32 @layerjit_pool_halt(ptr %pool, i64 %patience) nounwind {
entry:
  $address lock LOCK
  br label %try
try:
  %tries = phi i64 [ 0, %entry ], [ %more, %wait ]
  %got = cmpxchg ptr %lock, i64 0, i64 1 acquire monotonic
  %mine = extractvalue { i64, i1 } %got, 1
  br i1 %mine, label %stop, label %busy
busy:
  %more = add i64 %tries, 1
  %going = icmp ult i64 %more, %patience
  br i1 %going, label %wait, label %fail
wait:
  $load_ptr give YIELD
  %given = call i32 %give()
  br label %try
fail:
  ret i32 1
stop:
  $address stopped STOP
  store atomic i64 1, ptr %stopped release, align 8
  $address job JOB
  %old = atomicrmw add ptr %job, i64 4294967296 seq_cst
  call void @wake(ptr %pool, i64 2147483647)
  ret i32 0
}
"""


_FUTEX = """
define internal void @doze(ptr %pool, i64 %word) nounwind {
entry:
  $address sleepers SLEEPERS
  %before = atomicrmw add ptr %sleepers, i64 1 seq_cst
  $address job JOB
  %generation = getelementptr i8, ptr %job, i64 4
  %high = lshr i64 %word, 32
  $load number FUTEX
  $load_ptr syscall SYSCALL
  %woken = call i64 (i64, ...) %syscall(i64 %number, ptr %generation, i64 FUTEX_WAIT, i64 %high, ptr null, ptr null,
                                        i64 0)
  %after = atomicrmw sub ptr %sleepers, i64 1 seq_cst
  ret void
}

define internal void @wake(ptr %pool, i64 %count) nounwind {
entry:
  $address job JOB
  %generation = getelementptr i8, ptr %job, i64 4
  $load number FUTEX
  $load_ptr syscall SYSCALL
  %woken = call i64 (i64, ...) %syscall(i64 %number, ptr %generation, i64 FUTEX_WAKE, i64 %count, ptr null, ptr null,
                                        i64 0)
  ret void
}
"""

_CONDITION = """
define internal void @doze(ptr %pool, i64 %word) nounwind {
entry:
  $address mutex MUTEX
  $address condition COND
  $load_ptr lock MUTEX_LOCK
  $load_ptr unlock MUTEX_UNLOCK
  $load_ptr wait COND_WAIT
  %locked = call i32 %lock(ptr %mutex)
  $address sleepers SLEEPERS
  %before = atomicrmw add ptr %sleepers, i64 1 seq_cst
  $address job JOB
  br label %look
look:
  %now = load atomic i64, ptr %job seq_cst, align 8
  %same = icmp eq i64 %now, %word
  br i1 %same, label %sleep, label %end
sleep:
  %waited = call i32 %wait(ptr %condition, ptr %mutex)
  br label %look
end:
  %after = atomicrmw sub ptr %sleepers, i64 1 seq_cst
  %unlocked = call i32 %unlock(ptr %mutex)
  ret void
}

define internal void @wake(ptr %pool, i64 %count) nounwind {
entry:
  $address mutex MUTEX
  $address condition COND
  $load_ptr lock MUTEX_LOCK
  $load_ptr unlock MUTEX_UNLOCK
  $load_ptr broadcast COND_BROADCAST
  %locked = call i32 %lock(ptr %mutex)
  %woken = call i32 %broadcast(ptr %condition)
  %unlocked = call i32 %unlock(ptr %mutex)
  ret void
}
"""


def pool_text(machine: str, *, futex: bool) -> str:
    """The module.

    Args:
        machine: the architecture, as `platform.machine()` names it.
        futex: whether workers sleep by Linux's futex, or else by a condition of POSIX threads.
    """
    declare, pause = _PAUSES.get(machine.lower(), ("", "fence syncscope(\"singlethread\") seq_cst"))
    lines = [_line(text, pause) for text in (_RUN + (_FUTEX if futex else _CONDITION)).splitlines()]
    return "\n".join([*lines, declare, ""])


def _line(text: str, pause: str) -> str:
    """One line, with the short forms for the pool's words written out."""
    word, *rest = text.split() or [""]
    if word == "$pause":
        return f"  {pause}"
    if word in ("$address", "$load", "$load_ptr"):
        name, offset = rest[0], getattr(words, rest[1])
        pointer = f"%{name}" if word == "$address" else f"%{name}.at"
        found = [f"  {pointer} = getelementptr i8, ptr %pool, i64 {offset}"]
        if word != "$address":
            found.append(f"  %{name} = load {'ptr' if word == '$load_ptr' else 'i64'}, ptr {pointer}, align 8")
        return "\n".join(found)
    if word == "$store":
        kind, name, offset = rest[0], rest[1], getattr(words, rest[2])
        pointer = f"%{name}.to"
        address = f"  {pointer} = getelementptr i8, ptr %pool, i64 {offset}"
        return f"{address}\n  store {kind} %{name}, ptr {pointer}, align 8"
    return text.replace("FUTEX_WAIT", str(FUTEX_WAIT)).replace("FUTEX_WAKE", str(FUTEX_WAKE))
