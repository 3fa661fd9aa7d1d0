"""``portus-scan image --platform all``, and images that lie in files."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from click.testing import Result
from portus_images.local.file_slice import FileSlice, StoppedError
from portus_scan.commands import image
from portus_scan.scanning import SilentDisplay
from portus_scanners import load_document
from portus_scanners_testing.images import (
    debian_image,
    filler_layer,
    make_image,
    make_index,
    write_docker_archive,
    write_oci_layout,
)

from .conftest import StubRegistry

APP, OTHER = "registry.example/team/app:1", "registry.example/team/other:1"
EMPTY = {"behaviour": "empty"}
Run = Callable[..., Result]
Config = Callable[..., str]


def platforms(result: Result) -> list[tuple[str, str]]:
    """Return text and platform of each report."""
    reports = load_document(result.stdout).reports
    return [(report.image.reference.text, str(report.image.platform)) for report in reports]


def test_every_image_of_an_index_has_its_report(run: Run, config: Config) -> None:
    """In the order of the references, then of the index; what is no image is `unsupported`, and the code is 3."""
    result = run("image", APP, OTHER, "--platform", "all", "--config", config(EMPTY), "-o", "json")
    expected = [
        (text, platform) for text in (APP, OTHER) for platform in ("linux/amd64", "linux/arm", "linux/s390x", "None")
    ]
    outcomes = [report.results[0].outcome.value for report in load_document(result.stdout).reports]

    assert (3, expected) == (result.exit_code, platforms(result))
    assert ["ok", "ok", "ok", "unsupported"] * 2 == outcomes
    assert f"portus-scan: {APP} (no platform): dummy: unsupported: it is an attestation\n" in result.stderr


def test_the_table_tells_them_apart(run: Run, config: Config) -> None:
    """Each with its platform, and a summary of all."""
    result = run("image", APP, "--platform", "all", "--config", config(EMPTY))

    assert [True] * 3 == [platform in result.stdout for platform in ("linux/amd64", "linux/arm", "linux/s390x")]
    assert "4 images: 3 clean, 1 unknown" in result.stdout


def test_an_index_that_cannot_be_resolved_is_an_error_beside_the_others(run: Run, config: Config) -> None:
    """One line, as without --platform."""
    missing = "registry.example/missing:1"
    result = run("image", missing, APP, "--platform", "all", "--config", config(EMPTY), "-o", "json")

    assert (3, [missing]) == (result.exit_code, [error.reference for error in load_document(result.stdout).errors])
    assert 4 == len(load_document(result.stdout).reports)


def test_an_index_that_is_never_resolved_ends_with_the_time(run: Run, config: Config) -> None:
    """The time is for all of it."""
    arguments = ("image", "registry.example/endless:1", "--platform", "all", "--timeout", "0.1")
    result = run(*arguments, "--config", config(EMPTY), "-o", "json")
    (error,) = load_document(result.stdout).errors

    assert (4, "timeout") == (result.exit_code, error.step)


class CountingDisplay(SilentDisplay):
    """Remembers what it was told."""

    shows_progress = True

    def __init__(self) -> None:
        self.expected = 0
        self.shown: list[str] = []
        self.ended = 0

    def expect(self, more: int) -> None:
        self.expected += more

    def begin(self, index: int, reference: str) -> None:
        self.shown.append(reference)

    def end(self, index: int) -> None:
        self.ended += 1


def test_the_display_counts_all_of_them(run: Run, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were not known of at first too, each by its platform."""
    display = CountingDisplay()
    monkeypatch.setattr(image, "make_display", lambda total, *, verbose: display)
    run("image", APP, "--platform", "all", "--config", config(EMPTY))

    assert (3, 4) == (display.expected, display.ended)
    assert [APP, f"{APP} (linux/amd64)", f"{APP} (linux/arm)", f"{APP} (linux/s390x)"] == display.shown[:4]


