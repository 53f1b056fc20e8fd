"""tf.Variable: a named, mutable tensor whose buffer is copied when someone else still holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eager.context import state, thread
from eager.operator_types import Operators
from eager.tensor import Tensor, concrete, lines, wrap
from eager.tensor_shape import TensorShape
from eager.variable_scatter import SparseMethods
from graphcore.dtypes import DType, as_dtype

if TYPE_CHECKING:
    from eager.operator_types import Operators
else:
    Operators = object


class Variable(SparseMethods, Operators):
    """A mutable tensor that lasts across calls (tf.Variable).

    The shape and dtype are fixed when it is made. Inside a traced function reads and assignments belong to that run
    and become lasting when the run succeeds. Hashing is refused (use `ref()`), `==` is elementwise.
    """

    # The array is the first slot, where native code reads and swaps it: always C-contiguous, of fixed dtype and shape.
    __slots__ = ("__dict__", "__weakref__", "_array")
    __array_priority__ = 100

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: Any = None,
        constraint: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ) -> None:
        """Makes a variable.

        Args:
            initial_value: anything convertible to a tensor, or a callable without arguments that gives it.
            trainable: whether tapes watch it and layers list it as trainable; by default True.
            validate_shape, caching_device, variable_def, import_scope, synchronization, aggregation: accepted for
                compatibility; they have no meaning on one CPU.
            name: its name; `v.name` ends in ":0".
            dtype: the dtype that the initial value takes.
            constraint: a function that optimizers apply after each update.
            shape: must be compatible with the initial value's shape.

        Raises:
            ValueError: without an initial value, or if it does not fit `shape`.
            TypeError: if the name is not a string.
        """
        from eager.convert import convert

        del validate_shape, caching_device, variable_def, import_scope
        if initial_value is None:
            raise ValueError("The `initial_value` arg to `tf.Variable` must be specified.")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"tf.Variable: name must be a string, got {name!r} of type {type(name).__name__}")
        frame = thread.frame
        if frame is not None:
            frame.creating(self)
        if callable(initial_value) and not isinstance(initial_value, Tensor | Variable):
            initial_value = _call_lifted(initial_value)
        wanted = None if dtype is None else as_dtype(dtype)
        value = convert(initial_value, dtype=wanted)
        array = value._array
        if array is None:
            array = concrete(value, "an initial value") if frame is None else frame.initial_value(value)
        self._array: np.ndarray[Any, Any] = np.ascontiguousarray(array).reshape(np.shape(array))
        self._version = np.zeros((), np.int64)
        if shape is not None and not TensorShape(shape).is_compatible_with(self._array.shape):
            raise ValueError(
                f"The initial value's shape ({self._array.shape}) is not compatible with the explicitly supplied "
                f"`shape` argument ({TensorShape(shape)})."
            )
        self._trainable = True if trainable is None else bool(trainable)
        self._name = "/".join((*thread.scopes, name or "Variable"))
        self.constraint = constraint
        self.synchronization = synchronization
        self.aggregation = aggregation

    @property
    def name(self) -> str:
        """The name, scopes included, ending in ":0"."""
        return f"{self._name}:0"

    @property
    def dtype(self) -> DType:
        """The element type."""
        return as_dtype(self._array.dtype)

    @property
    def shape(self) -> TensorShape:
        """The shape."""
        return TensorShape.of(self._array.shape)

    def get_shape(self) -> TensorShape:
        """The shape (tf.Variable.get_shape)."""
        return self.shape

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    @property
    def trainable(self) -> bool:
        """Whether tapes watch it by themselves."""
        return self._trainable

    @property
    def version(self) -> int:
        """How often it has been assigned; packed copies of weights are keyed by it."""
        return int(self._version)

    @property
    def device(self) -> str:
        """Where it lies: always the CPU."""
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    @property
    def handle(self) -> Any:
        """The reference (see `ref`)."""
        return self.ref()

    def value(self) -> Tensor:
        """The current value as a tensor; tapes record the read."""
        if not state.busy:
            return wrap(self._array)
        frame = thread.frame
        tensor = wrap(self._array) if frame is None else frame.read(self)
        for tape in thread.tapes:
            tape.record_read(self, tensor)
        return tensor

    read_value = value

    def numpy(self) -> Any:
        """The current value as a read-only array; later assignments do not change it."""
        return self.value().numpy()

    def ref(self) -> Any:
        """A hashable reference to this very variable (tf.Variable.ref)."""
        from eager.reference import Reference

        return Reference(self)

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Replaces the value and returns the variable.

        Raises:
            ValueError: if the shape differs; the variable stays as it was.
            DTypeError: if a tensor of another dtype is given.
        """
        from eager.convert import convert

        del use_locking, name, read_value
        tensor = convert(value, dtype=self.dtype, name=f"assignment to variable {self.name}")
        have = tensor.shape
        if not have.is_compatible_with(self._array.shape) or have.rank != self._array.ndim:
            raise ValueError(
                f"Cannot assign value to variable '{self.name}': Shape mismatch. The variable shape "
                f"{self.shape}, and the assigned value shape {have} are incompatible."
            )
        if state.busy and thread.frame is not None:
            thread.frame.assign(self, tensor)
        else:
            self._store(tensor._array)
        return self

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds to the value and returns the variable. Raises as `assign`."""
        return self.assign(self._quiet_value() + self._delta(delta), use_locking, name, read_value)

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts from the value and returns the variable. Raises as `assign`."""
        return self.assign(self._quiet_value() - self._delta(delta), use_locking, name, read_value)

    def _delta(self, delta: Any) -> Tensor:
        from eager.convert import convert

        return convert(delta, dtype=self.dtype, name=f"change of variable {self.name}")

    def _quiet_value(self) -> Tensor:
        """The value, unseen by tapes: assignments are not differentiated."""
        frame = thread.frame if state.busy else None
        return wrap(self._array) if frame is None else frame.read(self)

    def _store(self, array: Any) -> None:
        """Takes a new array as its value; for the commit of a run."""
        if array is self._array:
            return
        if not array.flags.c_contiguous:
            array = np.ascontiguousarray(array)
        self._array = array
        self._version += 1

    def initialized_value(self) -> Tensor:
        """The current value (tf.compat name)."""
        return self.value()

    def is_initialized(self, name: str | None = None) -> bool:
        """Always True: a variable has its value from the start."""
        del name
        return True

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """The value as an array."""
        return self.value().__array__(dtype, copy)

    def __eq__(self, other: object) -> Any:
        """Elementwise comparison, as of tensors."""
        from eager.operators import equal

        return equal(self, other)

    def __ne__(self, other: object) -> Any:
        """Elementwise comparison, as of tensors."""
        from eager.operators import not_equal

        return not_equal(self, other)

    def __bool__(self) -> bool:
        """The truth of a single element."""
        return bool(self.value())

    def __int__(self) -> int:
        """The value of a single element as int."""
        return int(self.value())

    def __float__(self) -> float:
        """The value of a single element as float."""
        return float(self.value())

    def __index__(self) -> int:
        """The value of an integer scalar."""
        return self.value().__index__()

    def __len__(self) -> int:
        """The size of the first axis."""
        return len(self.value())

    def __iter__(self) -> Any:
        """The slices along the first axis."""
        return iter(self.value())

    def __iadd__(self, other: Any) -> Any:
        """Refused, because `v += x` would bind the name to a tensor. Raises RuntimeError; use `assign_add`."""
        raise RuntimeError(
            "`variable += value` with `tf.Variable`s is not supported. Use `variable.assign_add(value)` to modify the "
            "variable, or `out = variable + value` if you need to get a new output tensor."
        )

    def __isub__(self, other: Any) -> Any:
        """Refused, as `+=`. Raises RuntimeError; use `assign_sub`."""
        raise RuntimeError(
            "`variable -= value` with `tf.Variable`s is not supported. Use `variable.assign_sub(value)` to modify the "
            "variable, or `out = variable - value` if you need to get a new output tensor."
        )

    def __imul__(self, other: Any) -> Any:
        """Refused, as `+=`. Raises RuntimeError; use `assign`."""
        raise RuntimeError(
            "`var *= value` with `tf.Variable`s is not supported. Use `var.assign(var * value)` to modify the "
            "variable, or `out = var * value` if you need to get a new output tensor."
        )

    def __getitem__(self, key: Any) -> Any:
        """A slice that can be assigned: `v[1:].assign(x)`."""
        from eager.variable_slice import slice_of

        return slice_of(self, key)

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        """A new variable with a copy of the value."""
        copied = Variable(np.array(self._array), trainable=self._trainable, constraint=self.constraint)
        copied._name = self._name
        memo[id(self)] = copied
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles value, name and trainability."""
        return (_restore, (np.array(self._array), self._trainable, self._name))

    def __repr__(self) -> str:
        """As TensorFlow prints it."""
        text = str(self._array[()]) if self._array.ndim == 0 else lines(repr(self._array))
        head = f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}"
        frame = thread.frame
        return f"{head}>" if frame is not None and frame.tracing else f"{head}, numpy={text}>"


def _call_lifted(initializer: Any) -> Any:
    """Runs an initialiser outside any trace."""
    from eager.context import init_scope

    with init_scope():
        return initializer()


def _restore(array: np.ndarray[Any, Any], trainable: bool, name: str) -> Variable:
    variable = Variable(array, trainable=trainable)
    variable._name = name
    return variable
