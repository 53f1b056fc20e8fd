"""Ops whose places are data: gather, scatter, windows at a start; and ops in order: sort, cumulate."""

from graphcore.dtypes import int32, int64
from graphcore.errors import InvalidArgumentError
from graphcore.graph import Value
from random_graphs.sketch import NATIVE, Sketch, has_axes, is_number, small, static


def _within(s: Sketch, source: Value, size: int) -> Value:
    """An integer value as indices below `size`, in whatever integer dtype holds them."""
    if source.type.dtype.size == 1 and size > 100:
        source = s.keep(s.f.cast(source, dtype=s.pick((int32, int64))), (source,))
    return s.keep(s.f.mod(source, s.constant(size, source)), (source,))


def _target(s: Sketch) -> tuple[Value, int, int]:
    """A value, one of its axes of fixed size, and that size."""
    x = s.value(lambda v: v.type.rank > 0 and 0 not in v.type.shape)
    axis = s.number(0, x.type.rank - 1)
    size = x.type.shape[axis]
    if not isinstance(size, int):
        raise InvalidArgumentError("a symbolic axis")
    return x, axis, size


def gather(s: Sketch) -> None:
    x, axis, size = _target(s)
    indices = _within(s, s.integer(), size)
    lead = x.type.shape[0]
    batched = axis > 0 and indices.type.rank > 0 and indices.type.shape[0] == lead and s.flip()
    made = s.f.gather(x, indices, axis=axis, batch_dims=int(batched))
    s.keep(made, (x, indices))


def one_hot(s: Sketch) -> None:
    depth = s.number(1, 5)
    indices = _within(s, s.integer(), depth + 1)
    axis = s.number(0, indices.type.rank)
    s.keep(s.f.one_hot(indices, depth=depth, axis=axis, dtype=s.pick(NATIVE)), (indices,))


def scatter(s: Sketch) -> None:
    """Rows are read at places, and combined with others at the same places."""
    x, _, _ = _target(s)
    if not isinstance(x.type.shape[0], int):
        raise InvalidArgumentError("a symbolic axis")
    source = s.integer()
    parts = [_within(s, source, x.type.shape[0])]
    if x.type.rank > 1 and isinstance(x.type.shape[1], int) and s.flip():
        parts.append(_within(s, s.f.add(source, s.constant(1, source)), x.type.shape[1]))
    if len({p.type.dtype for p in parts}) > 1:
        parts = [s.f.cast(p, dtype=int64) for p in parts]
    columns = [s.f.reshape(p, shape=(*p.type.shape, 1)) for p in parts]
    places = s.f.concatenate(*columns, axis=columns[0].type.rank - 1) if len(columns) > 1 else columns[0]
    picked = s.f.gather_nd(x, places)
    if not small(picked.type):
        return
    s.keep(picked, (x, source))
    updates = picked
    if is_number(x) and s.flip():
        updates = s.keep(s.f.add(picked, s.constant(1, picked)), (picked,))
    combine = s.pick(("add", "mul", "max", "min", "update")) if is_number(x) else "update"
    s.keep(s.f.scatter(x, places, updates, combine=combine), (x, source, updates))


def window(s: Sketch) -> None:
    """A window at a place that is data is read, and written somewhere else."""
    x = s.value(lambda v: v.type.rank > 0 and static(v.type.shape))
    shape = [d for d in x.type.shape if isinstance(d, int)]
    sizes = tuple(s.number(1, d) for d in shape)
    room = [d - size + 1 for d, size in zip(shape, sizes, strict=True)]
    source = s.value(lambda v: v.type.dtype in (int32, int64), s.pick((int32, int64)))
    total = s.f.reduce_sum(source, axes=tuple(range(source.type.rank)), keepdims=False)
    start = s.f.mod(s.f.broadcast_to(total, shape=(len(room),)), s.constant(room, source))
    part = s.keep(s.f.dynamic_slice(x, start, sizes=sizes), (x, source))
    other = s.f.mod(s.f.add(start, s.constant(1, source)), s.constant(room, source))
    s.keep(s.f.dynamic_update_slice(x, part, other), (x, part, source))


def sort(s: Sketch) -> None:
    x = s.value(lambda v: v.type.rank > 0)
    values, order = s.f.sort(x, axis=s.number(0, x.type.rank - 1), descending=s.flip())
    s.keep(values, (x,))
    if x in s.exact:
        s.keep(order, (x,))


def cumulate(s: Sketch) -> None:
    x = s.value(has_axes)
    names = ("add", "mul", "max", "logaddexp") if x.type.dtype.is_floating else ("add", "mul", "max")
    axis = s.number(0, x.type.rank - 1)
    made = s.f.cumulative(x, axis=axis, combine=s.pick(names), exclusive=s.flip(), reverse=s.flip())
    s.keep(made, (x,))


MOVES = (gather, gather, one_hot, scatter, scatter, window, sort, cumulate)
