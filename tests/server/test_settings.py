"""What the configuration says to the service."""

from __future__ import annotations

from pathlib import Path

import pytest
from portus_images import SettingsError
from portus_scan_server.settings import read_server_settings
from portus_scanners.settings import read_yaml

WHOLE = """
registries:
  registry.internal:5000:
    name: main
    pull: registry.example
    aliases: [old.example, "10.0.0.7:5000"]
    insecure: true
  storage.internal: {}
events:
  main: {token_file: TOKEN}
answers: {max_age: 3d, freshness: 12h}
schedule:
  timezone: Europe/Berlin
  sync: 30m
  rescans:
    - {at: "0 3 * * 1", repositories: main/team/*}
scans: {concurrency: 8}
"""


def test_a_whole_configuration(tmp_path: Path) -> None:
    """Each section is read; a registry without a name is reached, not watched; no secret is shown."""
    (tmp_path / "token").write_text("0123456789abcdef\n")
    path = tmp_path / "config.yml"
    path.write_text(WHOLE.replace("TOKEN", str(tmp_path / "token")))
    settings = read_server_settings(read_yaml(path), {})
    assert (3 * 86_400, 12 * 3_600, 8) == (
        settings.answers.max_age,
        settings.answers.freshness,
        settings.scans.concurrency,
    )
    assert ("Europe/Berlin", 1_800, "0 3 * * 1") == (
        settings.schedule.timezone,
        settings.schedule.sync,
        settings.schedule.rescans[0].at,
    )
    (main,) = settings.registries
    assert ("registry.internal:5000", "registry.example") == (main.host, main.pull)
    assert [main] * 4 == [
        settings.registries.find(one) for one in (main.host, "registry.example", "OLD.example", "10.0.0.7:5000")
    ]
    assert (None, main) == (settings.registries.find("storage.internal"), settings.registries.named("main"))
    assert "0123456789abcdef" == main.token.reveal()
    assert "0123456789abcdef" not in repr(settings)


def test_nothing_said() -> None:
    """Without a file nothing is watched, an answer counts for a week, and registries are looked at each hour."""
    settings = read_server_settings({}, {})
    assert (0, 7 * 86_400, 86_400, 3_600) == (
        len(settings.registries),
        settings.answers.max_age,
        settings.answers.freshness,
        settings.schedule.sync,
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("registries: {a.example: {name: Main}}", "registries.a.example.name: write a-z, 0-9"),
        ("registries: {a.example: {name: x}, b.example: {name: x}}", "registries.b.example.name: a.example has it"),
        ("registries: {a.example: {name: x, aliases: [b.example]}, b.example: {}}", "b.example stands for b.example"),
        ("registries: {a.example: {pull: b.example}}", "give it a name"),
        ("registries: {a.example: {name: x, pull: 'https://b'}}", "pull and aliases are hosts alone"),
        ("events: {main: {token: 0123456789abcdef}}", "events.main: no registry has this name"),
        (
            "registries: {a.example: {name: x}}\nevents: {x: {token: canary}}",
            "events.x: the token must have 16 or more",
        ),
        (
            "registries: {a.example: {name: x}}\nevents: {x: {}}",
            "events.x: give one of token, token_file and token_env",
        ),
        (
            "registries: {a.example: {name: x}}\nevents: {x: {token_env: NO_SUCH}}",
            "events.x: the variable NO_SUCH is empty",
        ),
        ("answers: {max_age: 1}", "answers: max_age must be 60 s or more"),
        ("answers: {max_aeg: 1d}", "answers.max_aeg: unknown key; did you mean max_age?"),
        ("schedule: {timezone: Mars/Base}", "schedule: timezone is not one that this machine knows"),
        ("schedule: {rescans: [{at: '0 3 31 2 *'}]}", "schedule.rescans[0]: at must have five fields"),
        ("schedule: {rescans: [{at: '0 0 3 * * *'}]}", "at must have five fields"),
        ("scans: {concurrency: 0}", "scans: concurrency must be 1 to 64"),
        ("scans: 4", "scans: expected a mapping"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, fault: str) -> None:
    """Each is a line that names its key, and shows no secret."""
    path = tmp_path / "config.yml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_server_settings(read_yaml(path), {})
    assert [True] == [fault in line for line in caught.value.faults], caught.value.faults
    assert "canary" not in str(caught.value)
