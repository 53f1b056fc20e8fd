"""The signature of a class's `call`, analysed once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


class CallSpec:
    """What a `call` takes.

    Attributes:
        first: the name of the first argument.
        names: the names of all arguments after the first, positional ones first.
        training: whether it takes `training`, by name or through `**kwargs`.
        mask: whether it takes `mask`, by name or through `**kwargs`.
        default_training: the default of `training`.
        training_at: the position of `training` among the arguments after the first, or -1 if it is keyword-only.
        mask_at: the same for `mask`.
    """

    __slots__ = ("default_training", "first", "mask", "mask_at", "names", "training", "training_at")

    def __init__(self, call: Callable[..., Any], bound: bool) -> None:
        """Analyses a function; `bound` tells that it has no `self` argument any more."""
        parameters = list(inspect.signature(call).parameters.values())
        if not bound:
            parameters = parameters[1:]
        self._take(parameters)

    def _take(self, parameters: list[inspect.Parameter]) -> None:
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.first = positional[0].name if positional else "inputs"
        rest = [p.name for p in positional[1:]]
        named = {p.name: p for p in parameters}
        self.names = (*rest, *(p.name for p in parameters if p.kind is p.KEYWORD_ONLY))
        self.training = "training" in named or open_ended
        self.mask = "mask" in named or open_ended
        self.training_at = rest.index("training") if "training" in rest else -1
        self.mask_at = rest.index("mask") if "mask" in rest else -1
        default = named["training"].default if "training" in named else None
        self.default_training = None if default is inspect.Parameter.empty else default

    def given(self, name: str, at: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The value passed for `training` or `mask`, or None."""
        if 0 <= at < len(args):
            return args[at]
        return kwargs.get(name)


_specs: dict[Any, CallSpec] = {}


def call_spec(cls: Any) -> CallSpec:
    """The CallSpec of a layer class, made once per `call`."""
    call = cls.call
    spec = _specs.get(call)
    if spec is None:
        spec = _specs[call] = CallSpec(call, bound=isinstance(inspect.getattr_static(cls, "call"), staticmethod))
    return spec
