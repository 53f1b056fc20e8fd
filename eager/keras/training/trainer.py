"""The part of Model that trains: compile, the steps, fit, evaluate, predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager import nest
from eager.context import thread
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.tracking import unique
from eager.keras.training.compiled import Losses, Metrics
from eager.keras.training.data import ArrayData, unpack_x_y_sample_weight
from eager.keras.training.step import Step
from eager.tape import GradientTape
from eager.tensor import Tensor


class Trainer(Layer):
    """A layer with training and inference methods; Model derives from it."""

    _untracked_attributes = Layer._untracked_attributes | {
        "optimizer", "compiled_loss", "compiled_metrics", "train_function", "test_function", "predict_function",
        "history", "loss", "_compile_metrics", "_run_eagerly", "_is_compiled", "stop_training",
    }  # fmt: skip

    optimizer: Any
    compiled_loss: Losses
    compiled_metrics: Metrics

    def _init_trainer(self) -> None:
        self._is_compiled = False
        self._run_eagerly: bool | None = None
        self.optimizer = None
        self.loss: Any = None
        self.stop_training = False
        self.history: Any = None
        self._forget_functions()

    def _forget_functions(self) -> None:
        self.train_function: Any = None
        self.test_function: Any = None
        self.predict_function: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """The state without compiled functions, which belong to this very model."""
        state = super().__getstate__() | {"history": None}
        return state | dict.fromkeys(("train_function", "test_function", "predict_function"))

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, where they are known."""
        return []

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool | None = None,
        steps_per_execution: int | None = None,
        jit_compile: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Says how to train (tf.keras.Model.compile).

        Args:
            optimizer: name, config or Optimizer.
            loss: name, function or Loss; for several outputs a list, or a dict by output name.
            metrics: names, functions or Metrics; for several outputs a list of lists, or a dict.
            loss_weights: factors of the outputs' losses, as a list or a dict.
            weighted_metrics: metrics that use sample weights.
            run_eagerly: runs the steps as Python instead of compiling them.
            steps_per_execution, jit_compile: accepted for compatibility; every step is one native call.
            **kwargs: none are known.

        Raises:
            TypeError: for an unknown keyword.
            ValueError: for an unknown name of an optimizer, loss or metric.
        """
        from eager.keras import losses as losses_module
        from eager.keras import optimizers

        del steps_per_execution, jit_compile
        if kwargs:
            raise TypeError(f"Invalid keyword argument(s) in `compile()`: {sorted(kwargs)}")
        self.optimizer = optimizers.get(optimizer)
        for name in nest.flatten(loss):
            if isinstance(name, str):
                losses_module.get(name)
        names = self.output_names or None
        self.loss = loss
        self.compiled_loss = Losses(loss, loss_weights, names)
        self.compiled_metrics = Metrics(metrics, weighted_metrics, names)
        self._run_eagerly = run_eagerly
        self._is_compiled = True
        self._forget_functions()

    @property
    def run_eagerly(self) -> bool:
        """Whether the steps run as Python: as set, or because a layer inside is dynamic. Settable."""
        return bool(self._run_eagerly) or self.dynamic

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._run_eagerly = value
        self._forget_functions()

    @property
    def metrics(self) -> list[Any]:
        """The running losses, the compiled metrics, and those of the layers."""
        own = [*self.compiled_loss.metrics, *self.compiled_metrics.metrics] if self._is_compiled else []
        return unique([*own, *super().metrics])

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        """Starts every metric anew."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """The results of all metrics by name."""
        logs: dict[str, Any] = {}
        for metric in self.metrics:
            result = metric.result()
            logs.update(result if isinstance(result, dict) else {metric.name: result})
        return logs

    # Steps ---------------------------------------------------------------------------------------------------------

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Any:
        """The total loss of a batch, regularization included; subclasses may override it."""
        del x
        return self.compiled_loss(y, y_pred, sample_weight, self.losses, self.output_names)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        """Takes a batch into the metrics and returns their results; subclasses may override it."""
        del x
        self.compiled_metrics.update(y, y_pred, sample_weight, self.output_names)
        return self.get_metrics_result()

    def train_step(self, data: Any) -> dict[str, Any]:
        """Forward, loss, backward and update on one batch; returns results by name. Subclasses may override it.

        Raises:
            ValueError: if there is nothing to minimise.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight)
        self._check_loss(y)
        self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _check_loss(self, y: Any) -> None:
        if self.loss is None and not self.losses:
            raise ValueError(
                "No loss found. You may have forgotten to provide a `loss` argument in the `compile()` method, or "
                "`add_loss` in a layer."
            )
        if self.loss is not None and y is None and not self.losses:
            raise ValueError(
                "Target data is missing. Your model was compiled with a loss and therefore expects target data."
            )

    def test_step(self, data: Any) -> dict[str, Any]:
        """Forward and loss on one batch; returns results by name. Subclasses may override it."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self.compute_loss(x, y, y_pred, sample_weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The model's outputs for one batch. Subclasses may override it."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def make_train_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function of a batch iterator that does one training step, compiled unless `run_eagerly`."""
        if self.train_function is None or force:
            self.train_function = self._make_function(self.train_step, "train_step")
        return self.train_function

    def make_test_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function of a batch iterator that does one evaluation step, compiled unless `run_eagerly`."""
        if self.test_function is None or force:
            self.test_function = self._make_function(self.test_step, "test_step")
        return self.test_function

    def make_predict_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function of a batch iterator that predicts one batch, compiled unless `run_eagerly`."""
        if self.predict_function is None or force:
            self.predict_function = self._make_function(self.predict_step, "predict_step")
        return self.predict_function

    def _make_function(self, step: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
        run = step if self.run_eagerly else Step(step, f"{self.name}_{name}")
        return _StepFunction(run)

    def _assert_compiled(self) -> None:
        if not self._is_compiled:
            raise RuntimeError(
                "You must compile your model before training/testing. Use `model.compile(optimizer, loss)`."
            )
        if thread.frame is not None:
            raise RuntimeError("fit, evaluate and predict cannot be called inside of a tf.function")

    # Methods -------------------------------------------------------------------------------------------------------

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
        shuffle: bool = True,
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
            x: inputs: an array, a list or dict of arrays, or an iterable of batches.
            y: targets.
            batch_size: 32 by default.
            epochs: the number of the last epoch.
            verbose: 0 silent, 1 progress bar, 2 one line per epoch, "auto" 1.
            callbacks: a list of Callbacks.
            validation_split: the last part of the data that is kept for validation.
            validation_data: (x, y) or (x, y, sample_weight), or an iterable of batches.
            shuffle: whether arrays are shuffled before each epoch.
            class_weight: dict from class number to weight.
            sample_weight: a weight per example.
            initial_epoch: the number of the first epoch.
            steps_per_epoch, validation_steps: numbers of batches, for endless iterables.
            validation_batch_size: as batch_size.
            validation_freq: validates every so many epochs, or after those listed.
            max_queue_size, workers, use_multiprocessing: accepted for compatibility.

        Raises:
            RuntimeError: if the model is not compiled.
            ValueError: if lengths differ, or there is no loss.
        """
        from eager.keras.training.loop import FitOptions, fit

        del max_queue_size, workers, use_multiprocessing
        self._assert_compiled()
        options = FitOptions(
            epochs=epochs, initial_epoch=initial_epoch, batch_size=batch_size, verbose=verbose, callbacks=callbacks,
            validation_split=validation_split, validation_data=validation_data, shuffle=shuffle,
            class_weight=class_weight, steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
            validation_batch_size=validation_batch_size, validation_freq=validation_freq,
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
    ) -> Any:
        """Loss and metrics on data: a float, a list in the order of `metrics_names`, or a dict.

        Args:
            x, y, sample_weight, batch_size: as for fit.
            verbose: 0 silent, 1 or "auto" progress bar, 2 one line.
            steps: number of batches, for endless iterables.
            callbacks: a list of Callbacks.
            max_queue_size, workers, use_multiprocessing: accepted for compatibility.
            return_dict: returns a dict by name.

        Raises:
            RuntimeError: if the model is not compiled.
        """
        from eager.keras.training.loop import evaluate

        del max_queue_size, workers, use_multiprocessing
        self._assert_compiled()
        logs = evaluate(self, x, y, sample_weight, batch_size, steps, verbose, callbacks)
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
            max_queue_size, workers, use_multiprocessing: accepted for compatibility.
        """
        from eager.keras.training.loop import predict

        del max_queue_size, workers, use_multiprocessing
        return predict(self, x, batch_size, steps, verbose, callbacks)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """One training step on one batch; returns as `evaluate`. Raises RuntimeError if the model is not compiled."""
        from eager.keras.training.data import open_data

        self._assert_compiled()
        data = open_data(x, y, sample_weight, batch_size=1 << 62, class_weight=class_weight)
        return self._on_batch(self.make_train_function(), data, reset_metrics, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, reset_metrics: bool = True, return_dict: bool = False
    ) -> Any:
        """Loss and metrics on one batch; returns as `evaluate`. Raises RuntimeError if the model is not compiled."""
        self._assert_compiled()
        data = ArrayData(x, y, sample_weight, batch_size=1 << 62)
        return self._on_batch(self.make_test_function(), data, reset_metrics, return_dict)

    def _on_batch(self, function: Callable[[Any], Any], data: Any, reset: bool, return_dict: bool) -> Any:
        if reset:
            self.reset_metrics()
        logs = {k: float(v) for k, v in function(data.epoch()).items()}
        return logs if return_dict else _plain(list(logs.values()))

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as arrays."""
        outputs = self.make_predict_function()(ArrayData(x, batch_size=1 << 62).epoch())
        return nest.map_structure(_numpy, outputs) if nest.is_nested(outputs) else _numpy(outputs)


class _StepFunction:
    """A function of a batch iterator around a step of one batch."""

    def __init__(self, step: Callable[[Any], Any]) -> None:
        self.step = step

    def __call__(self, iterator: Any) -> Any:
        return self.step(next(iterator))


def _plain(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _numpy(x: Any) -> Any:
    return x.numpy() if isinstance(x, Tensor) else x


