"""Rows for tf.signal, against numpy.fft and SciPy."""

from importlib import import_module

import numpy as np
from tf_cases import case, custom, fault, floats, ints
from tf_cases_host import both, of_complex, parts

import eager as tf

X = floats(2, 3, 8)
Y = floats(2, 3, 8)


def scipy(module, name):
    """A function of a module of SciPy; it is loaded where a test needs it."""
    return lambda *a, **kw: getattr(import_module(f"scipy.{module}"), name)(*a, **kw)


# Fourier transforms.

for _rank in (1, 2, 3):
    _axes, _d = tuple(range(-_rank, 0)), "" if _rank == 1 else f"{_rank}d"
    of_complex(f"signal.fft{_d}", getattr(tf.signal, f"fft{_d}"), lambda z, a=_axes: np.fft.fftn(z, axes=a), X, Y)
    of_complex(f"signal.ifft{_d}", getattr(tf.signal, f"ifft{_d}"), lambda z, a=_axes: np.fft.ifftn(z, axes=a), X, Y)
    for _length in (None, [9], [6], [2, 5], [4, 16], [1, 4, 7], [3, 2, 8]):
        if _length is not None and len(_length) != _rank:
            continue
        custom(f"signal.rfft{_d}", lambda x, n=_length, d=_d: parts(getattr(tf.signal, f"rfft{d}")(x, n)), X,
               lambda x, n=_length, a=_axes: both(np.fft.rfftn(x, n, axes=a)), exact=False)  # fmt: skip
        custom(f"signal.irfft{_d}",
               lambda x, y, n=_length, d=_d: getattr(tf.signal, f"irfft{d}")(tf.complex(x, y), n), (X, Y),
               lambda x, y, n=_length, a=_axes: np.fft.irfftn(x + 1j * y, n, axes=a), exact=False)  # fmt: skip
    for _name in (f"signal.fft{_d}", f"signal.ifft{_d}", f"signal.irfft{_d}"):
        fault(_name, TypeError, X)
        fault(_name, ValueError, np.ones(2)[0] + 0j)
    for _name in (f"signal.rfft{_d}", f"signal.irfft{_d}"):
        fault(_name, ValueError, X + (0j if "irfft" in _name else 0), [0] * _rank)
        fault(_name, ValueError, X + (0j if "irfft" in _name else 0), [4] * (_rank + 1))
    fault(f"signal.rfft{_d}", TypeError, ints(2, 2, 2))
    fault(f"signal.rfft{_d}", TypeError, X + 0j)
custom("signal.rfft", lambda x: parts(tf.signal.rfft(x)), floats(2, 7), lambda x: both(np.fft.rfft(x)), exact=False)
custom("signal.rfft", lambda x: parts(tf.signal.rfft(x)), floats(0, 4), lambda x: both(np.fft.rfft(x)), smooth=False)
for _name in ("fftshift", "ifftshift"):
    for _axes in (None, 1, (0, -1)):
        case(f"signal.{_name}", floats(3, 4), lambda x, n=_name, a=_axes: getattr(np.fft, n)(x, a), _axes, exact=True)
    fault(f"signal.{_name}", ValueError, X, 3)

# Cosine transforms: SciPy's without scaling of the inverse.

for _type in (1, 2, 3, 4):
    for _norm in (None, "ortho")[: 1 if _type == 1 else 2]:
        case("signal.dct", X, lambda x, t=_type, o=_norm: scipy("fftpack", "dct")(x, t, norm=o) if t < 4 else
             scipy("fft", "dct")(x, t, norm=o), type=_type, norm=_norm)  # fmt: skip
        case("signal.idct", X, lambda x, t=_type, o=_norm: scipy("fftpack", "idct")(x, t, norm=o) if t < 4 else
             scipy("fft", "dct")(x, t, norm=o), type=_type, norm=_norm)  # fmt: skip
for _n in (5, 11):
    case("signal.dct", X, lambda x, n=_n: scipy("fft", "dct")(x, n=n), n=_n)
for _name in ("dct", "idct"):
    fault(f"signal.{_name}", TypeError, ints(4))
    fault(f"signal.{_name}", ValueError, X, 5)
    fault(f"signal.{_name}", ValueError, X, norm="forward")
    fault(f"signal.{_name}", ValueError, X, 1, norm="ortho")
    fault(f"signal.{_name}", ValueError, X[..., :1], 1)
    fault(f"signal.{_name}", tf.errors.UnsupportedError, X, axis=0)
