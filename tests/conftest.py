"""What every test shares: hypothesis profiles, seeded numbers, the repository's root.

Properties are tried on the same examples in every run, so that a failure is a failure of the change at hand.
`HYPOTHESIS_PROFILE=explore` looks for new ones.
"""

import os
from pathlib import Path

import hypothesis
import numpy as np
import pytest

# No test reads or writes the user's disk cache; those of the cache itself turn it on, in folders of their own.
os.environ.setdefault("LAYERJIT_CACHE", "off")

_SLOW_MACHINE = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large]

hypothesis.settings.register_profile(
    "repeatable", deadline=None, derandomize=True, print_blob=True, suppress_health_check=_SLOW_MACHINE
)
hypothesis.settings.register_profile(
    "explore", deadline=None, max_examples=1000, print_blob=True, suppress_health_check=_SLOW_MACHINE
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20240229)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return Path(__file__).resolve().parent.parent
