"""Client certificates: shown to the registry that wants one, and to nobody else."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
from aiohttp import web
from portus_images import RegistrySettings
from portus_scanners import Reference, RegistryError, RegistryUnavailableError
from portus_scanners_testing import ScriptedServer
from portus_scanners_testing.registry import StandInRegistry

from .conftest import BUILT, MANIFEST, Certificate, Connect, reference_on


def demand(certificate: Certificate, mode: ssl.VerifyMode = ssl.CERT_REQUIRED) -> ssl.SSLContext:
    """Return what a server needs that wants to see the same certificate."""
    context = certificate.server
    context.load_verify_locations(certificate.ca_file)
    context.verify_mode = mode
    return context


def both(certificate: Certificate) -> dict[str, str]:
    """Return the settings' keys."""
    return {"client_cert": certificate.ca_file, "client_key": certificate.key_file}


async def test_a_registry_sees_our_certificate(connect: Connect, certificate: Certificate) -> None:
    """With a CA file of its own."""
    async with StandInRegistry(tls=demand(certificate)) as server:
        server.push("team/app", "1", BUILT)
        settings = RegistrySettings(ca_file=certificate.ca_file, **both(certificate))
        found = await connect({server.host: settings}).resolve(reference_on(server))

    assert BUILT.digest == found.digest


async def test_it_may_go_with_an_unverified_certificate(connect: Connect, certificate: Certificate) -> None:
    """``insecure`` is about the registry's, not ours."""
    async with StandInRegistry(tls=demand(certificate)) as server:
        server.push("team/app", "1", BUILT)
        settings = RegistrySettings(insecure=True, **both(certificate))
        found = await connect({server.host: settings}).resolve(reference_on(server))

    assert BUILT.digest == found.digest


async def test_one_file_may_hold_both(connect: Connect, certificate: Certificate, tmp_path: Path) -> None:
    """The key's name is left out then."""
    path = tmp_path / "both.pem"
    path.write_text(Path(certificate.ca_file).read_text() + Path(certificate.key_file).read_text())
    async with StandInRegistry(tls=demand(certificate)) as server:
        server.push("team/app", "1", BUILT)
        settings = RegistrySettings(ca_file=certificate.ca_file, client_cert=str(path))
        found = await connect({server.host: settings}).resolve(reference_on(server))

    assert BUILT.digest == found.digest


async def test_without_one_the_error_names_the_setting(connect: Connect, certificate: Certificate) -> None:
    """TLS 1.3 servers refuse after the handshake, with whatever."""
    async with StandInRegistry(tls=demand(certificate)) as server:
        settings = RegistrySettings(ca_file=certificate.ca_file)
        with pytest.raises(RegistryUnavailableError, match="client_cert") as caught:
            await connect({server.host: settings}).resolve(reference_on(server))

    assert server.host in str(caught.value)


async def test_another_host_does_not_see_it(connect: Connect, certificate: Certificate) -> None:
    """Where a redirect leads has the settings of its own host."""
    seen = []
    context = demand(certificate, ssl.CERT_OPTIONAL)
    async with ScriptedServer(tls=context) as storage, ScriptedServer(tls=demand(certificate)) as server:

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            assert request.transport is not None
            seen.append(request.transport.get_extra_info("peercert"))
            return web.Response(body=BUILT.manifest, content_type=BUILT.media_type)

        storage.script("/x", answer)
        server.redirect(MANIFEST, f"{storage.url}/x")
        settings = RegistrySettings(ca_file=certificate.ca_file, **both(certificate))
        others = RegistrySettings(ca_file=certificate.ca_file)
        await connect({server.host: settings, storage.host: others}).resolve(reference_on(server))

    assert [None] == [one or None for one in seen]


@pytest.fixture
def locked_key(certificate: Certificate, tmp_path: Path) -> str:
    """The same key with a passphrase."""
    path = tmp_path / "locked.pem"
    command = ["openssl", "pkey", "-in", certificate.key_file, "-aes256", "-passout", "pass:canary", "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return str(path)


async def test_a_key_with_a_passphrase_is_refused(connect: Connect, certificate: Certificate, locked_key: str) -> None:
    """Nobody is asked on a terminal; the message says how to take it off."""
    settings = RegistrySettings(client_cert=certificate.ca_file, client_key=locked_key)
    with pytest.raises(RegistryError, match=r"locked\.pem has a passphrase.*openssl pkey -in") as caught:
        await connect({"127.0.0.1:1": settings}).resolve(Reference.parse("127.0.0.1:1/team/app:1"))

    assert "connect" == caught.value.step


@pytest.mark.parametrize("content", [None, "canary", "-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----"])
async def test_files_that_cannot_be_used_are_named(
    connect: Connect, certificate: Certificate, tmp_path: Path, content: str | None
) -> None:
    """Missing, or of another kind; their content is not shown."""
    path = tmp_path / "mine.pem"
    if content:
        path.write_text(content)
    settings = RegistrySettings(client_cert=str(path), client_key=certificate.key_file)
    with pytest.raises(RegistryError, match=r"client_cert .*mine\.pem with client_key .* can't be used") as caught:
        await connect({"127.0.0.1:1": settings}).resolve(Reference.parse("127.0.0.1:1/team/app:1"))

    assert "canary" not in f"{caught.value} {caught.value.__cause__!r}"
