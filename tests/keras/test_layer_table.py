"""Every layer of tf.keras.layers through every step of tests/helpers/check_layer.py."""

import pytest
from layer_rows import CASES, STEPS

IDS = [f"{row.name}-{i}" for i, row in enumerate(CASES)]


@pytest.mark.parametrize("row", CASES, ids=IDS)
@pytest.mark.parametrize("step", STEPS)
def test_layer(step, row):
    STEPS[step](row)
