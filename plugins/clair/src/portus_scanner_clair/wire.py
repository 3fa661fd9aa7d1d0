"""Clair's JSON: what is sent, and what comes back.

The classes have the names and keys of Clair's API, as far as they are used; other keys are ignored. Any key may be
absent. A string may be null, a list may not: Clair leaves out an empty one, and taking null for "nothing known" would
call an image clean. For the same reason no object may have two members of one name, nor one of the lists in another
spelling, which a program in Go would read.

Source: Clair v2.0.x, ``api/v1/models.go``.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, TypeVar

import msgspec
from attrs import frozen
from portus_scanners import BlobAccess, InvalidReportError, Secret

from .layers import ChainLink

_LISTS = {name.casefold(): name for name in ("Layer", "Features", "Vulnerabilities")}
_LONGEST_NAME = 80
"""Characters of a wrong name that are shown."""

AnswerT = TypeVar("AnswerT")


@frozen
class Vulnerability:
    """One vulnerability of one feature."""

    Name: str | None = None
    NamespaceName: str | None = None
    Description: str | None = None
    Link: str | None = None
    Severity: str | None = None
    Metadata: msgspec.Raw = msgspec.Raw()  # noqa: RUF009 (empty, and immutable)
    """Any JSON value, as bytes; empty if the key is absent."""
    FixedBy: str | None = None


@frozen
class Feature:
    """A package, and what is known of it."""

    Name: str | None = None
    NamespaceName: str | None = None
    Version: str | None = None
    AddedBy: str | None = None
    """Name of the layer that added this version."""
    Vulnerabilities: tuple[Vulnerability, ...] = ()


@frozen
class LayerResult:
    """The result for the image that ends in this layer."""

    Name: str | None = None
    NamespaceName: str | None = None
    Features: tuple[Feature, ...] = ()
    """In random order, which differs in each answer."""


@frozen
class LayerAnswer:
    """The answer to ``GET /v1/layers/NAME?vulnerabilities``."""

    Layer: LayerResult | None = None


@frozen
class Namespace:
    """A distribution that Clair has seen."""

    Name: str | None = None


@frozen
class NamespacesAnswer:
    """The answer to ``GET /v1/namespaces``."""

    Namespaces: tuple[Namespace, ...] | None = None


@frozen
class StoredVulnerability:
    """A vulnerability of a distribution, as Clair has stored it."""

    Name: str
    NamespaceName: str | None = None


@frozen
class VulnerabilitiesAnswer:
    """The answer to ``GET /v1/namespaces/NS/vulnerabilities``."""

    Vulnerabilities: tuple[StoredVulnerability, ...] | None
    """Null where there are none, but never absent."""


def layer_request(link: ChainLink, access: BlobAccess, *, secret_path: bool = False) -> dict[str, Any]:
    """Return the body of ``POST /v1/layers``; it contains the registry's credentials, or a path as secret as those."""
    return {
        "Layer": {
            "Name": link.name,
            "Path": Secret(access.url) if secret_path else access.url,
            "Headers": {name: Secret(value) for name, value in access.headers.items()},
            "ParentName": link.parent,
            "Format": "Docker",
        }
    }


def read_layer(body: bytes, name: str) -> LayerResult:
    """Return the result in an answer.

    Args:
        body: The answer, decompressed.
        name: The layer that was asked for.

    Raises:
        InvalidReportError: The body is not JSON, has values of wrong types, or is about another layer.
    """
    layer = _decode(body, LayerAnswer).Layer
    if layer is None:
        raise InvalidReportError("Clair's answer has no result", faults=["$.Layer: missing"])
    if layer.Name != name:
        fault = f"$.Layer.Name: expected {name}, got {(layer.Name or '')[:_LONGEST_NAME]!r}"
        raise InvalidReportError("Clair's answer is about another layer", faults=[fault])
    if _is_suspect(body, layer):
        _check_members(body)
    return layer


def read_namespaces(body: bytes) -> tuple[str, ...]:
    """Return the names of the distributions that Clair knows, in its order.

    Raises:
        InvalidReportError: The body is not JSON, or has values of wrong types.
    """
    namespaces = _decode(body, NamespacesAnswer).Namespaces or ()
    return tuple(namespace.Name or "" for namespace in namespaces)


def read_has_data(body: bytes, namespace: str) -> bool:
    """Return whether Clair has a vulnerability of the namespace that was asked for.

    Raises:
        InvalidReportError: The body is not JSON, has values of wrong types, or is about another namespace.
    """
    found = _decode(body, VulnerabilitiesAnswer).Vulnerabilities or ()
    if others := [one.NamespaceName for one in found if one.NamespaceName not in {None, namespace}]:
        fault = f"$.Vulnerabilities: expected those of {namespace!r:.100}, got one of {others[0]!r:.100}"
        raise InvalidReportError("Clair's answer is about another distribution", faults=[fault])
    _check_members(body)
    return bool(found)


def read_error(body: bytes) -> str:
    """Return the message in ``{"Error": {"Message": ...}}``; empty if the body is something else."""
    try:
        document = msgspec.json.decode(body.decode(errors="replace"))
    except (msgspec.MsgspecError, RecursionError):
        return ""
    error = document.get("Error") if isinstance(document, dict) else None
    message = error.get("Message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else ""


def _decode(body: bytes, kind: type[AnswerT]) -> AnswerT:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidReportError("Clair's answer is not of the known form", faults=[_fault(error)]) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidReportError("Clair's answer is not JSON", faults=[f"$: {error}"]) from error
    except RecursionError as error:
        raise InvalidReportError("Clair's answer is not readable", faults=["$: nested too deeply"]) from error


def _is_suspect(body: bytes, layer: LayerResult) -> bool:
    """Return whether one of the lists may stand twice in an object, or in another spelling: quick, most often no."""
    lowered, lists = body.lower(), sum(1 for one in layer.Features if one.Vulnerabilities)
    most = {"Layer": 1, "Features": 1 if layer.Features else 0, "Vulnerabilities": lists}  # Clair leaves out empty ones
    return any(lowered.count(f'"{name.lower()}"'.encode()) > number for name, number in most.items())


def _check_members(body: bytes) -> None:
    """Reject an answer in which an object has two members of one name, or one of the lists in another spelling."""
    json.loads(body, object_pairs_hook=_check_names)


def _check_names(pairs: list[tuple[str, Any]]) -> None:
    """Reject an object with a name that is there twice, or spelt as Clair never does; nothing is kept of it."""
    names = [name for name, _ in pairs]
    fault = ""
    if len(set(names)) < len(names):
        fault = f"an object has two members {Counter(names).most_common(1)[0][0][:_LONGEST_NAME]!r}"
    elif wrong := [name for name in names if _LISTS.get(name.casefold(), name) != name]:
        fault = f"{wrong[0][:_LONGEST_NAME]!r} is not {_LISTS[wrong[0].casefold()]!r}"
    if fault:
        raise InvalidReportError("Clair's answer is not of the known form", faults=[f"$: {fault}"])


def _fault(error: msgspec.ValidationError) -> str:
    """Return the fault with its path first: msgspec says "Expected `str`, got `int` - at `$.Layer.Name`"."""
    what, _, path = str(error).replace("`", "").partition(" - at ")
    return f"{path or '$'}: {what[:1].lower()}{what[1:]}"
