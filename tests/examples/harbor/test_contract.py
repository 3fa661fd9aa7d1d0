"""The Harbor plugin keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from portus_scanner_harbor import HarborScanner
from portus_scanners import Severity
from portus_scanners_testing import PolledScannerContract, serving
from standins.harbor import StandInAdapter, vulnerability


class TestHarbor(PolledScannerContract):
    """Every promise of the contract, with a stand-in of an adapter, which pulls from the registry."""

    scanner_class = HarborScanner
    findings = {"CVE-2099-0001": Severity.HIGH, "CVE-2099-0002": Severity.LOW}
    other_findings = {"CVE-2099-0003": Severity.MEDIUM}
    severities = {
        "Unknown": Severity.UNKNOWN,
        "Negligible": Severity.NEGLIGIBLE,
        "Low": Severity.LOW,
        "Medium": Severity.MEDIUM,
        "High": Severity.HIGH,
        "Critical": Severity.CRITICAL,
    }
    refused = {"test_unknown_state_is_invalid": "the state is an HTTP status: 302, 200 or an error's"}

    @pytest.fixture
    def backend(self) -> Iterator[StandInAdapter]:
        """An adapter whose scanner knows both images."""
        adapter = StandInAdapter()
        adapter.known["team/app"] = [vulnerability("CVE-2099-0001"), vulnerability("CVE-2099-0002", "Low")]
        adapter.known["team/other"] = [vulnerability("CVE-2099-0003", "Medium")]
        with serving(adapter):
            yield adapter

    @pytest.fixture
    def settings(self, backend: StandInAdapter) -> Mapping[str, object]:
        """The server, and how to log in there."""
        return {"server": backend.url, "auth": "basic"}

    @pytest.fixture
    def working(self, backend: StandInAdapter) -> None:
        """Tell every poll to come again."""
        backend.polls = None

    @pytest.fixture
    def failing(self, backend: StandInAdapter) -> None:
        """Say of every scan that it has failed."""
        backend.fault = "the layer can't be read"
