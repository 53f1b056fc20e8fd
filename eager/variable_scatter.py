"""Sparse assignments to a variable: `v.scatter_add(tf.IndexedSlices(values, indices))` and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eager.indexed_slices import IndexedSlices
    from eager.tensor import Tensor
    from eager.variable import Variable


class SparseMethods:
    """The methods of Variable that read or change a part of it, named by indices.

    Each `scatter_*` takes a tf.IndexedSlices of values of the variable's dtype and returns the variable. Rows that are
    named twice count twice, in order. An index out of range is an InvalidArgumentError, a `sparse_delta` of another
    type a TypeError; the variable then stays as it was. `use_locking` and `name` are accepted for compatibility.
    """

    __slots__ = ()

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Adds rows (tf.Variable.scatter_add)."""
        del use_locking, name
        return _scatter_rows(self, sparse_delta, "add", "scatter_add")

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Subtracts rows (tf.Variable.scatter_sub)."""
        del use_locking, name
        return _scatter_rows(self, sparse_delta, "sub", "scatter_sub")

    def scatter_mul(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Multiplies by rows (tf.Variable.scatter_mul)."""
        del use_locking, name
        return _scatter_rows(self, sparse_delta, "mul", "scatter_mul")

    def scatter_div(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Divides by rows (tf.Variable.scatter_div)."""
        del use_locking, name
        return _scatter_rows(self, sparse_delta, "div", "scatter_div")

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Takes the larger of each element and those of rows (tf.Variable.scatter_max)."""
        del use_locking, name
        return _scatter_rows(self, sparse_delta, "max", "scatter_max")

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Takes the smaller of each element and those of rows (tf.Variable.scatter_min)."""
        del use_locking, name
        return _scatter_rows(self, sparse_delta, "min", "scatter_min")

    def scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replaces rows (tf.Variable.scatter_update)."""
        del use_locking, name
        return _scatter_rows(self, sparse_delta, "update", "scatter_update")

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Adds elements or slices at indices [..., k] (tf.Variable.scatter_nd_add)."""
        del name
        return _scatter_nd(self, indices, updates, "add", "scatter_nd_add")

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtracts elements or slices at indices [..., k] (tf.Variable.scatter_nd_sub)."""
        del name
        return _scatter_nd(self, indices, updates, "sub", "scatter_nd_sub")

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Replaces elements or slices at indices [..., k] (tf.Variable.scatter_nd_update)."""
        del name
        return _scatter_nd(self, indices, updates, "update", "scatter_nd_update")

    def scatter_nd_max(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Raises elements or slices at indices [..., k] to the updates (tf.Variable.scatter_nd_max)."""
        del name
        return _scatter_nd(self, indices, updates, "max", "scatter_nd_max")

    def scatter_nd_min(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Lowers elements or slices at indices [..., k] to the updates (tf.Variable.scatter_nd_min)."""
        del name
        return _scatter_nd(self, indices, updates, "min", "scatter_nd_min")

    def batch_scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replaces rows by one list of indices for each leading position (tf.Variable.batch_scatter_update)."""
        del use_locking, name
        return _batch_scatter_update(self, sparse_delta)

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """The rows at the indices (tf.Variable.sparse_read)."""
        from eager.ops.pick import gather

        return gather(self, indices, name=name)

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements or slices at indices [..., k] (tf.Variable.gather_nd)."""
        import eager as tf

        return tf.gather_nd(self, indices, name=name)


def _scatter_rows(variable: Any, slices: Any, combine: str, name: str) -> Variable:
    from eager.convert import convert
    from eager.dispatch import functions
    from eager.indexed_slices import IndexedSlices

    if not isinstance(slices, IndexedSlices):
        raise TypeError(f"{name}: sparse_delta is not IndexedSlices: {slices!r}")
    f = functions()
    values = convert(slices.values, dtype=variable.dtype, name=f"{name} of variable {variable.name}")
    if combine == "div":
        return _divide(variable, slices, values)
    if combine == "sub":
        values, combine = -values, "add"
    place = f.reshape(slices.indices, shape=(*f.type(slices.indices).shape, 1))
    return variable.assign(f.scatter(variable._quiet_value(), place, values, combine=combine))


def _divide(variable: Any, slices: IndexedSlices, values: Tensor) -> Variable:
    """Division row by row: rows of one index are divided by the product of their values."""
    from eager.dispatch import functions

    f = functions()
    ones = f.full(f.type(variable._quiet_value()), 1)
    place = f.reshape(slices.indices, shape=(*f.type(slices.indices).shape, 1))
    return variable.assign(f.div(variable._quiet_value(), f.scatter(ones, place, values, combine="mul")))


def _scatter_nd(variable: Any, indices: Any, updates: Any, combine: str, name: str) -> Variable:
    from eager.convert import convert
    from eager.dispatch import functions
    from eager.errors import InvalidArgumentError

    f = functions()
    values = convert(updates, dtype=variable.dtype, name=f"{name} of variable {variable.name}")
    places = convert(indices)
    if not places.dtype.is_integer:
        raise InvalidArgumentError(f"{name}: indices are {places.dtype.name}, expected integers")
    if combine == "sub":
        values, combine = -values, "add"
    return variable.assign(f.scatter(variable._quiet_value(), places, values, combine=combine))


def _batch_scatter_update(variable: Any, slices: IndexedSlices) -> Variable:
    """Replaces rows, one index list for each leading position (tf.Variable.batch_scatter_update)."""
    from eager.dispatch import functions
    from eager.ops.create import range as range_
    from eager.ops.join import stack
    from eager.ops.shaping import broadcast_to, reshape, shape

    indices = slices.indices
    sizes = shape(indices)
    grids = []
    for axis in range(indices.ndim - 1):
        line = reshape(range_(sizes[axis]), [-1 if a == axis else 1 for a in range(indices.ndim)])
        grids.append(broadcast_to(line, sizes))
    places = stack([*grids, functions().cast(indices, dtype="int32")], axis=-1)
    return _scatter_nd(variable, places, slices.values, "update", "batch_scatter_update")
