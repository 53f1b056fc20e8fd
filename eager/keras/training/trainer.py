"""fit, evaluate, predict and their forms for single batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager import nest
from eager.keras.training.data import one_batch
from eager.keras.training.sources import Batches, class_weighting
from eager.keras.training.steps import Steps
from eager.tensor import Tensor


class Trainer(Steps):
    """A layer with training and inference methods; Model derives from it."""

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:
        """Trains for a number of epochs; returns a History (tf.keras.Model.fit).

        Args:
            x: inputs: an array, a list or dict of arrays, or an iterable of batches: a tf.data.Dataset, a
                keras.utils.Sequence, a generator.
            y: targets, in the structure of the outputs.
            batch_size: 32 by default.
            epochs: the number of the last epoch.
            verbose: 0 silent, 1 progress bar, 2 one line per epoch, "auto" 1.
            callbacks: a list of Callbacks, or a CallbackList.
            validation_split: the last part of the data that is kept for validation.
            validation_data: (x, y) or (x, y, sample_weight), or an iterable of batches.
            shuffle: whether arrays are shuffled before each epoch; "batch" shuffles whole batches.
            class_weight: dict from class number to weight.
            sample_weight: a weight per example, or per time step; for several outputs a list or dict.
            initial_epoch: the number of the first epoch.
            steps_per_epoch, validation_steps: numbers of batches, for endless iterables.
            validation_batch_size: as batch_size.
            validation_freq: validates every so many epochs, or after those listed.
            max_queue_size: how many batches of a Sequence are read ahead.
            workers: the number of threads that read a Sequence or generator ahead, if more than one.
            use_multiprocessing: accepted; threads read ahead in any case.

        Raises:
            RuntimeError: if the model is not compiled.
            ValueError: if lengths or structures do not fit, or there is no loss.
        """
        from eager.keras.training.loop import FitOptions, fit

        del use_multiprocessing
        self._assert_compiled()
        self._warn_if_frozen_since()
        options = FitOptions(
            epochs=epochs, initial_epoch=initial_epoch, batch_size=batch_size, verbose=verbose, callbacks=callbacks,
            validation_split=validation_split, validation_data=validation_data, shuffle=shuffle,
            class_weight=class_weight, steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
            validation_batch_size=validation_batch_size, validation_freq=validation_freq, workers=workers,
            max_queue_size=max_queue_size,
        )  # fmt: skip
        return fit(self, x, y, sample_weight, options)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Loss and metrics on data: a float, a list in the order of `metrics_names`, or a dict.

        Args:
            x, y, sample_weight, batch_size: as for fit.
            verbose: 0 silent, 1 or "auto" progress bar, 2 one line.
            steps: number of batches, for endless iterables.
            callbacks: a list of Callbacks.
            max_queue_size, workers, use_multiprocessing: as for fit.
            return_dict: returns a dict by name.
            **kwargs: none are known.

        Raises:
            RuntimeError: if the model is not compiled.
            TypeError: for an unknown keyword.
        """
        from eager.keras.training.loop import evaluate
        from eager.keras.training.sources import open_source

        del use_multiprocessing
        if kwargs:
            raise TypeError(f"Invalid keyword arguments: {sorted(kwargs)}")
        self._assert_compiled()
        source = open_source(x, y, sample_weight, batch_size, steps, False, workers, max_queue_size)
        logs = evaluate(self, source, steps, verbose, callbacks)
        return logs if return_dict else _plain(list(logs.values()))

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:
        """The outputs for all inputs, as arrays in the structure of the model's output.

        Args:
            x, batch_size: as for fit.
            verbose: 0 silent, 1 or "auto" progress bar, 2 one line.
            steps: number of batches, for endless iterables.
            callbacks: a list of Callbacks.
            max_queue_size, workers, use_multiprocessing: as for fit.
        """
        from eager.keras.training.loop import predict
        from eager.keras.training.sources import open_source

        del use_multiprocessing
        self._assert_outside()
        source = open_source(x, None, None, batch_size, steps, False, workers, max_queue_size)
        return predict(self, source, steps, verbose, callbacks)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """One training step on one batch; returns as `evaluate`. Raises RuntimeError if the model is not compiled."""
        self._assert_compiled()
        self._warn_if_frozen_since()
        change = None if class_weight is None else class_weighting(class_weight)
        batches = Batches(one_batch(x, y, sample_weight), change)
        return self._on_batch(self.make_train_function(), batches, reset_metrics, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, reset_metrics: bool = True, return_dict: bool = False
    ) -> Any:
        """Loss and metrics on one batch; returns as `evaluate`. Raises RuntimeError if the model is not compiled."""
        self._assert_compiled()
        batches = Batches(one_batch(x, y, sample_weight))
        return self._on_batch(self.make_test_function(), batches, reset_metrics, return_dict)

    def _on_batch(self, function: Any, batches: Batches, reset: bool, return_dict: bool) -> Any:
        from eager.keras.callbacks.base import numbers

        if reset:
            self.reset_metrics()
        self._steps_now = 1
        logs = numbers(function(batches))
        return logs if return_dict else _plain(list(logs.values()))

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as arrays."""
        self._assert_outside()
        self._steps_now = 1
        return nest.map_leaves(_numpy, self.make_predict_function()(Batches(one_batch(x))))


def _plain(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _numpy(x: Any) -> Any:
    return x.numpy() if isinstance(x, Tensor) else x
