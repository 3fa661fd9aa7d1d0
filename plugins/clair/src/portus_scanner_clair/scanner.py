"""The scanner: what is asked of Clair, in which order."""

from __future__ import annotations

from collections.abc import Sequence

from portus_scanners import Health, Image, Scanner, ScannerContext, ScannerError, ScannerReport, UnsupportedImageError
from portus_scanners.backends import HttpAnswer

from .client import ClairClient
from .findings import make_report
from .health import check_clair
from .layers import ChainLink, make_chain
from .posting import LayerPoster, ParentUnknownError
from .search import count_known
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
        """Return what Clair knows of one image: asked each time, since new vulnerabilities show without a POST.

        Only the layers that Clair does not know are posted, each once for all images that are scanned now.

        Raises:
            UnsupportedImageError: There is no layer to look into, Clair can't read one, or recognised nothing.
            ScannerUnavailableError: Clair or the registry can't be reached or is out of order.
            InvalidReportError: Clair's answer is not what its API says.
            ScannerError: It failed in another way; the message says at which layer.
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
        """Post what Clair does not know and fetch the result; from the base up if somebody has deleted layers."""
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
            f"Clair took all {len(chain)} layers and then did not know the uppermost, {_PASSES} times over: "
            "somebody deletes layers in it, or several Clairs without a common database answer at this address"
        )

    def _forget(self, chain: Sequence[ChainLink]) -> None:
        """Remember no longer that Clair knows any of these layers."""
        self._shared.known.discard(link.name for link in chain)
