"""tf.function: the callable that traces, compiles, remembers, and falls back to Python with a word about it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from eager import nest
from eager.context import run_frame, state, thread
from eager.errors import RetraceError
from eager.frame import Frame
from eager.function import report
from eager.function.captured import Snapshot
from eager.function.concrete import ConcreteFunction
from eager.function.finish import finish
from eager.function.ledger import HINTS, Entry, FallbackWarning, SideEffectWarning
from eager.function.location import user_location
from eager.function.observed import Observations
from eager.function.signature import (
    Call,
    UnhashableArgument,
    binder,
    check_signature,
    exact_types,
    fit_signature,
    generalised_types,
    leaf_type,
)
from eager.function.trace import Trace
from eager.tensor import Tensor
from graphcore.errors import ShapeError
from graphcore.types import TensorType

MAX_CHAINED = 4
"""How many native entries are tried one after the other before the Python path looks the signature up."""

_run_eagerly = False
_no_retrace = 0


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Makes every tf.function run as Python (tf.config.run_functions_eagerly); for debugging."""
    global _run_eagerly
    from eager.context import enter, leave

    if bool(run_eagerly) is not _run_eagerly:
        # A busy count sends native entries to the Python path, which looks at the switch.
        (enter if run_eagerly else leave)()
        _run_eagerly = bool(run_eagerly)


def functions_run_eagerly() -> bool:
    """Whether tf.functions run as Python (tf.config.functions_run_eagerly)."""
    return _run_eagerly


@contextmanager
def no_retrace() -> Generator[None]:
    """A context in which any new trace or fallback raises RetraceError."""
    global _no_retrace
    _no_retrace += 1
    try:
        yield
    finally:
        _no_retrace -= 1


