"""Recurrent layers restated in NumPy: one step of each cell, and a loop with masks."""

import numpy as np
from scipy.special import expit as logistic


def simple_step(kernel, recurrent, bias=0.0):
    def step(x, states):
        h = np.tanh(x @ kernel + states[0] @ recurrent + bias)
        return h, [h]

    return step


def gru_step(kernel, recurrent, bias):
    """With the reset gate behind the product where there are two biases, before it where there is one."""
    n = len(recurrent)
    after = bias.ndim == 2
    inner_bias = bias[1] if after else np.zeros(3 * n)

    def step(x, states):
        (h,) = states
        given = x @ kernel + (bias[0] if after else bias)
        inner = h @ recurrent + inner_bias
        z, r = (logistic(given[:, i * n : (i + 1) * n] + inner[:, i * n : (i + 1) * n]) for i in (0, 1))
        pulled = r * inner[:, 2 * n :] if after else (r * h) @ recurrent[:, 2 * n :]
        new = z * h + (1 - z) * np.tanh(given[:, 2 * n :] + pulled)
        return new, [new]

    return step


def lstm_step(kernel, recurrent, bias=0.0):
    def step(x, states):
        h, carry = states
        i, f, c, o = np.split(x @ kernel + h @ recurrent + bias, 4, -1)
        carry = logistic(f) * carry + logistic(i) * np.tanh(c)
        h = logistic(o) * np.tanh(carry)
        return h, [h, carry]

    return step


def stacked_step(steps, counts):
    """Cells on one another; `counts` are their numbers of states."""

    def step(x, states):
        new, at = [], 0
        for one, count in zip(steps, counts, strict=True):
            x, after = one(x, states[at : at + count])
            new, at = new + after, at + count
        return x, new

    return step


def over_time(step, x, states, mask=None, backwards=False, zero=False):
    """All outputs (batch, time, ...), the last one, and the last states, for x (batch, time, ...)."""
    outputs, last = [], None
    times = range(x.shape[1])
    for t in reversed(times) if backwards else times:
        y, new = step(x[:, t], states)
        if mask is not None:
            y = chosen(mask[:, t], y, np.zeros_like(y) if zero or last is None else last)
            new = [chosen(mask[:, t], a, b) for a, b in zip(new, states, strict=True)]
        outputs.append(y)
        last, states = y, new
    return np.stack(outputs, 1), last, states


def chosen(valid, new, old):
    return np.where(valid.reshape(-1, *(1,) * (new.ndim - 1)), new, old)


def zeros(x, units, count=1):
    return [np.zeros((len(x), units)) for _ in range(count)]
