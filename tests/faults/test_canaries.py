"""Secrets are planted wherever one is kept, and looked for wherever something is told or started."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from attrs import evolve
from portus_images import Registry, RegistrySettings
from portus_scanners import Engine, PortusError, Reference, Settings, dump_line
from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.contract.canaries import captured_logs, forms_of, texts_of, told

from .cells import PLUGINS
from .front import Answered, Asked, PatientTimeLoop, Show
from .scenes import IMAGE, Scene, open_scene
from .steps import HEALTH, LIST, STEPS, Step
from .test_programs import make_trivy

EVERY = os.environ.get("PORTUS_FAULTS") == "all"
CANARY = "canary-of-{}-x7Qz"
_ACCOUNTS = {"clair": "token", "clair_v4": "token", "zypper": "token", "osv": "token"}
_PLANTED = "PORTUS_SECURITY_ELSEWHERE_TOKEN"


def _everything(asked: Asked) -> str:
    """Return all that a request has told, also as careless servers decode and escape it."""
    text = asked.raw.decode("latin-1") + asked.body.decode(errors="replace")
    kind, _, encoded = asked.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        text += base64.b64decode(encoded).decode()
    return "\n".join([text, quote(text), json.dumps(text)])


def _echo(make: Callable[[Answered, str], Answered]) -> Show:
    async def show(writer: asyncio.StreamWriter, good: Answered, asked: Asked) -> bool:
        answered = make(good, _everything(asked))
        writer.write(evolve(answered, told=None).render())
        await writer.drain()
        return False

    return show


def _json(document: object, status: int) -> Answered:
    return Answered(status, {"Content-Type": "application/json"}, json.dumps(document).encode())


ECHOES: dict[str, Show] = {
    "500 text": _echo(lambda _, text: Answered(500, {"Content-Type": "text/plain"}, text.encode())),
    "200 text": _echo(lambda _, text: Answered(200, {"Content-Type": quote(text)[:900]}, text.encode())),
    "400 json": _echo(
        lambda _, text: _json(
            {
                "Error": {"Message": text},
                "error": {"message": text},
                "errors": [{"code": text[:300], "message": text, "detail": text}],
                **dict.fromkeys(("details", "message"), text),
            },
            400,
        )
    ),
    "200 keys": _echo(
        lambda _, text: _json(
            {
                text: {"Layer": text},
                "Layer": {"Name": text, "Features": [{"Name": 5}]},
                "token": 5,
                **dict.fromkeys(("Updates", "schemaVersion", "mediaType", "results", "id", "scanner", "Error"), text),
            },
            200,
        )
    ),
    "302": _echo(lambda _, text: Answered(302, {"Location": f"http://127.0.0.1:1/?{quote(text)}"}, b"")),
    "401": _echo(
        lambda _, text: Answered(
            401, {"WWW-Authenticate": f'Bearer realm="{quote(text)[:300]}",error="{quote(text)}"'}, text.encode()
        )
    ),
}
CELLS = [
    (step, echo)
    for at, step in enumerate(STEPS)
    for number, echo in enumerate(ECHOES)
    if EVERY or (at + number) % 5 == 0
]


@pytest.mark.parametrize(("step", "echo"), CELLS, ids=lambda one: one.name if isinstance(one, Step) else one)
def test_what_a_server_echoes_is_masked(step: Step, echo: str) -> None:
    """Whatever of a request comes back: no secret is in a report, a message, a health check or a log at any level."""
    with captured_logs() as lines, asyncio.Runner(loop_factory=PatientTimeLoop) as runner:
        texts, forms, shown = runner.run(_listen(step, ECHOES[echo]))
    assert shown
    assert [] == told([*texts, *lines], forms)


async def _listen(step: Step, show: Show) -> tuple[list[str], set[str], int]:
    async with open_scene(step.scene) as scene:
        front = scene.fronts[step.server]
        front.show, front.due = show, lambda asked: step.is_due(front, asked)
        planted = CANARY.format(step.scanner)
        if kind := _ACCOUNTS.get(step.scanner):
            scene.security[step.scanner][kind] = planted
        texts = [await _ask(step, scene)]
        return texts, forms_of([planted, scene.registry.password], scene.registry), front.shown


async def _ask(step: Step, scene: Scene) -> str:
    try:
        if step.question == LIST:
            async with Registry(scene.settings.registries, environ={}) as client:
                host = scene.fronts["registry"].host
                return str(
                    [
                        [one async for one in client.repositories(host)],
                        [one async for one in client.tags(host, "team/app")],
                    ]
                )
        async with Engine(scene.settings, plugins=PLUGINS) as engine:
            if step.question == HEALTH:
                return str(await engine.check_health())
            return dump_line(await engine.scan(scene.reference, timeout=15.0)) + "\n"
    except PortusError as error:
        return "\n".join(texts_of(error))


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> str:
    """A secret of another scanner's, in our own environment."""
    monkeypatch.setenv(_PLANTED, CANARY.format("elsewhere"))
    return CANARY.format("elsewhere")


