"""Writing results to a CSV file or sending them to a server."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from eager.keras.callbacks.base import Callback


class CSVLogger(Callback):
    """Writes the results of every epoch as a line of a CSV file (tf.keras.callbacks.CSVLogger)."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        """Takes the file, the separator, and whether lines are added to a file that is there."""
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep, self.append = separator, append
        self.keys: list[str] | None = None
        self._file: Any = None
        self._writer: Any = None
        self._headed = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Opens the file."""
        path = Path(self.filename)
        self._headed = self.append and path.exists() and path.stat().st_size > 0
        self._file = path.open("a" if self.append else "w", newline="")
        self._writer = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes a line; results that this epoch does not have are NA."""
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            # Validation may come in later epochs only; a line cannot get further columns then.
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
        if self._writer is None:
            self._writer = csv.DictWriter(self._file, ["epoch", *self.keys], delimiter=self.sep)
            if not self._headed:
                self._writer.writeheader()
        self._writer.writerow({"epoch": epoch} | {key: _cell(logs.get(key, "NA")) for key in self.keys})
        self._file.flush()

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
        self._file = self._writer = None


def _cell(value: Any) -> Any:
    if isinstance(value, str) or np.ndim(value) == 0 or not isinstance(value, Iterable):
        return value
    return f'"[{", ".join(map(str, value))}]"'


class RemoteMonitor(Callback):
    """Sends the results of every epoch to a server (tf.keras.callbacks.RemoteMonitor)."""

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        """Takes where and how to send.

        Args:
            root: the server.
            path: the path below it.
            field: the form field that holds the JSON text.
            headers: further HTTP headers.
            send_as_json: sends the JSON as the body instead of a form field.

        Raises:
            ValueError: for a root that is no http or https address.
        """
        super().__init__()
        if not root.startswith(("http://", "https://")):
            raise ValueError(f"RemoteMonitor sends to http:// or https:// addresses, got {root!r}")
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = headers, send_as_json

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Sends epoch and results; a server that cannot be reached is a warning."""
        import json
        import urllib.error
        import urllib.parse
        import urllib.request

        values = {"epoch": epoch} | {k: np.asarray(v).tolist() for k, v in (logs or {}).items()}
        text = json.dumps(values)
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        request = urllib.request.Request(
            self.root + self.path, body.encode(), {"Content-Type": kind} | (self.headers or {}), method="POST"
        )
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except (urllib.error.URLError, OSError) as error:
            warnings.warn(
                f"Could not reach RemoteMonitor root server at {self.root}: {error}", RuntimeWarning, stacklevel=2
            )
