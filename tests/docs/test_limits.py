"""The page of limits says what the constants are."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs/reference/limits.md").read_text(encoding="utf-8")
MIB = 1024 * 1024
SAID = [
    ("portus_images.reference", "_LONGEST_TEXT", "an image reference", "1,024 characters", 1024),
    ("portus_images.reference", "_LONGEST_NAME", "an image reference", "name 255", 255),
    ("portus_images.registry.exchange", "LARGEST_BODY", "a manifest, an index", "4 MiB", 4 * MIB),
    ("portus_images.registry.access.tokens", "_LARGEST_BODY", "a token's answer", "1 MiB", MIB),
    ("portus_images.manifests.wire", "MOST_ELEMENTS", "layers of a manifest", "1,000 each", 1000),
    ("portus_images.manifests.resolver", "MOST_NESTED", "indexes inside indexes", "3 deep", 3),
    ("portus_images.manifests.resolver", "MOST_INDEXES", "indexes inside indexes", "20 indexes", 20),
    ("portus_images.manifests.resolver", "MOST_IMAGES", "indexes inside indexes", "200 entries", 200),
    ("portus_images.registry.lists", "LARGEST_PAGE", "a page of a catalogue", "16 MiB", 16 * MIB),
    ("portus_images.registry.lists", "MOST_PAGES", "a page of a catalogue", "100,000 pages", 100_000),
    ("portus_images.registry.lists", "MOST_REFERRERS", "referrers of an image", "1,000 on 20 pages", 1000),
    ("portus_images.registry.lists", "MOST_REFERRER_PAGES", "referrers of an image", "1,000 on 20 pages", 20),
    ("portus_images.registry.transport.outcomes", "MOST_REDIRECTS", "redirects", "5", 5),
    ("portus_images.registry.transport.outcomes", "LONGEST_WAIT", "`Retry-After`", "30 s", 30.0),
    ("portus_images.registry.credentials.helper", "DEADLINE", "a credential helper", "30 s", 30.0),
    ("portus_images.local.tar", "MOST_MEMBERS", "members of an archive", "20,000", 20_000),
    ("portus_images.local.tar", "MOST_LINKS", "members of an archive", "8 links", 8),
    ("portus_images.local.layout", "LARGEST_DOCUMENT", "a document in it", "4 MiB", 4 * MIB),
    ("portus_images.text", "_LONGEST_MESSAGE", "the message of an error", "2,000 characters", 2000),
    ("portus_scanners.plugins.plugin", "LOAD_LIMIT", "loading a plugin", "60 s", 60.0),
    ("portus_scanners.engine.crew", "START_LIMIT", "loading a plugin", "30 s", 30.0),
    ("portus_scanners.backends.http", "DEFAULT_MAX_BODY", "an answer over HTTP", "64 MiB", 64 * MIB),
    ("portus_scanner_zypper_docker.scanner", "MAX_BODY", "an answer over HTTP", "zypper-docker 16 MiB", 16 * MIB),
    ("portus_scanner_trivy.program", "MAX_REPORT", "the output of a program", "256 MiB", 256 * MIB),
    ("portus_scanner_osv.scanner", "MAX_SBOM", "an SBOM", "64 MiB", 64 * MIB),
    ("portus_scanner_osv.scanner", "MOST_RECORDS", "records of one image", "20,000", 20_000),
    ("portus_scanner_report_file.scanner", "MAX_SIZE", "a report that exists", "64 MiB", 64 * MIB),
    ("portus_scanner_zypper_docker.findings", "MOST_FINDINGS", "findings of zypper-docker", "20,000", 20_000),
    ("portus_images.strict", "MOST_FAULTS", "faults that a message lists", "10", 10),
    ("portus_scanners.merge.names", "MOST_IDS", "vulnerabilities of one advisory", "2,000", 2000),
    ("portus_scanners.merge.names", "MOST_COPIES", "copies of findings", "100,000", 100_000),
    ("portus_scanners.merge.packages", "MOST_JOINED", "places that a finding", "1,000", 1000),
    ("portus_scanners.merge.package_urls", "_LONGEST", "a package URL", "2,048", 2048),
    ("portus_scanners.settings.yaml_file", "LARGEST_FILE", "a YAML file", "1 MiB", MIB),
    ("portus_policy.suppressions.files", "_LARGEST_OPENVEX", "OpenVEX", "16 MiB", 16 * MIB),
    ("portus_scan.delivery.documents", "MOST_BYTES", "a report document", "64 GiB", 64 * 1024 * MIB),
    ("portus_scan.delivery", "LONGEST_VALUE", "a report document", "256 MiB", 256 * MIB),
    ("portus_scanners.serialize.sharing", "_MOST_SHARED", "links and findings that", "10,000,000", 10_000_000),
    ("portus_scan.walking.catalog", "LARGEST_LIST", "a list of images", "64 MiB", 64 * MIB),
]


@pytest.mark.parametrize(("module", "name", "input_", "words", "value"), SAID, ids=str)
def test_a_limit_is_what_the_page_says(module: str, name: str, input_: str, words: str, value: float) -> None:
    """The constant has the value, and the row of its input says so."""
    assert value == getattr(import_module(module), name)
    rows = [row for row in re.findall(r"^\| .*", PAGE, re.MULTILINE) if input_ in row]
    assert [True] == [words in row for row in rows]
