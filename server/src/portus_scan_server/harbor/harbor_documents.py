"""The documents of Harbor's scanner API, versions 1.1 and 1.2, as Harbor reads and writes them. Pure.

Harbor takes a report without vulnerabilities for a clean image. So there is a report only where every enabled scanner
has answered for all of the image; `find_fault` says why there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import frozen
from portus_images import InvalidReferenceError, Reference, Secret, load_json, one_line
from portus_scanners import Cvss, Outcome, Severity, Verdict, Vulnerability
from portus_scanners.models import ReportDocument

from ..api import RequestError
from ..views import ReadReport
from .sealing import read_authorization

Document = dict[str, Any]

REPORT = "application/vnd.security.vulnerability.report; version=1.1"
_MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_FAMILY = "application/vnd.scanner.adapter."
_OTHER_REPORTS = {f"{_FAMILY}vuln.report.harbor+json;version=1.0", f"{_FAMILY}vuln.report.raw"}
_OTHER_REPORTS.add("application/vnd.security.sbom.report+json;version=1.0")
ERROR = f"{_FAMILY}error+json; version=1.0"
_VERSIONS = ("1.0", "1.1")
_VULNERABILITY, _SBOM = "vulnerability", "sbom"
_DATABASE_DATE = "vulnerability-database-updated-at"
_SEVERITIES = {severity: severity.value.capitalize() for severity in Severity} | {Severity.DEFCON1: "Critical"}
_LONGEST = 4_096
_LONGEST_AUTHORIZATION = 32_768
_LONGEST_FAULT = 600


@frozen(kw_only=True)
class HarborRequest:
    """A scan that Harbor asks for: where its registry is, what that may be pulled with, and which image.

    Attributes:
        url: One of the registration's.
        authorization: A header's value; empty for nothing.
        artifact: ``repository``, ``digest``, ``tag`` (empty for none), ``mime_type``.
    """

    url: str
    authorization: Secret
    artifact: Mapping[str, str]


def read_scan_request(body: bytes, host: str, urls: Iterable[str]) -> HarborRequest:
    """Return what Harbor asks for; the registry of its registration is called *host*, and may be at *urls*.

    Raises:
        RequestError: It is not valid, or can't be done; the message repeats no secret.
    """
    try:
        document = load_json(body)
    except (ValueError, RecursionError):
        raise RequestError(400, "the body is not valid JSON") from None
    if not isinstance(document, dict):
        raise RequestError(400, "the body is not a scan request")
    registry, artifact = (document.get(key) for key in ("registry", "artifact"))
    if not isinstance(registry, dict) or not isinstance(artifact, dict):
        raise RequestError(422, "missing registry or artifact")
    url = _string(registry, "registry.url").rstrip("/")
    if url not in urls:
        raise RequestError(422, "invalid registry.url: it is not the registry of this registration (harbor:)")
    authorization = Secret(_string(registry, "registry.authorization", most=_LONGEST_AUTHORIZATION, default=""))
    try:
        read_authorization(authorization)
    except ValueError as error:
        raise RequestError(422, f"invalid registry.authorization: {error}") from None
    said = {name: _string(artifact, f"artifact.{name}") for name in ("repository", "digest", "mime_type")}
    said["tag"] = _string(artifact, "artifact.tag", default="")
    _check_artifact(host, said)
    _check_capabilities(document.get("enabled_capabilities"))
    return HarborRequest(url=url, authorization=authorization, artifact=said)


def _string(members: Mapping[str, Any], place: str, *, most: int = _LONGEST, default: str | None = None) -> str:
    value = members.get(place.partition(".")[2])
    if value is None or value == "":
        if default is None:
            raise RequestError(422, f"missing {place}")
        return default
    if not isinstance(value, str) or len(value) > most:
        raise RequestError(422, f"invalid {place}")
    return value


def _check_artifact(host: str, said: Mapping[str, str]) -> None:
    if said["mime_type"] not in _MANIFESTS:
        raise RequestError(422, "invalid artifact.mime_type: not an image; ask for each image of an index")
    tag = f":{said['tag']}" if said["tag"] else ""
    try:
        found = Reference.parse(f"{host}/{said['repository']}{tag}@{said['digest']}")
        is_same = (found.repository, found.tag or "", found.digest) == (said["repository"], said["tag"], said["digest"])
    except InvalidReferenceError:
        is_same = False
    if not is_same:
        raise RequestError(422, "invalid artifact: repository, tag and digest do not name an image")


def _check_capabilities(asked: Any) -> None:
    if asked is not None and not isinstance(asked, list):
        raise RequestError(422, "invalid enabled_capabilities")
    for one in asked or ():
        if not isinstance(one, dict):
            raise RequestError(422, "invalid enabled_capabilities")
        kind, produces = one.get("type") or _VULNERABILITY, one.get("produces_mime_types")
        if kind == _SBOM:
            raise RequestError(501, "this scanner makes no SBOM")
        if kind != _VULNERABILITY:
            raise RequestError(422, "invalid enabled_capabilities: unknown type")
        if not produces or not isinstance(produces, list):
            raise RequestError(400, "missing enabled_capabilities.produces_mime_types")
        if media_type(REPORT) not in {media_type(name) for name in produces if isinstance(name, str)}:
            raise RequestError(501, f"this scanner makes one kind of report: {REPORT}")


def media_type(text: str) -> str:
    """Return a media type without blanks, in lower case, its parameters in order."""
    first, *parameters = ("".join(part.split()).lower() for part in text.split(";"))
    return ";".join([first, *sorted(filter(None, parameters))])


def check_request_type(content_type: str) -> None:
    """Raise `RequestError` unless a body is a scan request."""
    if media_type(content_type) not in {f"{_FAMILY}scan.request+json;version={one}" for one in _VERSIONS}:
        raise RequestError(415, "expected a scan request: application/vnd.scanner.adapter.scan.request+json")


def answer_type(kind: str, accept: str) -> str:
    """Return the media type of an answer, ``metadata`` or ``scan.response``: of the version that was asked for."""
    asked = {media_type(one) for one in accept.split(",")}
    version = next((one for one in _VERSIONS if f"{_FAMILY}{kind}+json;version={one}" in asked), _VERSIONS[0])
    return f"{_FAMILY}{kind}+json; version={version}"


def check_report_type(accept: str) -> None:
    """Raise `RequestError` unless a report may be answered to a request's ``Accept``."""
    asked = {media_type(one) for one in accept.split(",")} - {""}
    if not asked or asked & {"*/*", media_type(REPORT)}:
        return
    raise RequestError(501 if asked & _OTHER_REPORTS else 415, f"this scanner makes one kind of report: {REPORT}")


