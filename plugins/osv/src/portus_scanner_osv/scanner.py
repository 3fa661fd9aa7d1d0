"""The scanner: it reads an SBOM, queries its packages, and fetches the records of what was found."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from itertools import islice

from packageurl import PackageURL
from portus_scanners import (
    Finding,
    Health,
    Image,
    Referrer,
    Scanner,
    ScannerContext,
    ScannerReport,
    UnsupportedImageError,
)
from portus_scanners.backends import (
    HttpBackend,
    PathTemplate,
    one_line,
    read_file,
    read_json,
    structure_answer,
    unique_findings,
)

from .api import OsvApi, UnknownEcosystemError
from .ecosystems import ServerCoverage, are_had, probes_for
from .findings import make_finding
from .queries import Query, find_source, make_query, package_of
from .sbom import Sbom, SbomPackage, read_sbom
from .settings import OsvSettings
from .wire import AttachedManifest, Vulnerability

MAX_SBOM = 64 * 1024 * 1024
"""Bytes of an SBOM that are read."""
SBOM_TYPES = ("application/vnd.cyclonedx+json", "application/spdx+json")
"""Artifact types of attached SBOMs; of several, the first is used."""
MAX_MANIFEST = 1024 * 1024
MOST_RECORDS = 20_000
"""Most vulnerabilities of one image that are fetched; more make the report incomplete."""
HEALTH_TIMEOUT = 5.0
"""Seconds for a health check."""
_LONGEST_KIND = 60
_KNOWN = Query("pypi", "jinja2", "2.4.1", "pkg:pypi/jinja2@2.4.1")


class OsvScanner(Scanner[OsvSettings], contract=1):
    """Asks OSV.dev about the packages that an SBOM of the image lists. The image itself is not scanned."""

    async def scan(self, image: Image) -> ScannerReport:
        """Return what OSV.dev knows of the packages in the image's SBOM.

        Raises:
            UnsupportedImageError: The image has no SBOM, or the server has no data for any of its packages.
            ScannerUnavailableError: OSV.dev can't be reached, or is out of order.
            InvalidReportError: The SBOM is not valid, or OSV.dev's answers do not follow its API.
            ScannerError: The SBOM can't be read, or OSV.dev refused a request.
        """
        content = await self._fetch_sbom(image)
        asked, unasked = await asyncio.to_thread(_sort, content, self.settings)
        api = self._api()
        found, rejected = await api.find_known(tuple(asked))
        coverage = await self._cover(api, found, rejected)
        coverage.check({query.osv_ecosystem for query in asked})
        ids = dict.fromkeys(name for names in found.values() for name in names)
        some = tuple(islice(ids, MOST_RECORDS))
        records = await api.fetch_all(some, lambda done: self.context.progress(done, len(some), "vulnerability"))
        findings = await asyncio.to_thread(lambda: unique_findings(_findings(asked, found, records)))
        notes = [*_unasked(unasked), *_unsourced(asked), *coverage.notes, *_unfetched(len(ids))]
        return ScannerReport(findings=findings, complete=not notes, notes=tuple(notes))

    async def check_health(self) -> Health:
        """Return whether the API answers a query."""
        with suppress(UnknownEcosystemError):  # a mirror need not have PyPI
            await self._api().find([_KNOWN], timeout=HEALTH_TIMEOUT)
        return Health(healthy=True, message=f"OSV.dev's API answers at {self.settings.server}")

    async def _cover(
        self, api: OsvApi, found: Mapping[Query, Collection[str]], rejected: Collection[str]
    ) -> ServerCoverage:
        """Return which of the ecosystems the server does not have, or may not have."""
        told = {query.osv_ecosystem for query, names in found.items() if names}.union(rejected)
        silent = sorted({query.osv_ecosystem for query in found} - told)
        silent = [name for name in silent if not are_had(name, self.settings)]
        probes = probes_for(silent)
        answers = await api.find(tuple(probes.values())) if probes else {}
        lacking = [name for name, probe in probes.items() if not answers[probe]]
        untold = [name for name in silent if name not in probes]
        return ServerCoverage(lacking=(*rejected, *lacking), untold=tuple(untold))

    def _api(self) -> OsvApi:
        return OsvApi(HttpBackend(self.context, self.settings.server))

    async def _fetch_sbom(self, image: Image) -> bytes:
        if not self.settings.sbom:
            return await _fetch_attached(self.context, image, max_size=MAX_SBOM)
        return await read_file(PathTemplate(self.settings.sbom).fill(image), max_size=MAX_SBOM)


async def _fetch_attached(context: ScannerContext, image: Image, *, max_size: int) -> bytes:
    """Return the SBOM that is attached to an image.

    Raises:
        UnsupportedImageError: No SBOM is attached; the message says how to attach one.
        InvalidReportError: The attached artifact has no content.
        RegistryError: The registry does not serve it.
    """
    found = [one for one in await context.referrers(image) if one.artifact_type in SBOM_TYPES]
    if not found:
        raise UnsupportedImageError(
            f"no SBOM is attached to the image; attach one (oras attach --artifact-type {SBOM_TYPES[0]} IMAGE@DIGEST "
            "sbom.json), or name a file with the setting sbom"
        )
    chosen = min(found, key=_preference)
    what = "the manifest of the attached SBOM"
    document = read_json(await context.fetch(image, chosen.digest, max_size=MAX_MANIFEST), what)
    sbom = structure_answer(document, AttachedManifest, what).layers[0]
    return await context.fetch(image, sbom.digest, max_size=max_size)


def _preference(referrer: Referrer) -> tuple[int, str]:
    """Return a sort key that makes the choice the same each time."""
    return SBOM_TYPES.index(referrer.artifact_type), referrer.digest


Asked = Mapping[Query, Collection[SbomPackage]]


def _sort(content: bytes, settings: OsvSettings) -> tuple[Asked, Counter[str]]:
    """Return what to ask about which packages, and the others, counted by their kind."""
    sbom: Sbom = read_sbom(read_json(content, "the SBOM"))
    asked: dict[Query, list[SbomPackage]] = defaultdict(list)
    unasked = Counter({"without a package URL": sbom.unnamed} if sbom.unnamed else {})
    for package in sbom.packages:
        query = make_query(package)
        if query is None:
            unasked[_kind(package.purl)] += 1
        elif settings.ecosystems and not are_had(query.osv_ecosystem, settings):
            unasked[query.osv_ecosystem] += 1
        else:
            asked[query].append(package)
    if not asked:
        raise UnsupportedImageError("the SBOM lists no package that OSV.dev could be asked about")
    return asked, unasked


def _kind(purl: PackageURL) -> str:
    """Return the kind of a package that can't be queried: ``rpm/redhat``, ``generic``."""
    word = f"{purl.type}/{purl.namespace}" if purl.type in {"deb", "apk", "rpm"} else purl.type
    return one_line(word, _LONGEST_KIND)


def _findings(
    asked: Asked, found: Mapping[Query, Collection[str]], records: Mapping[str, Vulnerability]
) -> Iterator[Finding]:
    for query, packages in asked.items():
        for name in found[query]:
            record = records.get(name)
            if record is not None and not record.withdrawn:
                yield from (make_finding(record, query, package_of(package, query)) for package in packages)


def _unasked(kinds: Counter[str]) -> Iterator[str]:
    if kinds:
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())[:10])
        yield f"packages that OSV.dev can't be asked about are not in this report: {listed}"


def _unsourced(asked: Asked) -> Iterator[str]:
    """Yield a note if no package in an SBOM names its source: then the SBOM's tool never does."""
    packages = [one for query, several in asked.items() if not query.purl for one in several]
    if packages and not any(map(find_source, packages)):
        yield "the SBOM names no source packages, by which OSV.dev knows those of distributions: some may be missed"


def _unfetched(count: int) -> Iterator[str]:
    if count > MOST_RECORDS:
        yield f"only {MOST_RECORDS} of {count} vulnerabilities are in this report"
