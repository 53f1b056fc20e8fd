"""What is added to an error raised inside a layer's `call`: which layer, and what it received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eager.nest import map_leaves
from eager.tensor import Tensor
from eager.variable import Variable

if TYPE_CHECKING:
    from eager.keras.engine.layer_call import Callable


def explain_error(
    error: Exception, layer: Callable, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Puts layer and arguments into an error's message, once; its type and traceback stay."""
    if getattr(error, "_keras_call_explained", False):
        return
    error.__dict__["_keras_call_explained"] = True
    if not error.args or not isinstance(error.args[0], str):
        return
    who = f"layer {layer.name!r} (type {type(layer).__name__})"
    names = [layer._spec.first, *layer._spec.names]
    received = dict(zip(names, [inputs, *args], strict=False)) | kwargs
    lines = [f"  • {name}={map_leaves(_shown, value)}" for name, value in received.items()]
    text = f"Exception encountered when calling {who}.\n\n{error.args[0]}\n\nCall arguments received by {who}:\n"
    error.args = (text + "\n".join(lines), *error.args[1:])


class _Text:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _shown(x: Any) -> Any:
    """A tensor by shape and dtype; other values as they are, shortened."""
    if isinstance(x, Tensor | Variable):
        return _Text(f"tf.Tensor(shape={x.shape}, dtype={x.dtype.name})")
    text = repr(x)
    return x if len(text) < 200 else _Text(text[:197] + "...")