async def test_no_child_sees_more_than_its_own_secret(planted: str, tmp_path: Path) -> None:
    """Trivy's arguments, which every user can read, have no secret; its environment has its own server's token."""
    (tmp_path / "scratch").mkdir()
    look = f"cat /proc/$$/cmdline >> {tmp_path}/arguments; cat /proc/$$/environ >> {tmp_path}/environment"
    program = make_trivy(tmp_path, "image", look, anywhere=True)
    trivy = {"enabled": True, "program": str(program), "cache": str(tmp_path / "cache"), "skip_update": True}
    async with StandInRegistry(auth="token") as registry:
        registry.push("team/app", "1.0", IMAGE)
        account = {"username": registry.username, "password": registry.password}
        document = {
            "security": {"trivy": {**trivy, "server": "http://127.0.0.1:1", "token": CANARY.format("trivy")}},
            "registries": {registry.host: account},
        }
        async with Engine(Settings.from_mapping(document), plugins=PLUGINS) as engine:
            await engine.scan(registry.reference("team/app", "1.0"))
        others = forms_of([planted, registry.password], registry)
    arguments, environment = (tmp_path / "arguments").read_text(), (tmp_path / "environment").read_text()
    assert [] == told([arguments], {*others, CANARY.format("trivy")})
    assert [] == told([environment], others)
    assert f"TRIVY_TOKEN={CANARY.format('trivy')}" in environment.split("\0")


async def test_a_credential_helper_does_not_see_the_scanners_secrets(planted: str, tmp_path: Path) -> None:
    """The program that keeps a registry's password gets the environment without the settings of scanners."""
    helper = tmp_path / "docker-credential-acme"
    helper.write_text(
        f"#!/bin/sh\ncat /proc/$$/environ /proc/$$/cmdline > {tmp_path}/seen\n"
        'echo \'{"Username": "u", "Secret": "canary-of-the-helper"}\'\n'
    )
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "config.json").write_text('{"credsStore": "acme"}')
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "DOCKER_CONFIG": str(tmp_path), "KEPT": "yes"}
    async with StandInRegistry(auth="basic") as registry, Registry({}, environ=environ) as client:
        with pytest.raises(PortusError) as raised:
            await client.resolve(Reference.parse(registry.reference("team/app", "1.0")))
    assert [] == told([*texts_of(raised.value), (tmp_path / "seen").read_text()], [planted, "canary-of-the-helper"])
    assert "KEPT=yes" in (tmp_path / "seen").read_text().split("\0")


def test_a_registry_s_settings_show_no_password() -> None:
    """What the settings of a registry look like in a log has no secret."""
    document = {"registries": {"r.example": {"username": "u", "password": CANARY.format("registry")}}}
    settings = Settings.from_mapping(document)
    assert [] == told([repr(settings), str(settings)], [CANARY.format("registry")])
    assert isinstance(settings.registries["r.example"], RegistrySettings)
