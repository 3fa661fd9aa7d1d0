"""The real registry: Debian's ``docker-registry`` (distribution 2.8) in a process of its own, filled by skopeo.

    async with DockerRegistry(auth="token") as registry:
        await registry.push("team/app", "1.0", image)
        registry.reference("team/app", "1.0")

Tests that use it carry ``@pytest.mark.real_registry`` and the fixture `real_registry_programs`.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import pytest
from portus_scanners_testing import PASSWORD, USERNAME
from portus_scanners_testing.images import OCI_INDEX, OCI_MANIFEST, Pushable, write_dir_layout, write_oci_layout
from portus_scanners_testing.registry import IssuedToken, TokenServer, TokenService

from .certificates import Certificate, make_certificate
from .jwt_issuer import ISSUER, JwtIssuer
from .ports import free_port
from .programs import end, missing, run

PROGRAMS = ("docker-registry", "skopeo", "openssl")
REQUIRE = "PORTUS_REQUIRE_REGISTRY"
"""The environment variable that makes a missing program a failure: ``1``."""

Auth = Literal["open", "htpasswd", "token"]
Format = Literal["v2s1", "v2s2", "oci"]

_HTPASSWD = f"{USERNAME}:$2b$05$KBCwKxOzLha2MUbQOwkGCe/K1Uwb5prMaDZB8jhizu4IlQ8wG9hF6\n"
"""The account with `PASSWORD`, as bcrypt."""
_SERVICE = "real-registry"
_STARTS = 3
_START_TIMEOUT = 20.0
_POLL = 0.02


@pytest.fixture
def real_registry_programs() -> None:
    """Skip the test where the programs are not installed, or fail it where they have to be."""
    check_programs()


def check_programs() -> None:
    """Skip or fail the test that is running when a program is missing."""
    absent = missing(*PROGRAMS)
    if absent and os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE}=1, and not installed: {', '.join(absent)}")
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}")


class DockerRegistry:
    """A running registry with a temporary storage folder.

    Args:
        auth: ``open``, ``htpasswd`` (basic) or ``token``.
        certificate: Makes it an https server.
        client_ca: The authority of the certificates that clients have to show, and one of them, for skopeo.
        anonymous: With ``token``: whether clients without credentials may pull.
        endpoints: Whom it tells what was pushed: ``notifications.endpoints`` of its configuration.
    """

    def __init__(
        self,
        *,
        auth: Auth = "open",
        certificate: Certificate | None = None,
        client_ca: Certificate | None = None,
        anonymous: bool = False,
        endpoints: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.auth: Auth = auth
        self.username = USERNAME
        self.password = PASSWORD
        self.token_server: TokenServer | None = None
        """With ``token``: the server of the tokens; its ``service.issuer.lifetime`` may be changed."""
        self._certificate = certificate
        self._client_ca = client_ca
        self._anonymous = anonymous
        self._endpoints = list(endpoints)
        self._stack = AsyncExitStack()
        self._folder = Path()
        self._port = 0

    @property
    def host(self) -> str:
        """``127.0.0.1:PORT``, as it stands in an image reference."""
        return f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """Scheme and host, no slash at the end."""
        return f"{'https' if self._certificate else 'http'}://{self.host}"

    @property
    def log(self) -> str:
        """What the registry has written so far, one line a request among it."""
        return self._log_file.read_text(errors="replace") if self._log_file.exists() else ""

    @property
    def issued(self) -> list[IssuedToken]:
        """With ``token``: the tokens handed out so far, skopeo's among them."""
        return self.token_server.issued if self.token_server else []

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User and password; None where none are wanted."""
        return None if self.auth == "open" else (self.username, self.password)

    def reference(self, repository: str, tag: str) -> str:
        """Return the image reference of a tag or a digest."""
        return f"{self.host}/{repository}{'@' if ':' in tag else ':'}{tag}"

    async def push(self, repository: str, tag: str, image: Pushable, *, format: Format | None = None) -> None:
        """Push an image or an index with all its images.

        Args:
            repository: ``team/app``.
            tag: A tag.
            image: What to push.
            format: Converts the manifest (``v2s1``: schema 1); None leaves manifest and digest as they are.
        """
        with tempfile.TemporaryDirectory() as folder:
            layout = Path(folder)
            if image.media_type in {OCI_MANIFEST, OCI_INDEX}:
                write_oci_layout(layout, image)
            else:
                write_dir_layout(layout, image)
            await skopeo_push(
                layout,
                self.reference(repository, tag),
                creds=self.credentials,
                format=format,
                client_certificate=self._client_ca,
            )

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            auth = await self._prepare_auth(stack)
            await self._start(stack, auth)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def _log_file(self) -> Path:
        return self._folder / "log"

    async def _prepare_auth(self, stack: AsyncExitStack) -> dict[str, Any]:
        """Return the section ``auth`` of the configuration, empty for an open registry."""
        if self.auth == "htpasswd":
            path = self._folder / "htpasswd"
            path.write_text(_HTPASSWD)
            return {"htpasswd": {"realm": _SERVICE, "path": str(path)}}
        if self.auth == "token":
            signer = await make_certificate(self._folder / "tokens", rsa=True)
            service = TokenService(JwtIssuer(signer), anonymous=self._anonymous)
            self.token_server = await stack.enter_async_context(TokenServer(service))
            names = {"realm": self.token_server.realm, "service": _SERVICE, "issuer": ISSUER}
            return {"token": {**names, "rootcertbundle": str(signer.certificate_file)}}
        return {}

    async def _start(self, stack: AsyncExitStack, auth: dict[str, Any]) -> None:
        """Start the program; if another process has taken its port meanwhile, try another port."""
        for _ in range(_STARTS):
            self._port = free_port()
            process = await self._spawn(auth)
            stack.push_async_callback(end, process)
            if await self._is_ready(process):
                return
        pytest.fail(f"docker-registry does not start: {self.log[-2000:]}")

    async def _spawn(self, auth: dict[str, Any]) -> asyncio.subprocess.Process:
        path = self._folder / "config.yml"
        path.write_text(json.dumps(self._configuration(auth)))  # JSON is YAML
        with self._log_file.open("wb") as log:
            return await asyncio.create_subprocess_exec("docker-registry", "serve", str(path), stdout=log, stderr=log)

    def _configuration(self, auth: dict[str, Any]) -> dict[str, Any]:
        http: dict[str, Any] = {"addr": self.host, "secret": "made up"}
        if self._certificate:
            files = self._certificate.certificate_file, self._certificate.key_file
            http["tls"] = {"certificate": str(files[0]), "key": str(files[1])}
        if self._client_ca:
            http["tls"]["clientcas"] = [str(self._client_ca.certificate_file)]
        return {
            "version": "0.1",
            "log": {"level": "info", "accesslog": {"disabled": False}},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "storage")}},
            "http": http,
            "compatibility": {"schema1": {"enabled": True}},
            **({"auth": auth} if auth else {}),
            **({"notifications": {"endpoints": self._endpoints}} if self._endpoints else {}),
        }

    async def _is_ready(self, process: asyncio.subprocess.Process) -> bool:
        """Return True when the program says that it listens, False when it has ended."""
        async with asyncio.timeout(_START_TIMEOUT):
            while process.returncode is None:
                if f"listening on {self.host}" in self.log:
                    return True
                await asyncio.sleep(_POLL)
        return False


async def skopeo_push(
    layout: Path,
    reference: str,
    *,
    creds: tuple[str, str] | None = None,
    format: Format | None = None,
    client_certificate: Certificate | None = None,
) -> None:
    """Push what `write_oci_layout` (tag ``image``) or `write_dir_layout` has written.

    Args:
        layout: The folder.
        reference: ``127.0.0.1:PORT/team/app:1.0``.
        creds: User and password.
        format: Converts the manifest; None leaves manifest and digest as they are.
        client_certificate: What the registry wants to see.

    Raises:
        ProgramError: skopeo failed; the message has what it said.
    """
    source = f"oci:{layout}:image" if (layout / "oci-layout").exists() else f"dir:{layout}"
    login = ("--dest-creds", ":".join(creds)) if creds else ("--dest-no-creds",)
    form = ("--format", format) if format else ("--preserve-digests",)
    command = ("skopeo", "--insecure-policy", "copy", "--all", "--dest-tls-verify=false")
    with tempfile.TemporaryDirectory() as folder:
        files = _write_certificates(Path(folder), client_certificate)
        await run(*command, *login, *form, *files, source, f"docker://{reference}")


def _write_certificates(folder: Path, certificate: Certificate | None) -> tuple[str, ...]:
    """Write a client certificate as skopeo wants to find it, and return the option."""
    if certificate is None:
        return ()
    (folder / "client.cert").write_bytes(certificate.certificate_file.read_bytes())
    (folder / "client.key").write_bytes(certificate.key_file.read_bytes())
    return ("--dest-cert-dir", str(folder))
