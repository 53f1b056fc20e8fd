"""tf.data.Options: what a user may say about how a dataset runs."""

from __future__ import annotations

from typing import Any


class ThreadingOptions:
    """Numbers of threads (tf.data.ThreadingOptions).

    Attributes:
        max_intra_op_parallelism: accepted; functions of elements run as Python says.
        private_threadpool_size: accepted; each parallel step has threads of its own.
    """

    def __init__(self) -> None:
        """Nothing is said."""
        self.max_intra_op_parallelism: int | None = None
        self.private_threadpool_size: int | None = None


class Options:
    """What a user may say about how a dataset runs (tf.data.Options).

    Everything is accepted and kept; elements always come in the deterministic order.

    Attributes:
        deterministic: whether parallel steps keep the order; they always do.
        threading: a ThreadingOptions.
    """

    def __init__(self) -> None:
        """Nothing is said."""
        self.deterministic: bool | None = None
        self.threading = ThreadingOptions()
        self._others: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        """Any other group of options, as an object that takes attributes."""
        if name.startswith("_"):
            raise AttributeError(name)
        return self._others.setdefault(name, Group())

    def merge(self, options: Options) -> Options:
        """These options with what another object says in addition (tf.data.Options.merge)."""
        merged = Options()
        merged.__dict__.update({k: v for k, v in self.__dict__.items() if v is not None})
        merged.__dict__.update({k: v for k, v in options.__dict__.items() if v is not None})
        return merged


class Group:
    """Options of one kind, such as `experimental_optimization`."""

    def __getattr__(self, name: str) -> Any:
        """None for what was not set."""
        if name.startswith("_"):
            raise AttributeError(name)
        return None


__all__ = ["Group", "Options", "ThreadingOptions"]
