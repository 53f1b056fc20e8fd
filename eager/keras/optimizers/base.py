"""The base of optimizers."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any, Self

from eager.context import init_scope
from eager.indexed_slices import unique_rows
from eager.keras.optimizers.conditional import assign_if
from eager.keras.optimizers.gradients import Pair, checked, compute, is_sparse, whole, with_gradients
from eager.keras.optimizers.rate import number_of
from eager.keras.optimizers.state import OptimizerState
from eager.keras.registry import Registry
from eager.ops.array import where, zeros_like
from eager.ops.clip import clip_by_global_norm, clip_by_norm, clip_by_value, on_rows
from eager.ops.math import equal
from eager.tape import GradientTape
from eager.tensor import Tensor
from eager.variable import Variable

registry = Registry("optimizer", "keras.optimizers")

_LEGACY_ONLY = ("decay", "gradient_aggregator", "gradient_transformers")


class Optimizer(OptimizerState):
    """Changes variables by gradients (tf.keras.optimizers.Optimizer).

    Subclasses make their slots in `build(var_list)` with `add_variable_from_reference` and change one variable in
    `update_step(gradient, variable)`. The state lives in variables, made on first use; everything works in traced
    functions too, as native code without host calls.
    """

    def __init__(
        self,
        name: str,
        weight_decay: float | None = 0,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        **kwargs: Any,
    ) -> None:
        """Takes the options that all optimizers have.

        Args:
            name: its name.
            weight_decay: variables shrink by this times the learning rate at each step.
            clipnorm: largest norm of each gradient.
            clipvalue: largest absolute value of gradients' elements.
            global_clipnorm: largest norm of all gradients together.
            use_ema: keeps running averages of the variables, which `finalize_variable_values` puts in their place.
            ema_momentum: the part of an average that stays at each step.
            ema_overwrite_frequency: puts the averages in place every so many steps.
            jit_compile: accepted; there is no XLA here, and every traced step is native code.
            **kwargs: `gradient_accumulation_steps` (apply the mean of the gradients of so many calls),
                `loss_scale_factor` (multiplies losses before differentiation and divides gradients after it), `lr`
                (old name of the learning rate).

        Raises:
            TypeError: for an unknown keyword.
            ValueError: for clipnorm together with global_clipnorm, a number out of its range, or an option that only
                the optimizers of `tf.keras.optimizers.legacy` have.
        """
        del jit_compile
        self.name = name
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.jit_compile = False
        self._excluded: list[Variable] = []
        self._excluded_names: list[str] = []
        self._take_keywords(kwargs)
        self._check_options()
        self._init_state()

    def _take_keywords(self, kwargs: dict[str, Any]) -> None:
        kwargs.pop("is_legacy_optimizer", None)
        self.gradient_accumulation_steps: int | None = kwargs.pop("gradient_accumulation_steps", None)
        self.loss_scale_factor: float | None = kwargs.pop("loss_scale_factor", None)
        self._rate_keyword = kwargs.pop("lr", None)
        if self._rate_keyword is not None:
            warnings.warn("`lr` is deprecated in Keras optimizers, please use `learning_rate`", stacklevel=4)
        for key in kwargs:
            if key in _LEGACY_ONLY:
                raise ValueError(
                    f"{key} is deprecated in the new Keras optimizer; use a schedule as the learning rate, or "
                    f"tf.keras.optimizers.legacy.{type(self).__name__}"
                )
            raise TypeError(f"{key} is not a valid argument of {type(self).__name__}")

    def _check_options(self) -> None:
        if self.clipnorm is not None and self.global_clipnorm is not None:
            raise ValueError(
                f"At most one of `clipnorm` and `global_clipnorm` can be set. Received: clipnorm={self.clipnorm}, "
                f"global_clipnorm={self.global_clipnorm}."
            )
        frequency, steps = self.ema_overwrite_frequency, self.gradient_accumulation_steps
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise ValueError(f"`ema_momentum` must be in the range [0, 1]. Received: ema_momentum={self.ema_momentum}")
        if self.use_ema and frequency and (not isinstance(frequency, int) or frequency < 1):
            raise ValueError(
                "`ema_overwrite_frequency` must be an integer > 1 or None. Received: "
                f"ema_overwrite_frequency={frequency}"
            )
        if steps is not None and (not isinstance(steps, int) or steps < 2):
            raise ValueError(
                "`gradient_accumulation_steps` must be an integer >= 2, or None for no accumulation. Received: "
                f"gradient_accumulation_steps={steps}"
            )

    # Gradients -------------------------------------------------------------------------------------------------------

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`, if there is one; `apply_gradients` divides by it."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def compute_gradients(self, loss: Any, var_list: Any, tape: GradientTape | None = None) -> list[Pair]:
        """Pairs of gradient and variable, of a loss tensor with its tape or of a callable loss.

        Raises:
            ValueError: for a tensor without a tape.
        """
        return compute(loss, var_list, tape, None if self.loss_scale_factor is None else self.scale_loss)

    def minimize(self, loss: Any, var_list: Any, tape: GradientTape | None = None) -> Any:
        """Computes gradients and applies them; returns `iterations`. Raises as `compute_gradients`."""
        return self.apply_gradients(self.compute_gradients(loss, var_list, tape))

    def aggregate_gradients(self, grads_and_vars: Any) -> list[Pair]:
        """The pairs as they are: there is one replica."""
        return list(grads_and_vars)

    # Steps -----------------------------------------------------------------------------------------------------------

    def apply_gradients(
        self, grads_and_vars: Any, name: str | None = None, skip_gradients_aggregation: bool = False, **kwargs: Any
    ) -> Any:
        """Changes variables by gradients; returns `iterations`. No pairs change nothing.

        Args:
            grads_and_vars: pairs of gradient and variable; a gradient of None leaves its variable alone.
            name, skip_gradients_aggregation: accepted for compatibility.
            **kwargs: `experimental_aggregate_gradients` is accepted.

        Raises:
            ValueError: if no variable has a gradient, or a gradient's dtype or shape is not its variable's.
            KeyError: for a variable that the optimizer was not built for.
        """
        del name, skip_gradients_aggregation, kwargs
        given = list(grads_and_vars)
        if not given:
            return self.iterations
        if not self._built:
            with init_scope():
                self.build([v for _, v in given])
        pairs = self._unscaled([checked(g, v) for g, v in with_gradients(given)])
        self._require_known([v for _, v in pairs])
        steps = self.gradient_accumulation_steps
        if steps is None:
            self._step(pairs)
        else:
            self._accumulate(pairs, steps)
        self._iterations.assign_add(1)
        return self.iterations

    def _unscaled(self, pairs: list[Pair]) -> list[Pair]:
        scale = self.loss_scale_factor
        return pairs if scale is None else [(on_rows(lambda x: x / scale, g), v) for g, v in pairs]

    def _accumulate(self, pairs: list[Pair], steps: int) -> None:
        """Adds gradients to those of the calls before; each `steps` of them, an update by their mean."""
        full = equal(self._iterations % steps, steps - 1)
        sums = [(self._slot(self._accumulated, v) + whole(g, v), v) for g, v in pairs]
        assign_if(full, lambda: self._step([(total / float(steps), v) for total, v in sums]))
        for total, v in sums:
            self._slot(self._accumulated, v).assign(where(full, zeros_like(total), total))

    def _step(self, pairs: list[Pair]) -> None:
        """One update of all variables: clipping, decay, the rule, averages, constraints."""
        variables = [v for _, v in pairs]
        gradients = [unique_rows(g) if is_sparse(g) else g for g in self._clip([g for g, _ in pairs])]
        self._decay(variables)
        self._update_all(list(zip(gradients, variables, strict=True)))
        if self.use_ema:
            self._average(variables)
        for v in variables:
            if v.constraint is not None:
                v.assign(v.constraint(v))

    def _update_all(self, pairs: list[Pair]) -> None:
        for g, v in pairs:
            self.update_step(g, v)

    def update_step(self, gradient: Any, variable: Variable) -> None:
        """Changes one variable by its gradient: a tensor, or a tf.IndexedSlices that names each row once.

        Where rows are named twice the optimizer has summed them; rows of zeros may be added to keep the size.

        Raises:
            NotImplementedError: if the subclass does not override it.
        """
        raise NotImplementedError(f"{type(self).__name__} must override `update_step(self, gradient, variable)`")

    def _clip(self, gradients: list[Any]) -> list[Any]:
        if self.clipnorm is not None and self.clipnorm > 0:
            return [clip_by_norm(g, float(self.clipnorm)) for g in gradients]
        if self.global_clipnorm is not None and self.global_clipnorm > 0:
            return clip_by_global_norm(gradients, float(self.global_clipnorm))[0]
        if self.clipvalue is not None and self.clipvalue > 0:
            limit = float(self.clipvalue)
            return [clip_by_value(g, -limit, limit) for g in gradients]
        return gradients

    # Weight decay ----------------------------------------------------------------------------------------------------

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Leaves variables out of weight decay.

        Args:
            var_list: the variables themselves.
            var_names: regular expressions that are searched for in names.

        Raises:
            ValueError: once the optimizer is built.
        """
        if self._built:
            raise ValueError("`exclude_from_weight_decay()` can only be configured before the optimizer is built.")
        self._excluded = list(var_list or ())
        self._excluded_names = list(var_names or ())

    def _decays(self, variable: Variable) -> bool:
        if any(v is variable for v in self._excluded):
            return False
        return not any(re.search(word, variable.name) for word in self._excluded_names)

    def _decay(self, variables: Sequence[Variable]) -> None:
        if not self.weight_decay:
            return
        for v in variables:
            if self._decays(v):
                v.assign_sub(v * self.weight_decay * self._rate(v))

    # Averages --------------------------------------------------------------------------------------------------------

    def _average(self, variables: Sequence[Variable]) -> None:
        """Moves the averages of the variables on, and puts them in place when it is time."""
        keep = float(self.ema_momentum)
        for v in variables:
            average = self._slot(self._averages, v)
            average.assign(average * keep + v * (1 - keep))
        frequency = self.ema_overwrite_frequency
        if frequency:
            due = equal((self.iterations + 1) % frequency, 0)
            assign_if(due, lambda: self._use_averages(variables))

    def _use_averages(self, variables: Sequence[Variable]) -> None:
        for v in variables:
            v.assign(self._slot(self._averages, v).value())

    def finalize_variable_values(self, var_list: Any) -> None:
        """Puts averages in the place of variables if `use_ema`; fit does it at its end. Raises KeyError as a step."""
        if self.use_ema:
            self._require_known(list(var_list))
            self._use_averages(list(var_list))

    # Config ----------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, without the state."""
        config: dict[str, Any] = {
            "name": self.name, "weight_decay": self.weight_decay, "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm, "clipvalue": self.clipvalue, "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum, "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "jit_compile": self.jit_compile, "is_legacy_optimizer": False,
        }  # fmt: skip
        further = ("gradient_accumulation_steps", "loss_scale_factor")
        return config | {key: getattr(self, key) for key in further if getattr(self, key) is not None}

    def _config_with(self, *names: str) -> dict[str, Any]:
        """The learning rate and attributes of these names, for a config."""
        return {"learning_rate": self._rate_config()} | {name: _plain(getattr(self, name)) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """An optimizer from `get_config`, with a fresh state."""
        from eager.keras.optimizers import schedules

        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            config = config | {"learning_rate": schedules.deserialize(rate, custom_objects)}
        return cls(**config)


def _plain(value: Any) -> Any:
    return number_of(value) if isinstance(value, Tensor | Variable) else value
