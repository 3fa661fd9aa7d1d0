"""The zypper-docker plugin keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from portus_scanner_zypper_docker import ZypperDockerScanner
from portus_scanners import Severity
from portus_scanners_testing import PolledScannerContract, serving
from standins.zypper_docker import StandInZypperDocker, failed, patch, scanned, working

EXPAT = patch("openSUSE-2099-1", summary="Security update for expat", description="Fixes CVE-2099-0001 (bsc#1)")
BASH = patch("openSUSE-2099-2", "low", summary="Security update for bash", description="Fixes CVE-2099-0002")
CURL = patch("openSUSE-2099-3", "moderate", summary="Security update for curl", description="Fixes CVE-2099-0003")


class TestZypperDocker(PolledScannerContract):
    """Every promise of the contract, with the server's stand-in."""

    scanner_class = ZypperDockerScanner
    findings = {"CVE-2099-0001": Severity.HIGH, "CVE-2099-0002": Severity.LOW}
    other_findings = {"CVE-2099-0003": Severity.MEDIUM}
    severities = {
        "low": Severity.LOW,
        "moderate": Severity.MEDIUM,
        "important": Severity.HIGH,
        "critical": Severity.CRITICAL,
    }
    refused = {"test_unknown_state_is_invalid": "the state is an HTTP status: 202, 200 or an error's"}

    @pytest.fixture
    def backend(self, image: str, other_image: str) -> Iterator[StandInZypperDocker]:
        """A server whose docker daemon has both images."""
        server = StandInZypperDocker()
        server.pull(image, self.build_image(), working(), scanned(EXPAT, BASH))
        server.pull(other_image, self.build_other_image(), scanned(CURL))
        with serving(server):
            yield server

    @pytest.fixture
    def working(self, backend: StandInZypperDocker, image: str) -> None:
        """Answer 202 each time."""
        backend.pull(image, self.build_image(), working())

    @pytest.fixture
    def failing(self, backend: StandInZypperDocker, image: str) -> None:
        """Say that zypper has failed."""
        backend.pull(image, self.build_image(), failed("command exited with status 4"))
