"""SARIF 2.1.0: for code scanning (GitHub, Azure DevOps, editors).

`log.py` writes the log with a run for each image, `alerts.py` the results of a run, `rules.py` the rules behind them.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

from .log import SCHEMA, SarifReporter

__all__ = ["SCHEMA", "SarifReporter"]
