"""Makes our report of Trivy's: what was found, and how far it can be trusted. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from datetime import datetime, timedelta

from attrs import frozen
from portus_scanners import EndOfLife, Image, InvalidReportError, ScannerReport, UnsupportedImageError
from portus_scanners.backends import one_line

from .coverage import AdvisoryCoverage
from .database import identify
from .findings import OS_PACKAGES, FindingsReader
from .log import NO_RELEASE
from .ratings import read_moment
from .wire import Metadata, OperatingSystem, Report, Result, Versions

_LATE = timedelta(days=2)
"""How long a new database may be overdue without a note."""
_SAID_ALREADY = (
    "no longer supported by the distribution",
    "vulnerability detection may be insufficient",
    "Unsupported os",
    "No OS package is detected",
    'e.g. files under "/lib/apk',
)
"""Parts of warnings that this module expresses in its own words."""
_CLASSES = {OS_PACKAGES, "lang-pkgs"}
_NUMBER = re.compile(r"[0-9]")
"""What each release that Trivy has advisories for has in its name; ``kali-rolling`` and ``trixie/sid`` have none."""
_MOST_WARNINGS = 10
_LONGEST_NAME = 80


@frozen(kw_only=True)
class Circumstances:
    """What is known besides the report."""

    versions: Versions
    """The versions of Trivy and of the database that was used."""
    unseen: tuple[str, ...] = ()
    """What Trivy said during the scan that means, or may mean, that not all was scanned."""
    warnings: tuple[str, ...] = ()
    """Its other warnings."""
    now: datetime
    buckets: frozenset[str] | None = None
    """What the database has advisories for, by the names of its buckets; None where nobody tells them."""


def make_report(report: Report, image: Image, circumstances: Circumstances) -> ScannerReport:
    """Return the scanner's report.

    Args:
        report: Trivy's report.
        image: The image that was scanned.
        circumstances: The versions, Trivy's warnings and the time.

    Raises:
        UnsupportedImageError: Trivy recognised neither a distribution nor a package, or has no advisories for any of
            what it recognised, which does not mean clean.
        InvalidReportError: The report is about another image, or a vulnerability in it has no name.
    """
    metadata, results = report.Metadata, report.Results or ()
    _check_image(metadata, image)
    system = _recognised(metadata.OS)
    seen = [result for result in results if result.Packages or result.Vulnerabilities or result.suppressed]
    if not seen:
        raise UnsupportedImageError(_nothing_seen(system))
    coverage = AdvisoryCoverage.of(system, [one for one in seen if one.Packages], circumstances.buckets)
    suppressed = _suppressed(results)
    end_of_life = _end_of_life(metadata.OS, circumstances.versions)
    if coverage.is_missing and not suppressed and end_of_life is None:  # which the report says besides
        raise UnsupportedImageError(f"{coverage.words}: nothing was checked")
    findings = FindingsReader(system, _digests(metadata, image)).read(results)
    unseen = list(_unseen(metadata.OS, {one.Class for one in seen}, circumstances.unseen))
    if coverage.uncovered:
        unseen.append(f"{coverage.words}: these packages were not checked")
    return ScannerReport(
        findings=tuple(findings),
        complete=not unseen,
        notes=(*unseen, *suppressed, *_notes(circumstances)),
        scanner_version=circumstances.versions.Version or "",
        database=identify(circumstances.versions.VulnerabilityDB),
        end_of_life=end_of_life,
    )


def _recognised(system: OperatingSystem | None) -> OperatingSystem | None:
    return system if system is not None and (system.Family or "").strip().casefold() not in {"", "none"} else None


def _name(system: OperatingSystem) -> str:
    return one_line(f"{system.Family} {system.Name or ''}".strip(), _LONGEST_NAME)


def _nothing_seen(system: OperatingSystem | None) -> str:
    if system is not None:
        return (
            f"Trivy recognised the distribution ({_name(system)}) but could read none of its packages: the image is "
            "not known to be clean"
        )
    return "Trivy recognised nothing in this image, neither a distribution nor a package: it is not known to be clean"


def _check_image(metadata: Metadata, image: Image) -> None:
    if image.config_digest and metadata.ImageID and metadata.ImageID != image.config_digest:
        fault = f"$.Metadata.ImageID: expected {image.config_digest}, got {metadata.ImageID[:_LONGEST_NAME]!r}"
        raise InvalidReportError("Trivy's report is about another image", faults=[fault])


def _digests(metadata: Metadata, image: Image) -> dict[str, str]:
    """Return the layers' digests by the digests of their archives; both lists have the same order."""
    if len(metadata.DiffIDs) != len(image.layers):
        return {}
    return {diff_id: layer.digest for diff_id, layer in zip(metadata.DiffIDs, image.layers, strict=True)}


def _unseen(system: OperatingSystem | None, classes: Set[str | None], said: Iterable[str]) -> Iterator[str]:
    """Yield the reasons why not all of the image was scanned, or why that is not known."""
    if system is None:
        yield "Trivy recognised no distribution, and scanned only the packages of languages: there may be others"
    elif _recognised(system) is None:
        yield "there are packages of a distribution that Trivy did not recognise: it scanned none of them"
    elif OS_PACKAGES not in classes:
        yield f"Trivy scanned none of the packages of the distribution ({_name(system)}), only those of languages"
    elif not _NUMBER.search(system.Name or ""):
        yield f"Trivy does not know the number of this release ({_name(system)}): it has no advisories without one"
    if unknown := sorted(one_line(one or "none", _LONGEST_NAME) for one in classes - _CLASSES):
        yield f"Trivy's report has packages of a class that is not known here: {', '.join(unknown)}"
    said = tuple(said)
    if system is not None and any(NO_RELEASE in line for line in said):
        yield f"Trivy does not know this release ({_name(system)}): it may have no advisories for it"
        said = tuple(line for line in said if NO_RELEASE not in line)
    for line in said[:_MOST_WARNINGS]:
        yield f"Trivy has not scanned everything: {line}"


def _suppressed(results: Iterable[Result]) -> list[str]:
    number = sum(one.suppressed for one in results)
    return [f"vulnerabilities suppressed by Trivy's configuration, and left out: {number}"] if number else []


def _end_of_life(system: OperatingSystem | None, versions: Versions) -> EndOfLife | None:
    if system is None or not system.EOSL:
        return None
    distribution = _name(system) if _recognised(system) else ""
    return EndOfLife(source=f"Trivy {versions.Version or ''}".strip(), distribution=distribution)


def _notes(circumstances: Circumstances) -> Iterator[str]:
    yield from _age(circumstances)
    unsaid = [one for one in circumstances.warnings if not any(text in one for text in _SAID_ALREADY)]
    for warning in unsaid[:_MOST_WARNINGS]:
        yield f"Trivy warns: {warning}"


def _age(circumstances: Circumstances) -> Iterator[str]:
    database = circumstances.versions.VulnerabilityDB
    if database is None or read_moment(database.UpdatedAt) is None:
        yield "Trivy does not say how old its vulnerability database is"
        return
    due = read_moment(database.NextUpdate)
    if due is not None and due + _LATE < circumstances.now:
        updated = read_moment(database.UpdatedAt)
        yield f"the vulnerability database is of {updated:%Y-%m-%d}, and a newer one was due on {due:%Y-%m-%d}"
