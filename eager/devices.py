"""tf.device: there is one device, so the context only checks that it is meant."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from eager.errors import InvalidArgumentError


@contextmanager
def device(device_name: str | None) -> Generator[None]:
    """A context that places ops on a device (tf.device): the CPU, the only one.

    Raises:
        InvalidArgumentError: for a device that is not the CPU.
    """
    if device_name is not None and "CPU" not in device_name.upper():
        raise InvalidArgumentError(f"tf.device: {device_name!r} is not a device of layerjit; it runs on '/CPU:0' alone")
    yield
