"""Several documents as one. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from portus_policy import GateResult
from portus_scanners import ReportDocument


def join_documents(documents: Sequence[ReportDocument]) -> ReportDocument:
    """Return a document with everything that is in these, in their order.

    Args:
        documents: At least one. An image that is in several stays there as often.

    Returns:
        Its `created` is that of the newest. Its gate has passed only where every document has passed one; it has failed
        where one has failed; otherwise there is none.
    """
    if len(documents) == 1:
        return documents[0]
    times = [one.created for one in documents if one.created is not None]
    return ReportDocument(
        reports=tuple(chain.from_iterable(one.reports for one in documents)),
        errors=tuple(chain.from_iterable(one.errors for one in documents)),
        created=max(times, default=None),
        unused_rules=tuple(chain.from_iterable(one.unused_rules for one in documents)),
        gate=_join_gates([one.gate for one in documents]),
    )


def _join_gates(gates: Sequence[GateResult | None]) -> GateResult | None:
    given = [gate for gate in gates if gate is not None]
    passed = all(gate.passed for gate in given)
    if passed and len(given) < len(gates):
        return None  # some were not judged: that the others passed is no answer for all
    return GateResult(
        passed=passed,
        rules=tuple(dict.fromkeys(rule for gate in given for rule in gate.rules)),
        violations=tuple(violation for gate in given for violation in gate.violations),
    )
