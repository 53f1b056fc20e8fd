"""The loops behind fit, evaluate and predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from eager import nest
from eager.keras.callbacks import CallbackList, History
from eager.keras.training.data import (
    ArrayData,
    IterableData,
    open_data,
    train_validation_split,
    unpack_x_y_sample_weight,
)
from eager.keras.utils import Progbar

if TYPE_CHECKING:
    from eager.keras.training.trainer import Trainer


class FitOptions(NamedTuple):
    """The options of fit."""

    epochs: int
    initial_epoch: int
    batch_size: int | None
    verbose: Any
    callbacks: Any
    validation_split: float
    validation_data: Any
    shuffle: bool
    class_weight: Any
    steps_per_epoch: int | None
    validation_steps: int | None
    validation_batch_size: int | None
    validation_freq: Any


def fit(model: Trainer, x: Any, y: Any, sample_weight: Any, options: FitOptions) -> History:
    """Trains a compiled model; returns the history."""
    o = options
    validation = o.validation_data
    if o.validation_split and validation is None:
        (x, y, sample_weight), validation = train_validation_split((x, y, sample_weight), o.validation_split)
    data = open_data(x, y, sample_weight, o.batch_size, o.steps_per_epoch, o.shuffle, o.class_weight)
    held_out = _validation(validation, o)
    verbose = 1 if o.verbose == "auto" else int(o.verbose)
    history = History()
    callbacks = CallbackList([history, *_listed(o.callbacks)], model)
    callbacks.set_params({"verbose": verbose, "epochs": o.epochs, "steps": data.steps})
    model.history = history
    model.stop_training = False
    model.make_train_function()
    callbacks.on_train_begin()
    try:
        for epoch in range(o.initial_epoch, o.epochs):
            _epoch(model, data, held_out, epoch, verbose, callbacks, o)
            if model.stop_training:
                break
    finally:
        # Also after Ctrl-C: the weights are those of the last completed step.
        callbacks.on_train_end()
    return history


def _epoch(
    model: Trainer, data: ArrayData | IterableData, held_out: Any, epoch: int, verbose: int, callbacks: CallbackList,
    options: FitOptions,
) -> None:  # fmt: skip
    model.reset_metrics()
    callbacks.on_epoch_begin(epoch)
    bar = Progbar(data.steps, verbose=verbose, title=f"Epoch {epoch + 1}/{options.epochs}")
    logs: dict[str, Any] = {}
    try:
        logs = _train_batches(model, data, callbacks, bar)
        if held_out is not None and _is_due(epoch, options.validation_freq):
            results = run_test(model, held_out, callbacks)
            logs |= {f"val_{name}": value for name, value in results.items()}
    finally:
        bar.finish(logs)
    callbacks.on_epoch_end(epoch, logs)


def _train_batches(model: Trainer, data: Any, callbacks: CallbackList, bar: Progbar) -> dict[str, Any]:
    iterator = data.epoch()
    logs: Any = {}
    number = 0
    while data.steps is None or number < data.steps:
        callbacks.on_train_batch_begin(number)
        try:
            logs = model.train_function(iterator)
        except StopIteration:
            break
        number += 1
        if callbacks.wants_batches:
            callbacks.on_train_batch_end(number - 1, numbers(logs))
        bar.update(number, logs)
        if model.stop_training:
            break
    iterator.close()
    if not number:
        raise ValueError("Unexpected result of `train_function`: the data gave no batch.")
    return numbers(logs)


def numbers(logs: Any) -> dict[str, Any]:
    """The results of a step as Python floats."""
    return {name: float(value) if np.ndim(value) == 0 else np.asarray(value) for name, value in (logs or {}).items()}


def _is_due(epoch: int, frequency: Any) -> bool:
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency


def _listed(callbacks: Any) -> list[Any]:
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]


def _validation(given: Any, options: FitOptions) -> ArrayData | IterableData | None:
    if given is None:
        return None
    size = options.validation_batch_size or options.batch_size
    if isinstance(given, list | tuple):
        return open_data(*unpack_x_y_sample_weight(tuple(given)), batch_size=size, steps=options.validation_steps)
    return open_data(given, batch_size=size, steps=options.validation_steps)


def run_test(model: Trainer, data: Any, callbacks: CallbackList, bar: Progbar | None = None) -> dict[str, Any]:
    """Evaluates on data; returns the results by name."""
    function = model.make_test_function()
    model.reset_metrics()
    callbacks.on_test_begin()
    iterator = data.epoch()
    logs: Any = {}
    number = 0
    while data.steps is None or number < data.steps:
        callbacks.on_test_batch_begin(number)
        try:
            logs = function(iterator)
        except StopIteration:
            break
        number += 1
        if callbacks.wants_batches:
            callbacks.on_test_batch_end(number - 1, numbers(logs))
        if bar is not None:
            bar.update(number, logs)
    iterator.close()
    results = numbers(logs)
    callbacks.on_test_end(results)
    return results


def evaluate(
    model: Trainer, x: Any, y: Any, sample_weight: Any, batch_size: int | None, steps: int | None, verbose: Any,
    callbacks: Any,
) -> dict[str, Any]:  # fmt: skip
    """Evaluates a compiled model; returns the results by name."""
    data = open_data(x, y, sample_weight, batch_size, steps)
    bar = Progbar(data.steps, verbose=1 if verbose == "auto" else int(verbose))
    logs: dict[str, Any] = {}
    try:
        logs = run_test(model, data, CallbackList(_listed(callbacks), model), bar)
    finally:
        bar.finish(logs)
    return logs


def predict(model: Trainer, x: Any, batch_size: int | None, steps: int | None, verbose: Any, callbacks: Any) -> Any:
    """The outputs for all inputs, joined along the batch."""
    data = open_data(x, batch_size=batch_size, steps=steps)
    function = model.make_predict_function()
    watching = CallbackList(_listed(callbacks), model)
    bar = Progbar(data.steps, verbose=1 if verbose == "auto" else int(verbose))
    batches: list[Any] = []
    watching.on_predict_begin()
    iterator = data.epoch()
    try:
        while data.steps is None or len(batches) < data.steps:
            watching.on_predict_batch_begin(len(batches))
            try:
                batches.append(function(iterator))
            except StopIteration:
                break
            watching.on_predict_batch_end(len(batches) - 1, {"outputs": batches[-1]})
            bar.update(len(batches), {})
    finally:
        bar.finish({})
    watching.on_predict_end()
    if not batches:
        raise ValueError("Unexpected result of `predict_function`: the data gave no batch.")
    columns = zip(*(nest.flatten(b) for b in batches), strict=True)
    joined = [np.concatenate([np.asarray(x) for x in column]) for column in columns]
    return nest.pack_sequence_as(batches[0], joined) if nest.is_nested(batches[0]) else joined[0]
