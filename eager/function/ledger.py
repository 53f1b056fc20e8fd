"""The ledger: every trace, retrace, guard and fallback of a function, with the user's line, the cost and a hint."""

from __future__ import annotations

from typing import Any, NamedTuple

from graphcore.graph import Location

HINTS = {
    "trace": "",
    "retrace": "the key differs from every cached one; pass the differing value as a tensor to share one trace",
    "generalise": "dimensions that differ between calls are now symbolic; further sizes share this trace",
    "guard": "the trace holds only while this comparison of sizes comes out so",
    "fallback": "use tf.cond, tf.where or tf.while_loop instead of Python control flow on tensors, keep numpy() out "
    "of traced code, or build the layer with dynamic=True",
    "side effect": "tracing runs Python once, later calls do not; return the value, or keep it in a tf.Variable",
    "dynamic": "such a layer always runs as Python; call it outside of the traced function to keep the rest native",
}
"""What to do about each kind of entry."""


class FallbackWarning(UserWarning):
    """A traced function runs eagerly; the message names the line and the remedy. Given once per function."""


class SideEffectWarning(UserWarning):
    """A traced function changed a list, dict or set outside of itself, which later calls will not do again."""


class Entry(NamedTuple):
    """One event of a function's life.

    Attributes:
        kind: a key of HINTS.
        what: what happened, in words.
        location: the user's line, or None.
        seconds: what it cost.
    """

    kind: str
    what: str
    location: Location | None
    seconds: float

    def text(self) -> str:
        """One line for people."""
        where = f" at {self.location}" if self.location else ""
        hint = f" [{HINTS[self.kind]}]" if HINTS[self.kind] else ""
        return f"{self.kind}: {self.what}{where} ({self.seconds * 1e3:.1f} ms){hint}"

    def as_dict(self) -> dict[str, Any]:
        """The entry as plain data, for dumps."""
        where = self.location
        return {
            "kind": self.kind, "what": self.what, "seconds": self.seconds, "hint": HINTS[self.kind],
            "file": where.file if where else "", "line": where.line if where else 0,
        }  # fmt: skip
