"""A client of any registry for the tests: just requests, and tokens when they are wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping

import aiohttp
from attrs import frozen
from portus_scanners_testing import PASSWORD, USERNAME
from yarl import URL

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@frozen
class Got:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def digest(self) -> str:
        """What ``Docker-Content-Digest`` says."""
        return self.headers.get("Docker-Content-Digest", "")

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0]

    @property
    def challenge(self) -> dict[str, str]:
        """The parameters of ``WWW-Authenticate``, and its scheme under the empty name."""
        text = self.headers.get("WWW-Authenticate", "")
        return {"": text.partition(" ")[0], **dict(_PARAMETER.findall(text))}


async def get(
    http: aiohttp.ClientSession, url: str, *, method: str = "GET", accept: str = "", authorization: str = ""
) -> Got:
    """Send one request."""
    given = {"Accept": accept, "Authorization": authorization}
    headers = {name: value for name, value in given.items() if value}
    async with http.request(method, URL(url, encoded=True), headers=headers, allow_redirects=False) as response:
        return Got(response.status, response.headers, await response.read())


def basic(username: str = USERNAME, password: str = PASSWORD) -> str:
    """Return the header value of these credentials."""
    return aiohttp.encode_basic_auth(username, password)


async def bearer(
    http: aiohttp.ClientSession, realm: str, repository: str, *, service: str = "", actions: str = "pull"
) -> str:
    """Get a token with the usual credentials and return the header value."""
    params = {"service": service, "scope": f"repository:{repository}:{actions}"}
    async with http.get(realm, params=params, headers={"Authorization": basic()}) as response:
        return f"Bearer {(await response.json())['token']}"
