"""The images and the vulnerabilities of Clair's recorded exchanges, built again from the answers.

The blobs are not the recorded ones, so their digests differ: `RecordedLab.here` and `RecordedLab.there` translate.
"""

from __future__ import annotations

import json
from typing import Any

from portus_scanners_testing import StandInRegistry
from portus_scanners_testing.images import (
    BuiltImage,
    LayerBlob,
    alpine_layer,
    debian_layer,
    dpkg_layer,
    filler_layer,
    layer,
    make_image,
    opensuse_layer,
    static_binary_layer,
)

from .clair import StandInClair
from .clair_database import NO_FIX
from .exchanges import exchange

ONE_LAYER = "get-layer-vulnerabilities-debian-200"
FIVE_LAYERS = "get-layer-vulnerabilities-5layers-200"
ALPINE = "get-layer-vulnerabilities-alpine-200"
LEAKED = "get-layer-leaked-result-200"
_OPEN, _GUARDED, _CLAIR, _HEALTH = (f"http://127.0.0.1:{port}" for port in (5000, 5001, 6060, 6061))


def recorded_layer(name: str) -> dict[str, Any]:
    """Return the layer that a recorded GET answered with."""
    document: dict[str, Any] = exchange("clair", name)["response"]["body"]["Layer"]
    return document


class RecordedLab:
    """The laboratory of the recordings: its images in two registries, its vulnerabilities in Clair.

    Args:
        clair: An empty one; the vulnerabilities are entered.
        registry: Holds the images ``lab/...``.
        guarded: Holds ``lab/debian-1layer`` and wants a token.
    """

    def __init__(self, clair: StandInClair, registry: StandInRegistry, guarded: StandInRegistry) -> None:
        self._urls = {_OPEN: registry.url, _GUARDED: guarded.url, _CLAIR: clair.url, _HEALTH: clair.health_url}
        self.images: dict[str, BuiltImage] = {}
        self._digests: dict[str, str] = {}
        self._build_debian()
        self._build_others()
        for name, image in self.images.items():
            registry.push(f"lab/{name}", "1", image)
        guarded.push("lab/debian-1layer", "1", self.images["debian-1layer"])
        for name in (ONE_LAYER, FIVE_LAYERS, ALPINE):
            enter_vulnerabilities(clair, recorded_layer(name))

    def here(self, document: Any) -> Any:
        """Return a recorded value with the addresses and digests of this laboratory."""
        return _replaced(document, self._urls | self._digests)

    def there(self, document: Any) -> Any:
        """Return a value of this laboratory with the recorded addresses and digests."""
        return _replaced(document, {new: old for old, new in (self._urls | self._digests).items()})

    def _build_debian(self) -> None:
        """Build the one layer, the five on it (see the recording's ``about``), and the pair that shares a layer."""
        one, five = recorded_layer(ONE_LAYER), recorded_layer(FIVE_LAYERS)
        base, second, third = _versions(one), _added_by(five, "imagemagick"), _added_by(five, "openssl")
        with_magick = base | second[1]
        upgraded = with_magick | third[1]
        dropped = {name: version for name, version in upgraded.items() if name != "sqlite3"}
        layers = {
            one["Name"]: debian_layer(base, version="9"),
            second[0]: dpkg_layer(with_magick),
            third[0]: dpkg_layer(upgraded),
            five["ParentName"]: dpkg_layer(dropped),
            five["Name"]: filler_layer("fifth"),
        }
        self._add("debian-1layer", {one["Name"]: layers[one["Name"]]})
        self._add("debian-5layers", layers)
        posted = exchange("clair", "post-layer-known-name-other-parent-201")["request"]["body"]["Layer"]
        shared = {posted["Name"]: filler_layer("shared")}
        self._add("shared-a", {one["Name"]: layers[one["Name"]], **shared})
        self._add("shared-b", {posted["ParentName"]: debian_layer({"bash": "99-1"}, version="9"), **shared})

    def _build_others(self) -> None:
        alpine = recorded_layer(ALPINE)
        self._add("alpine", {alpine["Name"]: alpine_layer(_versions(alpine), release="3.9.4")})
        nothing = recorded_layer("get-layer-nothing-detected-200")
        self._add("static", {nothing["Name"]: static_binary_layer()})
        self._add("opensuse", {_posted_name("post-layer-os-unsupported-422"): opensuse_layer()})
        zstd = layer({"etc/os-release": b"ID=debian\n"}, compression="zstd")
        self._add("zstd", {_posted_name("post-layer-zstd-422"): zstd})

    def _add(self, name: str, layers: dict[str, LayerBlob]) -> None:
        self.images[name] = make_image(*layers.values())
        self._digests |= {digest: blob.digest for digest, blob in layers.items()}


def enter_vulnerabilities(clair: StandInClair, answer: dict[str, Any]) -> None:
    """Enter all the vulnerabilities that an answer shows."""
    for feature in answer["Features"]:
        for item in feature.get("Vulnerabilities", ()):
            known = clair.database.vulnerabilities.get((item["NamespaceName"], item["Name"]))
            fixed_in = {**(known.fixed_in if known else {}), feature["Name"]: item.get("FixedBy", NO_FIX)}
            clair.add_vulnerability(
                item["NamespaceName"],
                item["Name"],
                item["Severity"],
                fixed_in=fixed_in,
                description=item.get("Description", ""),
                link=item.get("Link", ""),
                metadata=item.get("Metadata", {}),
            )


def in_order(answer: Any) -> Any:
    """Return a body with features and vulnerabilities sorted: Clair's order means nothing."""
    features = answer.get("Layer", {}).get("Features", []) if isinstance(answer, dict) else []
    for feature in features:
        feature.get("Vulnerabilities", []).sort(key=lambda item: item["Name"])
    features.sort(key=lambda item: (item["Name"], item["Version"]))
    return answer


def _versions(answer: dict[str, Any]) -> dict[str | tuple[str, str], str]:
    return {feature["Name"]: feature["Version"] for feature in answer["Features"]}


def _added_by(answer: dict[str, Any], package: str) -> tuple[str, dict[str | tuple[str, str], str]]:
    """Return the layer that brought a package, and all that it brought."""
    name = next(feature["AddedBy"] for feature in answer["Features"] if feature["Name"] == package)
    brought = (feature for feature in answer["Features"] if feature["AddedBy"] == name)
    return name, {feature["Name"]: feature["Version"] for feature in brought}


def _posted_name(exchange_name: str) -> str:
    name: str = exchange("clair", exchange_name)["request"]["body"]["Layer"]["Name"]
    return name


def _replaced(document: Any, words: dict[str, str]) -> Any:
    text = json.dumps(document)
    for old, new in words.items():
        text = text.replace(old, new)
    return json.loads(text)
