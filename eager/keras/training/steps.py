"""compile, and the steps that fit, evaluate and predict are made of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from eager import nest
from eager.context import thread
from eager.keras.engine.base_layer import Layer
from eager.keras.engine.tracking import unique
from eager.keras.training.compiled import Losses
from eager.keras.training.compiled_metrics import Metrics
from eager.keras.training.data import unpack_x_y_sample_weight
from eager.keras.training.step import Step
from eager.tape import GradientTape

_IGNORED = frozenset(("cloning", "experimental_run_tf_function", "pss_evaluation_shards", "from_serialized"))


class Steps(Layer):
    """The part of Model that says how one step of training, evaluation and prediction goes."""

    _untracked_attributes = Layer._untracked_attributes | {
        "optimizer", "compiled_loss", "compiled_metrics", "train_function", "test_function", "predict_function",
        "history", "loss", "_compile_arguments", "_compiled_trainable", "_run_eagerly", "_is_compiled",
        "stop_training", "_steps_now", "_steps_per_execution", "_jit_compile", "_fit_interrupted",
    }  # fmt: skip

    optimizer: Any
    compiled_loss: Losses
    compiled_metrics: Metrics

    def _init_trainer(self) -> None:
        self._is_compiled = False
        self._run_eagerly: bool | None = None
        self._jit_compile: bool | None = None
        self._steps_per_execution = 1
        self._steps_now = 1
        self._compile_arguments: dict[str, Any] = {}
        self._compiled_trainable: list[tuple[Any, bool]] = []
        self._fit_interrupted = False
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
            steps_per_execution: how many steps are run, one native call each, between two calls of callbacks.
            jit_compile: False, None and True all compile the steps into native code.
            **kwargs: `cloning`, `experimental_run_tf_function` and `pss_evaluation_shards` are accepted.

        Raises:
            TypeError: for an unknown keyword.
            ValueError: for an unknown name of an optimizer, loss or metric, or steps_per_execution below 1.
        """
        from eager.keras import losses as losses_module
        from eager.keras import optimizers

        unknown = sorted(set(kwargs) - _IGNORED)
        if unknown:
            raise TypeError(f"Invalid keyword argument(s) in `compile()`: {unknown}")
        if steps_per_execution is not None and steps_per_execution < 1:
            raise ValueError(f"steps_per_execution must be at least 1, got {steps_per_execution}")
        if run_eagerly and jit_compile:
            raise ValueError("You cannot enable `run_eagerly` and `jit_compile` at the same time.")
        for name in nest.flatten(loss):
            if isinstance(name, str):
                losses_module.get(name)
        self.optimizer = optimizers.for_policy(optimizers.get(optimizer), self.dtype_policy)
        names = self.output_names or None
        self.loss = loss
        self.compiled_loss = loss if isinstance(loss, Losses) else Losses(loss, loss_weights, names)
        self.compiled_metrics = Metrics(metrics, weighted_metrics, names)
        self._compile_arguments = {
            "optimizer": self.optimizer, "loss": loss, "metrics": metrics, "loss_weights": loss_weights,
            "weighted_metrics": weighted_metrics, "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution, "jit_compile": jit_compile,
        }  # fmt: skip
        self._run_eagerly, self._jit_compile = run_eagerly, jit_compile
        self._steps_per_execution = steps_per_execution or 1
        self._is_compiled = True
        self._compiled_trainable = [(layer, layer.trainable) for layer in self._flatten_layers()]
        self._forget_functions()

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile` as plain data; empty before it."""
        from eager.keras.serialization import serialize_keras_object

        return {k: _serialized(v, serialize_keras_object) for k, v in self._compile_arguments.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles with the arguments that `get_compile_config` gave. Raises TypeError for an unknown class."""
        from eager.keras import losses, metrics, optimizers

        found = dict(config)
        found["optimizer"] = optimizers.get(config["optimizer"])
        for key, get in (("loss", losses.get), ("metrics", metrics.get), ("weighted_metrics", metrics.get)):
            found[key] = _restored(config.get(key), get)
        self.compile(**found)

    @property
    def run_eagerly(self) -> bool:
        """Whether the steps run as Python: as set, or because a layer inside is dynamic. Settable."""
        return bool(self._run_eagerly) or self.dynamic

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._run_eagerly = value
        self._forget_functions()

    @property
    def jit_compile(self) -> bool | None:
        """What `compile` was told; native code is made in any case. Settable."""
        return self._jit_compile

    @jit_compile.setter
    def jit_compile(self, value: bool | None) -> None:
        self._jit_compile = value

    @property
    def metrics(self) -> list[Any]:
        """The running losses and compiled metrics, once they are known, and those of the layers."""
        own = [*self.compiled_loss.metrics, *self.compiled_metrics.metrics] if self._is_compiled else []
        return unique([*own, *super().metrics])

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`; complete once the model was trained or evaluated."""
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
        self.compiled_metrics.update_state(y, y_pred, sample_weight, self.output_names)
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
        self._check_loss(y, loss)
        self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _check_loss(self, y: Any, loss: Any) -> None:
        own = type(self).compute_loss is not Steps.compute_loss
        if loss is None or not (own or self.loss is not None or self.losses):
            raise ValueError(
                "No loss found. You may have forgotten to provide a `loss` argument in the `compile()` method, or "
                "`add_loss` in a layer."
            )
        if self.loss is not None and y is None and not (own or self.losses):
            raise ValueError(
                f"Target data is missing. Your model was compiled with loss={self.loss}, and therefore expects target "
                "data to be provided in `fit()`."
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
        """The function of a batch iterator that trains `steps_per_execution` steps, compiled unless `run_eagerly`."""
        if self.train_function is None or force:
            self.train_function = self._make_function(self.train_step, "train_step")
        return self.train_function

    def make_test_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function of a batch iterator that does evaluation steps, compiled unless `run_eagerly`."""
        if self.test_function is None or force:
            self.test_function = self._make_function(self.test_step, "test_step")
        return self.test_function

    def make_predict_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function of a batch iterator that predicts a batch, compiled unless `run_eagerly`."""
        if self.predict_function is None or force:
            run = self._make_function(self.predict_step, "predict_step").step
            self.predict_function = PredictFunction(run, self)
        return self.predict_function

    def _make_function(self, step: Callable[[Any], Any], name: str) -> StepFunction:
        run = step if self.run_eagerly else Step(step, f"{self.name}_{name}")
        return StepFunction(run, self)

    # Checks --------------------------------------------------------------------------------------------------------

    def _assert_compiled(self) -> None:
        if not self._is_compiled:
            raise RuntimeError(
                "You must compile your model before training/testing. Use `model.compile(optimizer, loss)`."
            )
        self._assert_outside()

    def _assert_outside(self) -> None:
        if thread.frame is not None:
            raise RuntimeError("fit, evaluate and predict cannot be called inside of a tf.function")

    def _warn_if_frozen_since(self) -> None:
        """Warns once if `trainable` changed after `compile`: the compiled step trains what it was made for."""
        changed = [layer.name for layer, was in self._compiled_trainable if layer.trainable is not was]
        if changed and self.train_function is not None:
            warnings.warn(
                "There is a discrepancy between the weights that the compiled training step changes and those that "
                f"are trainable now: `trainable` was set on {changed} after `compile()`. Call `model.compile()` again "
                "for it to take effect.",
                stacklevel=4,
            )
            self._compiled_trainable = [(layer, layer.trainable) for layer, _ in self._compiled_trainable]


class StepFunction:
    """A function of a batch iterator that runs the steps of one execution.

    Attributes:
        step: the step of one batch.
    """

    def __init__(self, step: Callable[[Any], Any], model: Steps) -> None:
        """Takes the step, and the model that knows how many are run at once."""
        self.step = step
        self._model = model

    def __call__(self, iterator: Any) -> Any:
        """Runs the steps and returns the last one's result. Raises StopIteration if there was no batch."""
        result = self.step(next(iterator))
        for _ in range(self._model._steps_now - 1):
            try:
                batch = next(iterator)
            except StopIteration:
                break
            result = self.step(batch)
        return result


