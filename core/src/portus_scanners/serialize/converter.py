"""JSON values <-> report documents: what references, platforms and local images are in JSON.

The converter is strict, as for answers of backends (``portus_images.strict``); members that it does not know are
ignored, since a later version may have added them. A member with its default value is not written, unless it is one
that `ALWAYS` names: these have to be there, empty or not, since what is missing of them may be what is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, TypeVar, get_args, get_type_hints

import attrs
from cattrs import Converter
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from portus_images import (
    Image,
    ImageReference,
    LocalReference,
    Platform,
    Reference,
    faults_of,
    make_json_converter,
    mismatch,
)

from ..errors import InvalidDocumentError
from ..merge import judge
from ..models import (
    Finding,
    GateResult,
    GateViolation,
    ImageReport,
    Package,
    ReportDocument,
    ScannerReport,
    ScannerRun,
    Verdict,
    Vulnerability,
)
from .sharing import fill_in_shared

KindT = TypeVar("KindT")

ALWAYS: Mapping[type, frozenset[str]] = {
    Package: frozenset({"name", "version"}),
    Finding: frozenset({"severity", "package", "fixed_by"}),
    ScannerReport: frozenset({"findings", "complete"}),
    ScannerRun: frozenset({"report"}),
    Vulnerability: frozenset({"fixed_by", "scanners"}),
    ImageReport: frozenset({"results", "vulnerabilities"}),
    GateViolation: frozenset({"reference"}),
    GateResult: frozenset({"violations"}),
    ReportDocument: frozenset({"schema_version", "reports", "errors", "gate"}),
}
"""By class, the members that are written though they have their default values."""


@cache
def document_converter() -> Converter:
    """Return the converter of report documents, which is made once."""
    converter = make_json_converter()
    converter.register_structure_hook(ImageReference, lambda value, _: Reference.parse(_string(value)))
    converter.register_unstructure_hook(ImageReference, lambda reference: reference.text)
    converter.register_structure_hook(Platform, lambda value, _: Platform.parse(_string(value)))
    converter.register_unstructure_hook(Platform, str)
    for kind in classes_of(ReportDocument):
        always = sorted(ALWAYS.get(kind, ()))
        if kind is Image:
            converter.register_structure_hook(Image, _make_image_hook(converter))
        elif kind is ImageReport:
            converter.register_structure_hook(ImageReport, _requiring(_make_report_hook(converter), always))
        else:
            converter.register_structure_hook(kind, _requiring(converter.get_structure_hook(kind), always))
        written: dict[str, Any] = {name: override(omit_if_default=False) for name in always}
        hook: Callable[[Any], Any] = make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True, **written)
        converter.register_unstructure_hook(kind, hook)
    return converter


def classes_of(kind: Any) -> dict[type, None]:
    """Return the attrs classes of whose objects a value is made, those of its parts before its own."""
    if attrs.has(kind) and kind not in {Reference, LocalReference, Platform}:
        hints = get_type_hints(kind)
        parts = chain.from_iterable(classes_of(hints[member.name]) for member in attrs.fields(kind))
        return {**dict.fromkeys(parts), kind: None}
    return dict.fromkeys(chain.from_iterable(map(classes_of, get_args(kind))))


def _requiring(plain: Callable[[Any, Any], Any], names: Sequence[str]) -> Callable[[Any, Any], Any]:
    """Return a hook that does not take the default for what is always written."""
    if not names:
        return plain

    def structure(value: Any, kind: Any) -> Any:
        missing = [name for name in names if name not in value] if isinstance(value, Mapping) else ()
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}")
        return plain(value, kind)

    return structure


def _make_image_hook(converter: Converter) -> Callable[[Any, Any], Any]:
    """Return a hook that reads a local image's reference as a local one: ``oci:1.0`` can mean either."""
    plain = make_dict_structure_fn(Image, converter)
    reads_local = override(struct_hook=lambda value, _: LocalReference.parse(_string(value)))
    local = make_dict_structure_fn(Image, converter, reference=reads_local)

    def structure(value: Any, kind: Any) -> Any:
        is_local = isinstance(value, Mapping) and value.get("local") is not None
        return (local if is_local else plain)(value, kind)

    return structure


def _make_report_hook(converter: Converter) -> Callable[[Any, Any], Any]:
    """Return a hook that rejects a report that says less than its runs: no scan has written such a report."""
    plain = converter.get_structure_hook(ImageReport)

    def structure(value: Any, kind: Any) -> Any:
        report = plain(fill_in_shared(value) if isinstance(value, Mapping) else value, kind)
        verdict = judge(report.results)
        if report.verdict is not verdict:
            raise ValueError(f"the verdict is {report.verdict.value}, but by the runs it is {verdict.value}")
        if verdict is Verdict.VULNERABLE and not report.vulnerabilities:
            raise ValueError("there are findings, but no vulnerabilities")
        return report

    return structure


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise mismatch(str, value)
    return value


def structure(value: Any, kind: type[KindT], path: str = "$") -> KindT:
    """Return a JSON value, which stands at *path* in its document, as an attrs class.

    Raises:
        InvalidDocumentError: The value has another form; a line says what is wrong and where.
    """
    try:
        return document_converter().structure(value, kind)
    except (BaseValidationError, ValueError, TypeError) as error:
        raise InvalidDocumentError(faults_of(error, path=path)) from error
