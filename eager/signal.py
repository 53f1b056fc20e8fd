"""tf.signal: Fourier and cosine transforms, frames, windows, mel spectrograms."""

from __future__ import annotations

from eager.lazy import lazy_names

__getattr__, __dir__ = lazy_names(globals(), "tf.signal", {
    "eager.ops.fourier": (
        "fft fft2d fft3d fftshift ifft ifft2d ifft3d ifftshift irfft irfft2d irfft3d rfft rfft2d rfft3d"
    ),
    "eager.ops.frames": "frame inverse_stft inverse_stft_window_fn overlap_and_add stft",
    "eager.ops.windows": (
        "hamming_window hann_window kaiser_bessel_derived_window kaiser_window vorbis_window"
    ),
    "eager.ops.cosine": "dct idct inverse_mdct mdct",
    "eager.ops.mel": "linear_to_mel_weight_matrix mfccs_from_log_mel_spectrograms",
})  # fmt: skip
