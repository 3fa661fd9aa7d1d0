"""What has ended is judged by the policy and written to the file of results: in a thread, so that the scans go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from portus_images import one_line, words_of
from portus_scanners import ImageReport, UnresolvedImage

from ..exits import CommandFault, Looked, look_at
from ..policy import WalkPolicy
from .counted import AnyReport, CountedReport
from .records import ResultsFile, reference_of

_LONGEST_REFERENCE = 1000
_LOGGER = logging.getLogger("portus_scan")
Judged = tuple[ImageReport | UnresolvedImage, Looked]
"""One image as it was written, and what it says of the exit code."""


class ResultWriter:
    """Judges and writes images, one after the other.

    Args:
        policy: What is asked of each image.
        results: Where each is written; None: nowhere.
    """

    def __init__(self, policy: WalkPolicy, results: ResultsFile | None) -> None:
        self._policy = policy
        self._results = results
        self._lock = asyncio.Lock()

    async def write(self, ends: Sequence[ImageReport | UnresolvedImage]) -> tuple[list[Judged], CommandFault | None]:
        """Judge and write images.

        Returns:
            Those that were written, in their order; and why the others were not, where the file can't be written.
        """
        async with self._lock:
            return await asyncio.to_thread(self._write, ends)

    def look_again(self, end: AnyReport | UnresolvedImage) -> Looked:
        """Return what an image of the file says of the exit code."""
        if isinstance(end, CountedReport):  # read so since the policy asks nothing: judged, it would stay the same
            return Looked().and_image({run.outcome for run in end.results})
        return self._judge(end)[1]

    def _write(self, ends: Sequence[ImageReport | UnresolvedImage]) -> tuple[list[Judged], CommandFault | None]:
        written: list[Judged] = []
        for end in ends:
            try:
                judged = self._judge_and_write(end)
            except CommandFault as fault:  # no other record could be written either
                return written, fault
            written.append(judged)
        return written, None

    def _judge_and_write(self, end: ImageReport | UnresolvedImage) -> Judged:
        """Judge and write an image; where that fails, for whatever reason, a record that says so in its place."""
        try:
            return self._try_to_judge_and_write(end)
        except CommandFault:
            raise
        except Exception as error:
            _LOGGER.exception("the result of %s", reference_of(end))
            why = words_of(error)
            message = f"its result can't be judged or written ({why}); --verbose shows more, please report it"
            reference = one_line(reference_of(end), _LONGEST_REFERENCE)
            return self._try_to_judge_and_write(UnresolvedImage(reference=reference, step="result", message=message))

    def _try_to_judge_and_write(self, end: ImageReport | UnresolvedImage) -> Judged:
        end, looked = self._judge(end)
        if self._results is not None:
            self._results.append(end)
        return end, looked

    def _judge(self, end: ImageReport | UnresolvedImage) -> Judged:
        judged = self._policy.judge(end)
        end = judged.reports[0] if judged.reports else judged.errors[0]
        return end, look_at(judged, self._policy.allowed)
