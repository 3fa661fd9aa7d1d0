"""A module that does something when it is imported."""

from __future__ import annotations

from sample_http import SampleScanner

print("thank you for choosing this scanner")


class NoisyScanner(SampleScanner, contract=1):
    """Prints at its import."""
