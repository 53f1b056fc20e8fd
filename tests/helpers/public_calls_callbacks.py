"""Calls of callbacks: each in a small fit, with the effect that it promises."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from public_calls_table import equal, near, rows, shows

import eager as tf

C = tf.keras.callbacks
CALLBACKS, CALLBACK = "tf.keras.callbacks", "tf.keras.callbacks.Callback"
X = np.linspace(-1, 1, 8, dtype="float32")[:, None]


def model(rate: float = 0.1) -> Any:
    made = tf.keras.Sequential([tf.keras.Input((1,)), tf.keras.layers.Dense(1, kernel_initializer="zeros")])
    made.compile(tf.keras.optimizers.SGD(rate), "mse")
    return made


def fitted(*callbacks: Any, y: Any = 2 * X, epochs: int = 3, rate: float = 0.1, **more: Any) -> Any:
    """The history of a fit."""
    return model(rate).fit(X, y, epochs=epochs, verbose=0, callbacks=list(callbacks), **more)


@shows(CALLBACK, "on_epoch_begin on_epoch_end on_predict_batch_begin on_predict_batch_end on_predict_begin "
       "on_predict_end on_test_batch_begin on_test_batch_end on_test_begin on_test_end on_train_batch_begin "
       "on_train_batch_end on_train_begin on_train_end")  # fmt: skip
def _all_methods_are_called() -> None:
    class Counted(C.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.seen: Counter[str] = Counter()

    for name in [n for n in dir(C.Callback) if n.startswith("on_")]:
        setattr(Counted, name, lambda self, *_args, _name=name: self.seen.update([_name]))
    m, counted = model(), Counted()
    m.fit(X, X, batch_size=4, epochs=3, verbose=0, callbacks=[counted])
    m.evaluate(X, X, batch_size=2, verbose=0, callbacks=[counted])
    m.predict(X, batch_size=8, verbose=0, callbacks=[counted])
    for name, times in {"train": (1, 6), "test": (1, 4), "predict": (1, 1)}.items():
        for end in ("begin", "end"):
            assert (counted.seen[f"on_{name}_{end}"], counted.seen[f"on_{name}_batch_{end}"]) == times
    assert counted.seen["on_epoch_begin"] == counted.seen["on_epoch_end"] == 3


@shows(CALLBACK, "on_batch_begin on_batch_end set_model set_params")
def _older_methods() -> None:
    class Batches(C.Callback):
        first: Any = None
        last: Any = None

        def on_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.first = batch if self.first is None else self.first

        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            self.last = batch, set(logs)

    batches, m = Batches(), model()
    m.fit(X, X, batch_size=2, epochs=2, verbose=0, callbacks=[batches])
    assert batches.first == 0 and batches.last == (3, {"loss"})
    assert batches.model is m and batches.params == {"verbose": 0, "epochs": 2, "steps": 4}
    batches.set_model(None)
    batches.set_params({"epochs": 9})
    assert batches.model is None and batches.params["epochs"] == 9


class Stops(C.Callback):
    """Stops after an epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.stop_training = epoch == 1


def lambdas() -> bool:
    seen: list[Any] = []
    fitted(C.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, sorted(logs)))))
    return seen == [(0, ["loss"]), (1, ["loss"]), (2, ["loss"])]


def csv_rows() -> bool:
    history = fitted(C.CSVLogger("log.csv"))
    with Path("log.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    return [row["epoch"] for row in found] == ["0", "1", "2"] and near(
        [float(row["loss"]) for row in found], history.history["loss"]
    )


def restored() -> bool:
    """The weights of the best epoch: training away from the target leaves those of the first."""
    stop = C.EarlyStopping("loss", patience=2, restore_best_weights=True, min_delta=10.0)
    history = fitted(stop, epochs=9)
    return len(history.epoch) == 3 and stop.stopped_epoch == 2 and stop.best_epoch == 0


def scheduled() -> bool:
    history = fitted(C.LearningRateScheduler(lambda epoch, rate: rate / 2), rate=0.4)
    return near(history.history["lr"], [0.2, 0.1, 0.05])


def plateau() -> bool:
    history = fitted(C.ReduceLROnPlateau("loss", 0.1, patience=1, min_delta=10.0), epochs=3, rate=0.1)
    return near(history.history["lr"], [0.1, 0.1, 0.01])


def checkpointed() -> bool:
    m = model()
    m.fit(X, X, epochs=2, verbose=0, callbacks=[C.ModelCheckpoint("at{epoch}.weights.h5", save_weights_only=True)])
    other = model()
    other.load_weights("at2.weights.h5")
    return Path("at1.weights.h5").exists() and equal(other.get_weights()[0], m.get_weights()[0])


class Interrupted(C.Callback):
    """Fails in the third epoch."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 2:
            raise InterruptedError


def resumed() -> bool:
    try:
        fitted(C.BackupAndRestore("backup"), Interrupted(), epochs=4)
    except InterruptedError:
        return fitted(C.BackupAndRestore("backup"), epochs=4).epoch == [2, 3]
    return False


def boards() -> bool:
    fitted(C.TensorBoard("logs"))
    events = list(Path("logs/train").glob("events.out.tfevents.*"))
    return len(events) == 1 and b"epoch_loss" in events[0].read_bytes()


def not_a_number() -> bool:
    history = fitted(C.TerminateOnNaN(), y=np.full((8, 1), np.nan, "float32"), batch_size=8)
    return len(history.epoch) == 1


def monitored() -> bool:
    """The numbers of an epoch arrive as JSON at a server on this machine."""
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        fitted(C.RemoteMonitor(f"http://127.0.0.1:{server.server_port}", send_as_json=True), epochs=1)
        server.shutdown()
        thread.join()
    return got[0]["epoch"] == 0 and "loss" in got[0]


def listed() -> bool:
    recorder, other = C.History(), C.LambdaCallback()
    both = C.CallbackList([recorder, other], model=model(), epochs=1)
    both.on_train_begin()
    both.on_epoch_end(0, {"loss": 3.0})
    return recorder.history == {"loss": [3.0]} and other.params == {"epochs": 1} and both.callbacks[0] is recorder


def drawn() -> bool:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        model().fit(X, X, epochs=2, verbose=2, callbacks=[C.ProgbarLogger()])
    return "Epoch 2/2" in shown.getvalue() and "loss: " in shown.getvalue()


rows(CALLBACKS, {
    "BackupAndRestore": resumed, "CSVLogger": csv_rows, "CallbackList": listed, "EarlyStopping": restored,
    "Callback": lambda: len(fitted(Stops(), epochs=9).epoch) == 2,
    "History": lambda: fitted().epoch == [0, 1, 2] and len(fitted().history["loss"]) == 3,
    "LambdaCallback": lambdas, "LearningRateScheduler": scheduled, "ModelCheckpoint": checkpointed,
    "ProgbarLogger": drawn,
    "ReduceLROnPlateau": plateau, "RemoteMonitor": monitored, "TensorBoard": boards, "TerminateOnNaN": not_a_number,
})  # fmt: skip
