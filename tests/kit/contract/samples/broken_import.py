"""A module that does something when it is imported."""

from __future__ import annotations

import os

from sample_http import SampleScanner

print("thank you for choosing this scanner")
REGION = os.environ.get("ACME_REGION")
os.umask(0o027)


class NoisyScanner(SampleScanner, contract=1):
    """Prints at its import."""


class CuriousScanner(SampleScanner, contract=1):
    """Looks at the environment when it is imported, and changes the umask."""
