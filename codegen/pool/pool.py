"""The one pool of this process: started by the first kernel that is large enough, stopped and changed from Python.

Its state is a block of memory whose address stands in every context table (slot "parallel"). Generated code calls the
function in its word RUN; while that is 0 it first calls the one in START, which starts the threads. Neither the state
nor the code is ever freed: a worker may be in it until the process is gone.
"""

from __future__ import annotations

import atexit
import os
import platform
import signal
import sys
import threading
from typing import Any

from codegen.pool import words
from codegen.pool.cpus import MOST, asked_threads, default_threads
from graphcore.errors import InvalidArgumentError, LayerJitError

_SPINS = 1000
_CROWDED_SPINS = 20  # with more threads than CPUs, one that looks for work takes the time of one that has some
_PATIENCE = 1 << 40
_EXIT_PATIENCE = 1000
_FUTEX_NUMBERS = {"x86_64": 202, "amd64": 202, "aarch64": 98, "arm64": 98}
_MUTEXES = {
    "MUTEX_LOCK": "pthread_mutex_lock", "MUTEX_UNLOCK": "pthread_mutex_unlock", "COND_WAIT": "pthread_cond_wait",
    "COND_BROADCAST": "pthread_cond_broadcast",
}  # fmt: skip


class ThreadPool:
    """The pool.

    Attributes:
        address: of its state.
    """

    def __init__(self, *, futex: bool | None = None) -> None:
        """Makes a pool without threads.

        Args:
            futex: whether workers sleep by Linux's futex; None says yes on Linux.

        Raises:
            InvalidArgumentError: if LAYERJIT_THREADS is not a number.
        """
        import ctypes

        asked_threads()
        self._library = ctypes.CDLL(None)
        number = _FUTEX_NUMBERS.get(platform.machine().lower(), 0) if sys.platform == "linux" else 0
        self._futex = number != 0 if futex is None else futex
        self._lock = threading.RLock()
        self._wanted = 0
        self._threads: list[Any] = []
        self._entries: dict[str, Any] = {}
        self._starter = ctypes.CFUNCTYPE(None)(self._asked)
        self.address = self._allocate(words.SIZE)
        state = {"YIELD": "sched_yield", "ALLOC": "aligned_alloc", "FREE": "free"}
        state |= {"SYSCALL": "syscall"} if self._futex else _MUTEXES
        for word, name in state.items():
            self._set(getattr(words, word), self._function(name))
        self._set(words.FUTEX, number)
        self._reset()

    # -- how many

    @property
    def threads(self) -> int:
        """How many threads a kernel runs on, that of the caller included.

        Raises:
            InvalidArgumentError: if LAYERJIT_THREADS is not a number.
        """
        return self._wanted or default_threads()

    @property
    def running(self) -> int:
        """How many worker threads there are now."""
        return len(self._threads)

    @property
    def jobs(self) -> int:
        """How many kernels the present threads have shared, modulo 2**32."""
        return self._get(words.JOB) >> 32 & 0xFFFFFFFF

    def set_threads(self, number: int) -> None:
        """Sets how many threads a kernel runs on; 0 stands for LAYERJIT_THREADS, or as many as there are CPUs.

        Workers that run now are stopped after the kernel that they are in. What a function computes does not depend
        on the number.

        Raises:
            InvalidArgumentError: if it is not a number from 0 to 256.
        """
        if type(number) is not int or not 0 <= number <= MOST:
            raise InvalidArgumentError(f"the number of threads must be a whole number from 0 to {MOST}, not {number!r}")
        with self._lock:
            if number != self._wanted:
                self.stop()
                self._wanted = number

    # -- start and end

    def start(self) -> None:
        """Starts the workers, unless they run or one thread is all that there is to be.

        Raises:
            OSError: if the system has no thread to give.
        """
        import ctypes

        with self._lock:
            if self._threads:
                return
            count = self.threads - 1
            self._set(words.START, 0)
            if count < 1:
                return
            entries = self._load()
            self._set(words.SPINS, _CROWDED_SPINS if self.threads > (os.cpu_count() or 1) else _SPINS)
            error = 0
            # A signal that a worker took would interrupt its sleep, and Python's handler belongs to Python's threads.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            try:
                for _ in range(count):
                    thread = ctypes.c_void_p()
                    worker = ctypes.c_void_p(entries["layerjit_pool_worker"])
                    error = self._library.pthread_create(
                        ctypes.byref(thread), None, worker, ctypes.c_void_p(self.address)
                    )
                    if error:
                        break
                    self._threads.append(thread)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            if not self._threads:
                raise OSError(error, os.strerror(error))
            self._set(words.WORKERS, len(self._threads))
            self._set(words.RUN, entries["layerjit_pool_run"])

    def stop(self, patience: int = _PATIENCE) -> bool:
        """Ends the workers when they have finished what they do; the next large kernel starts them again.

        Args:
            patience: how often to look whether the pool has become free.

        Returns:
            Whether they are ended: False if the pool was busy all the time.
        """
        import ctypes

        with self._lock:
            self._set(words.RUN, 0)
            if self._threads:
                kind = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int64)
                if kind(self._entries["layerjit_pool_halt"])(self.address, patience):
                    self._set(words.RUN, self._entries["layerjit_pool_run"])
                    return False
                for thread in self._threads:
                    self._library.pthread_join(thread, None)
            self._library.free(ctypes.c_void_p(self._get(words.SCRATCH)))
            self._reset()
            return True

    def _asked(self) -> None:
        """What generated code calls. It goes on alone, since compiling the pool takes longer than its kernel."""
        try:
            self._set(words.START, 0)
            threading.Thread(target=self._start_quietly, name="layerjit pool", daemon=True).start()
        except RuntimeError:  # the interpreter ends, or there are no threads to be had
            return

    def _start_quietly(self) -> None:
        try:
            self.start()
        except (OSError, LayerJitError) as error:
            import warnings

            warnings.warn(f"layerjit runs on one thread: its threads cannot be started ({error})", stacklevel=2)

    def fork(self) -> None:
        """Before a fork: waits until no other thread starts or stops workers."""
        self._lock.acquire()

    def fork_in_parent(self) -> None:
        """After a fork: goes on."""
        self._lock.release()

    def fork_in_child(self) -> None:
        """After a fork: there are no workers here, whatever the memory says."""
        self._reset()
        self._lock.release()

    # -- memory and code

    def _reset(self) -> None:
        """The state of a pool without threads."""
        import ctypes

        self._threads = []
        for word in ("RUN", "WORKERS", "SCRATCH", "EACH", "STOP", "LOCK", "JOB", "FINISHED", "SLEEPERS", "NEXT"):
            self._set(getattr(words, word), 0)
        self._set(words.START, ctypes.cast(self._starter, ctypes.c_void_p).value or 0)
        if not self._futex:
            self._library.pthread_mutex_init(ctypes.c_void_p(self.address + words.MUTEX), None)
            self._library.pthread_cond_init(ctypes.c_void_p(self.address + words.COND), None)

    def _load(self) -> dict[str, Any]:
        """The addresses of the pool's functions; compiled when they are first wanted."""
        from codegen.engine import compile_object, load_object
        from codegen.pool.text import ENTRIES, pool_text
        from codegen.target import host_target

        if not self._entries:
            text = pool_text(platform.machine(), futex=self._futex)
            library = load_object(compile_object(text, host_target()).data, ENTRIES).keep()
            self._entries = {name: library.address(name) for name in ENTRIES}
        return self._entries

    def _allocate(self, size: int) -> int:
        import ctypes

        make = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)(self._function("aligned_alloc"))
        address: int = make(64, size)
        ctypes.memset(address, 0, size)
        return address

    def _function(self, name: str) -> int:
        import ctypes

        return ctypes.cast(getattr(self._library, name), ctypes.c_void_p).value or 0

    def _get(self, word: int) -> int:
        import ctypes

        return ctypes.c_int64.from_address(self.address + word).value

    def _set(self, word: int, value: int) -> None:
        import ctypes

        ctypes.c_int64.from_address(self.address + word).value = value


_made: list[ThreadPool] = []


def pool() -> ThreadPool:
    """The pool of this process."""
    if not _made:
        made = ThreadPool()
        _made.append(made)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=made.fork, after_in_parent=made.fork_in_parent, after_in_child=made.fork_in_child
            )
        atexit.register(made.stop, _EXIT_PATIENCE)
    return _made[0]
