"""Methods of Model under older names, and what code written for them asks of a model."""

from __future__ import annotations

from typing import Any

from eager.tensor_shape import TensorSpec
from eager.variable import Variable


class OlderMethods:
    """The part of Model that older code calls."""

    def fit_generator(self: Any, generator: Any, *args: Any, **kwargs: Any) -> Any:
        """As `fit`, which takes generators (tf.keras.Model.fit_generator): `steps_per_epoch` comes second."""
        return self.fit(generator, **_named(("steps_per_epoch", "epochs", "verbose", "callbacks"), args), **kwargs)

    def evaluate_generator(self: Any, generator: Any, *args: Any, **kwargs: Any) -> Any:
        """As `evaluate`, which takes generators (tf.keras.Model.evaluate_generator): `steps` comes second."""
        return self.evaluate(generator, **_named(("steps", "callbacks"), args), **kwargs)

    def predict_generator(self: Any, generator: Any, *args: Any, **kwargs: Any) -> Any:
        """As `predict`, which takes generators (tf.keras.Model.predict_generator): `steps` comes second."""
        return self.predict(generator, **_named(("steps", "callbacks"), args), **kwargs)

    @property
    def state_updates(self) -> list[Any]:
        """Always empty: variables are updated where they are assigned."""
        return []

    @property
    def steps_per_execution(self: Any) -> int:
        """How many steps run between two calls of callbacks, as given to `compile`."""
        return self._steps_per_execution

    @property
    def autotune_steps_per_execution(self) -> bool:
        """Always False: a step is one native call, and nothing is gained by more of them at a time."""
        return False

    @property
    def distribute_reduction_method(self) -> str:
        """Always "auto": there is one replica."""
        return "auto"

    def get_weight_paths(self: Any) -> dict[str, Variable]:
        """Variables by the attributes that lead to them, such as `layer.kernel` (tf.keras.Model.get_weight_paths)."""
        found: dict[str, Variable] = {}
        _walk(self, "", found, set())
        places = {id(v): place for place, v in enumerate(self.weights)}
        return dict(sorted(found.items(), key=lambda item: places.get(id(item[1]), len(places))))

    def save_spec(self: Any, dynamic_batch: bool = True) -> Any:
        """(args, kwargs) of TensorSpecs that the model was built for; None before (tf.keras.Model.save_spec).

        Args:
            dynamic_batch: leaves the batch size open.
        """
        from eager import nest

        if self.inputs is not None:
            given = nest.map_leaves(lambda t: TensorSpec(t.shape, t.dtype, t.name), self.input)
        elif self._build_input_shape is not None:
            from eager.keras.engine.shapes import map_shapes

            given = map_shapes(lambda s: TensorSpec(s, self.compute_dtype), self._build_input_shape)
        else:
            return None

        def opened(spec: TensorSpec) -> TensorSpec:
            sizes = spec.shape.as_list()
            return TensorSpec([None, *sizes[1:]], spec.dtype, spec.name) if sizes and dynamic_batch else spec

        return [nest.map_leaves(opened, given)], {}


def _named(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(names, values, strict=False))


def _walk(owner: Any, path: str, found: dict[str, Variable], seen: set[int]) -> None:
    """Takes note of the variables that attributes, lists and dicts hold."""
    if id(owner) in seen:
        return
    seen.add(id(owner))
    if isinstance(owner, dict):
        parts = [(str(key), value) for key, value in owner.items()]
    elif isinstance(owner, list | tuple):
        parts = [(str(i), value) for i, value in enumerate(owner)]
    else:
        hidden = getattr(type(owner), "_untracked_attributes", frozenset())
        parts = [(key, value) for key, value in vars(owner).items() if key not in hidden and not key.startswith("__")]
        layers = getattr(owner, "layers", None)
        if getattr(owner, "inputs", None) is not None and isinstance(layers, list):
            parts = [(layer.name, layer) for layer in layers]
    for key, value in parts:
        at = f"{path}.{key}" if path else key
        if isinstance(value, Variable):
            found.setdefault(at, value)
        elif isinstance(value, list | tuple | dict) or hasattr(value, "_untracked_attributes"):
            _walk(value, at, found, seen)


__all__ = ["OlderMethods"]
