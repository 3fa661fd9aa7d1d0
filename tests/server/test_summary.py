"""One image under the rules of now, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from portus_images import Image, Reference
from portus_policy import GatePolicy, Policy
from portus_scan_server.answers import MadeWith, add_runs
from portus_scan_server.summaries import Rules, Summary, summarize
from portus_scanners import Database, Outcome, ScannerReport, ScannerRun

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
IMAGE = Image(reference=Reference.parse("r.example/app:1"), digest="sha256:" + "1" * 64, layers=())


def summary(updated: datetime, days: float) -> Summary:
    """Return the summary of an image without findings, under a gate that asks for data of at most so many days."""
    report = ScannerReport(findings=(), database=Database(identity="d", updated=updated))
    run = ScannerRun(scanner="a", plugin="a", outcome=Outcome.OK, report=report)
    answers = add_runs({}, [(run, MadeWith(database="d", database_updated=updated))], now=NOW)
    rules = Rules(enabled=("a",), policy=Policy(gate=GatePolicy(max_database_age=days)))
    return summarize(IMAGE, [IMAGE.reference.text], answers, rules, now=NOW)


def test_the_minute_at_which_data_is_too_old_for_the_gate() -> None:
    """What the gate lets pass is true until the data is too old for it, or an answer is outdated, and no longer."""
    updated = NOW - timedelta(days=1, hours=23, minutes=50)
    for date in (updated, updated.replace(tzinfo=None)):
        assert (True, NOW + timedelta(minutes=10)) == (summary(date, 2).gate, summary(date, 2).holds_until)
    week = NOW + timedelta(days=7)
    for date, days, gate in ((updated, 1, False), (NOW, 1e300, True), (datetime.max.replace(tzinfo=UTC), 9, False)):
        assert (gate, week) == (summary(date, days).gate, summary(date, days).holds_until)
