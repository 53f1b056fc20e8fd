"""Objects of call entries alone, in the disk cache by the form of their plan."""

from __future__ import annotations

from collections.abc import Callable

from codegen.cache import access, machine
from codegen.cache.digest import sha256


def entry_object(form: bytes, make: Callable[[], bytes]) -> bytes:
    """The object of an entry: from the disk cache, or made now and put there.

    Args:
        form: what the entry's text depends on.
        make: compiles it.
    """
    cache = access.opened()
    if cache is None:
        return make()
    key = sha256(machine.salt("entry", None) + form).digest()
    found = cache.get(key)
    if found is None:
        found = make()
        cache.put(key, found)
    return found