def write_metadata(version: str, dates: Mapping[str, datetime | None]) -> Document:
    """Return what the scanner says of itself, and when the data of each enabled one was updated, if that is known."""
    known = [one for one in dates.values() if one is not None]
    properties = {
        "harbor.scanner-adapter/scanner-type": "os-package-vulnerability",
        "harbor.scanner-adapter/registry-authorization-type": "Basic",  # a token would expire while it is queued
        **{f"portus.scanner/{name}/{_DATABASE_DATE}": _moment(date) for name, date in dates.items() if date},
    }
    if known and len(known) == len(dates):  # the oldest; of one that is not known nobody can say whether it is older
        properties[f"harbor.scanner-adapter/{_DATABASE_DATE}"] = _moment(min(known))
    kinds = {"consumes_mime_types": list(_MANIFESTS), "produces_mime_types": [REPORT]}
    capability = {"type": _VULNERABILITY, **kinds}
    return {"scanner": _scanner(version), "capabilities": [capability], "properties": properties}


def write_error(message: str) -> Document:
    """Return what is said where something is wrong."""
    return {"error": {"message": one_line(message, _LONGEST_FAULT)}}


def find_fault(stored: ReadReport, document: ReportDocument, allowed: Iterable[Outcome]) -> str:
    """Return why there is no report for Harbor; empty where there is one.

    A scanner that can't read such an image makes no difference where the policy's gate has ``unsupported`` allowed.
    """
    if len(document.reports) != 1 or stored.order.index_id is not None:
        return "it was not scanned: it is not an image" if stored.order.index_id is not None else "it was not scanned"
    fine, faults = {Outcome.OK, *set(allowed).intersection({Outcome.UNSUPPORTED})}, []
    for name in stored.order.rules.enabled:
        last = answers.last if (answers := stored.images[0][1].get(name)) is not None else None
        if last is None:
            faults.append(f"{name} was not asked")
        elif last.run.outcome not in fine:
            faults.append(f"{name}: {last.run.outcome.value}{f': {last.run.error}' if last.run.error else ''}")
    if not faults and document.reports[0].verdict is Verdict.UNKNOWN:
        why = document.reports[0].notes or ("no scanner can say what is in it",)
        faults.append(f"it is not known whether it is clean: {'; '.join(why)}")
    return one_line("; ".join(faults), _LONGEST_FAULT)


