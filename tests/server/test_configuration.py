"""The whole configuration: every section, and all faults at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from portus_images import SettingsError
from portus_scan_server.configuration import Configuration

_FAULTY = """
security: {dummy: {server: any, concurency: 2}}
regitries: {}
answers: {max_age: 1s}
access: {open: true, admins: [ops]}
admission: {listen: nowhere, certificate: c, key: k, token_env: NONE}
notifications: [team]
harbor: {registrations: {}}
gate: {fail_on: awful}
"""


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Whoever starts the service with a fault in each section fixes them in one go; none is told twice."""
    (path := tmp_path / "config.yml").write_text(_FAULTY)
    with pytest.raises(SettingsError) as caught:
        Configuration.load(path, {})
    faults = caught.value.faults
    assert len(faults) == len(set(faults))
    told = {fault.partition(":")[0].partition(".")[0] for fault in faults}
    assert {"regitries", "access", "admission", "notifications", "harbor", "gate"} <= told


def test_a_worker_needs_no_secret_of_who_is_answered(tmp_path: Path) -> None:
    """What is told, and to whom, is known to a worker, which has neither the keys nor the sections of those who ask."""
    webhook = "{url: 'https://chat.example', secret_file: /nowhere}"
    (path := tmp_path / "config.yml").write_text(
        f"access: nobody\nadmission: nothing\nnotifications: {{webhooks: {{team: {webhook}}}}}\n"
    )
    configuration = Configuration.load(path, {}, is_worker=True)
    assert ["team"] == list(configuration.notifications.settings.webhooks)
    assert () == configuration.notifications.targets
    with pytest.raises(SettingsError, match="secret_file can't be read"):
        Configuration.load(path, {})


def test_without_a_file_there_is_what_needs_none() -> None:
    """Nobody is answered, nothing is told, and seven days are what an answer is good for."""
    configuration = Configuration.load(None, {})
    assert (None, None, False) == (configuration.admission, configuration.harbor, configuration.access.open)
    assert 7 == configuration.rules.max_age.days
