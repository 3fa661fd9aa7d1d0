"""Certificates for servers on 127.0.0.1, made by the ``openssl`` program when they are needed."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

from attrs import frozen

from .programs import run


@frozen
class Certificate:
    """A certificate that is its own authority, and its key."""

    certificate_file: Path
    """PEM; serves as ``ca_file`` too."""
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        """Return what a server needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context

    def der(self) -> bytes:
        """Return the certificate as DER."""
        return ssl.PEM_cert_to_DER_cert(self.certificate_file.read_text())

    async def sign(self, data: bytes) -> bytes:
        """Return the RSA signature (PKCS #1 v1.5, SHA-256) of an RSA key: ``RS256`` of JSON Web Signatures."""
        return await run("openssl", "dgst", "-sha256", "-sign", str(self.key_file), feed=data)


async def make_certificate(
    folder: Path, *, address: str = "127.0.0.1", start: str = "", end: str = "", rsa: bool = False
) -> Certificate:
    """Make a key and a certificate for an address.

    Args:
        folder: Where the files go; made when it is missing.
        address: An IP address, or a name.
        start: When it begins to be valid, ``20200101000000Z``; from now on where empty.
        end: When it ends to be valid, where *start* is given.
        rsa: Whether it is to `sign`: such a key takes a quarter of a second.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    key = ("rsa:2048",) if rsa else ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    request = ("openssl", "req", "-newkey", *key, "-nodes", "-sha256", "-subj", f"/CN={address}")
    names = f"subjectAltName={'IP' if address[0].isdigit() else 'DNS'}:{address}"
    if not start:
        await run(
            *(*request, "-x509", "-days", "2", "-addext", names),
            *("-keyout", str(made.key_file), "-out", str(made.certificate_file)),
        )
        return made
    await run(*request, "-new", "-keyout", str(made.key_file), "-out", str(folder / "request.pem"))
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(_AUTHORITY.format(folder=folder, names=names))
    await run(
        *("openssl", "ca", "-selfsign", "-batch", "-notext", "-config", str(folder / "ca.cnf")),
        *("-startdate", start, "-enddate", end, "-extensions", "names", "-keyfile", str(made.key_file)),
        *("-in", str(folder / "request.pem"), "-out", str(made.certificate_file)),
    )
    return made


_AUTHORITY = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[names]
{names}
"""


def base64url(data: bytes) -> str:
    """Return base64 for URLs without padding, as JSON Web Tokens have it."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