fault("signal.idct", ValueError, X, n=0)


def mdct(x, n, norm):
    """By the definition: sum of w(k) x(k) cos(pi/N (k + 1/2 + N/2)(m + 1/2)) over a frame of 2N = n samples."""
    half = n // 2
    k, m = np.arange(n)[:, None], np.arange(half)
    basis = np.cos(np.pi / half * (k + 0.5 + half / 2) * (m + 0.5)) * vorbis(n)[:, None]
    frames = np.stack([x[..., i : i + n] for i in range(0, x.shape[-1] - n + 1, half)], -2)
    return frames @ basis * (np.sqrt(2 / half) if norm else 2)


def vorbis(n):
    return np.sin(np.pi / 2 * np.sin(np.pi / n * (np.arange(n) + 0.5)) ** 2)


for _norm in (None, "ortho"):
    case("signal.mdct", floats(2, 24), lambda x, o=_norm: mdct(x, 8, o), 8, norm=_norm)
    custom("signal.inverse_mdct",
           lambda x, o=_norm: tf.signal.inverse_mdct(tf.signal.mdct(x, 8, norm=o), norm=o)[..., 4:20],
           floats(2, 24), lambda x: x[..., 4:20], exact=False)  # fmt: skip
fault("signal.mdct", ValueError, X, 6)
fault("signal.mdct", ValueError, X, 8, norm="forward")
fault("signal.mdct", TypeError, ints(8), 4)
fault("signal.inverse_mdct", ValueError, X[..., :3])
fault("signal.inverse_mdct", TypeError, ints(2, 4))

# Frames.


def framed(x, length, step):
    return np.stack([x[..., i : i + length] for i in range(0, x.shape[-1] - length + 1, step)], -2)


def summed(frames, step):
    *batch, count, length = frames.shape
    total = np.zeros((*batch, (count - 1) * step + length), frames.dtype)
    for i in range(count):
        total[..., i * step : i * step + length] += frames[..., i, :]
    return total


for _length, _step in ((3, 2), (2, 3), (8, 1), (4, 4)):
    case("signal.frame", X, lambda x, n=_length, s=_step: framed(x, n, s), _length, _step, exact=True)
    case("signal.overlap_and_add", floats(2, 5, _length), lambda x, s=_step: summed(x, s), _step)
case("signal.frame", X, lambda x: framed(np.pad(x, ((0, 0), (0, 0), (0, 2)), constant_values=7), 4, 3), 4, 3, True, 7.0)
case("signal.frame", X, lambda x: np.stack([x[:, :2], x[:, 1:]], 1), 2, 1, axis=1, exact=True)
case("signal.frame", X, lambda x: np.zeros((2, 3, 0, 9)), 9, 1, smooth=False)
case("signal.frame", ints(5), lambda x: framed(x, 2, 2), 2, 2, smooth=False)
fault("signal.frame", ValueError, X, 0, 1)
fault("signal.frame", ValueError, X, 2, 0)
fault("signal.frame", ValueError, X, 2, 1, axis=3)
case("signal.overlap_and_add", ints(3, 4), lambda x: summed(x, 2), 2, smooth=False)
fault("signal.overlap_and_add", ValueError, floats(3), 1)
fault("signal.overlap_and_add", ValueError, X, 0)


def hann(n):
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)


_SIGNAL = floats(2, 40)
custom("signal.stft", lambda x: parts(tf.signal.stft(x, 6, 3)), _SIGNAL,
       lambda x: both(np.fft.rfft(framed(x, 6, 3) * hann(6), 8)), exact=False)  # fmt: skip
custom("signal.stft", lambda x: parts(tf.signal.stft(x, 8, 5, 6, None, True)), _SIGNAL,
       lambda x: both(np.fft.rfft(framed(np.pad(x, ((0, 0), (0, 3))), 8, 5), 6)), exact=False)  # fmt: skip
fault("signal.stft", ValueError, _SIGNAL, 0, 1)
fault("signal.stft", TypeError, ints(9), 4, 2)


def _there_and_back(x):
    window = tf.signal.inverse_stft_window_fn(4)
    return tf.signal.inverse_stft(tf.signal.stft(x, 8, 4), 8, 4, window_fn=window)[..., 4:-4]


