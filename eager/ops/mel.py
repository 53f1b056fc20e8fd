"""tf.signal: the mel scale (HTK's formula)."""

from __future__ import annotations

from typing import Any

import numpy as np

from eager.convert import convert
from eager.errors import DTypeError, InvalidArgumentError
from eager.ops.common import op, raw_shape, size_tensor
from eager.ops.cosine import dct
from eager.ops.public import public
from eager.tensor import Tensor, type_of, wrap
from graphcore.dtypes import as_dtype, float32


def _mel(hertz: Any) -> Any:
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


@public("signal.linear_to_mel_weight_matrix")
def linear_to_mel_weight_matrix(
    num_mel_bins: int = 20,
    num_spectrogram_bins: int = 129,
    sample_rate: float = 8000,
    lower_edge_hertz: float = 125.0,
    upper_edge_hertz: float = 3800.0,
    dtype: Any = float32,
    name: str | None = None,
) -> Tensor:
    """The matrix [num_spectrogram_bins, num_mel_bins] of triangular filters, evenly spaced on the mel scale.

    (tf.signal.linear_to_mel_weight_matrix.) A spectrogram [..., num_spectrogram_bins] times it is one in mel bins.

    Args:
        num_mel_bins: how many filters.
        num_spectrogram_bins: how many linear bins, from 0 to half of the sample rate.
        sample_rate: samples per second.
        lower_edge_hertz: where the lowest filter begins.
        upper_edge_hertz: where the highest filter ends.
        dtype: a floating dtype.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: for counts that are not positive, or edges that are not 0 <= lower < upper <= half of
            the sample rate.
        DTypeError: for a dtype that is not floating.
    """
    del name
    kind, bins, rate = as_dtype(dtype), int(num_mel_bins), float(sample_rate)
    low, high = float(lower_edge_hertz), float(upper_edge_hertz)
    if bins <= 0 or int(num_spectrogram_bins) <= 0 or rate <= 0:
        raise InvalidArgumentError(
            f"linear_to_mel_weight_matrix: num_mel_bins {num_mel_bins}, num_spectrogram_bins {num_spectrogram_bins} "
            f"and sample_rate {sample_rate} must be positive"
        )
    if not 0 <= low < high <= rate / 2:
        raise InvalidArgumentError(
            f"linear_to_mel_weight_matrix: edges are {low} and {high} Hz, expected 0 <= lower < upper <= {rate / 2}"
        )
    if not kind.is_floating:
        raise DTypeError(f"linear_to_mel_weight_matrix: dtype is {kind.name}, expected a floating dtype")
    # The bin of frequency 0 is left out of every filter.
    place = _mel(np.linspace(0.0, rate / 2, int(num_spectrogram_bins))[1:])[:, None]
    edges = np.linspace(_mel(low), _mel(high), bins + 2)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    weights = np.maximum(0.0, np.minimum((place - left) / (centre - left), (right - place) / (right - centre)))
    return wrap(np.pad(weights, ((1, 0), (0, 0))).astype(kind.numpy))


@public("signal.mfccs_from_log_mel_spectrograms")
def mfccs_from_log_mel_spectrograms(log_mel_spectrograms: Any, name: str | None = None) -> Tensor:
    """Mel frequency cepstral coefficients: a scaled dct of type 2 (tf.signal.mfccs_from_log_mel_spectrograms).

    Takes float32 or float64 [..., mel bins] and gives the same shape.

    Raises:
        InvalidArgumentError: if there is no bin.
        DTypeError: for another dtype.
    """
    del name
    x = convert(log_mel_spectrograms)
    if x.ndim and raw_shape(x)[-1] == 0:
        raise InvalidArgumentError(f"mfccs_from_log_mel_spectrograms: {type_of(x)} has no mel bins")
    cepstrum = dct(x, type=2)
    return cepstrum / op("sqrt", size_tensor(raw_shape(x)[-1] * 2, x.dtype))