class PredictFunction(StepFunction):
    """A function of a batch iterator that joins the outputs of the steps of one execution."""

    def __call__(self, iterator: Any) -> Any:
        """The outputs of the steps, joined. Raises StopIteration if there was no batch."""
        from eager.ops.array import concat

        results = [self.step(next(iterator))]
        for _ in range(self._model._steps_now - 1):
            try:
                batch = next(iterator)
            except StopIteration:
                break
            results.append(self.step(batch))
        if len(results) == 1:
            return results[0]
        joined = [concat(list(parts), 0) for parts in zip(*map(nest.flatten, results), strict=True)]
        return nest.pack_sequence_as(results[0], joined) if nest.is_nested(results[0]) else joined[0]


def _serialized(value: Any, serialize: Callable[[Any], Any]) -> Any:
    if isinstance(value, list | tuple):
        return [_serialized(v, serialize) for v in value]
    if isinstance(value, dict):
        return {k: _serialized(v, serialize) for k, v in value.items()}
    return value if value is None or isinstance(value, str | int | float | bool) else serialize(value)


def _restored(value: Any, get: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        return get(value)
    if isinstance(value, list):
        return [_restored(v, get) for v in value]
    return {k: _restored(v, get) for k, v in value.items()} if isinstance(value, dict) else value