custom("signal.inverse_stft", _there_and_back, _SIGNAL, lambda x: x[..., 4:-4], exact=False)
custom("signal.inverse_stft", lambda x, y: tf.signal.inverse_stft(tf.complex(x, y), 6, 2, window_fn=None),
       (floats(2, 5, 5), floats(2, 5, 5)), lambda x, y: summed(np.fft.irfft(x + 1j * y)[..., :6], 2),
       exact=False)  # fmt: skip
fault("signal.inverse_stft", TypeError, X, 4, 2)
fault("signal.inverse_stft", ValueError, X + 0j, 0, 2)
custom("signal.inverse_stft_window_fn", lambda: tf.signal.inverse_stft_window_fn(3)(8, tf.float64), (),
       lambda: hann(8) / np.array([sum(hann(8)[i % 3 :: 3] ** 2) for i in range(8)]), exact=False)  # fmt: skip
fault("signal.inverse_stft_window_fn", ValueError, 0)

# Windows.

for _n in (1, 2, 7, 8):
    for _name, _base in (("hann", 0.5), ("hamming", 0.54)):
        for _periodic in (True, False):
            # As documented, periodic does not change windows of odd length.
            custom(f"signal.{_name}_window", lambda m=_name, n=_n, p=_periodic: getattr(tf.signal, f"{m}_window")(
                n, p, tf.float64), (), lambda b=_base, n=_n, p=_periodic: np.ones(1) if n == 1 else (
                b - (1 - b) * np.cos(2 * np.pi * np.arange(n) / (n if p and n % 2 == 0 else n - 1))))  # fmt: skip
    custom("signal.kaiser_window", lambda n=_n: tf.signal.kaiser_window(n, 5.0, tf.float64), (),
           lambda n=_n: scipy("signal.windows", "kaiser")(n, 5.0), exact=False)  # fmt: skip
    custom("signal.vorbis_window", lambda n=_n: tf.signal.vorbis_window(n, tf.float64), (), lambda n=_n: vorbis(n))
custom("signal.kaiser_bessel_derived_window",
       lambda: tf.signal.kaiser_bessel_derived_window(8, 4.0 * np.pi, tf.float64), (),
       lambda: scipy("signal.windows", "kaiser_bessel_derived")(8, beta=4.0 * np.pi))  # fmt: skip
custom("signal.hann_window", lambda: tf.signal.hann_window(4), (), lambda: np.array([0, 0.5, 1, 0.5], np.float32))
for _name in ("hann_window", "hamming_window", "kaiser_window", "vorbis_window", "kaiser_bessel_derived_window"):
    fault(f"signal.{_name}", ValueError, -1)
    fault(f"signal.{_name}", ValueError, [3, 4])
    fault(f"signal.{_name}", TypeError, 4, dtype=tf.int32)

# The mel scale: 1127 ln(1 + f / 700), and filters that are triangles on it.


def mel_matrix(bins, lines, rate, low, high):
    def mel(f):
        return 1127 * np.log(1 + f / 700)

    edges, found = np.linspace(mel(low), mel(high), bins + 2), np.zeros((lines, bins))
    for i in range(1, lines):
        place = mel(rate / 2 * i / (lines - 1))
        for j in range(bins):
            found[i, j] = np.interp(place, edges[j : j + 3], [0, 1, 0], 0, 0)
    return found


custom("signal.linear_to_mel_weight_matrix", lambda: tf.signal.linear_to_mel_weight_matrix(dtype=tf.float64), (),
       lambda: mel_matrix(20, 129, 8000, 125.0, 3800.0), exact=False)  # fmt: skip
custom("signal.linear_to_mel_weight_matrix",
       lambda: tf.signal.linear_to_mel_weight_matrix(7, 33, 16000, 20.0, 8000.0, tf.float64), (),
       lambda: mel_matrix(7, 33, 16000, 20.0, 8000.0), exact=False)  # fmt: skip
for _bad in ({"num_mel_bins": 0}, {"lower_edge_hertz": -1.0}, {"lower_edge_hertz": 4000.0},
             {"upper_edge_hertz": 4001.0}, {"sample_rate": 0}):  # fmt: skip
    fault("signal.linear_to_mel_weight_matrix", ValueError, **_bad)
fault("signal.linear_to_mel_weight_matrix", TypeError, dtype=tf.int32)
case("signal.mfccs_from_log_mel_spectrograms", X, lambda x: scipy("fft", "dct")(x) / np.sqrt(2 * x.shape[-1]))
fault("signal.mfccs_from_log_mel_spectrograms", ValueError, np.zeros((2, 0)))
fault("signal.mfccs_from_log_mel_spectrograms", TypeError, ints(4))
