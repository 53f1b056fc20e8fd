"""ctc_loss: connectionist temporal classification (Graves et al., ICML 2006), on the host.

Operands: logits [frames, batch, classes] (floating), labels [batch, length] (integer), label_length [batch] and
logit_length [batch]; attr `blank`, the class that stands for no label. Results: the negative log-likelihood
[batch], and its derivative by the logits, which is where the gradient comes from: it is found in the same sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore.errors import InvalidArgumentError, ShapeError, UnsupportedError
from graphcore.ops.rules import FLOATING, INTEGER, Attrs, Types, check_equal_dims, require_kind, samples
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions

_RANKS = (3, 2, 1, 1)
_NAMES = ("logits", "labels", "label_length", "logit_length")


def _infer(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    logits, labels = types[0], types[1]
    for i, (t, rank, name) in enumerate(zip(types, _RANKS, _NAMES, strict=True)):
        require_kind("ctc_loss", t, INTEGER if i else FLOATING, i)
        if t.rank != rank:
            raise ShapeError(f"ctc_loss: {name} is {t!r}, expected rank {rank}")
        batch = t.shape[1 if i == 0 else 0]
        check_equal_dims("ctc_loss", f"the batch of logits and of {name}", logits.shape[1], batch, (logits, t))
    classes = logits.shape[2]
    if isinstance(classes, int) and not 0 <= attrs["blank"] < classes:
        raise InvalidArgumentError(
            f"ctc_loss: blank_index {attrs['blank']} is no class of {logits!r}; expected 0 to {classes - 1}"
        )
    return logits.with_shape((labels.shape[0],)), logits


def _evaluate(logits: Any, labels: Any, label_length: Any, logit_length: Any, blank: int) -> tuple[Any, Any]:
    frames, batch, classes = logits.shape
    _check_lengths("label_length", label_length, labels.shape[1])
    _check_lengths("logit_length", logit_length, frames)
    # Small integers would overflow in sums of lengths, and unsigned ones wrap below 0.
    labels, label_length, logit_length = (a.astype(np.int64) for a in (labels, label_length, logit_length))
    used = np.arange(labels.shape[1]) < label_length[:, None]
    labels = np.where(used, labels, blank)
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise InvalidArgumentError(f"ctc_loss: labels hold a class that is not in [0, {classes}); every label must be")
    if not batch:
        return np.zeros(0, logits.dtype), np.zeros_like(logits)
    wide = logits.astype(np.float64)
    shifted = wide - wide.max(axis=2, keepdims=True, initial=-np.inf)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    states = np.full((batch, 2 * labels.shape[1] + 1), blank)
    states[:, 1::2] = labels
    loss, posterior = _sweep(log_probs, states, 2 * label_length + 1, logit_length, blank)
    gradient = np.exp(log_probs) - posterior
    alive = (np.arange(frames)[:, None] < logit_length) & np.isfinite(loss)
    gradient = np.where(alive[:, :, None], gradient, 0)
    return loss.astype(logits.dtype), gradient.astype(logits.dtype)


def _check_lengths(name: str, lengths: Any, limit: int) -> None:
    if lengths.size and (lengths.min() < 0 or lengths.max() > limit):
        raise InvalidArgumentError(f"ctc_loss: {name} holds {lengths.tolist()}, expected numbers from 0 to {limit}")


def _shift(x: Any, count: int) -> Any:
    """Columns moved to the right by `count`, or to the left if negative; -inf comes in."""
    result = np.full_like(x, -np.inf)
    n = x.shape[1]
    if abs(count) < n:
        result[:, max(count, 0) : n + min(count, 0)] = x[:, max(-count, 0) : n - max(count, 0)]
    return result


def _step(x: Any, skip: Any, direction: int) -> Any:
    """log of the sum over staying, moving on by one, and by two where a blank may be skipped."""
    two = np.where(skip, _shift(x, 2 * direction), -np.inf)
    return np.logaddexp(np.logaddexp(x, _shift(x, direction)), two)


def _sweep(log_probs: Any, states: Any, ends: Any, logit_length: Any, blank: int) -> tuple[Any, Any]:
    """The loss, and the expected count of every class in every frame.

    Args:
        log_probs: [frames, batch, classes].
        states: [batch, states] the class of every state: blank, label, blank, ...
        ends: [batch] how many states are in use.
        logit_length: [batch] how many frames are in use.
        blank: the blank class.
    """
    frames, batch, classes = log_probs.shape
    count = states.shape[1]
    rows, place = np.arange(batch), np.arange(count)
    emit = np.stack([p[rows[:, None], states] for p in log_probs]) if frames else np.zeros((0, batch, count))
    inside = place < ends[:, None]
    emit = np.where(inside, emit, -np.inf)
    skip = np.zeros((batch, count), bool)
    skip[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    # Before the first frame the path stands ahead of state 0, so that it may begin in state 0 or 1.
    alpha = np.empty((frames, batch, count))
    before = np.where(place <= 1, 0.0, -np.inf) + np.zeros((batch, 1))
    for t in range(frames):
        alpha[t] = emit[t] + (before if t == 0 else _step(alpha[t - 1], skip, 1))
    last = inside & (place >= ends[:, None] - 2)
    beta = np.full((frames, batch, count), -np.inf)
    skip_back = np.zeros_like(skip)
    skip_back[:, :-2] = skip[:, 2:]
    for t in range(frames - 1, -1, -1):
        final = np.where(last & (logit_length[:, None] == t + 1), 0.0, -np.inf)
        beta[t] = final
        if t + 1 < frames:
            beta[t] = np.logaddexp(final, _step(beta[t + 1] + emit[t + 1], skip_back, -1))
    start = np.logaddexp.reduce(alpha[0] + beta[0], axis=1) if frames else np.full(batch, -np.inf)
    # Without a frame only the empty labelling is possible.
    log_likelihood = np.where(logit_length == 0, np.where(ends == 1, 0.0, -np.inf), start)
    posterior = np.zeros((frames, batch, classes))
    reachable = np.isfinite(log_likelihood)
    weight = np.exp(alpha + beta - np.where(reachable, log_likelihood, 0.0)[:, None])
    for s in range(count):
        posterior[:, rows, states[:, s]] += weight[:, :, s]
    return -log_likelihood, posterior


def _vjp(f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs) -> Any:
    if cts[1] is not None:
        raise UnsupportedError(
            "ctc_loss has no second derivative, as in TensorFlow; use tf.stop_gradient around its gradient"
        )
    shape = f.type(outputs[1]).shape
    return (f.mul(f.reshape(cts[0], shape=(1, shape[1], 1)), outputs[1]), None, None, None)


ctc_loss = register(
    OpDef("ctc_loss", "host", _infer, _evaluate, _vjp, samples=samples("label_sequences"), native=False)
)
