"""The scanner: which requests a scan sends to Clair, in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import islice

from portus_scanners import Health, Image, Scanner, ScannerContext, ScannerError, ScannerReport, UnsupportedImageError
from portus_scanners.backends import HttpAnswer

from .client import ClairClient
from .coverage import Coverage
from .findings import make_report
from .health import check_clair
from .layers import ChainLink, name_layers
from .posting import LayerPoster, ParentUnknownError
from .search import KnownPart
from .settings import ClairSettings
from .sharing import Shared
from .wire import LayerResult, read_layer

_PASSES = 2
"""How often the whole chain is posted at most."""
_MOST_ASKED = 16
"""Distributions of one image that Clair is asked about: real images have one to three."""


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

        Only layers that Clair may not know are posted, each once for all images that are being scanned. The report is
        incomplete if Clair has no data for one of the image's distributions, or does not say whether it has.

        Raises:
            UnsupportedImageError: The image has no layer with files, Clair can't read a layer, recognised nothing, or
                has no data for its distribution.
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
        result, coverage = await answer.parse(lambda answer: _read_result(answer, chain[-1].name))
        coverage = self._with_memory(coverage)
        if coverage.unanswered:
            if coverage.covered:  # there are findings, which the deadline must not cost
                self.context.keep(await answer.parse(lambda _: make_report(result, chain, coverage)))
            coverage = coverage.with_answers(await self._ask_for_data(client, coverage.unanswered))
        return await answer.parse(lambda _: make_report(result, chain, coverage))

    async def check_health(self) -> Health:
        """Return whether the API answers; the message also tells what the health port says."""
        return await check_clair(self._client(), self.settings.server, self.settings.health_port)

    def _client(self) -> ClairClient:
        return ClairClient(self.context, self.settings.server)

    def _chain(self, image: Image) -> tuple[ChainLink, ...]:
        chain = name_layers(image, self.settings.salt)
        if not chain:
            raise UnsupportedImageError("the image has no layer that Clair could look into: all are empty")
        return chain

    async def _analyse(self, client: ClairClient, image: Image, chain: Sequence[ChainLink]) -> HttpAnswer:
        """Post what Clair does not know, and fetch the result; begin at the base if layers were deleted in Clair."""
        if chain[-1].name in self._shared.known:
            self._forget(chain)
        poster = LayerPoster(client, self.context, image, self._shared, check_blobs=self.settings.check_blobs)
        known, passes = KnownPart(chain, self._shared, trusting=True), 0
        while passes < _PASSES:
            lost = _nothing_kept(len(chain))
            try:
                await poster.post(known)
            except ParentUnknownError as error:
                lost = error
            else:
                answer = await client.fetch_result(chain[-1].name)
                if answer is not None:
                    return answer
            passes += not known.presumed
            self._forget(chain)
            known = KnownPart(chain, self._shared, trusting=False)
        raise lost

    def _forget(self, chain: Sequence[ChainLink]) -> None:
        """Forget that Clair knows any of these layers."""
        self._shared.known.discard(link.name for link in chain)

    def _with_memory(self, coverage: Coverage) -> Coverage:
        """Remember what a result has shown of Clair's data, and return that with what is remembered."""
        data = self._shared.data
        data.set(coverage.covered, has_data=True)
        remembered = ((namespace, data.get(namespace)) for namespace in coverage.unanswered)
        return coverage.with_answers({namespace: known for namespace, known in remembered if known is not None})

    async def _ask_for_data(self, client: ClairClient, namespaces: Iterable[str]) -> Mapping[str, bool | str]:
        """Return for each namespace whether Clair has data, or why that is not known; those beyond 16 are not asked."""
        asked = list(islice(namespaces, _MOST_ASKED))
        return dict(zip(asked, await asyncio.gather(*(self._has_data(client, one) for one in asked)), strict=True))

    async def _has_data(self, client: ClairClient, namespace: str) -> bool | str:
        remembered = self._shared.data.get(namespace)
        if remembered is not None:  # another scan's question was answered meanwhile
            return remembered
        try:
            known = await self._shared.questions.run(namespace, partial(client.has_data, namespace))
        except ScannerError as error:
            return str(error)
        self._shared.data.set([namespace], has_data=known)
        return known


def _read_result(answer: HttpAnswer, name: str) -> tuple[LayerResult, Coverage]:
    result = read_layer(answer.body, name)
    return result, Coverage.from_result(result)


def _nothing_kept(layers: int) -> ScannerError:
    return ScannerError(
        f"Clair accepted all {layers} layers and then did not know the uppermost, {_PASSES} times: layers are "
        "being deleted in it, or several Clairs without a common database answer at this address"
    )
