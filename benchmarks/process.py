"""The other end of `benchmarks.serve`: starts it, asks it, and notices when it is gone or silent."""

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TIME_LIMIT = 900.0
_QUIET_STEP, _QUIET_LIMIT, _QUIET_SHARE = 0.002, 0.1, 0.05


class PeerError(RuntimeError):
    """A peer's own error, or that its process ended or did not answer in time."""


class Process:
    """A running `benchmarks.serve`.

    Attributes:
        alive: whether it can still be asked.
    """

    def __init__(
        self,
        python: str,
        module: str,
        threads: int,
        clock: str = "wall",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Starts the interpreter `python`; `environment` is added to this process's own."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.serve", module, str(threads), clock],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )
        self._rest = b""
        self.alive = True

    def ask(self, do: str, limit: float = TIME_LIMIT, **arguments: Any) -> Any:
        """Sends a request and waits for its result.

        Raises:
            PeerError: if the answer is an error, or none comes within `limit` seconds.
        """
        line = json.dumps({"do": do, **arguments}) + "\n"
        try:
            os.write(self._pipe(self._process.stdin), line.encode())
        except OSError as error:
            raise self._gone() from error
        reply = json.loads(self._line(time.monotonic() + limit))
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply["result"]

    def _pipe(self, stream: Any) -> int:
        return stream.fileno()

    def _line(self, deadline: float) -> bytes:
        source = self._pipe(self._process.stdout)
        while b"\n" not in self._rest:
            ready, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                self.close()
                raise PeerError("no answer within the time limit")
            part = os.read(source, 1 << 16)
            if not part:
                raise self._gone()
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _gone(self) -> PeerError:
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        self.close()
        return PeerError(f"the process ended with {code}: {lines[-1] if lines else 'no message'}")

    def settle(self) -> None:
        """Waits, 0.1 s at most, until its idle threads have stopped spinning, which would slow the next side down."""
        end = time.monotonic() + _QUIET_LIMIT
        before = _processor_seconds(self._process.pid)
        while time.monotonic() < end:
            time.sleep(_QUIET_STEP)
            now = _processor_seconds(self._process.pid)
            if now - before < _QUIET_SHARE * _QUIET_STEP:
                return
            before = now

    def close(self) -> None:
        """Ends the process."""
        self.alive = False
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()


def _processor_seconds(pid: int) -> float:
    """Processor time of all threads so far; 0.0 where the system does not tell."""
    total = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(file.read_text(encoding="ascii").split()[0])
        except OSError:  # the thread has ended meanwhile
            continue
    return total * 1e-9
