"""tf.nn: connectionist temporal classification."""

from __future__ import annotations

from typing import Any

from eager.convert import convert
from eager.dispatch import run
from eager.errors import InvalidArgumentError, ShapeError, UnsupportedError
from eager.ops.common import op, raw_shape
from eager.ops.public import public
from eager.tensor import Tensor, type_of
from graphcore.dtypes import float32
from graphcore.optable import get_op


@public("nn.ctc_loss")
def ctc_loss(
    labels: Any,
    logits: Any,
    label_length: Any,
    logit_length: Any,
    logits_time_major: bool = True,
    unique: Any = None,
    blank_index: int | None = None,
    name: str | None = None,
) -> Tensor:
    """The negative log-likelihood of label sequences under frame-wise logits (tf.nn.ctc_loss); runs on the host.

    Args:
        labels: integer [batch, max_label_length]; what lies behind a sequence's length does not count.
        logits: floating [frames, batch, classes], or [batch, frames, classes].
        label_length: integer [batch].
        logit_length: integer [batch].
        logits_time_major: whether the frames come first in logits.
        unique: accepted for compatibility.
        blank_index: the class that stands for no label, 0 by default; negative ones count from the end.
        name: accepted for compatibility.

    Returns:
        [batch]; infinite for a sequence that the frames cannot hold (TensorFlow gives a number near 700). There is no
        second derivative.

    Raises:
        UnsupportedError: for sparse labels.
        ShapeError: if ranks or batch sizes are not those above.
        InvalidArgumentError: for labels, lengths or a blank_index out of range.
        DTypeError: for labels or lengths that are not integers, or logits that are not floating.
    """
    del unique, name
    if hasattr(labels, "dense_shape"):
        raise UnsupportedError("ctc_loss: labels must be dense; write tf.sparse.to_dense(labels) and give label_length")
    x = convert(logits)
    if x.ndim != 3:
        raise ShapeError(f"ctc_loss: logits are {type_of(x)}, expected rank 3")
    if not logits_time_major:
        x = op("transpose", x, perm=(1, 0, 2))
    classes = raw_shape(x)[2]
    blank = 0 if blank_index is None else int(blank_index)
    if blank < 0:
        if not isinstance(classes, int):
            raise InvalidArgumentError("ctc_loss: a negative blank_index needs a number of classes known when tracing")
        blank += classes
    half = x.dtype.is_floating and x.dtype.size == 2
    wide = op("cast", x, dtype=float32) if half else x
    rest = (convert(t) for t in (labels, label_length, logit_length))
    loss = run(get_op("ctc_loss"), (wide, *rest), {"blank": blank})[0]
    return op("cast", loss, dtype=x.dtype) if half else loss
