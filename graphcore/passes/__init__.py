"""Passes: pure functions from a valid graph to a valid graph, run as a pipeline named by a string."""

from graphcore.passes.pipeline import DEFAULT_PIPELINE, PassRecord, run

__all__ = ["DEFAULT_PIPELINE", "PassRecord", "run"]
