"""The scanner: which requests a scan sends to Clair, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from portus_scanners import Health, Image, Scanner, ScannerContext, ScannerError, ScannerReport, UnsupportedImageError
from portus_scanners.backends import HttpAnswer

from .client import ClairClient, check_clair
from .findings import make_report
from .layers import ChainLink, make_chain
from .posting import LayerPoster, ParentUnknownError
from .settings import ClairSettings
from .sharing import Shared
from .wire import read_layer

_PASSES = 2
"""How often the whole chain is posted at most."""


class ClairScanner(Scanner[ClairSettings], contract=1):
    """Scans images with CoreOS Clair v2.0.x.

    Clair fetches the layers from the registry itself: it must be able to reach the registry's address.
    One object remembers what Clair knows, for all the images that it scans.
    """

    def __init__(self, settings: ClairSettings, context: ScannerContext) -> None:
        super().__init__(settings, context)
        self._shared = Shared()

    async def scan(self, image: Image) -> ScannerReport:
        """Return what Clair knows of one image. Clair is asked each time: new vulnerabilities show without a POST.

        Only layers that Clair does not know are posted, each once for all images that are being scanned.

        Raises:
            UnsupportedImageError: The image has no layer with files, Clair can't read a layer, or recognised nothing.
            ScannerUnavailableError: Clair or the registry can't be reached or is out of order.
            InvalidReportError: Clair's answer is not what its API says.
            ScannerError: The scan failed in another way; the message says at which layer.
        """
        chain = self._chain(image)
        client = self._client()
        answer = await client.fetch_result(chain[-1].name)
        if answer is None:
            answer = await self._analyse(client, image, chain)
        self._shared.known.add(link.name for link in chain)
        return await answer.parse(lambda answer: make_report(read_layer(answer.body, chain[-1].name), chain))

    async def check_health(self) -> Health:
        """Return whether the API answers; the message also tells what the health port says."""
        return await check_clair(self._client(), self.settings.server, self.settings.health_port)

    def _client(self) -> ClairClient:
        return ClairClient(self.context, self.settings.server)

    def _chain(self, image: Image) -> tuple[ChainLink, ...]:
        chain = make_chain(image.layers, self.settings.salt)
        if not chain:
            raise UnsupportedImageError("the image has no layer that Clair could look into: all are empty")
        return chain

    async def _analyse(self, client: ClairClient, image: Image, chain: Sequence[ChainLink]) -> HttpAnswer:
        """Post what Clair does not know, and fetch the result; begin at the base if layers were deleted in Clair."""
        if chain[-1].name in self._shared.known:
            self._forget(chain)
        poster = LayerPoster(client, self.context, image, self._shared, check_blobs=self.settings.check_blobs)
        known = await count_known(client, chain, self._shared)
        for left in reversed(range(_PASSES + bool(known))):
            try:
                await poster.post(chain[known:])
            except ParentUnknownError:
                if not left:
                    raise
            else:
                answer = await client.fetch_result(chain[-1].name)
                if answer is not None:
                    return answer
            self._forget(chain)
            known = 0
        raise ScannerError(
            f"Clair accepted all {len(chain)} layers and then did not know the uppermost, {_PASSES} times: layers are "
            "being deleted in it, or several Clairs without a common database answer at this address"
        )

    def _forget(self, chain: Sequence[ChainLink]) -> None:
        """Forget that Clair knows any of these layers."""
        self._shared.known.discard(link.name for link in chain)


async def count_known(client: ClairClient, chain: Sequence[ChainLink], shared: Shared) -> int:
    """Return how many layers, from the base up, Clair knows of a chain whose top it does not know.

    What Clair knows of a chain is always its lower part: it refuses a layer whose parent it does not know, and a DELETE
    removes all layers that are built on the deleted one. Names stand for whole chains, so no other client can have
    stored a name on another parent. That is why a binary search is right.

    It takes at most ``ceil(log2(layers))`` requests: none if the next layer above the remembered ones is being posted
    for another image. The first request asks about a layer as near to the remembered ones as that bound allows, since
    that is where a new image most often differs.

    Args:
        client: The client of Clair's API.
        chain: The image's layers, base first.
        shared: What is remembered; the answers are added to it.

    Raises:
        ScannerUnavailableError: Clair can't be reached or is out of order.
        ScannerError: Clair refused in another way.
    """
    least, most = _count_remembered(chain, shared), len(chain) - 1
    questions = most.bit_length()
    while least < most and chain[least].name not in shared.posts:
        step = max(1, most - least + 1 - 2 ** (questions - 1))
        asked = chain[least + step - 1].name
        if await shared.probes.run(asked, partial(client.knows, asked)):
            least += step
        else:
            most = least + step - 1
        questions -= 1
    shared.known.add(link.name for link in chain[:least])
    return least


def _count_remembered(chain: Sequence[ChainLink], shared: Shared) -> int:
    """Return how many layers are remembered as known to Clair; the uppermost of them stands for all below it."""
    return next((link.number for link in reversed(chain[:-1]) if link.name in shared.known), 0)
