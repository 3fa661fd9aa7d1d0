"""What distributions, releases, kinds of packages and their names are called: one table for all who compare them.

Clair, Trivy, Grype, OSV and package URLs have words of their own for one thing: ``rhel``, ``redhat``, ``Red Hat``,
``enterprise``; ``python-pkg``, ``python``, ``PyPI``. A word that the table does not have stands for itself: to miss
that two words mean one thing is better than to join what differs.

Sources: the constants of Trivy (``fanal/types/const.go``) and of Grype and Syft (``distro/type.go``, ``pkg/type.go``);
Clair's detectors (``redhatrelease``, ``osrelease``); the OSV schema, "Defined Ecosystems"; purl-spec, "PURL-TYPES";
PEP 503.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from attrs import field, frozen

PACKAGE_TYPES = frozenset({"alpm", "apk", "deb", "rpm"})
"""The types in package URLs of the packages of distributions."""
_LAST_REBUILT = 7
"""CentOS is Red Hat's Linux built anew up to this release, and Clair has one word for both."""
LONGEST_NAMESPACE = 256
"""Characters of a namespace that is compared by its meaning; a longer one stands for itself."""


@frozen
class Distribution:
    """A distribution that has packages of its own.

    Attributes:
        type: The type of its packages in package URLs: ``deb``.
        name: The one name that stands for all of its names.
        numbers: How many numbers tell one of its releases from the others; 0 if it has no releases.
        spellings: Its other names, in lower case.
        vendor: Its namespace in package URLs, where several distributions share one; empty if that is `name`.
    """

    type: str
    name: str
    numbers: int = 1
    spellings: tuple[str, ...] = ()
    vendor: str = ""