def test_local_images_are_scanned_beside_others(
    run: Run, config: Config, tmp_path: Path, registry: StubRegistry
) -> None:
    """The registry is asked for the others only; the report has the text as it was given."""
    write_docker_archive(tmp_path / "app.tar", {"team/app:1": debian_image({"bash": "5.2-1"})})
    write_oci_layout(tmp_path / "dir", make_image(filler_layer("x"), form="oci"), tag="1")
    local = [f"docker-archive:{tmp_path}/app.tar", f"oci:{tmp_path}/dir:1"]
    result = run("image", *local, APP, "--config", config(EMPTY), "-o", "json")

    assert (0, [*local, APP]) == (result.exit_code, [text for text, _ in platforms(result)])
    assert [APP] == [text for text, _ in registry.asked]
    assert [str(tmp_path / "app.tar"), str(tmp_path / "dir"), None] == [
        image.get("local") and image.get("local")["path"] for image in images(result)
    ]


def images(result: Result) -> list[dict[str, Any]]:
    """Return the images of the JSON document."""
    return [report["image"] for report in json.loads(result.stdout)["reports"]]


def test_all_platforms_of_a_local_index_are_scanned(run: Run, config: Config, tmp_path: Path) -> None:
    """As those of a registry's."""
    built = [make_image(filler_layer(name), form="oci", architecture=name) for name in ("amd64", "arm64")]
    write_oci_layout(tmp_path / "dir", make_index(*built))
    text = f"oci:{tmp_path}/dir"
    result = run("image", text, "--platform", "all", "--config", config(EMPTY), "-o", "json")

    assert (0, [(text, "linux/amd64"), (text, "linux/arm64")]) == (result.exit_code, platforms(result))


def test_a_local_image_that_is_not_there_is_an_error_of_its_own(run: Run, config: Config, tmp_path: Path) -> None:
    """In one line, with the path once; the step is no registry's."""
    text = f"oci:{tmp_path}/missing"
    result = run("image", text, APP, "--config", config(EMPTY), "-o", "json")
    (error,) = load_document(result.stdout).errors

    assert (3, text, "local") == (result.exit_code, error.reference, error.step)
    assert f"portus-scan: {text}: No such file or directory\n" == result.stderr


@pytest.mark.parametrize("text", ["oci:", "docker-archive::x"])
def test_half_a_local_reference_is_a_usage_error(run: Run, config: Config, text: str) -> None:
    """Nothing is scanned."""
    result = run("image", text, "--config", config(EMPTY))

    assert (2, "") == (result.exit_code, result.stdout)
    assert "path is missing" in result.stderr


@pytest.mark.parametrize("address", ["0.0.0.0:1", "no host"])
def test_an_address_that_cannot_be_used_is_a_usage_error(run: Run, config: Config, address: str) -> None:
    """Before anything is scanned."""
    result = run("image", APP, "--serve-address", address, "--config", config(EMPTY))

    assert (2, "") == (result.exit_code, result.stdout)
    assert "serve address" in result.stderr


def test_an_interruption_while_an_index_is_resolved(run: Run, config: Config, registry: StubRegistry) -> None:
    """Ctrl-C ends that too, and the reference is named."""
    endless = "registry.example/endless:1"
    registry.on_resolve = lambda _reference: os.kill(os.getpid(), signal.SIGINT)
    result = run("image", endless, "--platform", "all", "--config", config(EMPTY), "-o", "json")
    errors = [(error.reference, error.step) for error in load_document(result.stdout).errors]

    assert (130, [(endless, "interrupted")]) == (result.exit_code, errors)


def test_an_interruption_while_a_local_image_is_verified(
    run: Run, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However large it is: the thread that reads it ends."""
    write_docker_archive(tmp_path / "app.tar", {"team/app:1": debian_image({"bash": "5.2-1"})})

    def interrupt(_content: FileSlice, stop: Event) -> Iterator[bytes]:
        os.kill(os.getpid(), signal.SIGINT)
        stop.wait()
        raise StoppedError
        yield b""

    monkeypatch.setattr(FileSlice, "pieces", interrupt)
    monkeypatch.setattr(FileSlice, "read_all", lambda content, limit: content.read(0, limit))
    text = f"docker-archive:{tmp_path}/app.tar"
    result = run("image", text, "--config", config(EMPTY), "-o", "json")
    errors = [(error.reference, error.step) for error in load_document(result.stdout).errors]

    assert (130, [(text, "interrupted")]) == (result.exit_code, errors)
