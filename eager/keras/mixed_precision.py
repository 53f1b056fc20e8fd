"""tf.keras.mixed_precision: the dtype in which layers compute and the one in which they keep variables."""

from __future__ import annotations

from typing import Any

from eager.lazy import lazy_names
from graphcore.dtypes import DType, as_dtype

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class Policy:
    """The dtypes of a layer (tf.keras.mixed_precision.Policy).

    `mixed_float16` and `mixed_bfloat16` compute in 16 bit and keep float32 variables; any dtype name uses that dtype
    for both.
    """

    def __init__(self, name: str) -> None:
        """A policy of that name.

        Raises:
            TypeError: if the name is a dtype object.
            ValueError: if it names no dtype and no mixed policy.
        """
        if isinstance(name, DType):
            raise TypeError(
                f"'name' must be a string, not a DType. Instead, pass DType.name. Received: name={name.name}"
            )
        if not isinstance(name, str):
            raise TypeError(f"'name' must be a string, but got: {name!r}")
        self._name = name
        if name in _MIXED:
            self._compute, self._variable = _MIXED[name], "float32"
            return
        try:
            self._compute = self._variable = as_dtype(name).name
        except TypeError:
            raise ValueError(
                f"Cannot convert value {name!r} to a mixed precision Policy. Valid policies include 'mixed_float16', "
                "'mixed_bfloat16', and the name of any dtype such as 'float32'."
            ) from None

    @property
    def name(self) -> str:
        """The policy's name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The name of the dtype that layers compute in."""
        return self._compute

    @property
    def variable_dtype(self) -> str:
        """The name of the dtype of variables."""
        return self._variable

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Policy:
        """A policy from `get_config`."""
        return cls(config["name"])

    def __eq__(self, other: object) -> bool:
        """Whether the names are equal."""
        return isinstance(other, Policy) and self._name == other._name

    def __hash__(self) -> int:
        """Hash of the name."""
        return hash(self._name)

    def __repr__(self) -> str:
        """<Policy "mixed_float16">."""
        return f'<Policy "{self._name}">'


_default = Policy("float32")
_state: dict[str, Policy] = {}


def global_policy() -> Policy:
    """The policy of layers that get no dtype (tf.keras.mixed_precision.global_policy)."""
    return _state.get("policy") or _state.get("floatx", _default)


def set_default_dtype(name: str) -> None:
    """Sets the dtype of layers where no global policy is set; `backend.set_floatx` calls this."""
    _state["floatx"] = Policy(name)


def set_global_policy(policy: Any) -> None:
    """Sets the policy of layers that get no dtype; None goes back to the default (tf.keras.mixed_precision).

    Raises:
        TypeError: if it is neither a Policy nor a name.
        ValueError: if it does not compute in a floating dtype.
    """
    if policy is None:
        _state.pop("policy", None)
        return
    chosen = policy if isinstance(policy, Policy) else Policy(policy)
    if not as_dtype(chosen.compute_dtype).is_floating:
        raise ValueError(
            "set_global_policy can only be used to set the global policy to floating-point policies, such as "
            f'"float32" and "mixed_float16", but got policy: {chosen.name}'
        )
    _state["policy"] = chosen


def policy_of(dtype: Any) -> Policy:
    """The policy that a layer's `dtype` argument means: None, a dtype or its name, a Policy or its serialized form."""
    if dtype is None:
        return global_policy()
    if isinstance(dtype, Policy):
        return dtype
    if isinstance(dtype, dict):
        return Policy(dtype["config"]["name"])
    if isinstance(dtype, str) and dtype in _MIXED:
        return Policy(dtype)
    return Policy(as_dtype(dtype).name)


def serialize(policy: Policy) -> Any:
    """A policy for a config: the dtype's name, or for mixed ones a dict (tf.keras.mixed_precision.serialize)."""
    if policy.compute_dtype == policy.variable_dtype:
        return policy.name
    return {
        "module": "keras.mixed_precision",
        "class_name": "Policy",
        "config": policy.get_config(),
        "registered_name": None,
    }


def deserialize(config: Any) -> Policy:
    """A policy from `serialize`."""
    return policy_of(config)


# Layers import this module; the optimizer is loaded on first use.
__getattr__, __dir__ = lazy_names(
    globals(), "tf.keras.mixed_precision", {"eager.keras.optimizers.loss_scale": "LossScaleOptimizer"}
)
