"""Makes our report of Grype's: what was found, and how far it can be trusted. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen
from portus_scanners import EndOfLife, Image, InvalidReportError, ScannerReport, UnsupportedImageError
from portus_scanners.backends import one_line, read_time, unique_findings

from .findings import FindingMaker
from .wire import SYSTEM_PACKAGES, CycloneDx, Distro, GrypeReport

_IMAGE = "image"
_OLDEST_DATABASE = timedelta(hours=120)
"""Grype's own limit, ``db.max-allowed-built-age``; with an older database it fails, unless it was told not to look."""
_LONGEST = 200
_MOST_LINES = 10
_END_OF_LIFE, _DISABLED = "distro-eol", "distro-disabled"
_LEFT_OUT = {"exclude": "some files of the image", "exclude-providers": "the data of some providers"}
"""What Grype was told to leave out, by the key of its configuration."""
_OF_GITHUB = frozenset(
    {
        "dart-pub",
        "dotnet",
        "erlang-otp",
        "gem",
        "github-action",
        "github-action-workflow",
        "go-module",
        "graalvm-native-image",
    }
    | {"hex", "java-archive", "jenkins-plugin", "npm", "php-composer", "pod", "python", "rust-crate", "swift"}
)
"""Grype's types of packages that GitHub's data serves. Others it looks for in NVD's, by names of products."""
_PROVIDER = {**dict.fromkeys(_OF_GITHUB, "github"), "bitnami": "bitnami"}
_OF_DISTRIBUTION = SYSTEM_PACKAGES | {"binary", "linux-kernel", "linux-kernel-module"}
"""Types of packages whose vulnerabilities a distribution may describe as well."""
_PROVIDERS = frozenset(
    {"alpine", "amazon", "chainguard", "debian", "mariner", "oracle", "rhel", "sles", "ubuntu", "wolfi"}
)
"""What the databases of those versions have had whose reports do not list their providers."""
_OTHER_PROVIDERS = {
    **dict.fromkeys(("redhat", "centos", "rocky", "rockylinux", "alma", "almalinux", "scientific", "sl"), "rhel"),
    "alpaquita": "bellsoft",
    "amzn": "amazon",
    "azurelinux": "mariner",
    "clnstrt": "cleanstart",
    "ol": "oracle",
    "postmarketos": "alpine",
    "raspbian": "debian",
}
"""The providers of Grype's database whose data serves a distribution of another name."""
_PARENTS = frozenset({"alpine", "debian", "ubuntu"})
"""Distributions that others are made from, with releases of their own numbers. None of them is like itself; what has no
``os-release`` (CentOS 6) is, for Grype."""


@frozen(kw_only=True)
class ScanEvidence:
    """What is known besides the report.

    Attributes:
        packages: What Grype has seen in the image; None where nobody has asked for it.
        has_no_data: Whether Grype has said that its database does not have the distribution, or not this release.
        unseen: What Grype said during the scan that means, or may mean, that not all was scanned.
        manifest: The digest of the manifest that Grype was given for the image's own.
    """

    packages: CycloneDx | None = None
    has_no_data: bool = False
    unseen: tuple[str, ...] = ()
    manifest: str = ""


def make_report(grype: GrypeReport, image: Image, evidence: ScanEvidence) -> ScannerReport:
    """Return the scanner's report.

    Args:
        grype: Grype's report.
        image: The image that was scanned.
        evidence: What Grype has seen and said.

    Raises:
        UnsupportedImageError: Grype saw no package, or its database has no data for any of them: not known to be clean.
        InvalidReportError: The report is about another image.
    """
    _check_image(grype, {image.digest, evidence.manifest}, image.config_digest)
    seen = evidence.packages.types if evidence.packages is not None else None
    _check_seen(grype, seen)
    lacking = _lacking(grype, has_no_data=evidence.has_no_data)
    if lacking and not grype.matches and not (seen or set()) - SYSTEM_PACKAGES:
        raise UnsupportedImageError(f"{lacking}: the image is not known to be clean")
    unseen = (*_unseen(grype, seen, lacking), *_said(evidence.unseen))
    maker = FindingMaker(grype.recognised, _layers(grype, image))
    return ScannerReport(
        findings=unique_findings(map(maker.make, grype.matches)),
        complete=not unseen,
        notes=(*unseen, *_ignored(grype)),
        scanner_version=grype.descriptor.words,
        database=grype.descriptor.database.identity,
        end_of_life=_end_of_life(grype),
    )


def _check_image(grype: GrypeReport, manifests: Collection[str], config: str | None) -> None:
    """Compare the digests in the report, where it has some, with those of the image."""
    if grype.source is None or grype.source.type != _IMAGE:
        return
    wanted = {"manifestDigest": {one for one in manifests if one}, "imageID": {config} if config else set()}
    for name, digests in wanted.items():
        told = grype.source.member(name)
        if isinstance(told, str) and told and digests and told not in digests:
            fault = f"$.source.target.{name}: expected {' or '.join(sorted(digests))}, got {one_line(told, _LONGEST)!r}"
            raise InvalidReportError("Grype's report is about another image", faults=[fault])


def _check_seen(grype: GrypeReport, seen: Collection[str] | None) -> None:
    """Raise an error if Grype has not seen a single package."""
    if grype.matches or grype.ignoredMatches or seen:
        return
    if grype.recognised is None:
        raise UnsupportedImageError(
            "Grype recognised no distribution and no package in this image: it is not known to be clean"
        )
    if seen is not None:
        raise UnsupportedImageError(
            f"Grype recognised the distribution ({grype.recognised.words}) but could read none of its packages: the "
            "image is not known to be clean"
        )


