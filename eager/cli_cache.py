"""`layerjit cache info | clear | verify`: the disk cache of native code."""

from __future__ import annotations

from typing import Any

from eager import native


def run(what: str) -> tuple[Any, str, int]:
    """Does one of them.

    Args:
        what: "info", "clear" or "verify".

    Returns:
        The facts as a NamedTuple, the text for people, and the exit code: 1 if an entry is bad or cannot be removed.

    Raises:
        OSError: if the folder must not be used.
    """
    tools = native.cache_tools()
    if what == "info":
        found = tools.info()
        return found, _info_text(found), 0
    if what == "clear":
        found = tools.clear()
        return found, _cleared_text(found), int(found.failed > 0)
    found = tools.verify()
    return found, _verified_text(found), int(bool(found.bad))


def _info_text(found: Any) -> str:
    rows = [
        f"folder: {found.folder} ({found.state})",
        f"mode: {found.mode} (LAYERJIT_CACHE)",
        f"{found.entries} entries, {found.bytes} bytes of at most {found.limit}",
    ]
    if found.leftovers:
        rows.append(f"{found.leftovers} bad or unfinished files beside them; remove them with: layerjit cache clear")
    return "\n".join(rows)


def _cleared_text(found: Any) -> str:
    text = f"removed {found.removed} files, {found.bytes} bytes, from {found.folder}"
    return text + (f"; {found.failed} could not be removed" if found.failed else "")


def _verified_text(found: Any) -> str:
    rows = [f"{found.good} good and {len(found.bad)} bad entries in {found.folder}"]
    rows += [f"  {path}: {why}" for path, why in found.bad]
    return "\n".join(rows)
