"""tf.keras.optimizers.experimental: other names of the optimizers of tf.keras.optimizers."""

from __future__ import annotations

from eager.keras.optimizers.adadelta import Adadelta
from eager.keras.optimizers.adafactor import Adafactor
from eager.keras.optimizers.adagrad import Adagrad
from eager.keras.optimizers.adam import Adam, AdamW
from eager.keras.optimizers.adamax import Adamax
from eager.keras.optimizers.base import Optimizer, registry
from eager.keras.optimizers.ftrl import Ftrl
from eager.keras.optimizers.nadam import Nadam
from eager.keras.optimizers.rmsprop import RMSprop
from eager.keras.optimizers.sgd import SGD

__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop",
    "registry",
]  # fmt: skip