_DISTRIBUTIONS = (
    Distribution("deb", "debian", 1, ("debian gnu/linux",)),
    Distribution("deb", "ubuntu", 2),
    Distribution("deb", "raspbian"),
    Distribution("deb", "echo"),
    Distribution("apk", "alpine", 2, ("alpine linux",)),
    Distribution("apk", "alpaquita"),
    Distribution("apk", "bellsoft-hardened-containers", 1, ("bellsoft hardened containers",)),
    Distribution("apk", "postmarketos", 2),
    Distribution("apk", "wolfi", 0),
    Distribution("apk", "chainguard", 0),
    Distribution("apk", "minimos", 0),
    Distribution("apk", "cleanstart", 0, ("clnstrt",)),
    Distribution("alpm", "arch", 0, ("archlinux", "arch linux")),
    Distribution("rpm", "redhat", 1, ("rhel", "red hat", "enterprise", "red hat enterprise linux")),
    Distribution("rpm", "centos", 1, ("centos linux", "centos-stream", "centos stream", "stream")),
    Distribution("rpm", "alma", 1, ("almalinux",)),
    Distribution("rpm", "rocky", 1, ("rockylinux", "rocky linux")),
    Distribution("rpm", "oracle", 1, ("ol", "oraclelinux", "oracle linux")),
    Distribution("rpm", "scientific", 1, ("scientific linux",)),
    Distribution("rpm", "fedora"),
    Distribution("rpm", "amazon", 1, ("amzn", "amazonlinux", "amazon linux")),
    Distribution("rpm", "photon", 1, ("photon os",)),
    Distribution("rpm", "azurelinux", 1, ("azure linux", "azure-linux", "mariner", "cbl-mariner")),
    Distribution("rpm", "openeuler", 3),
    Distribution("rpm", "mageia"),
    Distribution("rpm", "bottlerocket", 2),
    Distribution("rpm", "opensuse", 2),
    Distribution("rpm", "opensuse-leap", 2, ("opensuse.leap", "opensuseleap", "opensuse leap"), "opensuse"),
    Distribution("rpm", "opensuse-tumbleweed", 0, ("opensuse.tumbleweed", "opensuse tumbleweed"), "opensuse"),
    Distribution("rpm", "suse", 2),
    Distribution("rpm", "sles", 2, ("suse linux enterprise server", "sles_sap"), "suse"),
    Distribution("rpm", "slem", 2, ("suse linux enterprise micro", "sle-micro", "sl-micro"), "suse"),
)
_LANGUAGES: Mapping[str, str] = {
    "bitnami": "bitnami",
    "cargo": "cargo crate crates.io rust rust-binary rustbinary rust-crate",
    "cocoapods": "cocoapods pod",
    "composer": "composer composer-vendor packagist php-composer",
    "conan": "conan conancenter",
    "conda": "conda conda-pkg conda-environment",
    "cran": "cran r-package",
    "gem": "gem gemspec bundler rubygems",
    "golang": "golang go gobinary gomod go-module",
    "hackage": "hackage",
    "githubactions": "githubactions github-action github-action-workflow actions",
    "hex": "hex erlang mix",
    "julia": "julia",
    "luarocks": "luarocks lua-rocks",
    "maven": "maven java jar pom gradle sbt java-archive jenkins-plugin",
    "npm": "npm nodejs node-pkg yarn pnpm bun",
    "nuget": "nuget dotnet dotnet-core packages-props",
    "opam": "opam",
    "pub": "pub dart dart-pub",
    "pypi": "pypi python python-pkg pip pipenv poetry uv pylock",
    "swift": "swift swifturl",
}
"""The words for packages of a language, by their type in package URLs."""
_TYPES = {word: kind for kind, words in _LANGUAGES.items() for word in words.split()}
_TYPES |= {"alpine": "apk", "github actions": "githubactions"}
_BY_SPELLING = {spelling: one for one in _DISTRIBUTIONS for spelling in (one.name, *one.spellings)}
_CODENAMES: Mapping[str, Mapping[str, str]] = {
    "debian": {"jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13"},
    "ubuntu": {"trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "jammy": "22.04"}
    | {"noble": "24.04"},
}
_DISTRIBUTION = rf"(?as)({'|'.join(map(re.escape, sorted(_BY_SPELLING, key=len, reverse=True)))})(?:[ -]+(.*))?"
_RELEASE = (
    r"(?as)(?:(?:linux|server|desktop|workstation|ami|release) |pro:|enterprise_linux:)*v?([0-9]+(?:\.[0-9]+)*)"
    r"(?:[ :].*|-(?:lts|esm|sp).*)?"
)
_SERVICE_PACK = r"(?a)[ -]sp([0-9]+)"
_FIRST_LEAP = 15
"""openSUSE has been called Leap since 42.1, which became 15; some still write ``opensuse``."""
_OTHER = r"(?a)([a-z][a-z0-9_.-]*):v?([0-9]+(?:\.[0-9]+)*)"
_SERVICE_PACKS = frozenset({"sles", "slem", "openeuler"})


@frozen
class PackageKind:
    """What a namespace says of its packages.

    Attributes:
        type: Their type in package URLs: ``deb``, ``pypi``; empty if it is not known.
        family: The distribution, by its one name; of a language's packages the type.
        release: What tells the release from others: ``12``; empty for a language, and where it is not said.
        stated: The numbers of the release as they are written: ``12.5``; empty if it has none.
        name: The one word that stands for all words of this: ``debian:12``, ``pypi``.
        name_in_image: The same for the findings of one image, in which CentOS and Red Hat are never both.
    """

    type: str
    family: str
    release: str = ""
    stated: str = ""
    name: str = field(init=False)
    name_in_image: str = field(init=False)

    @name.default
    def _name(self) -> str:
        return self._of(self.family)

    @name_in_image.default
    def _name_in_image(self) -> str:
        is_rebuilt = self.family == "centos" and self.release.isdecimal() and int(self.release) <= _LAST_REBUILT
        return self._of("redhat" if is_rebuilt else self.family)

    def _of(self, family: str) -> str:
        return f"{family}:{self.release}" if self.release else family


def kind_of(namespace: str) -> PackageKind:
    """Return what a namespace means.

    Args:
        namespace: `Package.namespace`: ``rhel:8.9``, ``Alpine:v3.19``, ``amazon:2 (Karoo)``, ``python-pkg``; also as
            the qualifier ``distro`` of a package URL has it: ``debian-12.5``. One that is not known is its own family.
    """
    return _read(namespace) if len(namespace) <= LONGEST_NAMESPACE else PackageKind("", namespace)


def canonical_namespace(namespace: str) -> str:
    """Return the one word for all words of a release or a kind of packages; different releases have different words.

    Returns:
        ``redhat:8`` for ``rhel:8.9``, ``alpine:3.19``, ``amazon:2``, ``pypi``; a word that is not known as it is.
    """
    return kind_of(namespace).name


def type_of(word: str) -> str:
    """Return the type in package URLs that a word means: ``maven`` for ``jar``; one that is not known as it is."""
    word = word.lower()
    return _TYPES.get(word, word)


def vendor_of(family: str) -> str:
    """Return the namespace in package URLs of a distribution, by any of its names; any other word as it is."""
    one = _BY_SPELLING.get(family.casefold())
    return (one.vendor or one.name) if one else family


@lru_cache(maxsize=1024)
def _read(namespace: str) -> PackageKind:
    text = namespace.casefold().strip()
    match = re.fullmatch(_DISTRIBUTION, text.replace(":", " ", 1))
    if match:
        return _kind_of_distribution(_BY_SPELLING[match[1]], (match[2] or "").strip())
    if kind := _TYPES.get(text.partition(":")[0]):  # OSV names a repository: Maven:https://...
        return PackageKind(kind, kind)
    if match := re.fullmatch(_OTHER, text):
        return PackageKind("", match[1], ".".join(match[2].split(".")[:2]), match[2])
    return PackageKind(text if text in PACKAGE_TYPES else "", namespace)


def _kind_of_distribution(one: Distribution, text: str) -> PackageKind:
    """Return a release by as many numbers as tell it from others; what is not numbers (``unstable``) stays as it is."""
    match = re.fullmatch(_RELEASE, _CODENAMES.get(one.name, {}).get(text, text))
    if match is None:
        return PackageKind(one.type, one.name, text if one.numbers else "")
    numbers = match[1].split(".")
    if one.name in _SERVICE_PACKS:  # 15 SP5 is 15.5, and 15 alone is 15.0
        pack = re.search(_SERVICE_PACK, text)
        numbers = [*numbers, pack[1] if pack else "0"]
    if one.name == "opensuse" and int(numbers[0]) >= _FIRST_LEAP:
        one = _BY_SPELLING["opensuse-leap"]
    return PackageKind(one.type, one.name, ".".join(numbers[: one.numbers]), match[1])


def canonical_name(kind: str, name: str) -> str:
    """Return the one spelling of a package's name, where a *kind* (``pypi``) accepts several; without PyPI's extras."""
    if kind == "pypi":
        return _SEPARATORS.sub("-", name.partition("[")[0].strip()).lower()
    return name.lower() if kind in _CASELESS else name


def canonical_version(kind: str, version: str) -> str:
    """Return the one spelling of a package's version: without epoch 0, and the letters that Go and PHP may add."""
    mark = _MARKS.get(kind)
    return mark.sub("", version, count=1) if mark else version


_SEPARATORS = re.compile(r"[-_.]+")
_CASELESS = frozenset({"composer", "nuget"})
_EPOCH_0 = re.compile(r"^0:", re.ASCII)
_V = re.compile(r"^v(?=[0-9])", re.ASCII)
_MARKS = {"deb": _EPOCH_0, "rpm": _EPOCH_0, "composer": _V, "golang": re.compile(r"^(?:v|go)(?=[0-9])", re.ASCII)}
