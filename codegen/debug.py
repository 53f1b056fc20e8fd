"""LAYERJIT_DEBUG: topics, separated by commas, that are written to standard error as they happen."""

from __future__ import annotations

import functools
import os
import sys


@functools.cache
def _topics() -> frozenset[str]:
    return frozenset(part.strip() for part in os.environ.get("LAYERJIT_DEBUG", "").split(",") if part.strip())


def wants(topic: str) -> bool:
    """Whether the environment asks for a topic (loops, llvm, asm, ...)."""
    return topic in _topics()


def show(topic: str, text: str) -> None:
    """Writes text of a topic, if it is asked for."""
    if wants(topic):
        sys.stderr.write(f"[{topic}]\n{text.rstrip()}\n")
