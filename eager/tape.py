"""tf.GradientTape: records ops as they run and differentiates backwards over the record."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any

from eager import nest
from eager.context import enter, leave, thread
from eager.tensor import Tensor, type_of
from graphcore import dims
from graphcore.autodiff import Record, backward, reached
from graphcore.optable import OpDef, get_op
from graphcore.rows import Rows

_IDENTITY = get_op("identity")


class UnconnectedGradients(Enum):
    """What `gradient` gives for a source that the target does not depend on (tf.UnconnectedGradients)."""

    NONE = "none"
    ZERO = "zero"


class GradientTape:
    """Records operations for automatic differentiation (tf.GradientTape).

    Trainable variables that are read inside the context are watched by themselves, tensors by `watch`. Tapes nest, and
    what a gradient computes is itself recorded by the tapes around it, so gradients of gradients work; also around
    a call of a compiled function, which is recorded as one op.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        """A tape; `persistent` allows several `gradient` calls."""
        self._persistent = persistent
        self._watch_variables = watch_accessed_variables
        self._recording = False
        self._used = False
        self.reset()

    def __enter__(self) -> GradientTape:
        """Starts recording. Raises ValueError if this tape records already."""
        self._start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Ends recording."""
        if self._recording:
            self._stop()

    def _start(self) -> None:
        if self._recording:
            raise ValueError("Tape is already recording.")
        thread.tapes = [*thread.tapes, self]
        self._recording = True
        enter()

    def _stop(self) -> None:
        thread.tapes = [t for t in thread.tapes if t is not self]
        self._recording = False
        leave()

    def reset(self) -> None:
        """Forgets everything recorded and watched."""
        self._records: list[Record] = []
        self._watched: dict[int, Any] = {}
        self._variables: dict[int, Any] = {}
        self._used = False

    def watch(self, tensor: Any) -> None:
        """Traces a tensor, or a structure of them. Raises ValueError for what is not a tensor or variable."""
        for t in nest.flatten(tensor):
            if not isinstance(t, Tensor) and not is_variable(t):
                raise ValueError(f"Passed in object {t!r} of type {type(t).__name__!r}, not tf.Tensor or tf.Variable")
            if not t.dtype.is_floating and not t.dtype.is_complex:
                import warnings

                warnings.warn(
                    f"The dtype of the watched tensor must be floating (e.g. tf.float32), got {t.dtype!r}",
                    stacklevel=2,
                )
                continue
            self._watched[id(t)] = t
            if is_variable(t):
                self._variables[id(t)] = t

    def watched_variables(self) -> tuple[Any, ...]:
        """The variables watched so far, in order of their first read."""
        return tuple(self._variables.values())

    @contextmanager
    def stop_recording(self) -> Generator[None]:
        """A context in which this tape does not record. Raises ValueError if it does not record now."""
        if not self._recording:
            raise ValueError("Tape is not recording.")
        # A body, or a run that suspends tapes, does not have it among those that record.
        before = thread.tapes
        self._stop()
        try:
            yield
        finally:
            self._start()
            thread.tapes = [t for t in before if t._recording]

    def record(self, op: OpDef, inputs: tuple[Any, ...], outputs: tuple[Any, ...], attrs: dict[str, Any]) -> None:
        """Takes note of an applied op if it depends on anything watched; dispatch calls this."""
        watched = self._watched
        if not op.differentiable or not any(id(i) in watched for i in inputs):
            return
        self._records.append(Record(op, inputs, outputs, attrs))
        for o in outputs:
            if type_of(o).dtype.kind in "fc":
                watched[id(o)] = o

    def record_link(self, outer: Any, inner: Any) -> None:
        """Takes note that `inner` stands for `outer` inside a trace, in case the trace ends early."""
        self.record(_IDENTITY, (outer,), (inner,), {})

    def mark(self) -> tuple[int, dict[int, Any], dict[int, Any]]:
        """The state of the record, for `rollback`."""
        return len(self._records), dict(self._watched), dict(self._variables)

    def rollback(self, mark: tuple[int, dict[int, Any], dict[int, Any]]) -> None:
        """Forgets what was recorded since `mark`: a trace that succeeded is recorded as one op instead."""
        count, self._watched, self._variables = mark
        del self._records[count:]

    def fix_sizes(self, sizes: Mapping[str, int]) -> None:
        """Puts actual sizes in the place of symbolic ones, for a trace that ended early."""
        for i, (op, inputs, outputs, attrs) in enumerate(self._records):
            if dims.free_symbols(attrs) or "bodies" in attrs:
                fixed = {key: dims.substitute(value, sizes) for key, value in attrs.items()}
                if "bodies" in attrs:
                    from eager.function.region import with_sizes

                    fixed["bodies"] = tuple([with_sizes(body, sizes) for body in attrs["bodies"]])
                self._records[i] = Record(op, inputs, outputs, fixed)

    def record_read(self, variable: Any, tensor: Tensor) -> None:
        """Takes note that `tensor` is a read of `variable`; Variable calls this."""
        if id(variable) not in self._watched:
            if not (self._watch_variables and variable.trainable and variable.dtype.kind in "fc"):
                return
            self._watched[id(variable)] = variable
            self._variables[id(variable)] = variable
        self.record(_IDENTITY, (variable,), (tensor,), {})

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
    ) -> Any:
        """The gradients of the sum of `target` with respect to `sources`, in the structure of `sources`.

        A source of which only rows were gathered (tf.gather, tf.nn.embedding_lookup along axis 0) gets a
        tf.IndexedSlices.

        Args:
            target: a tensor, variable or structure of them.
            sources: tensors or variables, or a structure of them.
            output_gradients: one tensor per target, by default ones.
            unconnected_gradients: NONE gives None for a source without a path to a target, ZERO gives zeros.

        Raises:
            RuntimeError: on a second call of a tape that is not persistent.
        """
        unconnected = UnconnectedGradients(unconnected_gradients)
        targets = [t for t in nest.flatten(target) if t is not None]
        flat = nest.flatten(sources)
        with self._use():
            results = self._backward(targets, flat, output_gradients)
        if unconnected is UnconnectedGradients.ZERO:
            results = [_zeros_like(s) if g is None else g for s, g in zip(flat, results, strict=True)]
        return nest.pack_sequence_as(sources, results)

    @contextmanager
    def _use(self) -> Generator[None]:
        """One use of the record: the only one unless the tape is persistent."""
        if self._used:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians); "
                "make it with tf.GradientTape(persistent=True)"
            )
        if self._recording and not self._persistent:
            self._stop()
        yield
        if not self._persistent:
            variables = self._variables  # which `watched_variables` still names
            self.reset()
            self._variables, self._used = variables, True

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The derivatives of every element of `target` by every element of `sources` (tf.GradientTape.jacobian).

        Args:
            target: a tensor.
            sources: tensors or variables, or a structure of them.
            unconnected_gradients: NONE gives None for a source without a path to the target, ZERO gives zeros.
            parallel_iterations, experimental_use_pfor: accepted for compatibility.

        Returns:
            A tensor [*target.shape, *source.shape] per source, in the structure of `sources`.

        Raises:
            RuntimeError: on a second use of a tape that is not persistent.
        """
        from eager.autodiff import jacobian

        del parallel_iterations, experimental_use_pfor
        zero = UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO
        flat = nest.flatten(sources)
        if not isinstance(target, Tensor) and not is_variable(target):
            raise TypeError(f"jacobian: target is {type(target).__name__}, expected one tensor; take each by itself")
        with self._use():
            found = jacobian(self, target, flat)
        if zero:
            found = [_zeros_between(target, s) if g is None else g for s, g in zip(flat, found, strict=True)]
        return nest.pack_sequence_as(sources, found)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The derivatives of each example of `target` by the same example of `source` (tf.GradientTape.batch_jacobian).

        Args:
            target: a tensor [b, ...] whose example i depends on example i of the source alone.
            source: a tensor [b, ...].
            unconnected_gradients: accepted for compatibility; without a path the result is zeros.
            parallel_iterations, experimental_use_pfor: accepted for compatibility.

        Returns:
            A tensor [b, *target.shape[1:], *source.shape[1:]].

        Raises:
            ValueError: if the first axes differ.
            RuntimeError: on a second use of a tape that is not persistent.
        """
        from eager.autodiff import batch_jacobian

        del parallel_iterations, experimental_use_pfor
        UnconnectedGradients(unconnected_gradients)
        with self._use():
            found = batch_jacobian(self, target, source)
        return _zeros_between(target, value_of(source)[0]) if found is None else found

    def connects(self, source: Any, target: Any) -> bool:
        """Whether a recorded path leads from a watched source to the target."""
        return id(source) in self._watched and id(target) in reached(self._records, [source])

    def cotangents(self, targets: Sequence[Any], sources: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
        """Whole gradients for given cotangents; the tape can be used again."""
        return [_whole(g) for g in self._backward(targets, sources, cts)]

    def _backward(self, targets: Sequence[Any], sources: Sequence[Any], output_gradients: Any) -> list[Any]:
        from eager.convert import convert
        from eager.dispatch import functions

        f = functions()
        ends = [t for t in targets if t.dtype.kind in "fc"]
        if output_gradients is None:
            cotangents = [f.full(type_of(value_of(t)), 1) for t in ends]
        else:
            given = dict(zip(map(id, targets), nest.flatten(output_gradients), strict=True))
            cotangents = [
                f.full(type_of(value_of(t)), 1) if given[id(t)] is None else convert(given[id(t)], dtype=t.dtype)
                for t in ends
            ]
        results = backward(self._records, ends, sources, cotangents, f, sparse=True)
        found = [g if id(s) in self._watched else None for s, g in zip(sources, results, strict=True)]
        return [_slices(g) if isinstance(g, Rows) else g for g in found]


def _slices(rows: Rows) -> Any:
    from eager.indexed_slices import IndexedSlices

    return IndexedSlices.of_rows(rows)


def _whole(gradient: Any) -> Any:
    return gradient.as_tensor() if hasattr(gradient, "as_tensor") else gradient


def is_variable(x: Any) -> bool:
    """Whether `x` is a tf.Variable."""
    from eager.variable import Variable

    return isinstance(x, Variable)


def value_of(x: Any) -> Tensor:
    """A tensor as it is, a variable's value as a read that tapes see."""
    return x if isinstance(x, Tensor) else x.value()


def _zeros_like(x: Any) -> Tensor:
    from eager.dispatch import functions

    return functions().zeros_like(value_of(x))


def _zeros_between(target: Any, source: Any) -> Tensor:
    from eager.ops.create import zeros
    from eager.ops.join import concat
    from eager.ops.shaping import shape

    return zeros(concat([shape(target), shape(value_of(source))], 0), target.dtype)
