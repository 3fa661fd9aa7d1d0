"""JSON values <-> report documents: what references, platforms and local images are in JSON.

The converter is strict, as for answers of backends (``portus_images.strict``); members that it does not know are
ignored, since a later version may have added them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from cattrs import Converter
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, override
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
from ..models import ImageReport, Verdict

KindT = TypeVar("KindT")


@cache
def document_converter() -> Converter:
    """Return the converter of report documents, which is made once."""
    converter = make_json_converter()
    converter.register_structure_hook(ImageReference, lambda value, _: Reference.parse(_string(value)))
    converter.register_unstructure_hook(ImageReference, lambda reference: reference.text)
    converter.register_structure_hook(Platform, lambda value, _: Platform.parse(_string(value)))
    converter.register_unstructure_hook(Platform, str)
    converter.register_structure_hook(Image, _make_image_hook(converter))
    converter.register_structure_hook(ImageReport, _make_report_hook(converter))
    return converter


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
        report = plain(value, kind)
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
    """Return a JSON value as an attrs class.

    Args:
        value: What the JSON reader returned.
        kind: The class.
        path: The path of the value in the JSON document.

    Raises:
        InvalidDocumentError: The value has another form; a line says what is wrong and where.
    """
    try:
        return document_converter().structure(value, kind)
    except (BaseValidationError, ValueError, TypeError) as error:
        raise InvalidDocumentError(faults_of(error, path=path)) from error
