"""tf.keras.callbacks: what they do to training and what they write."""

import csv
import http.server
import json
import struct
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eager as tf
from eager.keras import callbacks
from eager.keras.callbacks.event_file import histogram, masked_crc
from eager.keras.layers import Dense, Input

X = np.arange(24, dtype=np.float32).reshape(12, 2) / 10
Y = X @ np.array([[1.0], [-1.0]], np.float32) + 1


def linear(**options: Any) -> Any:
    model = tf.keras.Sequential([Input((2,)), Dense(1, kernel_initializer="ones")])
    model.compile(**({"optimizer": tf.keras.optimizers.SGD(0.01), "loss": "mse"} | options))
    return model


def fit(model: Any, *watching: Any, **options: Any) -> Any:
    given = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0} | options
    return model.fit(X, Y, callbacks=list(watching), **given)


class Feeds(callbacks.Callback):
    """Puts given values under a name into the results of the epochs."""

    def __init__(self, name: str, values: list[float]) -> None:
        super().__init__()
        self.name, self.values = name, values

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs[self.name] = self.values[epoch]


def test_moments_come_in_order() -> None:
    seen: list[str] = []

    class Watch(callbacks.Callback):
        pass

    for name in [n for n in dir(callbacks.Callback) if n.startswith("on_") and n not in ("on_batch_begin",)]:
        setattr(Watch, name, lambda self, *args, name=name: seen.append(name.removeprefix("on_")))
    model = linear()
    fit(model, Watch(), epochs=1, batch_size=6, validation_data=(X, Y))
    step, test = ["train_batch_begin", "train_batch_end"], ["test_batch_begin", "test_batch_end"]
    expected = ["train_begin", "epoch_begin", *step * 2, "test_begin", *test * 2, "test_end", "epoch_end", "train_end"]
    assert seen == expected
    seen.clear()
    model.predict(X, batch_size=12, verbose=0, callbacks=[Watch()])
    assert seen == ["predict_begin", "predict_batch_begin", "predict_batch_end", "predict_end"]


def test_steps_per_execution_calls_back_once_per_execution() -> None:
    seen: list[Any] = []
    watch = callbacks.LambdaCallback(
        on_batch_begin=lambda batch, logs: seen.append(("begin", batch)),
        on_batch_end=lambda batch, logs: seen.append(("end", batch)),
    )
    several, single = linear(steps_per_execution=2), linear()
    a, b = fit(several, watch, epochs=1), fit(single, epochs=1)
    assert seen == [("begin", 0), ("end", 1), ("begin", 2), ("end", 2)]
    np.testing.assert_allclose(a.history["loss"], b.history["loss"], rtol=1e-6)
    np.testing.assert_array_equal(several.get_weights()[0], single.get_weights()[0])
    np.testing.assert_array_equal(several.predict(X, batch_size=5, verbose=0), single.predict(X, verbose=0))
    with pytest.raises(ValueError, match="steps_per_execution"):
        linear(steps_per_execution=0)


@pytest.mark.parametrize(
    ("values", "options", "epochs", "best"),
    [
        ([5, 4, 3, 3, 3, 3], {"patience": 2}, 5, 2),
        ([5, 4, 4.5, 3, 2, 1], {"patience": 1}, 3, 1),
        ([1, 2, 3, 3, 3, 3], {"mode": "max"}, 4, 2),
        ([5, 4.9, 4.8, 3, 3, 3], {"min_delta": 0.5, "patience": 2}, 3, 0),
        ([5, 4, 4, 2, 1, 0], {"baseline": 2.5, "patience": 2}, 3, 1),
        ([5, 4, 3, 2, 1, 0], {"baseline": 2.5, "patience": 2}, 6, 5),
        ([1, 9, 9, 9, 9, 9], {"start_from_epoch": 2}, 4, 2),
    ],
)
def test_early_stopping(values: list[float], options: dict[str, Any], epochs: int, best: int) -> None:
    stop = callbacks.EarlyStopping("v", restore_best_weights=True, **options)
    kept: list[Any] = []
    model = linear()
    keep = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()[0]))
    history = fit(model, Feeds("v", values), keep, stop, epochs=6)
    assert (len(history.epoch), stop.best_epoch) == (epochs, best)
    if epochs < 6:
        np.testing.assert_array_equal(model.get_weights()[0], kept[best])


def test_watching_a_result_that_is_not_there_warns() -> None:
    with pytest.warns(UserWarning, match="`val_loss` which is not available. Available metrics are: loss"):
        fit(linear(), callbacks.EarlyStopping(), epochs=1)
    with pytest.warns(RuntimeWarning, match="fallback to auto"):
        callbacks.EarlyStopping(mode="middle")


