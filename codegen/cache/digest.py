"""SHA-256 without the import of OpenSSL, which takes as long as everything else that a cached call does."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def _find() -> Any:
    for module in ("_sha2", "_sha256"):  # CPython's own, from 3.12 on and before
        try:
            return import_module(module).sha256
        except (ImportError, AttributeError):
            continue
    return import_module("hashlib").sha256


sha256: Any = _find()
"""As hashlib.sha256."""
