"""What the scans of one scanner object share, so that Clair gets as few requests as possible.

All of it is used in one event loop, and changed only between two `await`s, so that no locks are needed.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from functools import partial
from math import inf
from typing import Generic, TypeVar

from attrs import define, field
from portus_scanners.backends import SingleFlight

MOST_LAYERS = 8192
"""Names of layers that are remembered, in about 2 MB."""
MOST_BLOBS = 4096
"""Blobs that are remembered because their size was right."""
BLOB_CHECK_LASTS = 600.0
"""Seconds for which the registry's answer about a blob's size is trusted."""

MOST_NAMESPACES = 1024
DATA_LASTS = 600.0
"""Seconds for which it is remembered that Clair has data for a distribution."""
NO_DATA_LASTS = 60.0
"""Seconds for which it is remembered that Clair has none: its updater may bring some at any time."""

KeyT = TypeVar("KeyT", bound=Hashable)


class Recent(Generic[KeyT]):
    """A set that forgets the key that was not used for longest when it is full, and keys that are too old.

    Args:
        size: Most keys that it has.
        lasts: Seconds after which a key is forgotten.
    """

    def __init__(self, size: int, lasts: float = inf) -> None:
        self._size = size
        self._lasts = lasts
        self._added: OrderedDict[KeyT, float] = OrderedDict()

    def __contains__(self, key: KeyT) -> bool:
        added = self._added.get(key)
        if added is None:
            return False
        if time.monotonic() - added > self._lasts:
            del self._added[key]
            return False
        self._added.move_to_end(key)
        return True

    def __len__(self) -> int:
        return len(self._added)

    def add(self, keys: Iterable[KeyT]) -> None:
        """Add keys, or mark them as used."""
        now = time.monotonic()
        for key in keys:
            self._added[key] = now
            self._added.move_to_end(key)
        while len(self._added) > self._size:
            self._added.popitem(last=False)

    def discard(self, keys: Iterable[KeyT]) -> None:
        """Forget those of the keys that are there."""
        for key in keys:
            self._added.pop(key, None)


class DataMemory:
    """For which distributions Clair had vulnerability data when it last showed that."""

    def __init__(self) -> None:
        self._with = Recent[str](MOST_NAMESPACES, DATA_LASTS)
        self._without = Recent[str](MOST_NAMESPACES, NO_DATA_LASTS)

    def get(self, namespace: str) -> bool | None:
        """Return whether Clair has data for a namespace; None where that is not known, or no longer."""
        return True if namespace in self._with else False if namespace in self._without else None

    def set(self, namespaces: Iterable[str], *, has_data: bool) -> None:
        """Remember what Clair has just shown, instead of what it had shown before."""
        names = tuple(namespaces)
        now, before = (self._with, self._without) if has_data else (self._without, self._with)
        now.add(names)
        before.discard(names)


@define
class Shared:
    """The memory of one scanner object; layers are known by their names in Clair."""

    known: Recent[str] = field(factory=lambda: Recent(MOST_LAYERS))
    """Layers that Clair knew when it was last asked; they may have been deleted since."""
    checked: Recent[tuple[str, str, str]] = field(factory=lambda: Recent(MOST_BLOBS, BLOB_CHECK_LASTS))
    """Registry, repository and digest of the blobs whose size was right."""
    data: DataMemory = field(factory=DataMemory)
    posts: SingleFlight = field(factory=partial(SingleFlight, share_errors=False))
    probes: SingleFlight = field(factory=partial(SingleFlight, share_errors=False))
    """Questions about layers."""
    checks: SingleFlight = field(factory=partial(SingleFlight, share_errors=False))
    """Questions to registries about blobs."""
    questions: SingleFlight = field(factory=partial(SingleFlight, share_errors=False))
    """Questions about the data for a distribution."""
