"""The loops behind fit, evaluate and predict."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from eager import nest
from eager.keras.callbacks.base import CallbackList, numbers
from eager.keras.callbacks.history import History
from eager.keras.training.data import ArrayData, train_validation_split, unpack_x_y_sample_weight
from eager.keras.training.sources import BatchData, Batches, Feed, open_source

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
    shuffle: Any
    class_weight: Any
    steps_per_epoch: int | None
    validation_steps: int | None
    validation_batch_size: int | None
    validation_freq: Any
    workers: int
    max_queue_size: int


def fit(model: Trainer, x: Any, y: Any, sample_weight: Any, options: FitOptions) -> History:
    """Trains a compiled model; returns the history."""
    o = options
    validation = o.validation_data
    if o.validation_split and validation is None:
        (x, y, sample_weight), validation = train_validation_split((x, y, sample_weight), o.validation_split)
    source = open_source(
        x, y, sample_weight, o.batch_size, o.steps_per_epoch, o.shuffle, o.workers, o.max_queue_size
    )
    feed = Feed(source, o.steps_per_epoch, o.epochs, o.initial_epoch, o.class_weight)
    held_out = _validation(validation, o)
    callbacks = callback_list(model, o.callbacks, o.verbose, feed.steps, o.epochs, add_history=True)
    model.stop_training = model._fit_interrupted = False
    model.make_train_function()
    logs: dict[str, Any] = {}
    try:
        callbacks.on_train_begin()
        logs = _epochs(model, feed, held_out, callbacks, o)
    except KeyboardInterrupt:
        # The weights are those of the last completed step: a step that was broken off has changed nothing.
        model._fit_interrupted = True
        callbacks.on_train_end(logs)
        raise
    finish = getattr(model.optimizer, "finalize_variable_values", None)
    if finish is not None and o.epochs > 0:
        finish(model.trainable_variables)
    callbacks.on_train_end(logs)
    return model.history


def _epochs(model: Trainer, feed: Feed, held_out: Any, callbacks: CallbackList, o: FitOptions) -> dict[str, Any]:
    """All epochs; returns the results of the last one."""
    logs: Any = None
    epoch_logs: dict[str, Any] = {}
    feed.initial_epoch, first = callbacks.resume(o.initial_epoch)
    for epoch, batches in feed:
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        steps = _skip(batches, first)
        moments = callbacks.on_train_batch_begin, callbacks.on_train_batch_end
        latest = run_steps(model, feed, batches, model.train_function, moments, steps)
        first = 0
        logs = latest if latest is not None else logs
        if logs is None:
            raise ValueError("Unexpected result of `train_function` (Empty Logs): the data gave no batch.")
        epoch_logs = dict(numbers(logs))
        if held_out is not None and _is_due(epoch, o.validation_freq):
            feed_out = held_out()
            results = run_test(model, feed_out, callbacks)
            epoch_logs |= {f"val_{name}": value for name, value in results.items()}
        callbacks.on_epoch_end(epoch, epoch_logs)
        if model.stop_training:
            break
    return epoch_logs


def _skip(batches: Batches, count: int) -> int:
    """Leaves out the batches that an interrupted run has seen; returns the number of the next step."""
    for _ in range(count):
        next(batches, None)
    return count


Moments = tuple[Callable[..., None], Callable[..., None]]


def run_steps(
    model: Trainer, feed: Feed, batches: Batches, function: Callable[[Any], Any], moments: Moments, first: int = 0,
    take: Callable[[Any], Any] | None = None,
) -> Any:  # fmt: skip
    """The steps of one epoch; returns the last one's result, None if there was none.

    Args:
        model: says how many steps one execution takes, and when to stop.
        feed: knows how many steps an epoch has.
        batches: the epoch's batches.
        function: runs one execution on the batches.
        moments: callbacks before and after each execution.
        first: the number of the first step.
        take: makes the logs for the callback after an execution from its result.
    """
    begin, end = moments
    number, result = first, None
    while feed.steps is None or number < feed.steps:
        begin(number)
        wanted = model._steps_per_execution
        model._steps_now = wanted if feed.steps is None else min(wanted, feed.steps - number)
        before = batches.taken
        try:
            result = function(batches)
        except StopIteration:
            feed.ended(number)
            break
        number += max(batches.taken - before, 1)
        end(number - 1, result if take is None else take(result))
        if model.stop_training:
            break
    return result


def _is_due(epoch: int, frequency: Any) -> bool:
    if isinstance(frequency, int):
        if frequency < 1:
            raise ValueError(f"`validation_freq` can not be less than 1, got {frequency}")
        return (epoch + 1) % frequency == 0
    if isinstance(frequency, list | tuple | set | range):
        return epoch + 1 in frequency
    raise ValueError(f"Expected `validation_freq` to be a list or int. Received: {frequency!r}")


def callback_list(
    model: Any, given: Any, verbose: Any, steps: int | None, epochs: int = 1, add_history: bool = False
) -> CallbackList:
    """The callbacks of one run, with a history and the progress bar where they are wanted."""
    if isinstance(given, CallbackList):
        if given.model is None:
            given.set_model(model)
        return given
    level = 1 if verbose == "auto" else int(verbose)
    listed = [] if given is None else (list(given) if isinstance(given, list | tuple) else [given])
    return CallbackList(
        listed, add_history=add_history, add_progbar=level != 0, model=model, verbose=level, epochs=epochs, steps=steps
    )


def _validation(given: Any, options: FitOptions) -> Callable[[], Feed] | None:
    """A function that gives the validation data anew."""
    if given is None:
        return None
    o = options
    size, steps = o.validation_batch_size or o.batch_size, o.validation_steps
    if isinstance(given, list | tuple):
        source = open_source(*unpack_x_y_sample_weight(tuple(given)), batch_size=size, steps=steps)
    else:
        if hasattr(given, "__array__"):
            raise ValueError(
                "`validation_data` must be a tuple (x, y) or (x, y, sample_weight), or an iterable of batches; got one "
                f"array of shape {tuple(given.shape)}. For inputs without targets pass (x,)."
            )
        size = None if hasattr(given, "element_spec") else size
        source = open_source(given, None, None, size, steps, False, o.workers, o.max_queue_size)
    return lambda: Feed(source, steps)


def run_test(model: Trainer, feed: Feed, callbacks: CallbackList) -> dict[str, Any]:
    """Evaluates on data; returns the results by name."""
    function = model.make_test_function()
    callbacks.on_test_begin()
    logs: Any = None
    stopped, model.stop_training = model.stop_training, False
    for _, batches in feed:
        model.reset_metrics()
        logs = run_steps(model, feed, batches, function, (callbacks.on_test_batch_begin, callbacks.on_test_batch_end))
    model.stop_training = stopped
    if logs is None:
        raise ValueError("Unexpected result of `test_function` (Empty Logs): the data gave no batch.")
    results = numbers(logs)
    callbacks.on_test_end(results)
    return results


def evaluate(
    model: Trainer, source: ArrayData | BatchData, steps: int | None, verbose: Any, callbacks: Any
) -> dict[str, Any]:
    """Evaluates a compiled model; returns the results by name."""
    feed = Feed(source, steps)
    return run_test(model, feed, callback_list(model, callbacks, verbose, feed.steps))


def predict(model: Trainer, source: ArrayData | BatchData, steps: int | None, verbose: Any, callbacks: Any) -> Any:
    """The outputs for all inputs, joined along the batch."""
    feed = Feed(source, steps)
    function = model.make_predict_function()
    watching = callback_list(model, callbacks, verbose, feed.steps)
    parts: list[Any] = []

    def take(outputs: Any) -> Any:
        parts.append(outputs)
        return {"outputs": outputs}

    watching.on_predict_begin()
    model.stop_training = False
    moments = watching.on_predict_batch_begin, watching.on_predict_batch_end
    for _, batches in feed:
        run_steps(model, feed, batches, function, moments, take=take)
    watching.on_predict_end()
    if not parts:
        raise ValueError("Unexpected result of `predict_function` (Empty batch_outputs): the data gave no batch.")
    columns = zip(*(nest.flatten(b) for b in parts), strict=True)
    joined = [np.concatenate([np.atleast_1d(np.asarray(x)) for x in column]) for column in columns]
    return nest.pack_sequence_as(parts[0], joined) if nest.is_nested(parts[0]) else joined[0]
