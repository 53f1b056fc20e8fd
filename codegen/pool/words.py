"""Where the pool's state lies: byte offsets in one block of memory that generated code and Python share.

What is written by many threads has a cache line of its own. Everything is a 64-bit word unless said otherwise.
"""

from __future__ import annotations

RUN, START = 0, 8
"""Address of `layerjit_pool_run`, 0 while no pool runs; address of what starts one, 0 where there is to be none."""
WORKERS, SPINS = 16, 24
"""Threads besides the caller; how often to look for work, or for the end of work, before giving the CPU away."""
SCRATCH, EACH = 32, 40
"""The workers' private memory, and bytes of it for each; grows with the kernels that come."""
STOP = 48

LOCK = 64
"""1 while somebody has work done."""
JOB = 128
"""The low half: pieces that nobody has claimed yet; the high half: the generation, by which workers wait."""
FINISHED = 192
"""Pieces that are done."""
SLEEPERS = 256
"""Workers that wait in the kernel of the operating system."""
FAILURE = 320
"""The lowest piece that failed, in the high half, with its status in the low half; -1 if none did."""
KERNEL, TABLE, DIMS, CHUNKS, GRAIN, PIECES = 384, 392, 400, 408, 416, 424
"""What to run, on what, on how many chunks, how many of them make a piece, and how many pieces that is."""
NEXT = 448
"""The number of the worker that starts next."""

ALLOC, FREE, YIELD = 512, 520, 528
"""Addresses of functions of the C library, so that the code needs no symbol from outside."""
SYSCALL, FUTEX = 536, 544
"""Linux: the function `syscall`, and the number of the call `futex`."""
MUTEX_LOCK, MUTEX_UNLOCK, COND_WAIT, COND_BROADCAST = 552, 560, 568, 576
"""Elsewhere: functions of POSIX threads."""
MUTEX, COND = 640, 768
"""A mutex and a condition of POSIX threads, in 128 bytes each."""

SIZE = 896
