"""The error types of the graph layer.

Each derives from the built-in exception that a TensorFlow user would catch, so `except ValueError` around a
shape clash and `except TypeError` around a dtype clash both work.
"""

from __future__ import annotations


class LayerJitError(Exception):
    """Base of every error that layerjit raises on purpose."""


class InvalidArgumentError(LayerJitError, ValueError):
    """An operand or attribute has a value that the op does not accept (tf.errors.InvalidArgumentError)."""


class ShapeError(InvalidArgumentError):
    """Shapes of operands clash, or a rank is not the one that the op needs."""


class DTypeError(InvalidArgumentError, TypeError):
    """Dtypes of operands clash; the message names both and the cast to write."""


class InconclusiveDim(LayerJitError):
    """A comparison of symbolic dimensions has no answer for all sizes.

    Attributes:
        condition: the triple (kind, a, b) that could not be decided; kind is "eq", "lt" or "le".
    """

    def __init__(self, condition: tuple[str, object, object]) -> None:
        """Keeps the undecided condition so that a tracer can turn it into a guard."""
        self.condition = condition
        kind, a, b = condition
        words = {"eq": "==", "lt": "<", "le": "<="}
        super().__init__(
            f"cannot decide {a} {words.get(kind, kind)} {b} for every size of the symbolic dimensions; "
            "give the dimension a static size, or call the traced function with real arrays so that a guard "
            "can be recorded"
        )


class VerifyError(LayerJitError):
    """A graph breaks a rule of the graph form; the message shows the nodes around the fault."""


class ParseError(LayerJitError, ValueError):
    """Text that is not a graph in text form; the message gives the line."""


class UnsupportedError(LayerJitError, NotImplementedError):
    """Something that layerjit does not support; the message names the alternative."""


class DumpError(LayerJitError, ValueError):
    """A dump file is missing, truncated, of another version, or not a dump at all."""
