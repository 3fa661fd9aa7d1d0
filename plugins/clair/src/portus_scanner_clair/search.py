"""How much of an image's chain Clair knows already: found out while the layers above that are being posted.

What Clair knows of a chain is always its lower part: it refuses a layer whose parent it does not know, and a DELETE
removes all layers that are built on the deleted one. Names stand for whole chains, so no other client can have stored a
name on another parent. That is why a binary search is right.

A new image must not wait for the answers: its layers are posted meanwhile, from the lowest one that Clair may not know.
If Clair does know it, the POST costs it nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from portus_scanners import ScannerError

from .client import ClairClient
from .layers import ChainLink
from .sharing import Shared


class KnownPart:
    """How many layers, from the base up, Clair knows of a chain whose top it does not know.

    Args:
        chain: The image's layers, base first.
        shared: What is remembered; what is found out is added to it.
        trusting: Whether to begin with what is remembered, and to ask; if not, every layer is to be posted. Where the
            next layer above the remembered ones is being posted for another image, nothing is asked: it is new.

    Attributes:
        least: So many at least.
        most: So many at most.
        presumed: Whether a layer counts as known that was not posted for this image.
    """

    def __init__(self, chain: Sequence[ChainLink], shared: Shared, *, trusting: bool) -> None:
        self._chain = chain
        self._shared = shared
        remembered = (link.number for link in reversed(chain[:-1]) if link.name in shared.known)
        self.least = next(remembered, 0) if trusting else 0
        may_ask = trusting and chain[self.least].name not in shared.posts
        self.most = len(chain) - 1 if may_ask else self.least
        self.presumed = self.least > 0

    def upcoming(self, count: int) -> Sequence[ChainLink]:
        """Return the lowest layers that Clair may not know, *count* of them at most."""
        return self._chain[self.least : self.least + count]

    def reach(self, number: int) -> None:
        """Note that Clair knows the layers up to this one; the base is number 1."""
        self._shared.known.add(link.name for link in self._chain[self.least : number])
        self.least = max(self.least, number)

    async def search(self, client: ClairClient) -> None:
        """Narrow the bounds by questions, as long as Clair may know a layer above the one that comes next.

        That one is not asked about, since posting it tells the same. The first question is about the layer above it,
        since a new image most often differs there from what is known; then each halves what is left. So there are at
        most ``1 + ceil(log2(layers))``.

        A question that fails ends the search, and nothing else: the layers are posted then.
        """
        is_first = True
        while (spread := self.most - self.least - 1) > 0:
            number = self.least + 1 + (1 if is_first else (spread + 1) // 2)
            is_first = False
            asked = self._chain[number - 1].name
            try:
                known = await self._shared.probes.run(asked, partial(client.knows, asked))
            except ScannerError:
                return
            if known:
                self.presumed = True
                self.reach(number)
            else:
                self.most = number - 1
