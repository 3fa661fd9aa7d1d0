"""The contract's tests, for the scanners that keep it and for each that breaks a promise."""

from __future__ import annotations

import broken_answers as answers
import broken_endings as endings
import broken_import
import broken_packaging as packaging
import broken_reports as reports
import broken_ways as ways
import pytest
import sample_http
import sample_others
import sample_polled
import sample_program
from portus_scanners import Severity
from portus_scanners_testing import (
    HttpScannerContract,
    PolledScannerContract,
    ProgramScannerContract,
    ScriptedProgram,
    ScriptedServer,
    serving,
)

SUBJECT = HttpScannerContract()
FOUND = {
    "image": SUBJECT.build_image().digest,
    "found": [{"id": "CVE-2099-1", "severity": "High"}, {"id": "CVE-2099-2", "severity": "Low", "package": "a"}],
}
UP = {"state": "up"}
WORKING = {"state": "working"}
OTHER = {"image": SUBJECT.build_other_image().digest, "found": [{"id": "CVE-2099-3", "severity": "Critical"}]}


class Expected:
    """What the backends of these tests know."""

    findings = {"CVE-2099-1": Severity.HIGH, "CVE-2099-2": Severity.LOW}
    other_findings = {"CVE-2099-3": Severity.CRITICAL}
    severities = {"Critical": Severity.CRITICAL, "High": Severity.HIGH, "Medium": Severity.MEDIUM, "Low": Severity.LOW}


class Http(Expected, HttpScannerContract):
    """A server that answers at once."""

    __test__ = False

    @pytest.fixture
    def backend(self):
        server = ScriptedServer()
        server.script("/health", UP)
        server.script("/scan?image=*team%2Fapp*", FOUND)
        server.script("/scan?image=*team%2Fother*", OTHER)
        with serving(server):
            yield server


class Polled(Expected, PolledScannerContract):
    """A server that works first."""

    __test__ = False

    @pytest.fixture
    def backend(self):
        server = ScriptedServer()
        server.script("/health", UP)
        server.script("/scan?image=*team%2Fapp*", WORKING, {"state": "done", **FOUND})
        server.script("/scan?image=*team%2Fother*", WORKING, {"state": "done", **OTHER})
        with serving(server):
            yield server

    @pytest.fixture
    def working(self, backend):
        backend.script("/scan?image=*team%2Fapp*", WORKING)

    @pytest.fixture
    def failing(self, backend):
        backend.script("/scan?image=*team%2Fapp*", {"state": "failed", "found": []})


class PolledByFlag(Polled):
    """A server whose state is a boolean, and that never fails."""

    __test__ = False
    refused = {
        "test_failed_scan_is_an_error": "it never fails",
        "test_unknown_state_is_invalid": "its state is a boolean",
    }

    @pytest.fixture
    def backend(self):
        server = ScriptedServer()
        server.script("/scan?image=*team%2Fapp*", {"working": True}, FOUND)
        with serving(server):
            yield server


class PolledWithoutWords(PolledByFlag):
    """The same, and its author says nothing about it."""

    __test__ = False
    refused = {}

    @pytest.fixture
    def working(self, backend):
        backend.script("/scan?image=*team%2Fapp*", {"working": True})

    @pytest.fixture
    def failing(self):
        return PolledScannerContract.failing._get_wrapped_function()(self)


class WronglyRefused(Http):
    """Its author refuses what can't be refused."""

    __test__ = False
    refused = {"test_html_is_invalid": "no time"}


class PolledTwice(Polled):
    """A server that takes two requests for a poll."""

    __test__ = False
    requests_per_poll = 2


class Program(Expected, ProgramScannerContract):
    """A program."""

    __test__ = False

    @pytest.fixture
    def backend(self, tmp_path):
        program = ScriptedProgram(tmp_path)
        program.script("version")
        program.script("*/team/app:1", FOUND)
        program.script("*/team/other:1", OTHER)
        return program


class Levels(Http):
    """A server that numbers the severities."""

    __test__ = False

    @pytest.fixture
    def backend(self):
        server = ScriptedServer()
        found = [{"id": "CVE-2099-1", "severity": 3}, {"id": "CVE-2099-2", "severity": 1}]
        server.script("/scan?image=*team%2Fapp*", {"found": found})
        with serving(server):
            yield server


class Lines(Http):
    """A server that answers with lines of text."""

    __test__ = False

    @pytest.fixture
    def backend(self):
        server = ScriptedServer()
        server.script("/scan?image=*team%2Fapp*", "CVE-2099-1 High\nCVE-2099-2 Low\n")
        with serving(server):
            yield server


class Unreadable(Http):
    """Gives the setting that no text can be."""

    __test__ = False

    @pytest.fixture
    def settings(self, backend):
        return {"server": backend.url, "since": "2026-01-01"}


def _tests_of(kind, scanner_class):
    return type(f"Test{scanner_class.__name__}", (kind,), {"scanner_class": scanner_class, "__test__": True})


_KINDS = {
    Http: (
        sample_http.SampleScanner,
        sample_others.QuietScanner,
        broken_import.NoisyScanner,
        packaging.UnregisteredScanner,
        packaging.LooseScanner,
        packaging.FutureScanner,
        packaging.AnythingScanner,
        packaging.ChangingScanner,
        packaging.BareScanner,
        broken_import.CuriousScanner,
        *(one for module in (reports, endings, answers) for one in vars(module).values() if isinstance(one, type)
          and issubclass(one, sample_http.SampleScanner) and one is not sample_http.SampleScanner),
    ),
    Levels: (sample_others.LevelScanner, sample_others.WordlessScanner),
    Lines: (sample_others.LineScanner,),
    Unreadable: (packaging.UnreadableScanner,),
    Polled: (*(one for one in vars(sample_polled).values() if isinstance(one, type)
               and issubclass(one, sample_polled.PolledScanner)), sample_others.PatientScanner),
    PolledByFlag: (sample_others.FlagScanner,),
    PolledWithoutWords: (sample_others.ForgetfulScanner,),
    WronglyRefused: (sample_others.RefusingScanner,),
    PolledTwice: (sample_others.TwiceAskingScanner,),
    Program: tuple(one for one in vars(sample_program).values() if isinstance(one, type)
                   and issubclass(one, sample_program.ProgramScanner)),
}  # fmt: skip

_BASES = {Http: sample_http.SampleScanner, Polled: sample_polled.PolledScanner, Program: sample_program.ProgramScanner}
for _kind, _base in _BASES.items():
    _KINDS[_kind] += tuple(ways.made_of(_base))

for _kind, _classes in _KINDS.items():
    for _class in _classes:
        globals()[f"Test{_class.__name__}"] = _tests_of(_kind, _class)
