"""What a file that is not what was asked for looks like."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest
from hypothesis import given, strategies as st
from portus_policy import looks_like

JSON = {
    "a CycloneDX document": {"bomFormat": "CycloneDX", "specVersion": "1.5"},
    "an SPDX document": {"spdxVersion": "SPDX-2.3"},
    "an OpenVEX document": {"@context": "https://openvex.dev/ns/v0.2.0", "statements": []},
    "a CSAF document": {"document": {"csaf_version": "2.0"}},
    "a SARIF log": {"version": "2.1.0", "runs": []},
    "a report of Trivy": {"SchemaVersion": 2, "ArtifactName": "app:1"},
    "a report of Trivy about a cluster": {"ClusterName": "home", "Resources": []},
    "a report of an old version of Trivy": [{"Target": "app:1 (debian 10)"}],
    "a report of Grype": {"matches": [], "descriptor": {"name": "grype"}},
    "an SBOM of Syft": {"artifacts": [], "descriptor": {"name": "syft"}},
    "GitLab's security report": {"version": "15.0.7", "scan": {}, "vulnerabilities": []},
    "a report of Clair v4": {"manifest_hash": "sha256:0", "packages": {}},
    "an answer of Clair": {"Layer": {"Name": "x"}},
    "a report of Klar": {"LayerCount": 3, "Vulnerabilities": {}},
    "a report of clair-scanner": {"image": "app:1", "unapproved": [], "vulnerabilities": []},
    "an advisory of OSV": {"schema_version": "1.6.0", "id": "GHSA-1", "affected": []},
    "a report of osv-scanner": {"results": [], "experimental_config": {}},
    "a report of npm audit": {"auditReportVersion": 2, "vulnerabilities": {}},
    "a report of pip-audit": {"dependencies": [], "fixes": []},
    "a report of Anchore": {"imageDigest": "sha256:0", "vulnerabilities": []},
    "a report of portus-scan": {"schema_version": 1, "reports": []},
    "a comparison by portus-scan diff": {"schema_version": 1, "images": [], "only_old": []},
    "the manifest of an image": {"schemaVersion": 2, "layers": []},
    "the index of an image": {"schemaVersion": 2, "manifests": []},
    "the configuration of an image": {"architecture": "amd64", "rootfs": {}},
}
TEXTS = {
    "JUnit XML": '<?xml version="1.0"?>\n<testsuites name="x"/>',
    "a CycloneDX document in XML": '<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.5"/>',
    "an HTML page": "\n<!DOCTYPE html><title>Log in</title>",
    "an XML file": '<?xml version="1.0"?><other/>',
    "the CSV of portus-scan": '"record","reference","platform"\r\n',
    "the Markdown of portus-scan": "# Vulnerabilities of images\n",
    "a .snyk policy": "# Snyk (https://snyk.io) policy file\nversion: v1.0.0\n",
    "a Trivy ignore file (.trivyignore)": "# accepted\nCVE-2024-1234\nCVE-2024-9999 exp:2026-01-01 # later\n\nDS002\n",
    "a Trivy ignore file in YAML (.trivyignore.yaml)": "vulnerabilities:\n  - id: CVE-2024-1234\n",
    "a configuration of Grype (.grype.yaml)": "ignore:\n  - vulnerability: CVE-2024-1234\n",
    "a configuration of osv-scanner": '[[IgnoredVulns]]\nid = "GO-2022-0968"\n',
    "an allow list of clair-scanner": "generalwhitelist:\n  CVE-2017-6055: XML\n",
    "suppressions of portus-scan": "suppressions:\n  - id: CVE-2024-1234\n    reason: no\n",
    "a configuration of portus-scan": "security:\n  clair: {server: x}\n",
    "": "what is this?\nCVE-2024-1234\n",
}


@pytest.mark.parametrize(("words", "document"), JSON.items())
def test_json(words: str, document: object) -> None:
    """Documents of other programs are known by members that only they have."""
    assert words == looks_like(b"\xef\xbb\xbf" * (words == "a SARIF log") + json.dumps(document, indent=1).encode())


@pytest.mark.parametrize(("words", "text"), TEXTS.items())
def test_other_files(words: str, text: str) -> None:
    """Others by a line that they have; a Trivy ignore file by its lines, which are all ids."""
    assert words == looks_like(text.encode())


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("a Trivy ignore file (.trivyignore)", "DSA-5417-1\nTEMP-0841856-B18BAF\nRHSA-2019:1481\nKSV-0001\n"),
        ("a .snyk policy", "version: v1.25.0\nignore:\n  SNYK-JS-AJV-584908:\n    - '*':\n        reason: x\n"),
        ("a Dockerfile", "FROM debian:12\n"),
        ("a Compose file", "# two services\nservices:\n  web:\n    image: nginx\n"),
        ("a page in Markdown", "# Scans\n\n## How\n\nWith `portus-scan`: it is easy.\n"),
        ("a picture", "\x89PNG\r\n"),
        ("", "# rules of ours\n\nrules:\n- id: CVE-2016-6304\n"),
        ("", "# one comment\n# and another\n- CVE-2016-6304: x\n"),
        ("", "some text\n"),
    ],
)
def test_the_same_otherwise(words: str, text: str) -> None:
    """Ids of every scheme are ids; a policy is known without its comment; comments are not headings."""
    assert words == looks_like(text.encode("latin-1"))


def test_files_that_are_no_text() -> None:
    """What is compressed or an archive is called that."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("manifest.json"))
    assert "an archive (tar)" == looks_like(archive.getvalue())
    assert "a file that is compressed (gzip)" == looks_like(gzip.compress(b"{}"))


def test_json_lines() -> None:
    """They are known by the first one."""
    line = json.dumps({"schema_version": 1, "report": {}})
    assert "a line of a report of portus-scan" == looks_like(f"{line}\n{line}\n".encode())


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | st.just(b"[" * 100_000))
def test_anything_else_is_nothing(content: bytes) -> None:
    """No content is an error."""
    assert isinstance(looks_like(content), str)
