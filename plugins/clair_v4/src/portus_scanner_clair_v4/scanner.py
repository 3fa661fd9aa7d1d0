"""The scanner: which requests a scan sends to Clair, in which order."""

from __future__ import annotations

from http import HTTPStatus

from portus_scanners import (
    Database,
    Health,
    Image,
    Scanner,
    ScannerContext,
    ScannerError,
    ScannerReport,
    UnsupportedImageError,
)
from portus_scanners.backends import HttpAnswer

from .api import HEALTH_TIMEOUT, ClairV4Api
from .coverage import ADVICE, ClairData
from .findings import WHAT, make_report
from .settings import ClairV4Settings
from .sharing import IndexedImages, IndexTurns, SharedAnswer
from .wire import IndexReport, IndexState, VulnerabilityReport, read_answer

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
"""Seconds between two questions to a Clair that is not ready yet; each pause is twice as long as the one before."""


class ClairV4Scanner(Scanner[ClairV4Settings], contract=1):
    """Scans images with Clair v4, whose indexer pulls the layers from the registry itself.

    One object remembers which images Clair has indexed: a further scan of one is a single request.
    """

    def __init__(self, settings: ClairV4Settings, context: ScannerContext) -> None:
        super().__init__(settings, context)
        self._api = ClairV4Api(context, settings)
        self._indexed = IndexedImages()
        self._turns = IndexTurns()
        self._state = SharedAnswer(self._api.fetch_state)
        self._operations = SharedAnswer(self._api.fetch_operations)

    async def scan(self, image: Image) -> ScannerReport:
        """Return what Clair knows of one image now; it is indexed again only if Clair may not have read all of it.

        Raises:
            UnsupportedImageError: Clair can't read a layer, recognised nothing, or has no data for what it recognised.
            ScannerUnavailableError: Clair or the registry can't be reached, or is out of order.
            InvalidReportError: Clair's answer is not what its API says, or about another image.
            ScannerError: Clair could not index the image; the message is Clair's.
        """
        if not image.layers:
            raise UnsupportedImageError("the image has no layer that Clair could look into")
        if not await self._is_indexed(image):
            await self._index(image)
        answer, data = await self._fetch_report(image)
        if answer.status == HTTPStatus.NOT_FOUND:  # somebody has deleted it, or its index is of another database
            self._indexed.discard(image.digest)
            await self._index(image)
            answer, data = await self._fetch_report(image)
        if answer.status == HTTPStatus.NOT_FOUND:
            self._indexed.discard(image.digest)
            raise ScannerError(
                "Clair's matcher does not know the image that the indexer has just read: they are not of one Clair"
            )
        return await answer.parse(lambda answer: _read(answer, image, data))

    async def check_health(self) -> Health:
        """Return whether the indexer and the matcher answer, and the matcher has data; the introspection port too."""
        try:
            await self._api.fetch_state(HEALTH_TIMEOUT)
            operations = await self._api.fetch_operations(HEALTH_TIMEOUT)
            port = await self._api.ask_introspection() if self.settings.introspection else HTTPStatus.OK
        except ScannerError as error:
            return Health(healthy=False, message=str(error))
        if port != HTTPStatus.OK:
            return Health(healthy=False, message=f"Clair's introspection port answered HTTP {port}")
        if operations is None:
            return Health(healthy=True, message="Clair answers, and does not tell which vulnerability data it has")
        if not operations:
            return Health(healthy=False, message=f"Clair has no vulnerability data yet: {ADVICE}")
        database = ClairData.of(operations).database
        newest = f", the newest of {database.updated:%Y-%m-%d}" if database and database.updated else ""
        return Health(healthy=True, message=f"Clair has the data of {len(operations)} updaters{newest}")

    async def database(self) -> Database | None:
        """Return the newest update of Clair's data; None where Clair does not tell it, or has none yet."""
        return ClairData.of(await self._api.fetch_operations(HEALTH_TIMEOUT)).database

    async def _is_indexed(self, image: Image) -> bool:
        """Return whether Clair has read all of the image that its indexer can see now."""
        state = self._indexed.get(image.digest)
        return bool(state) and state == await self._state.get()

    async def _index(self, image: Image) -> None:
        """Have Clair read the image, and return when it has."""
        pause = FIRST_PAUSE
        while True:
            self.context.progress(0, 0, "Clair indexes the image")
            report, state = await self._turns.run(lambda: self._post(image))
            if _is_read(report):
                break
            await self.context.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        if state:
            self._indexed.set(image.digest, state)

    async def _post(self, image: Image) -> tuple[IndexReport, str]:
        accesses = [await self.context.blob(image, layer) for layer in image.layers]  # one token is for all of them
        return await self._api.index(image, accesses)

    async def _fetch_report(self, image: Image) -> tuple[HttpAnswer, ClairData]:
        """Return the answer with the vulnerabilities, and what Clair knew at least when it was made.

        While Clair has no data at all, this waits.
        """
        pause = FIRST_PAUSE
        while True:
            data = ClairData.of(await self._operations.get())  # before the report: data that came since does not count
            answer = await self._api.fetch_report(image.digest)
            if answer.status != HTTPStatus.ACCEPTED:
                return answer, data
            self._operations.forget()
            self.context.progress(0, 0, "Clair has no vulnerability data yet")
            await self.context.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _is_read(report: IndexReport) -> bool:
    """Return whether Clair is done with an image; it answers when it is, and may be asked by somebody else meanwhile.

    Raises:
        ScannerError: It has failed.
    """
    if report.state is IndexState.ERROR or report.err or (report.state is IndexState.FINISHED and not report.success):
        raise ScannerError(f"Clair could not index the image: {report.err or 'it does not say why'}")
    return report.state is IndexState.FINISHED


def _read(answer: HttpAnswer, image: Image, data: ClairData) -> ScannerReport:
    return make_report(read_answer(answer.body, VulnerabilityReport, WHAT), image, data)
