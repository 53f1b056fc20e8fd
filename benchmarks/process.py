"""The other end of `benchmarks.serve`: starts it, asks it, and notices when it is gone or silent."""

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TIME_LIMIT = 900.0


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
        """Sends a request and waits for its result; before and after it the process is stopped.

        Raises:
            PeerError: if the answer is an error, or none comes within `limit` seconds.
        """
        line = json.dumps({"do": do, **arguments}) + "\n"
        self._signal("SIGCONT")
        try:
            os.write(self._pipe(self._process.stdin), line.encode())
        except OSError as error:
            raise self._gone() from error
        reply = json.loads(self._line(time.monotonic() + limit))
        self._signal("SIGSTOP")
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

    def _signal(self, name: str) -> None:
        """Stops or continues the process where the system knows how: idle threads that spin would slow others down."""
        if hasattr(signal, name) and self._process.poll() is None:
            self._process.send_signal(getattr(signal, name))

    def close(self) -> None:
        """Ends the process."""
        self.alive = False
        self._signal("SIGCONT")
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()
