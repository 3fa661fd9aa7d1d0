"""What Clair v2.0.9 keeps: layers by name with a parent that never changes, namespaces, vulnerabilities."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen

from .clair_detection import Files, Namespace, Package, detect_namespace, detect_packages, has_rpm_database
from .versions import compare

INDEXED_BY_VERSION = 3
NO_FIX = "None"
UNSUPPORTED = "worker: OS and/or package manager are not supported"
INVALID_FEATURE = "could not find/insert invalid FeatureVersion"

SEVERITIES = ("Unknown", "Negligible", "Low", "Medium", "High", "Critical", "Defcon1")


class UnsupportedError(Exception):
    """Packages, but no distribution that Clair knows: its 422."""


class InvalidFeatureError(Exception):
    """A parent's namespace that has no version format: its 400."""


@frozen
class Feature:
    """A package of a namespace."""

    namespace: str
    package: Package


@define
class StoredLayer:
    """A layer, with all that is in the image that ends in it."""

    name: str
    parent: str
    namespace: str
    features: dict[Feature, str]
    """The name of the layer that brought it, by feature."""


@frozen(kw_only=True)
class StoredVulnerability:
    """A vulnerability of one namespace."""

    name: str
    namespace: str
    severity: str
    description: str = ""
    link: str = ""
    metadata: Mapping[str, Any] = {}
    fixed_in: Mapping[str, str] = {}
    """The first fixed version by package; ``None`` (the word) if there is no fix."""


@define
class ClairDatabase:
    """The tables; every method is one transaction."""

    layers: dict[str, StoredLayer] = field(factory=dict)
    namespaces: dict[str, str] = field(factory=dict)
    """Version format by name; empty where a vulnerability entry made the namespace."""
    vulnerabilities: dict[tuple[str, str], StoredVulnerability] = field(factory=dict)
    """By namespace and name."""

    def insert_layer(self, name: str, parent_name: str, files: Files) -> None:
        """Analyse the files and store the layer; a name that is already there stays as it is.

        Raises:
            UnsupportedError: There are packages, but no known distribution.
            InvalidFeatureError: The parent's namespace was made by a vulnerability entry.
        """
        if name in self.layers:
            return
        parent = self.layers.get(parent_name)
        if parent is not None and self.namespaces.get(parent.namespace, "-") == "":
            raise InvalidFeatureError(INVALID_FEATURE)
        detected = detect_namespace(files)
        namespace = detected.name if detected else parent.namespace if parent else ""
        features = self._features(name, namespace, files, parent)
        if detected is not None:
            self.namespaces.setdefault(detected.name, detected.version_format)
        self.layers[name] = StoredLayer(name, parent_name, namespace, features)

    def _features(self, name: str, namespace: str, files: Files, parent: StoredLayer | None) -> dict[Feature, str]:
        """Return what is installed: the parent's packages when the layer says nothing of its own."""
        packages = detect_packages(files)
        if not namespace and has_rpm_database(files):
            raise UnsupportedError(UNSUPPORTED)
        inherited = parent.features if parent else {}
        if not packages:
            return dict(inherited)
        known = {feature.package: feature.namespace for feature in inherited}
        features = [Feature(known.get(package, namespace), package) for package in packages]
        if not all(feature.namespace for feature in features):
            raise UnsupportedError(UNSUPPORTED)
        return {feature: inherited.get(feature, name) for feature in features}

    def delete_layer(self, name: str) -> bool:
        """Forget a layer and every layer built on it; return whether it was known."""
        if self.layers.pop(name, None) is None:
            return False
        for child in [layer.name for layer in self.layers.values() if layer.parent == name]:
            self.delete_layer(child)
        return True

    def add_namespace(self, namespace: Namespace) -> None:
        """Store a namespace with its version format, as a layer or the updater does."""
        self.namespaces[namespace.name] = namespace.version_format

    def add_vulnerability(self, vulnerability: StoredVulnerability) -> None:
        """Store a vulnerability, in the place of the one of the same namespace and name."""
        self.namespaces.setdefault(vulnerability.namespace, "")
        self.vulnerabilities[vulnerability.namespace, vulnerability.name] = vulnerability

    def layer_document(self, name: str, *, features: bool, vulnerabilities: bool) -> dict[str, Any] | None:
        """Return the layer as the API shows it, computed now; None for an unknown name."""
        layer = self.layers.get(name)
        if layer is None:
            return None
        document: dict[str, Any] = {
            "Name": layer.name,
            "NamespaceName": layer.namespace,
            "ParentName": layer.parent,
            "IndexedByVersion": INDEXED_BY_VERSION,
        }
        if features or vulnerabilities:
            listed = self._feature_documents(layer, vulnerabilities=vulnerabilities)
            document["Features"] = random.sample(listed, len(listed))
        return without_empty(document)

    def _feature_documents(self, layer: StoredLayer, *, vulnerabilities: bool) -> list[dict[str, Any]]:
        return [
            without_empty(
                {
                    "Name": feature.package.name,
                    "NamespaceName": feature.namespace,
                    "VersionFormat": self.namespaces.get(feature.namespace, ""),
                    "Version": feature.package.version,
                    "Vulnerabilities": self._affecting(feature) if vulnerabilities else [],
                    "AddedBy": added_by,
                }
            )
            for feature, added_by in layer.features.items()
        ]

    def _affecting(self, feature: Feature) -> list[dict[str, Any]]:
        candidates = (item for item in self.vulnerabilities.values() if item.namespace == feature.namespace)
        return [
            vulnerability_document(item, item.fixed_in[feature.package.name])
            for item in candidates
            if _affects(item, feature.package)
        ]


def _affects(vulnerability: StoredVulnerability, package: Package) -> bool:
    """Return whether the package's version is lower than the fixed one; equal is fixed."""
    fixed = vulnerability.fixed_in.get(package.name)
    return fixed is not None and (fixed == NO_FIX or compare(package.version, fixed) < 0)


def vulnerability_document(vulnerability: StoredVulnerability, fixed: str = NO_FIX) -> dict[str, Any]:
    """Return a vulnerability as the API shows it.

    Args:
        vulnerability: The vulnerability.
        fixed: The version of the package at hand that fixes it.
    """
    return without_empty(
        {
            "Name": vulnerability.name,
            "NamespaceName": vulnerability.namespace,
            "Description": vulnerability.description,
            "Link": vulnerability.link,
            "Severity": vulnerability.severity,
            "Metadata": sorted_keys(vulnerability.metadata),
            "FixedBy": "" if fixed == NO_FIX else fixed,
        }
    )


def without_empty(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the keys that have nothing to say, as Go's ``omitempty`` does."""
    return {key: value for key, value in document.items() if value not in ("", None, [], {}, 0)}


def sorted_keys(value: Any) -> Any:
    """Return maps with sorted keys, as Go writes them."""
    if isinstance(value, Mapping):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return [sorted_keys(item) for item in value] if isinstance(value, list) else value
