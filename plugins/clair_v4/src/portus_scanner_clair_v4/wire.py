"""Clair v4's JSON, as far as it is used; other members are passed over.

Clair is written in Go: any map or list may be null. Members without a default are always there. An answer in which an
object has two members of one name is rejected: the second list of vulnerabilities would hide the first.

Sources: quay/clair 4.9, ``httptransport/types/v1/*.schema.json``; quay/claircore 1.5.48, ``vulnerabilityreport.go``,
``indexreport.go``, ``libvuln/driver/updatediff.go``, ``enricher``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from portus_scanners import BlobAccess, Image, InvalidReportError, Secret

AnswerT = TypeVar("AnswerT")

_ONCE = (b'"manifest_hash"', b'"packages"', b'"environments"', b'"vulnerabilities"', b'"package_vulnerabilities"')
"""Names that a report has once, however long it is."""
_LONGEST_NAME = 80


class IndexState(Enum):
    """How far the indexing of an image is; only the last two are an end."""

    TERMINAL = "Terminal"
    CHECK_MANIFEST = "CheckManifest"
    FETCH_LAYERS = "FetchLayers"
    SCAN_LAYERS = "ScanLayers"
    COALESCE = "Coalesce"
    INDEX_MANIFEST = "IndexManifest"
    ERROR = "IndexError"
    FINISHED = "IndexFinished"


class IndexReport(Struct, frozen=True):
    """The answer to ``POST /indexer/api/v1/index_report``: whether Clair has read the image.

    Clair 4.9 answers with an error of HTTP if it could not; others say so here.
    """

    manifest_hash: str
    state: IndexState
    success: bool
    err: str | None = None


class IndexStateAnswer(Struct, frozen=True):
    """The answer to ``GET /indexer/api/v1/index_state``: changes with what the indexer can see in an image."""

    state: str


class SourcePackage(Struct, frozen=True):
    """What a package was built from; one without a name stands for none."""

    name: str | None = None
    version: str | None = None


class Package(Struct, frozen=True):
    """A package that is installed in the image."""

    name: str
    version: str
    source: SourcePackage | None = None
    normalized_version: str | None = None
    """``KIND:NUMBERS``, where the version is compared by numbers."""


class Distribution(Struct, frozen=True):
    """A release of a distribution."""

    did: str = ""
    name: str = ""
    version: str = ""
    version_id: str = ""
    version_code_name: str = ""
    pretty_name: str = ""


class Repository(Struct, frozen=True):
    """Where packages come from: ``pypi``, or one of Red Hat's, whose `key` says so."""

    name: str = ""
    key: str = ""


class Environment(Struct, frozen=True):
    """Where a package was found."""

    package_db: str = ""
    introduced_in: str = ""
    distribution_id: str = ""
    repository_ids: tuple[str, ...] | None = None


class Vulnerability(Struct, frozen=True):
    """What an updater knows of one package."""

    name: str
    normalized_severity: str | None = None
    updater: str | None = None
    description: str | None = None
    issued: str | None = None
    links: str | None = None
    """URLs, separated by blanks."""
    severity: str | None = None
    """The vendor's word, or a CVSS vector."""
    distribution: Distribution | None = None
    repository: Repository | None = None
    fixed_in_version: str | None = None
    """A version, or what OSV's advisories say of several: ``fixed=1.2.3&introduced=1.0``."""


Enrichment = Mapping[str, tuple[Any, ...] | None]
"""What one enricher adds, by the ids of vulnerabilities."""


class VulnerabilityReport(Struct, frozen=True):
    """The answer to ``GET /matcher/api/v1/vulnerability_report/DIGEST``."""

    manifest_hash: str
    packages: dict[str, Package] | None
    vulnerabilities: dict[str, Vulnerability]
    package_vulnerabilities: dict[str, tuple[str, ...] | None] | None
    """Ids of vulnerabilities by the ids of packages."""
    environments: dict[str, tuple[Environment, ...] | None] | None = None
    """By the ids of packages."""
    distributions: dict[str, Distribution] | None = None
    repository: dict[str, Repository] | None = None
    enrichments: dict[str, tuple[Enrichment, ...] | None] | None = None
    """By their kind: ``message/vnd.clair.map.vulnerability; enricher=clair.cvss schema=...``."""


class UpdateOperation(Struct, frozen=True):
    """The last time that an updater brought something new; without `ref` it is something else."""

    ref: str = ""
    date: str = ""


UpdateOperations = dict[str, tuple[UpdateOperation, ...] | None]
"""The answer to ``GET /matcher/api/v1/internal/update_operation?latest=true``: by the names of updaters."""


class ErrorAnswer(Struct, frozen=True):
    """Any error of Clair's."""

    message: str


def manifest_of(image: Image, accesses: tuple[BlobAccess, ...]) -> dict[str, Any]:
    """Return the body of ``POST /indexer/api/v1/index_report``; it contains the registry's credentials.

    Args:
        image: The image.
        accesses: Where Clair gets each layer, the base first.
    """
    layers = [
        {
            "hash": layer.digest,
            "uri": Secret(access.url) if image.local else access.url,  # a local image's address itself gives access
            "headers": {name: [Secret(value)] for name, value in access.headers.items()},
        }
        for layer, access in zip(image.layers, accesses, strict=True)
    ]
    return {"hash": image.digest, "layers": layers}


def read_answer(body: bytes, kind: type[AnswerT], what: str) -> AnswerT:
    """Return an answer as a class of this module.

    Args:
        body: The answer, decompressed.
        kind: The class.
        what: Which answer it is, for messages: ``Clair's index report``.

    Raises:
        InvalidReportError: The body is not JSON, ends in the middle, or has values of wrong types.
    """
    try:
        if any(body.count(name) > 1 for name in _ONCE):  # quick, and most often no
            json.loads(body, object_pairs_hook=_reject_twins)
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidReportError(f"{what} is not of the known form", faults=[_fault(error)]) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise InvalidReportError(f"{what} is not JSON", faults=[f"$: {error}"]) from error
    except RecursionError as error:
        raise InvalidReportError(f"{what} is not readable", faults=["$: nested too deeply"]) from error


def _reject_twins(pairs: list[tuple[str, Any]]) -> None:
    """Reject an object with two members of one name; nothing is kept of it."""
    if len(dict(pairs)) < len(pairs):
        name = Counter(name for name, _ in pairs).most_common(1)[0][0]
        fault = f"$: an object has two members {name[:_LONGEST_NAME]!r}"
        raise InvalidReportError("Clair's answer is not of the known form", faults=[fault])


def read_error(body: bytes) -> str:
    """Return the message of an error of Clair's; empty if the body is something else."""
    try:
        return msgspec.json.decode(body.decode(errors="replace"), type=ErrorAnswer).message
    except (msgspec.MsgspecError, RecursionError):
        return ""


def _fault(error: msgspec.ValidationError) -> str:
    """Return the fault with its path first: msgspec says "Expected `str`, got `int` - at `$.state`"."""
    what, _, path = str(error).replace("`", "").partition(" - at ")
    return f"{path or '$'}: {what[:1].lower()}{what[1:]}"
