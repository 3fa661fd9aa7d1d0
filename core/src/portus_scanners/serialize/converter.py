"""The converter of report documents: what a reference, a platform and a local image are in JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override
from portus_images import Image, ImageReference, LocalReference, Platform, Reference

from ..merge import judge
from ..models import ImageReport, Verdict
from ..strict import make_json_converter


@cache
def document_converter() -> Converter:
    """Return the converter; it is made once."""
    converter = make_json_converter()
    converter.register_structure_hook(ImageReference, lambda value, _: Reference.parse(_text(value)))
    converter.register_unstructure_hook(ImageReference, lambda reference: reference.text)
    converter.register_structure_hook(Platform, lambda value, _: Platform.parse(_text(value)))
    converter.register_unstructure_hook(Platform, str)
    converter.register_structure_hook(Image, _make_image_hook(converter))
    converter.register_structure_hook(ImageReport, _make_report_hook(converter))
    return converter


def _make_image_hook(converter: Converter) -> Callable[[Any, Any], Any]:
    """Return a hook that reads the reference of a local image as one: ``oci:1.0`` can mean either."""
    plain = make_dict_structure_fn(Image, converter)
    reads_local = override(struct_hook=lambda value, _: LocalReference.parse(_text(value)))
    local = make_dict_structure_fn(Image, converter, reference=reads_local)

    def structure(value: Any, kind: Any) -> Any:
        is_local = isinstance(value, Mapping) and value.get("local") is not None
        return (local if is_local else plain)(value, kind)

    return structure


def _make_report_hook(converter: Converter) -> Callable[[Any, Any], Any]:
    """Return a hook that refuses a report that says less than its runs: it is not what a scan has written."""
    plain = converter.get_structure_hook(ImageReport)

    def structure(value: Any, kind: Any) -> Any:
        report = plain(value, kind)
        verdict = judge(report.results)
        if report.verdict is not verdict:
            msg = f"the verdict is {report.verdict.value}, but by the runs it is {verdict.value}"
            raise ValueError(msg)
        if verdict is Verdict.VULNERABLE and not report.vulnerabilities:
            msg = "there are findings, but no vulnerabilities"
            raise ValueError(msg)
        return report

    return structure


def _text(value: Any) -> str:
    if not isinstance(value, str):
        msg = "expected a text"
        raise TypeError(msg)
    return value
