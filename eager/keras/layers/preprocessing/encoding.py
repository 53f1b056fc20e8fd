"""Categories as indices, one-hot and multi-hot rows, counts: what category layers share."""

from __future__ import annotations

from typing import Any

from eager.errors import UnsupportedError
from eager.keras import backend
from eager.ops.array import cast, expand_dims
from eager.ops.counting import bincount
from eager.tensor_shape import TensorShape
from graphcore.dtypes import as_dtype


def checked_mode(mode: Any, allowed: tuple[str, ...], layer: str) -> str:
    """The output mode, old names as the new ones. Raises ValueError for one that is not allowed."""
    mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(mode, mode)
    if mode not in allowed:
        raise ValueError(
            f"Unkown value for `output_mode` argument of layer {layer}. Allowed values are: {allowed}. Received: {mode}"
        )
    return mode


def refuse_sparse(sparse: bool, mode: str, layer: str) -> None:
    """Refuses sparse results.

    Raises:
        ValueError: for mode "int", where they make no sense.
        UnsupportedError: else; there are no sparse tensors.
    """
    if sparse and mode == "int":
        raise ValueError(f"`sparse` may only be true if `output_mode` is not `'int'`. Received: sparse={sparse}")
    if sparse:
        raise UnsupportedError(f"{layer}: sparse=True is not implemented; leave it out for a dense result")


def dtype_for(kwargs: dict[str, Any], mode: str) -> dict[str, Any]:
    """The keywords with a dtype: int64 for indices, else the default float type."""
    dtype = kwargs.get("dtype")
    if dtype is None:
        return kwargs | {"dtype": "int64" if mode == "int" else backend.floatx()}
    if mode == "int" and isinstance(dtype, str) and not dtype.startswith("mixed") and not as_dtype(dtype).is_integer:
        return kwargs | {"dtype": "int64"}
    return kwargs


def require_integer(dtype: str, mode: str) -> None:
    """Raises ValueError if indices are to have a dtype that is no integer."""
    if mode == "int" and not as_dtype(dtype).is_integer:
        raise ValueError(f"When `output_mode='int'`, `dtype` should be an integer type. Received: dtype={dtype}")


def encode(indices: Any, mode: str, depth: int, dtype: Any, count_weights: Any = None, idf_weights: Any = None) -> Any:
    """Indices in an output mode.

    Args:
        indices: integers; those from `depth` on are left out of rows.
        mode: "int", "one_hot", "multi_hot", "count" or "tf_idf".
        depth: the length of a row.
        dtype: of the result.
        count_weights: what each index counts in mode "count".
        idf_weights: [depth], for "tf_idf".

    Raises:
        ValueError: for a result of rank above 2.
    """
    if mode == "int":
        return cast(indices, dtype)
    x = expand_dims(indices, -1) if indices.ndim == 0 else indices
    if mode == "one_hot" and x.shape[-1] != 1:
        x = expand_dims(x, -1)
    if x.ndim > 2:
        raise ValueError(
            "When output_mode is not `'int'`, maximum supported output rank is 2. Received output_mode "
            f"{mode} and input shape {indices.shape}, which would result in output rank {x.ndim}."
        )
    only_once = mode in ("one_hot", "multi_hot")
    rows = bincount(x, count_weights, depth, depth, dtype, axis=-1, binary_output=only_once)
    return rows * idf_weights if mode == "tf_idf" else rows


def encoded_shape(input_shape: Any, mode: str, depth: int | None) -> TensorShape:
    """The shape that `encode` gives."""
    shape = TensorShape(input_shape)
    if mode == "int":
        return shape
    sizes = shape.as_list()
    if not sizes:
        return TensorShape([depth])
    return TensorShape([*sizes, depth] if mode == "one_hot" and sizes[-1] != 1 else [*sizes[:-1], depth])
