"""``portus-scan health``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from . import plugins

Run = Callable[..., Result]
Install = Callable[..., Path]

DUMMY = {"PORTUS_SECURITY_DUMMY_SERVER": "x"}
BOTH = {**DUMMY, "PORTUS_SECURITY_ACME_SERVER": "x"}


def test_healthy(run: Run) -> None:
    """A healthy scanner is 0, with its message."""
    result = run("health", env=DUMMY)
    assert (0, "", ["dummy", "healthy", "0.0", "s"]) == (
        result.exit_code,
        result.stderr,
        result.stdout.splitlines()[1].split()[:4],
    )


def test_unhealthy_beside_healthy(run: Run, install: Install) -> None:
    """One of two unhealthy is 3; its message stays on one line."""
    install("acme", plugins.UNHEALTHY)
    result = run("health", env=BOTH)
    assert (3, True) == (result.exit_code, "the disk is full" in result.stdout)


def test_none_healthy(run: Run, install: Install) -> None:
    """All unhealthy is 4; --scanner chooses who is asked."""
    install("acme", plugins.UNHEALTHY)
    result = run("health", "--scanner", "acme", "--format", "json", env=BOTH)
    (row,) = json.loads(result.stdout)["scanners"]
    assert (4, "acme", False, "the disk is full") == (
        result.exit_code,
        row["scanner"],
        row["healthy"],
        row["message"],
    )


def test_unknown_counts_as_healthy(run: Run, install: Install) -> None:
    """A scanner that can't tell is shown as unknown, and is 0."""
    install("acme", plugins.UNDECIDED)
    result = run("health", "--scanner", "acme", "--format", "json", env=BOTH)
    assert (0, None) == (result.exit_code, json.loads(result.stdout)["scanners"][0]["healthy"])


def test_none_enabled(run: Run) -> None:
    """Without any scanner enabled it is 4, and says how to enable one."""
    result = run("health")
    assert (4, "", True) == (result.exit_code, result.stdout, "PORTUS_SECURITY_" in result.stderr)


def test_one_that_hangs_hides_no_other(run: Run, install: Install) -> None:
    """A scanner that does not answer in time is unhealthy, and the other's answer is there."""
    install("acme", plugins.HANGING)
    result = run("health", "--timeout", "1", "--format", "json", env=BOTH)
    rows = {row["scanner"]: row for row in json.loads(result.stdout)["scanners"]}
    assert (3, True, "no answer within 1 s") == (
        result.exit_code,
        rows["dummy"]["healthy"],
        rows["acme"]["message"],
    )


def test_plugin_that_does_not_load(run: Run, install: Install) -> None:
    """An enabled plugin that can't be loaded is unhealthy, with the reason."""
    install("acme", plugins.BROKEN)
    result = run("health", env=BOTH)
    assert (3, True) == (result.exit_code, "a_module_that_is_not_there" in result.stdout)


def test_wrong_configuration(run: Run) -> None:
    """A fault of the configuration is 2 and one line."""
    result = run("health", env={**DUMMY, "PORTUS_SECURITY_DUMMY_TIMEOUT": "soon"})
    assert (2, "", 1) == (result.exit_code, result.stdout, len(result.stderr.splitlines()))


def test_stdout_has_only_the_document(run: Run, install: Install) -> None:
    """What a plugin prints goes to stderr."""
    install("acme", plugins.CHATTY)
    result = run("health", "--format", "json", env=BOTH)
    assert 2 == len(json.loads(result.stdout)["scanners"])
