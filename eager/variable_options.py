"""tf.VariableSynchronization and tf.VariableAggregation: words of add_weight and tf.Variable for replicas.

There is one replica here, so they say nothing but that a variable ON_READ is not trainable.
"""

from __future__ import annotations

from enum import Enum


class VariableSynchronization(Enum):
    """When replicas synchronise a variable (tf.VariableSynchronization)."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(Enum):
    """How the updates of replicas are combined (tf.VariableAggregation)."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3
