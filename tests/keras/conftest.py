"""What the tests of tf.keras share."""

from collections.abc import Iterator

import pytest

import eager as tf


@pytest.fixture(autouse=True)
def fresh_names() -> Iterator[None]:
    """Layers are numbered from the start in every test, whatever ran before it."""
    tf.keras.backend.clear_session()
    yield
    tf.keras.backend.clear_session()