class Function:
    """A Python function that is traced into a graph and runs as one native function (tf.function).

    Calls whose arguments fit a trace run natively; others are traced first. A size that differs from an earlier call's
    becomes symbolic, so that further sizes share one trace. What cannot be traced runs as Python with one warning.
    """

    def __init__(
        self,
        python_function: Callable[..., Any],
        name: str | None = None,
        input_signature: Sequence[Any] | None = None,
        strict: bool = False,
    ) -> None:
        """Wraps a function; see `tf.function` for the arguments."""
        self._python_function = python_function
        self._name = name or getattr(python_function, "__name__", type(python_function).__name__)
        self._input_signature = None if input_signature is None else check_signature(input_signature)
        self._strict = strict
        self._bind = binder(python_function)
        self._concrete: dict[Any, list[ConcreteFunction]] = {}
        self._exact: dict[Any, ConcreteFunction] = {}
        self._eager_keys: set[Any] = set()
        self._ledger: list[Entry] = []
        self._chain: list[Callable[..., Any]] = []
        self._installed: set[tuple[int, tuple[str, ...], int]] = set()
        self._attribute: str | None = None
        self.__doc__ = getattr(python_function, "__doc__", None)
        self.__name__ = self._name
        self.__module__ = getattr(python_function, "__module__", __name__)
        self.__wrapped__ = python_function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the function; natively where a trace fits."""
        return self._call(*args, **kwargs)

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        frame = thread.frame
        if _run_eagerly or (frame is not None and frame.tracing):
            return self._python_function(*args, **kwargs)
        given, names = (*args, *kwargs.values()), tuple(kwargs)
        args, kwargs = self._bind(*args, **kwargs)
        try:
            call = Call(self._fitted(args), kwargs)
        except UnhashableArgument as error:
            return self._fall_back(type(error), str(error), args, kwargs)
        if call.key in self._eager_keys:
            return self._run_python(args, kwargs)
        concrete = self._find(call)
        if concrete is not None:
            if (id(concrete), names, len(given)) not in self._installed:
                self._install(call, concrete, given, names)
            return concrete.call_flat(*call.leaves)
        return self._trace_call(call, given, names)

    def _fitted(self, args: Sequence[Any]) -> Sequence[Any]:
        return args if self._input_signature is None else fit_signature(self._input_signature, args, self._name)

    def _find(self, call: Call) -> ConcreteFunction | None:
        key = call.full_key()
        found = self._exact.get(key)
        if found is not None:
            return found
        arrays = [leaf._array for leaf in call.leaves]
        for concrete in reversed(self._concrete.get(call.key, ())):
            if concrete.accepts(arrays):
                self._exact[key] = concrete
                return concrete
        return None

    def _run_python(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Runs as Python on an overlay, so that an exception changes no variable."""
        if thread.frame is not None:
            return self._python_function(*args, **kwargs)
        frame = Frame()
        with run_frame(frame, keep_tapes=True):
            result = self._python_function(*args, **kwargs)
        frame.commit()
        return result

    def _fall_back(self, key: Any, why: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        self._forbid(f"runs eagerly: {why}")
        result = self._run_python(args, kwargs)
        self._note("fallback", why, user_location(), 0.0)
        return result

    def _trace_call(self, call: Call, given: Sequence[Any], names: tuple[str, ...]) -> Any:
        self._forbid(f"needs a new trace: {self._difference(call)}")
        candidates = [c for c in self._concrete.get(call.key, ()) if _same_ranks(c, call)]
        types = generalised_types(call, [c.observed for c in candidates]) if candidates else None
        if self._input_signature is not None:
            types = [leaf_type(s, i) for i, s in enumerate(nest.flatten(self._input_signature))]
        start, observed = time.perf_counter(), Observations()
        try:
            trace, result = self._trace(call, types or exact_types(call), real=True, observed=observed)
        except ShapeError:
            if types is None or self._input_signature is not None:
                raise
            # A size that is 1 here and broadcasts does not share a trace with the sizes of earlier calls.
            trace, result = self._trace(call, exact_types(call), real=True, observed=observed)
            types = None
        if trace.aborted is not None:
            return self._finish_aborted(call, trace, result, time.perf_counter() - start)
        if trace.created:
            trace, result = self._trace(call, types or exact_types(call), real=True, forbid=True, observed=observed)
        what = self._difference(call)
        concrete = self._remember(call, trace, result)
        kind = "trace" if what == "first call" else ("generalise" if types else "retrace")
        value = concrete.call_flat(*call.leaves)
        self._note(kind, what, user_location(), time.perf_counter() - start)
        self._install(call, concrete, given, names)
        return value

    def _trace(
        self, call: Call, types: Sequence[TensorType], real: bool, forbid: bool = False,
        observed: Observations | None = None,
    ) -> tuple[Trace, Any]:  # fmt: skip
        """Runs the Python function on traced tensors."""
        from graphcore.interpret import bind_dims

        sizes = bind_dims(types, call.shapes(), f"argument of {self._name}") if real else None
        trace = Trace(self._name, sizes, forbid, self._strict or _no_retrace > 0)
        trace.observed = Observations() if observed is None else observed.restart()
        tensors = [
            trace.argument(t, leaf._array if real else None, i, f"arg{i}")
            for i, (t, leaf) in enumerate(zip(types, call.leaves, strict=True))
        ]
        args, kwargs = call.rebuild(tensors)
        marks = [(tape, tape.mark()) for tape in thread.tapes]
        around = Snapshot(self._python_function)
        with run_frame(trace, keep_tapes=True):
            for leaf, tensor in zip(call.leaves, tensors, strict=True):
                for tape in thread.tapes:
                    tape.record_link(leaf, tensor)
            result = self._python_function(*args, **kwargs)
            if trace.aborted is not None:
                trace.settle()
        if trace.aborted is None:
            for tape, mark in marks:
                tape.rollback(mark)
            self._note_side_effects(around.changed())
        return trace, result

    def _finish_aborted(self, call: Call, trace: Trace, result: Any, seconds: float) -> Any:
        assert trace.aborted is not None
        if thread.frame is None:
            trace.commit()
        else:
            for variable, value in trace.assigned():
                thread.frame.assign(variable, value)
        self._eager_keys.add(call.key)
        self._note(trace.aborted.kind, trace.aborted.why, trace.aborted.location, seconds)
        return result

    def _remember(self, call: Call, trace: Trace, result: Any) -> ConcreteFunction:
        concrete = finish(trace, result, call.shapes() if _all_tensors(call) else [])
        self._concrete.setdefault(call.key, []).append(concrete)
        for guard in concrete.graph.guards:
            self._note("guard", f"{guard[1]} {guard[0]} {guard[2]} is {guard[3]}", None, 0.0)
        return concrete

    def _install(self, call: Call, concrete: ConcreteFunction, given: Sequence[Any], names: tuple[str, ...]) -> None:
        """Puts a native entry for calls that are written like this one in front of the earlier ones.

        A later call gets another chance where this one was converted first, or a tape or trace was active.
        """
        tensors = [id(v) for v in given if isinstance(v, Tensor)]
        if names and len(set(tensors)) < len(tensors):
            return  # one tensor in two places does not tell which keyword is which
        layout = call.entry_layout(given)
        if any(map(nest.is_nested, given)):
            layout = None  # structures are for Python to take apart, now and later
        elif layout is None or state.busy:
            return
        self._installed.add((id(concrete), names, len(given)))
        if layout is None:
            return
        positions, constants = layout
        slow = self._chain[-1] if self._chain and len(self._chain) % MAX_CHAINED else self._call
        entry = concrete.entry(slow, positions, constants, names)
        self._chain.append(entry)
        cls = type(self)
        if cls is Function:
            # A class of its own, since Python looks `__call__` up on the class; the entry does not bind.
            object.__setattr__(self, "__class__", type("Function", (Function,), {"__call__": entry}))
        else:
            cls.__call__ = entry  # pyright: ignore[reportAttributeAccessIssue]

    def _forbid(self, what: str) -> None:
        if _no_retrace:
            raise RetraceError(f"{self._name} {what}, inside tf.no_retrace()")

    def _note(self, kind: str, what: str, location: Any, seconds: float) -> None:
        eager = ("fallback", "dynamic")
        first = kind in eager and not any(e.kind in eager for e in self._ledger)
        self._ledger.append(Entry(kind, what, location, seconds))
        if first:
            where = f"{location}: " if location else ""
            warnings.warn(
                f"{where}tf.function {self._name!r} runs eagerly for these arguments: {what}. Remedy: "
                f"{HINTS[kind]}. This warning is given once; {self._name}.explain() tells more.",
                FallbackWarning,
                stacklevel=5,
            )

    def _note_side_effects(self, changed: list[str]) -> None:
        if not changed or any(e.kind == "side effect" for e in self._ledger):
            return
        what = f"tracing changed {', '.join(changed)} outside of the function"
        self._ledger.append(Entry("side effect", what, user_location(), 0.0))
        warnings.warn(f"tf.function {self._name!r}: {what}. {HINTS['side effect']}.", SideEffectWarning, stacklevel=6)

    def _difference(self, call: Call) -> str:
        if not self.concrete_functions:
            return "first call"
        near = self._concrete.get(call.key)
        if near is None:
            return "another structure of arguments or another Python value"
        have = [f"{leaf.dtype.name}{leaf.shape.as_list()}" for leaf in call.leaves]
        known_types = ", ".join(map(repr, near[-1].argument_types))
        return f"arguments {', '.join(have)} where the nearest trace has {known_types}"

    @property
    def python_function(self) -> Callable[..., Any]:
        """The wrapped Python function (tf.function's python_function)."""
        return self._python_function

    @property
    def ledger(self) -> tuple[Entry, ...]:
        """Every trace, retrace, guard and fallback so far."""
        return tuple(self._ledger)

    @property
    def concrete_functions(self) -> list[ConcreteFunction]:
        """All traces, oldest first."""
        return [c for group in self._concrete.values() for c in group]

    def experimental_get_tracing_count(self) -> int:
        """The number of traces (tf.function's own name)."""
        return len(self.concrete_functions)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for arguments that may be TensorSpecs (tf.function's own name).

        Raises:
            UntraceableError: if Python asks for the value of a tensor that has only a spec.
        """
        if not args and not kwargs and self._input_signature is not None:
            args = tuple(self._input_signature)
        args, kwargs = self._bind(*args, **kwargs)
        call = Call(args, kwargs)
        real = _all_tensors(call)
        if real and (found := self._find(call)) is not None:
            return found
        types = exact_types(call)
        for concrete in self._concrete.get(call.key, ()):
            if concrete.argument_types == types:
                return concrete
        trace, result = self._trace(call, types, real=False)
        if trace.created:
            trace, result = self._trace(call, types, real=False, forbid=True)
        return self._remember(call, trace, result)

    def explain(self, *args: Any, **kwargs: Any) -> str:
        """What was traced, fused, called on the host, and left eager, with source lines, as text.

        With arguments the function is first called on them (so that there is something to tell).
        """
        if args or kwargs:
            self(*args, **kwargs)
        return report.explain(self)

    def dump(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Writes the inspection dump of the newest trace, after a call on the arguments if any are given.

        Raises:
            ValueError: if there is no trace.
        """
        if args or kwargs:
            self(*args, **kwargs)
        report.dump(self, path)

    def __set_name__(self, owner: type, name: str) -> None:
        """Learns the attribute that it is, when decorating a method."""
        self._attribute = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Binds as a method: one traced function per instance, kept in the instance."""
        if instance is None:
            return self
        bound = Function(
            self._python_function.__get__(instance, owner), self._name, self._input_signature, self._strict
        )
        if self._attribute is not None and hasattr(instance, "__dict__"):
            instance.__dict__[self._attribute] = bound
            bound._attribute = self._attribute
        return bound

    def __deepcopy__(self, memo: dict[int, Any]) -> Function:
        """Bound to a copied instance, it is bound to the copy; otherwise itself."""
        import copy

        owner = getattr(self._python_function, "__self__", None)
        if owner is None:
            return self
        method = self._python_function.__func__.__get__(copy.deepcopy(owner, memo))  # pyright: ignore[reportFunctionMemberAccess]
        return Function(method, self._name, self._input_signature, self._strict)

    def __reduce__(self) -> Any:
        """Pickles as the attribute or module name that it is."""
        owner = getattr(self._python_function, "__self__", None)
        if owner is not None and self._attribute is not None:
            return (getattr, (owner, self._attribute))
        return self._python_function.__qualname__

    def __repr__(self) -> str:
        """<tf.function step, 2 traces>."""
        return f"<tf.function {self._name}, {len(self.concrete_functions)} traces>"


def _all_tensors(call: Call) -> bool:
    return all(isinstance(leaf, Tensor) for leaf in call.leaves)


def _same_ranks(concrete: ConcreteFunction, call: Call) -> bool:
    """Whether a trace differs from a call in sizes only."""
    return len(concrete.observed) == len(call.leaves) > 0 and all(
        t.dtype is leaf.dtype and t.rank == leaf.ndim
        for t, leaf in zip(concrete.argument_types, call.leaves, strict=True)
    )