def write_report(
    document: ReportDocument, artifact: Mapping[str, str], version: str, now: datetime, scanners: Sequence[str]
) -> Document:
    """Return the report of a document with one image: the artifact that Harbor has asked about, and who has looked."""
    found: dict[tuple[str, str, str], Vulnerability] = {}
    for one in document.reports[0].vulnerabilities:  # Harbor keeps the first of one key: the highest severity is first
        found.setdefault((one.id, one.package.name, one.package.version), one)
    worst = max((one.severity for one in found.values()), default=None)
    return {
        "generated_at": _moment(now),
        "artifact": dict(artifact),
        "scanner": _scanner(version, scanners),
        "severity": "None" if worst is None else _SEVERITIES[worst],
        "vulnerabilities": [_vulnerability(one) for one in found.values()],
    }


def _vulnerability(one: Vulnerability) -> Document:
    ratings = [cvss for rating in one.ratings for cvss in rating.cvss]
    return {
        "id": one.id,
        "package": one.package.name,
        "version": one.package.version,
        "fix_version": ", ".join(one.fixed_by),
        "severity": _SEVERITIES[one.severity],
        "status": "fixed" if one.fixed_by else next((state.value for state in one.fix_states), ""),
        "description": one.description or one.title,
        "links": list(one.links),
        "preferred_cvss": {**_best(ratings, "3"), **_best(ratings, "2")},
        "cwe_ids": [],
        "vendor_attributes": {"portus": _attributes(one), "CVSS": _by_vendor(ratings)},
    }


def _attributes(one: Vulnerability) -> Document:
    suppressed = {"suppressed": one.suppressed.reason} if one.suppressed is not None else {}
    return {
        "severity": one.severity.value,
        "scanners": {rating.scanner: {"severity": rating.label or rating.severity.value} for rating in one.ratings},
        "not_found_by": list(one.not_found_by),
        "aliases": list(one.aliases),
        **suppressed,
    }


def _best(ratings: Iterable[Cvss], version: str) -> Document:
    """Return the highest rating by a version of CVSS."""
    ours = [one for one in ratings if one.version.startswith(version)]
    best = max(ours, key=lambda one: (one.score or 0.0, one.vector), default=Cvss(version=version))
    return {f"score_v{version}": best.score, f"vector_v{version}": best.vector}


def _by_vendor(ratings: Iterable[Cvss]) -> Document:
    """Return the ratings as Harbor looks for a score: by vendor, with the names that Trivy's adapter has."""
    vendors: Document = {}
    for one in ratings:
        if (version := one.version[:1]) in {"2", "3"}:
            vendor = vendors.setdefault(one.source.lower() or "unknown", {})
            said = {f"V{version}Score": one.score, f"V{version}Vector": one.vector}
            vendor.update({name: value for name, value in said.items() if value})
    return vendors


def _scanner(version: str, scanners: Sequence[str] = ()) -> Document:
    with_what = f" ({', '.join(scanners)})" if scanners else ""
    return {"name": "Portus Scanners", "vendor": "portus-scanners", "version": f"{version}{with_what}"}


def _moment(value: datetime) -> str:
    """Return a time of a fixed length: Harbor compares them as strings."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