def _layers(grype: GrypeReport, image: Image) -> dict[str, str]:
    """Return the layers' digests by what Grype calls them; both lists have the same order."""
    told = grype.source.member("layers") if grype.source else None
    names = [one.get("digest") for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    if len(names) != len(image.layers):
        return {}
    return {str(name): layer.digest for name, layer in zip(names, image.layers, strict=True)}


def _lacking(grype: GrypeReport, *, has_no_data: bool) -> str:
    """Return that the database has no data for the distribution, where that is certain; empty otherwise."""
    distro = grype.recognised
    if distro is None or _has_matched(grype):
        return ""
    if has_no_data or (grype.descriptor.providers and not _is_served(distro, grype.descriptor.providers)):
        return f"Grype's database has no data for the distribution ({distro.words})"
    return ""


def _has_matched(grype: GrypeReport) -> bool:
    """Return whether something that a distribution says has matched: then the database has data for it."""
    return any(match.vulnerability.of_distribution for match in grype.matches)


def _is_served(distro: Distro, providers: Collection[str]) -> bool:
    name = (distro.name or "").casefold()
    names = tuple(filter(None, (name, _OTHER_PROVIDERS.get(name))))
    return any(one.startswith(provider) for provider in providers for one in names)


def _unseen(grype: GrypeReport, seen: Collection[str] | None, lacking: str) -> Iterator[str]:
    """Yield the reasons why not all of the image was scanned, or why that is not known."""
    source, distro = grype.source, grype.recognised
    if source is None or not any(source.member(name) for name in ("imageID", "manifestDigest")):
        yield "Grype's report does not say which image it is about"
    if source is not None and source.type != _IMAGE:
        yield f"Grype scanned no image, but a {one_line(source.type, _LONGEST)}: there may be more in the image"
    if distro is None:
        yield "Grype recognised no distribution: its packages were not scanned"
    elif seen is not None and not SYSTEM_PACKAGES.intersection(seen):
        yield f"Grype scanned none of the packages of the distribution ({distro.words}), only others"
    elif doubt := lacking or _doubt_of(distro, grype):
        yield f"{doubt}: its packages match nothing"
    yield from _alerts(grype)
    yield from _faults_of_database(grype, seen)
    for key, what in _LEFT_OUT.items():
        if grype.descriptor.setting(key):
            yield f"Grype was told to leave out {what} ({key})"
    if any(map(_is_foreign, _listed(grype.descriptor.setting("ignore")))):
        yield "Grype was told to leave out matches (ignore, or an option such as only-fixed), and not by this scanner"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_foreign(rule: Any) -> bool:
    """Return whether a rule is none of Grype's own, which are about the headers of kernels, by their source."""
    package = rule.get("package") if isinstance(rule, dict) else None
    return not (isinstance(package, dict) and package.get("upstream-name") and not rule.get("vulnerability"))


def _doubt_of(distro: Distro, grype: GrypeReport) -> str:
    """Return why the database may have no data for the distribution; empty where it has some.

    What Grype does not know by name it takes for what that is like, and looks for its release among the other's.
    """
    if _has_matched(grype):
        return ""
    name = (distro.name or "").casefold()
    if name in _PARENTS and isinstance(distro.idLike, list) and name in distro.idLike:
        return f"Grype takes the distribution for {distro.words}, which it is only like"
    if not (distro.version or "").strip():
        return f"Grype does not say which release of the distribution ({distro.words}) this is"
    if not _is_served(distro, grype.descriptor.providers or _PROVIDERS):
        return f"Grype's database has no data for the distribution ({distro.words})"
    return ""


def _alerts(grype: GrypeReport) -> Iterator[str]:
    """Yield why packages were not compared with any vulnerabilities; one sentence for each kind of alert."""
    others = {kind: text for kind, text in grype.alerts.items() if kind != _END_OF_LIFE}
    for kind, text in list(others.items())[:_MOST_LINES]:
        if kind == _DISABLED:
            yield "Grype does not look for vulnerabilities in the packages of this distribution"
        else:
            yield f"Grype warns of packages: {one_line(text or kind, _LONGEST)}"


def _faults_of_database(grype: GrypeReport, seen: Collection[str] | None) -> Iterator[str]:
    """Yield why the database may not have all vulnerabilities."""
    database, providers = grype.descriptor.database, grype.descriptor.providers
    if database.fault:
        yield f"Grype's database was out of order: {database.fault}"
    age = _age(database.built_at, read_time(grype.descriptor.timestamp or ""))
    if age > _OLDEST_DATABASE and grype.descriptor.setting("db", "validate-age") is not True:
        yield f"Grype's database was {age.days} days old, and Grype was told not to look at its age"
    silent = set(seen or ()) - _OF_DISTRIBUTION - {match.artifact.type for match in grype.matches}
    unserved = sorted(kind for kind in silent if providers and _PROVIDER.get(kind, "nvd") not in providers)
    if unserved:
        named = one_line(", ".join(unserved), _LONGEST)
        yield f"Grype's database has no data for packages of languages ({named}): they match nothing"


def _age(built: datetime | None, made: datetime | None) -> timedelta:
    return made - built if built is not None and made is not None else timedelta(0)


def _said(lines: tuple[str, ...]) -> Iterator[str]:
    for line in lines[:_MOST_LINES]:
        yield f"Grype has not scanned everything: {one_line(line, _LONGEST)}"


def _ignored(grype: GrypeReport) -> Iterator[str]:
    if grype.ignoredMatches:
        yield f"matches that Grype ignored by its own rules, and left out: {len(grype.ignoredMatches)}"


def _end_of_life(grype: GrypeReport) -> EndOfLife | None:
    if _END_OF_LIFE not in grype.alerts:
        return None
    return EndOfLife(source=grype.descriptor.words, distribution=grype.distro.words if grype.distro else "")
