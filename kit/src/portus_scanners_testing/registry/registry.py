"""The pull side of a registry as Docker distribution 2.8 has it, over built images.

    async with StandInRegistry(auth="token") as registry:
        registry.push("team/app", "1.0", image)
        registry.reference("team/app", "1.0")   # 127.0.0.1:PORT/team/app:1.0

Source: github.com/distribution/distribution v2.8, ``registry/handlers``; checked against the real program in
``tests/standins_tests/test_registries_agree.py``.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Literal, get_args
from urllib.parse import unquote

from aiohttp import web
from attrs import field, frozen

from ..images import OCI_INDEX, BuiltImage, BuiltIndex, Pushable
from ..servers import LoopbackServer
from .lists import answer_catalog, answer_referrers, answer_tags, describe_referrers, find_referrers, make_tag
from .manifests import VERSION, answer_error, answer_manifest
from .token_server import TokenServer, TokenService, read_basic
from .tokens import PASSWORD, USERNAME, IssuedToken

Auth = Literal["open", "basic", "token"]

_ROUTE = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs|referrers|tags)/(?P<reference>[^/]+)")
_CATALOG = "/v2/_catalog"


@frozen
class _Repository:
    tags: dict[str, str] = field(factory=dict)
    manifests: dict[str, Pushable] = field(factory=dict)
    blobs: dict[str, bytes] = field(factory=dict)

    def find(self, reference: str) -> Pushable | None:
        return self.manifests.get(self.tags.get(reference, reference))


class StandInRegistry(LoopbackServer):
    """A registry.

    Args:
        auth: ``open``, ``basic`` or ``token``.
        username: The only account (not with *token_server*, which has its own).
        password: The account's password.
        token_server: The server with the token endpoint; None: this server, at ``/token``.
        service: The registry's name in the challenge.
        tls: Makes it an https server.
        referrers: Whether it has the referrers API, as distribution 3 and most registries do; 2.8 does not, and
            clients then keep a list under a tag.

    Raises:
        ValueError: *auth* is another word.
    """

    def __init__(
        self,
        *,
        auth: Auth = "open",
        username: str = USERNAME,
        password: str = PASSWORD,
        token_server: TokenServer | None = None,
        service: str = "stand-in",
        tls: ssl.SSLContext | None = None,
        referrers: bool = False,
    ) -> None:
        super().__init__(tls=tls)
        self.auth = auth
        self.username = username
        self.password = password
        self.service = service
        self._token_server = token_server
        self.tokens = token_server.service if token_server else TokenService(username=username, password=password)
        """The token endpoint: its issuer, what its answers leave out, which repositories it denies."""
        self.referrers = referrers
        self.referrers_page = 0
        """Most referrers on a page; 0: all of them."""
        self.catalog = True
        """Whether it lists its repositories; many registries do not."""
        self.tags_page = 0
        """Most tags on a page; 0: all of them, as in distribution 2.8."""
        self._repositories: dict[str, _Repository] = {}

    @property
    def auth(self) -> Auth:
        """What it asks of clients: nothing (``open``), a password (``basic``) or a token of its service (``token``)."""
        return self._auth

    @auth.setter
    def auth(self, auth: Auth) -> None:
        if auth not in get_args(Auth):
            msg = f"not a valid auth: {auth!r}; it can be {', '.join(get_args(Auth))}"
            raise ValueError(msg)
        self._auth: Auth = auth

    @property
    def issued(self) -> list[IssuedToken]:
        """The tokens issued so far."""
        return self.tokens.issuer.issued

    @property
    def realm(self) -> str:
        """Where the challenge sends clients for a token."""
        return self._token_server.realm if self._token_server else f"{self.url}/token"

    def push(self, repository: str, tag: str, image: Pushable) -> str:
        """Store an image or an index under a tag, and return its digest; with an empty tag, it has a digest only."""
        stored = self._repositories.setdefault(repository, _Repository())
        stored.blobs.update(image.blobs)
        stored.manifests.update({item.digest: item for item in (image, *image.manifests)})
        if tag:
            stored.tags[tag] = image.digest
        if isinstance(image, BuiltImage) and image.subject and not self.referrers:
            self._list_referrers(repository, image.subject)
        return image.digest

    def _list_referrers(self, repository: str, subject: str) -> None:
        """Store the list of referrers under its tag, as clients do."""
        found = find_referrers(self._repositories[repository].manifests.values(), subject)
        index = BuiltIndex(manifest=describe_referrers(found), media_type=OCI_INDEX, manifests=())
        self.push(repository, make_tag(subject), index)

    def remove(self, repository: str, digest: str) -> None:
        """Remove a blob or a manifest."""
        self._repositories[repository].blobs.pop(digest, None)
        self._repositories[repository].manifests.pop(digest, None)

    def reference(self, repository: str, tag: str) -> str:
        """Return the image reference of a tag or a digest."""
        return f"{self.host}/{repository}{'@' if ':' in tag else ':'}{tag}"

    def blob_url(self, repository: str, digest: str) -> str:
        """Return the address of a blob."""
        return f"{self.url}/v2/{repository}/blobs/{digest}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path = unquote(request.raw_path.partition("?")[0])
        if path == "/token" and self.auth == "token" and self._token_server is None:
            return await self.tokens.answer(request)
        if path == _CATALOG and self.catalog:
            refused = self._refusal(request, "")
            return answer_catalog(sorted(self._repositories), request.query) if refused is None else refused
        match = _ROUTE.fullmatch(path)
        if (match is None and path != "/v2/") or (match and match["kind"] == "referrers" and not self.referrers):
            return web.Response(status=404, text="404 page not found\n")
        repository = match["repository"] if match else ""
        refused = self._refusal(request, repository)
        if refused is not None:
            return refused
        if match is None:
            return web.json_response({}, headers=VERSION)
        return self._serve(request, match["kind"], repository, match["reference"])

    def _serve(self, request: web.BaseRequest, kind: str, repository: str, reference: str) -> web.Response:
        if request.method not in {"GET", "HEAD"}:
            return answer_error(405, "UNSUPPORTED", "The operation is unsupported.")
        stored = self._repositories.get(repository, _Repository())
        if kind == "referrers":
            found = find_referrers(stored.manifests.values(), reference)
            return answer_referrers(found, request.path, request.query, self.referrers_page)
        if kind == "blobs":
            return _blob(stored, reference)
        if kind == "tags":
            return self._list_tags(repository, request.query)
        return answer_manifest(stored.find(reference), repository, reference, _accepted(request))

    def _list_tags(self, repository: str, query: Mapping[str, str]) -> web.Response:
        stored = self._repositories.get(repository)
        if stored is None:
            message = "repository name not known to registry"
            return answer_error(404, "NAME_UNKNOWN", message, {"name": repository})
        return answer_tags(repository, sorted(stored.tags), query, self.tags_page)

    def _refusal(self, request: web.BaseRequest, repository: str) -> web.Response | None:
        """Return the 401 for this request; None if it is allowed."""
        header = request.headers.get("Authorization")
        if self.auth == "basic":
            if header is not None and read_basic(header) == (self.username, self.password):
                return None
            return _unauthorized(f'Basic realm="{self.service}"', repository)
        if self.auth == "token":
            catalog = request.path == _CATALOG
            return self._token_refusal(header, "catalog" if catalog else repository, catalog=catalog)
        return None

    def _token_refusal(self, header: str | None, repository: str, *, catalog: bool) -> web.Response | None:
        kind_of_right, action = ("registry", "*") if catalog else ("repository", "pull")
        scope = f',scope="{kind_of_right}:{repository}:{action}"' if repository else ""
        challenge = f'Bearer realm="{self.realm}",service="{self.service}"{scope}'
        kind, _, value = (header or "").partition(" ")
        if kind.lower() != "bearer":
            return _unauthorized(challenge, repository)
        token = self.tokens.issuer.find(value)
        if token is None:
            return _unauthorized(f'{challenge},error="invalid_token"', repository)
        if repository and not token.allows(repository, action, kind_of_right):
            return _unauthorized(f'{challenge},error="insufficient_scope"', repository)
        return None


def _blob(stored: _Repository, digest: str) -> web.Response:
    data = stored.blobs.get(digest)
    if data is None:
        return answer_error(404, "BLOB_UNKNOWN", "blob unknown to registry", {"digest": digest})
    headers = {**VERSION, "Content-Type": "application/octet-stream", "Docker-Content-Digest": digest}
    return web.Response(body=data, headers=headers)


def _accepted(request: web.BaseRequest) -> set[str]:
    """Return the media types in all Accept headers; wildcards mean nothing, as in distribution."""
    items = ",".join(request.headers.getall("Accept", ())).split(",")
    return {item.partition(";")[0].strip().lower() for item in items}


def _unauthorized(challenge: str, repository: str) -> web.Response:
    detail = [{"Type": "repository", "Class": "", "Name": repository, "Action": "pull"}] if repository else None
    refusal = answer_error(401, "UNAUTHORIZED", "authentication required", detail)
    refusal.headers["WWW-Authenticate"] = challenge
    return refusal
