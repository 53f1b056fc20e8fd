"""How much of the public names of tf.keras, tf.data and tf.train is here: `layerjit coverage`."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import eager as tf
from eager.absent import ABSENT
from eager.keras.public_names import NAMES

REQUIRED_SHARE = 0.95


class Family(NamedTuple):
    """The names of one module or class.

    Attributes:
        title: the module or class, such as tf.keras.layers.
        present: names that are here.
        left_out: names that are not, with what to use instead; an empty remedy where none is given.
    """

    title: str
    present: list[str]
    left_out: dict[str, str]

    @property
    def total(self) -> int:
        """The number of names."""
        return len(self.present) + len(self.left_out)


def families() -> list[Family]:
    """Every family, in the order of the list."""
    return [_family(title, names.split()) for title, names in NAMES.items()]


def _family(title: str, names: list[str]) -> Family:
    place = found(title)
    missing = [name for name in names if place is None or not hasattr(place, name)]
    short = title.removeprefix("tf.")
    reasons = {name: ABSENT.get(f"{short}.{name}") or ABSENT.get(short) or "" for name in missing}
    return Family(title, [name for name in names if name not in reasons], reasons)


def found(title: str) -> Any:
    """The module or class of a dotted name that starts with tf; None if there is none."""
    try:
        return functools.reduce(getattr, title.split(".")[1:], tf)
    except AttributeError:
        return None


def share(rows: list[Family]) -> float:
    """The part of all names that is present, between 0 and 1."""
    return sum(len(f.present) for f in rows) / sum(f.total for f in rows)


def text(rows: list[Family]) -> str:
    """A line per family, and one per name that is left out."""
    lines: list[str] = []
    for f in rows:
        lines.append(f"{f.title:36} {len(f.present):4} of {f.total:4}")
        lines += [f"    {name}: {why or 'MISSING, without a reason'}" for name, why in f.left_out.items()]
    present, total = sum(len(f.present) for f in rows), sum(f.total for f in rows)
    return "\n".join([*lines, f"{'together':36} {present:4} of {total:4} ({present / total:.1%})"])


def complete(rows: list[Family]) -> bool:
    """Whether enough is present, and every name that is not has a reason."""
    return share(rows) >= REQUIRED_SHARE and all(why for f in rows for why in f.left_out.values())


__all__ = ["REQUIRED_SHARE", "Family", "complete", "families", "found", "share", "text"]
