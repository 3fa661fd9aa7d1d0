"""The dummy keeps the contract."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from portus_scanner_dummy import DummyScanner
from portus_scanners import Severity
from portus_scanners_testing import ScannerContract

OTHER = {"id": "CVE-2099-0001", "severity": "Critical", "package": "zlib1g"}


class TestDummy(ScannerContract):
    """Every promise that a scanner without a backend makes."""

    scanner_class = DummyScanner
    findings = {"CVE-2016-6304": Severity.HIGH, "CVE-2016-7052": Severity.MEDIUM, "CVE-2016-2178": Severity.LOW}
    other_findings = {"CVE-2099-0001": Severity.CRITICAL}

    @pytest.fixture
    def settings(self) -> Mapping[str, object]:
        """A script with a finding of its own for the second image."""
        return {"server": "any", "script": json.dumps([{"image": "*/other:*", "findings": [OTHER]}])}

    @pytest.fixture
    def hanging(self) -> Mapping[str, object]:
        """A script that hangs."""
        return {"script": json.dumps([{"behaviour": "hang"}])}