def test_reduce_lr_on_plateau() -> None:
    values = [5, 5, 5, 5, 1, 1, 1]
    cut = callbacks.ReduceLROnPlateau("v", factor=0.5, patience=2, cooldown=1, min_lr=0.003)
    history = fit(linear(), Feeds("v", values), cut, epochs=7).history
    # Two epochs without progress halve the rate after epoch 3 (cooldown: epoch 4), and again after epoch 7.
    np.testing.assert_allclose(history["lr"], [0.01] * 3 + [0.005] * 4, rtol=1e-6)
    np.testing.assert_allclose(float(cut.model.optimizer.learning_rate), 0.003, rtol=1e-6)
    with pytest.raises(ValueError, match="factor >= 1"):
        callbacks.ReduceLROnPlateau(factor=1.0)


def test_learning_rate_scheduler() -> None:
    history = fit(linear(), callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)).history
    np.testing.assert_allclose(history["lr"], [0.005, 0.0025, 0.00125], rtol=1e-6)
    history = fit(linear(), callbacks.LearningRateScheduler(lambda epoch: 0.1 * (epoch + 1))).history
    np.testing.assert_allclose(history["lr"], [0.1, 0.2, 0.3], rtol=1e-6)
    with pytest.raises(ValueError, match="should be float"):
        fit(linear(), callbacks.LearningRateScheduler(lambda epoch: "fast"))


