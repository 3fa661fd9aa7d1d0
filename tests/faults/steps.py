"""The steps of the matrix: which request of which question is answered wrongly. A new step is one line."""

from __future__ import annotations

from fnmatch import fnmatchcase

from attrs import frozen

from .front import Asked, Front

SCAN, HEALTH, LIST = "scan", "health", "list"


@frozen
class Step:
    """One kind of request."""

    name: str
    scene: str
    """The scanner, perhaps with more words; see `SCENES`."""
    server: str
    method: str
    path: str
    question: str = SCAN
    anonymous: bool | None = None
    """Whether the request has no credentials; None: either."""
    after: str = ""
    """A method that the server has seen before."""

    @property
    def scanner(self) -> str:
        """The scanner's name in the configuration."""
        return self.scene.partition(" ")[0]

    def is_due(self, front: Front, asked: Asked) -> bool:
        """Return whether a request is of this step."""
        return (
            asked.method == self.method
            and fnmatchcase(asked.path, self.path)
            and self.anonymous in {None, "authorization" not in asked.headers}
            and (not self.after or any(one.method == self.after for one in front.asked))
        )


STEPS = (
    Step("challenge", "zypper", "registry", "GET", "/v2/"),
    Step("token", "zypper", "registry", "GET", "/token"),
    Step("manifest", "zypper", "registry", "GET", "*/manifests/*", anonymous=False),
    Step("blob size", "clair", "registry", "HEAD", "*/blobs/*"),
    Step("blob for Clair", "clair", "registry", "GET", "*/blobs/*"),
    Step("catalog", "zypper", "registry", "GET", "/v2/_catalog", LIST, anonymous=False),
    Step("tags", "zypper", "registry", "GET", "*/tags/list", LIST, anonymous=False),
    Step("referrers", "osv", "registry", "GET", "*/referrers/*", anonymous=False),
    Step("attached manifest", "osv", "registry", "GET", "*/manifests/sha256:*", anonymous=False),
    Step("attached blob", "osv", "registry", "GET", "*/blobs/*", anonymous=False),
    Step("clair lookup", "clair", "clair", "GET", "/v1/layers/*"),
    Step("clair post", "clair", "clair", "POST", "/v1/layers"),
    Step("clair result", "clair", "clair", "GET", "/v1/layers/*", after="POST"),
    Step("clair data", "clair without data", "clair", "GET", "/v1/namespaces/*/vulnerabilities"),
    Step("clair namespaces, health", "clair", "clair", "GET", "/v1/namespaces", HEALTH),
    Step("clair health", "clair", "clair health", "GET", "/health", HEALTH),
    Step("blob for Clair v4", "clair_v4", "registry", "GET", "*/blobs/*"),
    Step("clair_v4 index", "clair_v4", "clair_v4", "POST", "/indexer/api/v1/index_report"),
    Step("clair_v4 updates", "clair_v4", "clair_v4", "GET", "*/update_operation*"),
    Step("clair_v4 report", "clair_v4", "clair_v4", "GET", "*/vulnerability_report/*"),
    Step("clair_v4 state, health", "clair_v4", "clair_v4", "GET", "*/index_state", HEALTH),
    Step("clair_v4 port, health", "clair_v4", "clair_v4", "GET", "/healthz", HEALTH),
    Step("zypper images", "zypper", "zypper", "GET", "/images"),
    Step("zypper health", "zypper", "zypper", "GET", "/images", HEALTH),
    Step("harbor metadata", "harbor", "harbor", "GET", "/api/v1/metadata"),
    Step("harbor scan", "harbor", "harbor", "POST", "/api/v1/scan"),
    Step("harbor report", "harbor", "harbor", "GET", "/api/v1/scan/*/report"),
    Step("harbor health", "harbor", "harbor", "GET", "/api/v1/metadata", HEALTH),
    Step("osv batch", "osv", "osv", "POST", "/v1/querybatch"),
    Step("osv record", "osv", "osv", "GET", "/v1/vulns/*"),
    Step("osv health", "osv", "osv", "POST", "/v1/querybatch", HEALTH),
)
