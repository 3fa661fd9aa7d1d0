"""Credentials: in the wire's requests, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from portus_scanners.models import ImageReport, ReportDocument
from portus_scanners.serialize import dump_document

from .canaries import captured_logs, forms_of, texts_of, told
from .lab import ScannerLab
from .subject import ScannerSubject


class SecretTests(ScannerSubject):
    """Promises about what is written."""

    @pytest.fixture
    def wrongs(self) -> Sequence[Callable[[], object]]:
        """Functions that each make the backend go wrong in another way, or right again."""
        return ()

    def test_no_secret_is_told(
        self, lab: ScannerLab, image: str, wrongs: Sequence[Callable[[], object]], capfd: pytest.CaptureFixture[str]
    ) -> None:
        """No log at any level, no output, error, report or ``repr`` has a credential in it, whatever goes wrong."""
        texts = [repr(lab.section().structure(self.scanner_class.settings_class))]
        with captured_logs() as lines:
            for number, go_wrong in enumerate(wrongs):
                go_wrong()
                texts += [*_texts_of(self.attempt(lab, number).outcome_of(image)), *_texts_of(lab.health())]
            texts += _report(lab.report_of(image))
        assert [] == told([*texts, *lines, *capfd.readouterr()], forms_of(lab.planted(), lab.registry))


def _texts_of(outcome: object) -> list[str]:
    return list(texts_of(outcome)) if isinstance(outcome, Exception) else [repr(outcome)]


def _report(report: ImageReport) -> list[str]:
    return [dump_document(ReportDocument(reports=(report,))), repr(report)]