def test_csv_logger(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    history = fit(linear(metrics=["mae"]), callbacks.CSVLogger(path), validation_data=(X, Y), validation_freq=2)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    np.testing.assert_allclose([float(row["loss"]) for row in rows], history.history["loss"])
    assert [row["val_loss"] == "NA" for row in rows] == [True, False, True]
    fit(linear(metrics=["mae"]), callbacks.CSVLogger(path, append=True), epochs=1)
    assert len(path.read_text().splitlines()) == 5


def test_terminate_on_nan() -> None:
    model = linear()
    history = model.fit(X * np.nan, Y, epochs=5, batch_size=4, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert len(history.epoch) == 1


class Saver:
    """A model's way to save, noted instead of done."""

    def __init__(self, model: Any) -> None:
        self.saved: list[tuple[str, str]] = []
        model.save = lambda path, overwrite: self.saved.append(("model", Path(path).name))
        model.save_weights = lambda path, overwrite: self.saved.append(("weights", Path(path).name))


def test_model_checkpoint(tmp_path: Path) -> None:
    model = linear()
    saver = Saver(model)
    fit(model, Feeds("v", [2.0, 3.0, 1.0]), callbacks.ModelCheckpoint(tmp_path / "{epoch:02d}-{v:.1f}.keras"))
    assert saver.saved == [("model", "01-2.0.keras"), ("model", "02-3.0.keras"), ("model", "03-1.0.keras")]
    saver.saved.clear()
    best = callbacks.ModelCheckpoint(tmp_path / "{epoch}", "v", save_best_only=True, save_weights_only=True)
    fit(model, Feeds("v", [2.0, 3.0, 1.0]), best)
    assert saver.saved == [("weights", "1"), ("weights", "3")] and best.best == 1.0
    saver.saved.clear()
    above = callbacks.ModelCheckpoint(
        tmp_path / "{epoch}", "v_acc", save_best_only=True, initial_value_threshold=2.5
    )
    fit(model, Feeds("v_acc", [2.0, 3.0, 1.0]), above)
    assert saver.saved == [("model", "2")]
    saver.saved.clear()
    fit(model, callbacks.ModelCheckpoint(tmp_path / "{epoch}.{batch}", save_freq=2))
    assert saver.saved == [("model", "1.2"), ("model", "2.1"), ("model", "2.3"), ("model", "3.2")]
    with pytest.raises(KeyError, match="Failed to format"):
        fit(model, callbacks.ModelCheckpoint(tmp_path / "{nothing}"))
    with pytest.warns(UserWarning, match="Can save best model only with other available"):
        fit(model, callbacks.ModelCheckpoint(tmp_path / "a", "other", save_best_only=True), epochs=1)
    with pytest.raises(ValueError, match="save_freq"):
        callbacks.ModelCheckpoint("a", save_freq="hour")


@pytest.mark.parametrize("save_freq", ["epoch", 2])
def test_backup_and_restore_goes_on_where_it_was(tmp_path: Path, save_freq: Any) -> None:
    straight = linear(optimizer="adam")
    fit(straight, epochs=4)

    class Break(callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

    backup = callbacks.BackupAndRestore(tmp_path, save_freq)
    with pytest.raises(KeyboardInterrupt):
        fit(linear(optimizer="adam"), backup, Break(), epochs=4)
    assert backup.path.exists()
    again = linear(optimizer="adam")
    history = fit(again, backup, epochs=4)
    assert history.epoch == [2, 3] and not backup.path.exists()
    np.testing.assert_allclose(again.get_weights()[0], straight.get_weights()[0], rtol=1e-6)


def test_backup_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    straight = linear()
    fit(straight, epochs=2)

    def stop(batch: int, logs: Any) -> None:
        if batch == 1:
            raise RuntimeError("power")

    backup = callbacks.BackupAndRestore(tmp_path, save_freq=1)
    with pytest.raises(RuntimeError, match="power"):
        fit(linear(), backup, callbacks.LambdaCallback(on_batch_end=stop), epochs=2)
    again = linear()
    fit(again, backup, epochs=2)
    np.testing.assert_allclose(again.get_weights()[0], straight.get_weights()[0], rtol=1e-6)
    with pytest.raises(ValueError, match="save_freq"):
        callbacks.BackupAndRestore(tmp_path, save_freq=0)


# TensorBoard ----------------------------------------------------------------------------------------------------------


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> list[tuple[int, Any]]:
    """The fields of a protocol buffer message."""
    found: list[tuple[int, Any]] = []
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        if key & 7 == 0:
            value, at = read_varint(data, at)
        elif key & 7 == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        else:
            size, at = read_varint(data, at)
            value, at = data[at : at + size], at + size
        found.append((key >> 3, value))
    return found


def events(folder: Path) -> list[tuple[str, int, Any]]:
    """The tags, steps and tensors of the event files in a folder; checks framing and checksums."""
    rows: list[tuple[str, int, Any]] = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data, at, first = path.read_bytes(), 0, True
        while at < len(data):
            size = struct.unpack_from("<Q", data, at)[0]
            assert struct.unpack_from("<I", data, at + 8)[0] == masked_crc(data[at : at + 8])
            body = data[at + 12 : at + 12 + size]
            assert struct.unpack_from("<I", data, at + 12 + size)[0] == masked_crc(body)
            at += 16 + size
            event = dict(fields(body))
            if first:
                assert event[3] == b"brain.Event:2"
                first = False
                continue
            value = dict(fields(dict(fields(event[5]))[1]))
            tensor = dict(fields(value[8]))
            array = np.frombuffer(tensor[4], "<f8" if tensor[1] == 2 else "<f4")
            rows.append((value[1].decode(), event.get(2, 0), array))
    return rows


def test_checksums_are_crc32c() -> None:
    # The check value of CRC-32C: 0xE3069283 for "123456789", here masked.
    crc = 0xE3069283
    assert masked_crc(b"123456789") == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def test_tensorboard_files_hold_the_results(tmp_path: Path) -> None:
    board = callbacks.TensorBoard(tmp_path, histogram_freq=2, update_freq=2)
    history = fit(linear(metrics=["mae"]), board, validation_data=(X, Y)).history
    train, held_out = events(tmp_path / "train"), events(tmp_path / "validation")
    for name in ("loss", "mae"):
        found = [(step, float(v[0])) for tag, step, v in train if tag == f"epoch_{name}"]
        np.testing.assert_allclose(found, list(enumerate(history[name])), rtol=1e-6)
        found = [(step, float(v[0])) for tag, step, v in held_out if tag == f"epoch_{name}"]
        np.testing.assert_allclose(found, list(enumerate(history[f"val_{name}"])), rtol=1e-6)
    assert [step for tag, step, _ in held_out if tag == "evaluation_loss_vs_iterations"] == [3, 6, 9]
    assert [step for tag, step, _ in train if tag == "batch_loss"] == [0, 1, 3, 5, 7]
    shown = [(tag, step) for tag, step, _ in train if tag.endswith("histogram")]
    assert {step for _, step in shown} == {0, 2} and len(shown) == 4
    with pytest.raises(NotImplementedError, match="write_images"):
        callbacks.TensorBoard(write_images=True)


def test_histograms_count_everything() -> None:
    rows = histogram(np.array([0.0, 0.1, 1.0, np.nan]), 2)
    np.testing.assert_allclose(rows, [[0.0, 0.5, 2.0], [0.5, 1.0, 1.0]])
    np.testing.assert_allclose(histogram(np.ones(3)), [[0.5, 1.5, 3.0]])


def test_remote_monitor_sends_and_warns() -> None:
    got: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"
    history = fit(linear(), callbacks.RemoteMonitor(root, send_as_json=True), epochs=1).history
    server.shutdown()
    server.server_close()
    assert got == [{"epoch": 0, "loss": history["loss"][0]}]
    with pytest.warns(RuntimeWarning, match="Could not reach"):
        fit(linear(), callbacks.RemoteMonitor(root), epochs=1)
    with pytest.raises(ValueError, match="http"):
        callbacks.RemoteMonitor("file:///etc")


def test_a_callback_list_of_ones_own() -> None:
    watch = callbacks.LambdaCallback()
    model = linear()
    many = callbacks.CallbackList([watch], add_history=True, add_progbar=True, model=model, verbose=0)
    assert [type(c).__name__ for c in many.callbacks] == ["LambdaCallback", "ProgbarLogger", "History"]
    model.fit(X, Y, callbacks=many, verbose=0)
    assert list(model.history.history) == ["loss"] and watch.model is model
    with pytest.raises(AttributeError):
        _ = many.nothing
