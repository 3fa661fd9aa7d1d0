"""What a cluster sends, and a service that it can ask."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from attrs import frozen
from portus_images import Secret
from portus_scan_server.admission import AdmissionServer, AdmissionSettings, Certificates, ImageJudge
from portus_scan_server.intake import Intake
from portus_scan_server.store import Store
from portus_scan_server.summaries import Rules
from standins.certificates import Certificate

TOKEN = "0123456789abcdef"


def pod(*images: str, **more: Any) -> dict[str, Any]:
    """Return a pod with these images."""
    return {"metadata": {"name": "x"}, "spec": {"containers": [{"image": one} for one in images], **more}}


def review(value: object, **request: Any) -> bytes:
    """Return a review of an object, a pod that is made where nothing else is said."""
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    asked = {"uid": "u-1", "kind": kind, "operation": "CREATE", "dryRun": False, "object": value, "oldObject": None}
    document = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {**asked, **request}}
    return json.dumps(document).encode()


@frozen
class Cluster:
    """Asks the webhook as an API server does."""

    port: int
    certificate: Certificate
    certificates: Certificates | None = None

    async def renew(self) -> None:
        """Let it look at its files now."""
        assert self.certificates is not None
        await self.certificates.renew()

    async def post(
        self,
        body: bytes,
        path: str = f"/v1/admission/{TOKEN}?timeout=10s",
        client: Certificate | None = None,
        **more: Any,
    ) -> tuple[int, Any]:
        """Return the status and the answer."""
        context = ssl.create_default_context(cafile=self.certificate.certificate_file)
        if client is not None:
            context.load_cert_chain(client.certificate_file, client.key_file)
        async with aiohttp.ClientSession() as http:
            headers = {"Content-Type": "application/json"}
            url = f"https://127.0.0.1:{self.port}{path}"
            async with http.post(url, data=body, ssl=context, headers=headers) as answer:
                is_json = answer.content_type == "application/json"
                return answer.status, await answer.json() if is_json else await answer.text()

    async def ask(self, *images: str, **request: Any) -> dict[str, Any]:
        """Return the response about a pod with these images."""
        status, answer = await self.post(review(pod(*images), **request))
        assert (200, "u-1") == (status, answer["response"]["uid"])
        response: dict[str, Any] = answer["response"]
        return response


@asynccontextmanager
async def clusters(
    store: Store,
    intake: Intake,
    rules: Rules,
    certificate: Certificate,
    *,
    clock: Sequence[float] | None = None,
    token: bool = True,
    **settings: Any,
) -> AsyncIterator[Cluster]:
    """Run the webhook as long as the block does; the clock is the last of some numbers."""
    files = {"certificate": str(certificate.certificate_file), "key": str(certificate.key_file)}
    said = AdmissionSettings(listen="127.0.0.1:0", **files, **({"token": Secret(TOKEN)} if token else {}), **settings)
    more = {} if clock is None else {"clock": lambda: clock[-1]}
    judge = ImageJudge(store, intake, rules, said, external_url="https://scan.example", **more)
    certificates = Certificates(said)
    async with AdmissionServer(said, judge, certificates).listening() as port:
        yield Cluster(port, certificate, certificates)


def replace(certificate: Certificate, other: Certificate) -> None:
    """Put another certificate into the files of one, as a certificate manager does."""
    for mine, new in (
        (certificate.certificate_file, other.certificate_file),
        (certificate.key_file, other.key_file),
    ):
        made = Path(f"{mine}.new")
        made.write_bytes(new.read_bytes())
        made.replace(mine)
