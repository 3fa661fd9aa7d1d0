"""A file of another program, read and told apart. The only module of these that does I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from portus_images import SettingsError, load_json, one_line
from portus_scanners.settings import check_size, find_repeated_key, read_limited, yaml_fault

from ..lookalikes import looks_like
from .allow_lists import CLAIR_SCANNER, CLAIRCLI, KLAR, read_clair_scanner, read_claircli, read_klar
from .csaf import CSAF, read_csaf
from .cyclonedx import CYCLONEDX, read_cyclonedx
from .imported import ImportedSuppressions, RuleCollector
from .yaml_rules import GRYPE, TRIVY_PLAIN, TRIVY_YAML, Located, read_grype, read_trivy_yaml, read_trivyignore

_LARGEST_VEX = 16 * 1024 * 1024
_MOST_NODES = 200_000
_TRIVY_KEYS = {"vulnerabilities", "misconfigurations", "secrets", "licenses"}
_ID = re.compile(r"(?:CVE-\d|GHSA-|AVD-|[A-Z]{2,5}-?\d)", re.ASCII | re.IGNORECASE)
_YAML_KEY = re.compile(r"---$|[\w-]+:(?:\s|$)", re.ASCII)
_CLAIRCLI_KEYS = {"common"}
_FORMS = (
    "there is .trivyignore, .trivyignore.yaml, .grype.yaml, an allow list of Klar, clair-scanner or claircli, "
    "a CSAF or CycloneDX VEX document (JSON)"
)


def import_suppressions(path: str | Path) -> ImportedSuppressions:
    """Return the rules of another program's file as ours, each as narrow as its source or narrower.

    Args:
        path: An ignore file of Trivy or Grype, an allow list of Klar, clair-scanner or claircli (1 MiB at most), a
            CSAF or CycloneDX document in JSON (16 MiB at most). What it is is told by its content.

    Raises:
        SettingsError: It can't be read, is none of these, or has more rules than a file of ours may have.
    """
    path = Path(path)
    name = one_line(str(path))
    content = read_limited(path, f"the file {name}", _LARGEST_VEX)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _import_json(content, name)
    check_size(content, f"the file {name}")
    return _import_text(content, name)


def _import_json(content: bytes, name: str) -> ImportedSuppressions:
    try:
        document = load_json(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{name}: it is not JSON: {one_line(str(error))}") from error
    if isinstance(document.get("document"), dict) and "csaf_version" in document["document"]:
        return _collect(name, CSAF, read_csaf, document)
    if document.get("bomFormat") == "CycloneDX":
        return _collect(name, CYCLONEDX, read_cyclonedx, document)
    raise SettingsError(_unknown(content, name))


def _import_text(content: bytes, name: str) -> ImportedSuppressions:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name}: it is not UTF-8") from error
    if _is_list_of_ids(text):
        return _collect(name, TRIVY_PLAIN, read_trivyignore, text)
    document = _mapping(text, name)
    if "ignore" in document:
        return _collect(name, GRYPE, read_grype, document)
    if "generalwhitelist" in document or ("images" in document and _has_mappings(document["images"])):
        return _collect(name, CLAIR_SCANNER, read_clair_scanner, document)
    if "general" in document or "images" in document:
        return _collect(name, KLAR, read_klar, document)
    if _TRIVY_KEYS & set(document):
        return _collect(name, TRIVY_YAML, read_trivy_yaml, document)
    if _CLAIRCLI_KEYS & set(document):
        return _collect(name, CLAIRCLI, read_claircli, document)
    raise SettingsError(_unknown(content, name))


def _collect(
    name: str, source: str, read: Callable[[Any, RuleCollector], None], document: object
) -> ImportedSuppressions:
    collector = RuleCollector(name, source)
    read(document, collector)
    return collector.result()


def _has_mappings(images: Located) -> bool:
    return isinstance(images[1], dict) and any(isinstance(value, dict) for _, value in images[1].values())


def _unknown(content: bytes, name: str) -> str:
    words = looks_like(content)
    if words in {"an OpenVEX document", "suppressions of portus-scan"}:
        return f"{name}: it is {words}: give it as it is, with --suppressions"
    return f"{name}: it looks like {words}; {_FORMS}" if words else f"{name}: it is not known; {_FORMS}"


def _is_list_of_ids(text: str) -> bool:
    """Return whether some line begins with the id of a vulnerability, and the first one is not a key of YAML."""
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if line and not line.startswith("#")]
    return bool(lines) and not _YAML_KEY.match(lines[0]) and any(map(_ID.match, lines))


def _mapping(text: str, name: str) -> Mapping[str, Located]:
    """Return the members of a YAML mapping, with their lines; none for anything else.

    Raises:
        SettingsError: It is not YAML, or a key is there twice.
    """
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        value = _Locator(name).value(node) if isinstance(node, yaml.MappingNode) else None
    except RecursionError as error:
        raise SettingsError(f"{name}: it is nested too deeply") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{name}: it is not YAML{yaml_fault(error)}; {_FORMS}") from error
    return value if isinstance(value, dict) else {}


class _Locator:
    """Makes values of YAML nodes: each part of a mapping or a list is a pair of its line and its value."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._made = 0
        self._loader = yaml.SafeLoader("")

    def value(self, node: yaml.Node) -> object:
        """Return the value of a node."""
        self._made += 1
        if self._made > _MOST_NODES:  # aliases of aliases
            raise SettingsError(f"{self._name}: it has more than {_MOST_NODES} values")
        if isinstance(node, yaml.MappingNode):
            if repeated := find_repeated_key(node):
                raise SettingsError(
                    f"{self._name}:{_line(repeated)}: {repeated.value!r} is there twice: one of them is lost"
                )
            return {str(self.value(key)): (_line(key), self.value(value)) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [(_line(part), self.value(part)) for part in node.value]
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError):  # a date that there is not
            return str(node.value)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
