"""Loss scaling: small gradients survive float16 because the loss is multiplied before it is differentiated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from eager.context import init_scope
from eager.convert import convert
from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.conditional import assign_if
from eager.keras.optimizers.gradients import Pair, compute, with_gradients
from eager.ops.array import cast, stack, where
from eager.ops.clip import on_rows
from eager.ops.math import is_finite, logical_and, maximum, reduce_all
from eager.tape import GradientTape
from eager.tensor import Tensor
from eager.variable import Variable

_OWN = frozenset((
    "inner_optimizer", "iterations", "learning_rate", "variables", "dynamic", "dynamic_counter", "dynamic_growth_steps",
    "initial_scale", "loss_scale", "_inner", "_dynamic", "_growth_steps", "_initial_scale", "_scale", "_counter",
))  # fmt: skip


@registry.add("LossScaleOptimizerV3", "lossscaleoptimizer")
class LossScaleOptimizer(Optimizer):
    """An optimizer around another that scales losses (tf.keras.mixed_precision.LossScaleOptimizer).

    `minimize` scales the loss and unscales its gradients. With `dynamic`, a step whose gradients are not all finite is
    left out and halves the scale; so many good steps in a row double it. In a traced step all is native
    code. Attributes that it does not have itself, such as `learning_rate` or `momentum`, are those of the inner
    optimizer, for reading and for setting.
    """

    def __init__(
        self,
        inner_optimizer: Any,
        dynamic: bool = True,
        initial_scale: float | None = None,
        dynamic_growth_steps: int | None = None,
    ) -> None:
        """Takes the optimizer.

        Args:
            inner_optimizer: an optimizer, also one of tf.keras.optimizers.legacy.
            dynamic: whether the scale follows the gradients.
            initial_scale: by default 2 ** 15; needed if not dynamic.
            dynamic_growth_steps: by default 2000; only if dynamic.

        Raises:
            TypeError: if the inner one is no optimizer or scales losses already, or `dynamic` is no bool.
            ValueError: without a scale although not dynamic, or with growth steps although not dynamic.
        """
        if isinstance(inner_optimizer, LossScaleOptimizer):
            raise TypeError(f"LossScaleOptimizer cannot wrap another LossScaleOptimizer, but got: {inner_optimizer}")
        if isinstance(inner_optimizer, type) or not hasattr(inner_optimizer, "apply_gradients"):
            raise TypeError(
                "\"inner_optimizer\" must be an instance of `tf.keras.optimizers.Optimizer` or "
                f"`tf.keras.optimizers.legacy.Optimizer`, but got: {inner_optimizer}."
            )
        if not isinstance(dynamic, bool):
            raise TypeError(f'"dynamic" argument to LossScaleOptimizer.__init__ must be a bool, but got: {dynamic!r}')
        if not dynamic and initial_scale is None:
            raise ValueError('"initial_scale" must be specified if "dynamic" is False')
        if not dynamic and dynamic_growth_steps is not None:
            raise ValueError(
                f'"dynamic_growth_steps" must be None if "dynamic" is False, but got: {dynamic_growth_steps}'
            )
        self._inner = inner_optimizer
        self._dynamic = dynamic
        self._growth_steps = 2000 if dynamic and dynamic_growth_steps is None else dynamic_growth_steps
        self._initial_scale = float(2**15 if initial_scale is None else initial_scale)
        with init_scope():
            self._scale = Variable(self._initial_scale, name="current_loss_scale", dtype="float32", trainable=False)
            self._counter = Variable(0, name="good_steps", dtype="int64", trainable=False)

    # The inner optimizer ---------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        """An attribute of the inner optimizer. Raises AttributeError if it has none of that name."""
        inner = self.__dict__.get("_inner")
        if inner is None or name.startswith("__"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute {name!r}")
        return getattr(inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an attribute: of the inner optimizer if it has it. Raises AttributeError for a read-only one."""
        inner = self.__dict__.get("_inner")
        if name not in _OWN and inner is not None and _has(inner, name):
            setattr(inner, name, value)
        else:
            object.__setattr__(self, name, value)

    def __getstate__(self) -> dict[str, Any]:
        """The state, the inner optimizer included."""
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restores the state of a copy."""
        self.__dict__.update(state)

    @property
    def inner_optimizer(self) -> Any:
        """The optimizer that does the steps."""
        return self._inner

    @property
    def iterations(self) -> Any:
        """The number of steps so far, those left out included. Settable as the inner optimizer's."""
        return self._inner.iterations

    @iterations.setter
    def iterations(self, variable: Any) -> None:
        self._inner.iterations = variable

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate. Settable."""
        return self._inner.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self._inner.learning_rate = learning_rate

    lr = learning_rate

    @property
    def variables(self) -> Any:
        """The inner optimizer's variables."""
        return self._inner.variables

    def build(self, var_list: Sequence[Variable]) -> None:
        """Makes the inner optimizer's variables."""
        self._inner.build(var_list)

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """The inner optimizer's change of one variable."""
        self._inner.update_step(gradient, variable)

    def add_variable_from_reference(
        self, model_variable: Variable, variable_name: str, shape: Any = None, initial_value: Any = None
    ) -> Variable:
        """Makes a slot of the inner optimizer."""
        return self._inner.add_variable_from_reference(model_variable, variable_name, shape, initial_value)

    def add_variable(
        self, shape: Any, dtype: Any = None, initializer: Any = "zeros", name: str | None = None
    ) -> Variable:
        """Makes a variable of the inner optimizer."""
        return self._inner.add_variable(shape, dtype, initializer, name)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Leaves variables out of the inner optimizer's weight decay."""
        self._inner.exclude_from_weight_decay(var_list, var_names)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Puts averages in the place of variables, if the inner optimizer keeps them."""
        if getattr(self._inner, "use_ema", False):
            self._inner.finalize_variable_values(var_list)

    def get_weights(self) -> list[Any]:
        """The values of `variables` as arrays."""
        return self._inner.get_weights()

    def set_weights(self, weights: Any) -> None:
        """Sets the inner optimizer's variables from arrays. Raises as it does."""
        self._inner.set_weights(weights)

    def save_own_variables(self, store: Any) -> None:
        """Puts the inner optimizer's values into a store, and the scale and the count of good steps."""
        self._inner.save_own_variables(store)
        store["loss_scale"] = self._scale.numpy()
        store["good_steps"] = self._counter.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Takes values from `save_own_variables`, of this class or of the inner optimizer alone."""
        kept = {key: store[key] for key in store.keys()}  # noqa: SIM118, a store need not be a dict
        scale, counter = kept.pop("loss_scale", None), kept.pop("good_steps", None)
        self._inner.load_own_variables(kept)
        if scale is not None and counter is not None:
            self._scale.assign(float(scale))
            self._counter.assign(int(counter))

    # Scaling ---------------------------------------------------------------------------------------------------------

    @property
    def dynamic(self) -> bool:
        """Whether the scale follows the gradients."""
        return self._dynamic

    @property
    def loss_scale(self) -> Tensor:
        """The present scale, a float32 scalar."""
        return self._scale.value()

    @property
    def dynamic_counter(self) -> Variable | None:
        """The number of good steps since the scale last changed, an int64 variable; None if it is fixed."""
        return self._counter if self._dynamic else None

    @property
    def initial_scale(self) -> float:
        """The scale at the start."""
        return self._initial_scale

    @property
    def dynamic_growth_steps(self) -> int | None:
        """The number of good steps after which the scale doubles; None if it is fixed."""
        return self._growth_steps

    def get_scaled_loss(self, loss: Any) -> Any:
        """The loss times the scale, in its dtype; of a callable loss a callable."""
        if callable(loss) and not isinstance(loss, Tensor):
            return lambda: self.get_scaled_loss(loss())
        value = convert(loss)
        return value * cast(self.loss_scale, value.dtype)

    scale_loss = get_scaled_loss

    def get_unscaled_gradients(self, grads: Any) -> list[Any]:
        """The gradients divided by the scale; None stays None, and a tf.IndexedSlices one."""
        inverse = 1.0 / self.loss_scale
        return [None if g is None else on_rows(lambda x: convert(x) * cast(inverse, x.dtype), g) for g in grads]

    def compute_gradients(self, loss: Any, var_list: Any, tape: GradientTape | None = None) -> list[Pair]:
        """Pairs of unscaled gradient and variable, of a loss that is scaled before it is differentiated.

        Raises:
            ValueError: for a tensor without a tape.
        """
        pairs = compute(loss, var_list, tape, self._scaled_by_all)
        gradients = self.get_unscaled_gradients([g for g, _ in pairs])
        return [(g, v) for g, (_, v) in zip(gradients, pairs, strict=True)]

    def _scaled_by_all(self, loss: Any) -> Any:
        """The loss scaled by this optimizer, and by the inner one if it has a factor of its own."""
        factor = getattr(self._inner, "loss_scale_factor", None)
        scaled = self.get_scaled_loss(loss)
        return scaled if factor is None else scaled * factor

    def apply_gradients(
        self, grads_and_vars: Any, name: str | None = None, skip_gradients_aggregation: bool = False, **kwargs: Any
    ) -> Any:
        """Changes variables by unscaled gradients, unless dynamic and one is not finite; returns `iterations`.

        Raises:
            ValueError: as the inner optimizer does, such as without any gradient.
        """
        del name, skip_gradients_aggregation, kwargs
        given = list(grads_and_vars)
        if not given or not self._dynamic:
            return self._inner.apply_gradients(given)
        pairs = with_gradients(given)
        if not self._inner._built or not isinstance(self._inner, Optimizer):
            with init_scope():
                self.build([v for _, v in given])
        finite = _all_finite([g for g, _ in pairs])
        counter = self._inner._iterations
        if not assign_if(finite, lambda: self._inner.apply_gradients(pairs), always=counter):
            counter.assign_add(1)
        self._update_scale(finite)
        return self.iterations

    def _update_scale(self, finite: Tensor) -> None:
        """After a bad step half the scale, at least 1; after enough good ones twice, as long as that is finite."""
        scale, count = self._scale.value(), self._counter + 1
        full = count >= self._growth_steps
        doubled = scale * 2.0
        grown = where(logical_and(full, is_finite(doubled)), doubled, scale)
        self._scale.assign(where(finite, grown, maximum(scale * 0.5, 1.0)))
        zero = convert(0, like=count.dtype)
        self._counter.assign(where(logical_and(finite, ~full), count, zero))

    # Config ----------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the inner optimizer in serialized form."""
        from eager.keras.serialization import serialize_keras_object

        return {
            "inner_optimizer": serialize_keras_object(self._inner), "dynamic": self._dynamic,
            "initial_scale": self._initial_scale, "dynamic_growth_steps": self._growth_steps,
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """An optimizer from `get_config`, also of Keras 3, which has no fixed scales."""
        from eager.keras import optimizers

        known = ("dynamic", "initial_scale", "dynamic_growth_steps")
        inner = optimizers.deserialize(config["inner_optimizer"], custom_objects)
        return cls(inner, **{key: config[key] for key in known if key in config})


def _has(optimizer: Any, name: str) -> bool:
    """Whether an optimizer has an attribute, without reading it: a property may raise."""
    return name in optimizer.__dict__ or hasattr(type(optimizer), name) or hasattr(optimizer, name)


def _all_finite(gradients: Sequence[Any]) -> Tensor:
    values = [g.values if hasattr(g, "with_values") else convert(g) for g in gradients]
    # The flags go through one small tensor: a whole gradient would else be one row of a kernel that reduces it and then
    # updates its variable, on one thread and not in place.
    return reduce_all(stack([reduce_all(is_finite(x)) for x in values]))
