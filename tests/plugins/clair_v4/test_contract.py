"""The plugin for Clair v4 keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from portus_scanner_clair_v4 import ClairV4Scanner
from portus_scanners import Severity
from portus_scanners_testing import PolledScannerContract, serving
from portus_scanners_testing.images import BuiltImage, make_image
from standins.clair_v4 import DEBIAN, Advisory, StandInClairV4, readable_debian

_KEY = b"canary-key-of-clair"


class TestClairV4(PolledScannerContract):
    """Every promise of the contract, with Clair's stand-in, which pulls the layers itself."""

    scanner_class = ClairV4Scanner
    findings = {"CVE-2099-0001": Severity.CRITICAL, "CVE-2099-0002": Severity.MEDIUM}
    other_findings = {"CVE-2099-0003": Severity.LOW}
    severities = {
        word: Severity(word.casefold()) for word in ("Unknown", "Negligible", "Low", "Medium", "High", "Critical")
    }
    map_members = {
        "packages",
        "distributions",
        "repository",
        "environments",
        "vulnerabilities",
        "package_vulnerabilities",
        "enrichments",
    }
    state_member = "state"
    requests_per_poll = 2  # what data it has now, and the report

    def build_image(self) -> BuiltImage:
        """An image whose packages Clair reads: dpkg has a folder beside its status."""
        return make_image(readable_debian({"openssl": "3.0.1-1", "bash": "5.2-1"}))

    def build_other_image(self) -> BuiltImage:
        """The same for the other image."""
        return make_image(readable_debian({"zlib1g": "1.2.13-1"}))

    @pytest.fixture
    def backend(self) -> Iterator[StandInClairV4]:
        """A Clair that knows a vulnerability of each package in the two images; it wants tokens; its data is late."""
        clair = StandInClairV4(psk=_KEY)
        rows = [("0001", "openssl", "Critical"), ("0002", "bash", "Medium"), ("0003", "zlib1g", "Low")]
        for number, package, severity in rows:
            clair.update(
                Advisory(
                    updater="debian/updater",
                    name=f"CVE-2099-{number}",
                    package=package,
                    severity=severity,
                    distribution=DEBIAN,
                )
            )
        clair.late = 1
        with serving(clair):
            yield clair

    @pytest.fixture
    def settings(self, backend: StandInClairV4) -> Mapping[str, object]:
        """The server and its key, which leaves no room for an account."""
        return {"server": backend.url, "psk": "Y2FuYXJ5LWtleS1vZi1jbGFpcg==", "issuer": "quay", "token_file": ""}

    @pytest.fixture
    def working(self, backend: StandInClairV4) -> None:
        """Say that there is no data yet."""
        backend.ready = False

    @pytest.fixture
    def failing(self, backend: StandInClairV4) -> None:
        """Say of every image that it could not be indexed."""
        backend.index_states = [("IndexError", "failed to scan all layer contents")] * 9
