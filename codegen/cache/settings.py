"""Where the cache is, whether it is used, and how large it may grow: LAYERJIT_CACHE_DIR, LAYERJIT_CACHE, ..._BYTES."""

from __future__ import annotations

import functools
import os
import sys
import warnings

DEFAULT_BYTES = 1 << 30
"""Bytes of all entries together, unless LAYERJIT_CACHE_BYTES says otherwise; the least recently used go first."""

MODES = ("on", "readonly", "off")


class CacheWarning(UserWarning):
    """The disk cache cannot be used, or an entry of it was bad; the program goes on without it."""


def mode() -> str:
    """"on", "readonly" or "off": what LAYERJIT_CACHE says; a word that is none of them is off, and said once."""
    word = os.environ.get("LAYERJIT_CACHE", "on").strip().lower() or "on"
    if word in MODES:
        return word
    warn_once(f"LAYERJIT_CACHE={word!r} is none of {', '.join(MODES)}; the disk cache is off")
    return "off"


def folder() -> str:
    """The folder of entries: LAYERJIT_CACHE_DIR, or `layerjit` in the user's cache folder."""
    own = os.environ.get("LAYERJIT_CACHE_DIR")
    if own:
        return os.path.abspath(own)
    return os.path.join(_user_folder(), "layerjit")


def _user_folder() -> str:
    if sys.platform == "win32":
        return os.environ.get("LOCALAPPDATA") or os.path.join(os.path.expanduser("~"), "AppData", "Local")
    if sys.platform == "darwin":
        return os.path.join(os.path.expanduser("~"), "Library", "Caches")
    given = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    return given if os.path.isabs(given) else os.path.join(os.path.expanduser("~"), ".cache")


def limit() -> int:
    """Bytes that all entries together may take."""
    text = os.environ.get("LAYERJIT_CACHE_BYTES", "")
    try:
        return max(int(text), 0) if text else DEFAULT_BYTES
    except ValueError:
        warn_once(f"LAYERJIT_CACHE_BYTES={text!r} is no number of bytes; {DEFAULT_BYTES} is taken")
        return DEFAULT_BYTES


@functools.cache
def warn_once(text: str) -> None:
    """Warns of something, the first time in this process."""
    warnings.warn(text, CacheWarning, stacklevel=2)
