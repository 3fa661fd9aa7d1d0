"""OpenVEX documents -> statements about products.

Source: OpenVEX specification 0.2.0, ``OPENVEX-SPEC.md``. In 0.0.1 vulnerabilities and products are strings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from attrs import evolve, field, frozen
from cattrs import Converter
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, override
from portus_images import SettingsError, faults_of, make_strict_converter, one_line
from portus_scanners.backends import read_time

from .rules import LONGEST_REASON, Suppression
from .vex_statements import Claim, ProductStatement, Says, make_claim

PartT = TypeVar("PartT")

_MOST_FAULTY = 10
"""Statements that are not valid, after which no other is read."""
_CONTEXT = "https://openvex.dev/ns"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class VexStatus(Enum):
    """What a statement says."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


_SAYS = {VexStatus.NOT_AFFECTED: Says.HARMLESS, VexStatus.FIXED: Says.FIXED}


class VexJustification(Enum):
    """Why a product is not affected."""

    COMPONENT_NOT_PRESENT = "component_not_present"
    VULNERABLE_CODE_NOT_PRESENT = "vulnerable_code_not_present"
    VULNERABLE_CODE_NOT_IN_EXECUTE_PATH = "vulnerable_code_not_in_execute_path"
    VULNERABLE_CODE_CANNOT_BE_CONTROLLED_BY_ADVERSARY = "vulnerable_code_cannot_be_controlled_by_adversary"
    INLINE_MITIGATIONS_ALREADY_EXIST = "inline_mitigations_already_exist"


@frozen(kw_only=True)
class VexVulnerability:
    """A vulnerability; in 0.0.1 its name alone."""

    name: str
    aliases: tuple[str, ...] = ()


@frozen(kw_only=True)
class VexComponent:
    """A product or a subcomponent; in 0.0.1 its name alone."""

    iri: str = ""
    """``@id``"""
    identifiers: Mapping[str, str] = field(factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Its names, package URLs first."""
        return tuple(name for name in (self.identifiers.get("purl", ""), self.iri) if name)


@frozen(kw_only=True)
class VexProduct(VexComponent):
    """A product that a statement is about."""

    subcomponents: tuple[VexComponent, ...] = ()
    """The parts of the product that the statement is about; empty for all of it."""


@frozen(kw_only=True)
class VexStatement:
    """One statement of a document."""

    vulnerability: VexVulnerability
    status: VexStatus
    products: tuple[VexProduct, ...]
    subcomponents: tuple[VexComponent, ...] = ()
    """In 0.0.1."""
    justification: VexJustification | None = None
    impact_statement: str = ""
    status_notes: str = ""
    timestamp: str = ""


@frozen(kw_only=True)
class VexDocument:
    """An OpenVEX document."""

    author: str
    timestamp: str
    statements: tuple[VexStatement, ...]


def read_openvex(value: Mapping[str, object], name: str) -> list[ProductStatement]:
    """Return what a document states about each product, in the document's order.

    Args:
        value: The JSON value.
        name: The file's name, for messages and marks.

    Raises:
        SettingsError: Its faults are ``NAME: $.path: ...`` lines.
    """
    context = value.get("@context")
    if not isinstance(context, str) or not context.startswith(_CONTEXT):
        raise SettingsError(f"{name}: $.@context: expected {_CONTEXT}, as an OpenVEX document has it")
    document = _structure(value, name)
    if faults := list(_faults(document)):
        raise SettingsError(f"{name}: {fault}" for fault in faults)
    return [
        statement for number in range(len(document.statements)) for statement in _statements(document, number, name)
    ]


def _structure(value: Mapping[str, object], name: str) -> VexDocument:
    """Return the document. Its statements are read one by one: all faults of a large one would take a gigabyte."""
    faulty: list[tuple[str, ...]] = []

    def read(part: object, kind: type[PartT], path: str) -> PartT | None:
        try:
            return _converter().structure(part, kind)
        except (BaseValidationError, ValueError, TypeError) as error:
            faulty.append(faults_of(error, path=path))
            return None

    entries = value.get("statements")
    is_list = isinstance(entries, list)
    document = read({**value, "statements": []} if is_list else value, VexDocument, "$")
    statements = []
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        statements.append(read(entry, VexStatement, f"$.statements[{number}]"))
        if len(faulty) >= _MOST_FAULTY:
            break
    if faulty or document is None:
        raise SettingsError(f"{name}: {fault.replace('.iri:', '.@id:')}" for faults in faulty for fault in faults)
    return evolve(document, statements=tuple(one for one in statements if one))


def _faults(document: VexDocument) -> Iterator[str]:
    """Yield what violates the specification beyond types."""
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
        if statement.status is VexStatus.NOT_AFFECTED and not _has_reason(statement):
            yield f"{path}: not_affected needs a justification or an impact_statement"


def _has_reason(statement: VexStatement) -> bool:
    return statement.justification is not None or bool(statement.impact_statement.strip())


def _statements(document: VexDocument, number: int, name: str) -> Iterator[ProductStatement]:
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
        yield ProductStatement(ids=ids, time=time or _LONG_AGO, claim=claim, rule=rule)


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
        converter.register_structure_hook(kind, _string_or_object(converter, kind, name))
    return converter


def _string_or_object(converter: Converter, kind: type[Any], name: str) -> Callable[[Any, Any], Any]:
    """Return a hook for what is a string in 0.0.1 and an object since."""
    if name == "iri":
        of_object = make_dict_structure_fn(kind, converter, iri=override(rename="@id"))
    else:
        of_object = make_dict_structure_fn(kind, converter)

    def structure(value: Any, _: Any) -> Any:
        if isinstance(value, str):
            return kind(**{name: value})
        if not isinstance(value, dict):
            msg = "expected a string or an object"
            raise TypeError(msg)
        return of_object(value, kind)

    return structure
