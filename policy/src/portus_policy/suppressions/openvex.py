"""OpenVEX documents -> statements.

Source: OpenVEX specification 0.2.0, ``OPENVEX-SPEC.md``. In 0.0.1 vulnerabilities and products are texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

from attrs import field, frozen
from cattrs import Converter
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, override
from portus_images import SettingsError, one_line
from portus_scanners.backends import read_time
from portus_scanners.settings import faults_of, make_strict_converter

from .openvex_products import Claim, Says, make_claim
from .openvex_time import Statement
from .rule import LONGEST_REASON, Suppression

MOST_STATEMENTS = 10_000
_CONTEXT = "https://openvex.dev/ns"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Status(Enum):
    """What a statement says."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


_SAYS = {Status.NOT_AFFECTED: Says.HARMLESS, Status.FIXED: Says.MENDED}


class Justification(Enum):
    """Why a product is not affected."""

    COMPONENT_NOT_PRESENT = "component_not_present"
    VULNERABLE_CODE_NOT_PRESENT = "vulnerable_code_not_present"
    VULNERABLE_CODE_NOT_IN_EXECUTE_PATH = "vulnerable_code_not_in_execute_path"
    VULNERABLE_CODE_CANNOT_BE_CONTROLLED_BY_ADVERSARY = "vulnerable_code_cannot_be_controlled_by_adversary"
    INLINE_MITIGATIONS_ALREADY_EXIST = "inline_mitigations_already_exist"


@frozen(kw_only=True)
class VexVulnerability:
    """What a statement is about; in 0.0.1 a text alone."""

    name: str
    aliases: tuple[str, ...] = ()


@frozen(kw_only=True)
class VexComponent:
    """A product or a subcomponent; in 0.0.1 a text alone."""

    iri: str = ""
    """``@id``"""
    identifiers: Mapping[str, str] = field(factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called, package URLs first."""
        return tuple(name for name in (self.identifiers.get("purl", ""), self.iri) if name)


@frozen(kw_only=True)
class VexProduct(VexComponent):
    """What a statement is about."""

    subcomponents: tuple[VexComponent, ...] = ()
    """Where in it the vulnerability is; empty for all of it."""


@frozen(kw_only=True)
class VexStatement:
    """One statement."""

    vulnerability: VexVulnerability
    status: Status
    products: tuple[VexProduct, ...]
    subcomponents: tuple[VexComponent, ...] = ()
    """In 0.0.1."""
    justification: Justification | None = None
    impact_statement: str = ""
    status_notes: str = ""
    timestamp: str = ""


@frozen(kw_only=True)
class VexDocument:
    """A whole document."""

    author: str
    timestamp: str
    statements: tuple[VexStatement, ...]


def read_openvex(value: Mapping[str, object], name: str) -> list[Statement]:
    """Return what a document states, of each product by itself, in the document's order.

    Args:
        value: The JSON value.
        name: The file's name, for messages and marks.

    Raises:
        SettingsError: Its faults are ``NAME: $.path: ...`` lines.
    """
    context = value.get("@context")
    if not isinstance(context, str) or not context.startswith(_CONTEXT):
        raise SettingsError(f"{name}: $.@context: expected {_CONTEXT}, as an OpenVEX document has it")
    entries = value.get("statements")
    if isinstance(entries, list) and len(entries) > MOST_STATEMENTS:
        raise SettingsError(f"{name}: $.statements: more than {MOST_STATEMENTS} statements")
    document = _structure(value, name)
    if faults := list(_faults(document)):
        raise SettingsError(f"{name}: {fault}" for fault in faults)
    return [
        statement for number in range(len(document.statements)) for statement in _statements(document, number, name)
    ]


def _structure(value: Mapping[str, object], name: str) -> VexDocument:
    try:
        return _converter().structure(value, VexDocument)
    except (BaseValidationError, ValueError, TypeError) as error:
        faults = (fault.replace(".iri:", ".@id:") for fault in faults_of(error))
        raise SettingsError(f"{name}: {fault}" for fault in faults) from error


def _faults(document: VexDocument) -> Iterator[str]:
    """Find what the specification asks for beyond types."""
    if read_time(document.timestamp) is None:
        yield "$.timestamp: expected a time as RFC 3339 writes it"
    for number, statement in enumerate(document.statements):
        path = f"$.statements[{number}]"
        if statement.timestamp and read_time(statement.timestamp) is None:
            yield f"{path}.timestamp: expected a time as RFC 3339 writes it"
        if not statement.products:
            yield f"{path}.products: it is empty"
        if not statement.vulnerability.name.strip():
            yield f"{path}.vulnerability.name: it is empty"
        if statement.status is Status.NOT_AFFECTED and not _has_reason(statement):
            yield f"{path}: not_affected needs a justification or an impact_statement"


def _has_reason(statement: VexStatement) -> bool:
    return statement.justification is not None or bool(statement.impact_statement.strip())


def _statements(document: VexDocument, number: int, name: str) -> Iterator[Statement]:
    statement = document.statements[number]
    time = read_time(statement.timestamp or document.timestamp)
    names = (statement.vulnerability.name, *statement.vulnerability.aliases)
    ids = tuple(dict.fromkeys(text.strip() for text in names if text.strip()))
    for index, product in enumerate(statement.products):
        path = f"$.statements[{number}].products[{index}]"
        subcomponents = tuple(part.names for part in (*product.subcomponents, *statement.subcomponents))
        says = _SAYS.get(statement.status, Says.HARMFUL)
        claim = make_claim(product.names, subcomponents, says)
        rule = None
        if says is not Says.HARMFUL:
            rule = _rule(f"{name} {path}", ids, _reason(statement), one_line(document.author, 200), claim)
        yield Statement(ids=ids, time=time or _LONG_AGO, claim=claim, rule=rule)


def _rule(place: str, ids: tuple[str, ...], reason: str, by: str, claim: Claim) -> Suppression:
    try:
        return Suppression(
            rule=place,
            ids=ids,
            reason=reason,
            by=by,
            image=claim.image,
            purls=claim.purls,
            unmatchable=claim.unmatchable,
        )
    except ValueError as error:
        raise SettingsError(f"{place}: {one_line(str(error))}") from error


def _reason(statement: VexStatement) -> str:
    label = statement.justification.value if statement.justification else ""
    parts = (label or statement.status.value, statement.impact_statement, statement.status_notes)
    return one_line(": ".join(part.strip() for part in parts if part.strip()), LONGEST_REASON - 3)


@cache
def _converter() -> Converter:
    converter = make_strict_converter()
    for kind, name in ((VexVulnerability, "name"), (VexComponent, "iri"), (VexProduct, "iri")):
        converter.register_structure_hook(kind, _text_or_object(converter, kind, name))
    return converter


def _text_or_object(converter: Converter, kind: type[Any], name: str) -> Callable[[Any, Any], Any]:
    """Return a hook for what was a text in 0.0.1 and is an object since."""
    if name == "iri":
        of_object = make_dict_structure_fn(kind, converter, iri=override(rename="@id"))
    else:
        of_object = make_dict_structure_fn(kind, converter)

    def structure(value: Any, _: Any) -> Any:
        if isinstance(value, str):
            return kind(**{name: value})
        if not isinstance(value, dict):
            msg = "expected a text or an object"
            raise TypeError(msg)
        return of_object(value, kind)

    return structure
