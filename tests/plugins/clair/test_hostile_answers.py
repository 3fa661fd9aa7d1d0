"""Whatever a body holds, it is read as a result or refused as an invalid report: no other error, no silent loss."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from portus_scanner_clair.findings import make_report
from portus_scanner_clair.refusals import Cause, Refusal
from portus_scanner_clair.wire import read_error, read_layer, read_namespaces
from portus_scanners import InvalidReportError, Secret, UnsupportedImageError
from portus_scanners.backends import HttpAnswer

keys = st.sampled_from(["Layer", "Name", "Features", "Vulnerabilities", "Severity", "Metadata", "Error", "Message"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner), max_leaves=20
)
texts = st.none() | st.sampled_from(["", "a", "b"])
flaws = st.fixed_dictionaries({"Name": texts | scalars}, optional={"Severity": texts, "Metadata": documents})
members = st.fixed_dictionaries(
    {}, optional={"Name": texts, "Version": texts, "Vulnerabilities": st.lists(flaws, max_size=3) | documents}
)


def faults_of(body: bytes) -> tuple[str, ...] | None:
    """Return the faults of a body, or None where it is a result or none that Clair recognised anything in."""
    try:
        make_report(read_layer(body, "top"), ())
    except InvalidReportError as error:
        return error.faults
    except UnsupportedImageError:
        return None
    return None


@given(st.binary(max_size=50) | documents.map(lambda document: json.dumps(document).encode()))
def test_any_body_is_refused_in_the_right_way(body: bytes) -> None:
    """No bytes and no JSON raise anything but the two errors; each fault has its path."""
    faults = faults_of(body)
    assert faults is None or [True] == [fault.startswith("$") for fault in faults]
    assert isinstance(read_error(body), str)


@given(st.lists(members, max_size=3))
def test_features_of_any_kind_lose_no_vulnerability(features: list[dict[str, Any]]) -> None:
    """When a result with odd features is read at all, all vulnerabilities in it are."""
    body = json.dumps({"Layer": {"Name": "top", "NamespaceName": "n", "Features": features}}).encode()
    if features and faults_of(body) is None:
        found = {
            (one.get("Name") or "", one.get("Version") or "", flaw["Name"]) for one in features for flaw in _flaws(one)
        }
        assert len(found) == len(make_report(read_layer(body, "top"), ()).findings)


def _flaws(feature: dict[str, Any]) -> list[dict[str, Any]]:
    return feature.get("Vulnerabilities") or []


@pytest.mark.parametrize(
    ("vulnerability", "fault"),
    [
        ('{"Name": 5}', "$.Layer.Features[0].Vulnerabilities[0].Name: expected str | null, got int"),
        ('{"Name": "a", "FixedBy": []}', "$.Layer.Features[0].Vulnerabilities[0].FixedBy: expected str | null"),
        ("null", "$.Layer.Features[0].Vulnerabilities[0]: expected object, got null"),
        ("{}", "$.Layer.Features[0].Vulnerabilities[0].Name: missing"),
        ('{"Name": "a", "Metadata": ' + "[" * 100_000 + "]" * 100_000 + "}", "$: nested too deeply"),
        ('{"Name": "a", "Metadata": NaN}', "$: JSON is malformed"),
    ],
)
def test_a_fault_has_its_place(vulnerability: str, fault: str) -> None:
    """What is wrong is said with the path to it."""
    body = '{"Layer": {"Name": "top", "Features": [{"Name": "f", "Vulnerabilities": [' + vulnerability + "]}]}}"
    with pytest.raises(InvalidReportError) as raised:
        make_report(read_layer(body.encode(), "top"), ())
    assert raised.value.faults[0].startswith(fault)


def test_a_number_beyond_all_floats_costs_no_vector() -> None:
    """A score of 1e999 is not a score; the vector beside it is kept."""
    metadata = '{"NVD": {"CVSSv2": {"Score": 1e999, "Vectors": "AV:N"}}}'
    body = (
        '{"Layer": {"Name": "top", "Features": [{"Name": "f", "Vulnerabilities": [{"Name": "a", "Metadata": '
        + metadata
        + "}]}]}}"
    )
    (finding,) = make_report(read_layer(body.encode(), "top"), ()).findings
    assert [("AV:N", None)] == [(one.vector, one.score) for one in finding.cvss]


@pytest.mark.parametrize("body", [b"{}", b'{"Namespaces": null}', b'{"Namespaces": []}'])
def test_no_namespaces(body: bytes) -> None:
    """A new Clair knows no distribution, and says null."""
    assert () == read_namespaces(body)


@given(st.integers(300, 599), st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_a_refusal_is_one_short_printable_line(status: int, body: bytes) -> None:
    """Whatever a body holds, the error's text is for a terminal, and says the status."""
    text = str(Refusal.from_answer(HttpAnswer(status=status, headers={}, body=body)).error())
    assert (True, True, True) == (text.isprintable(), len(text) < 1500, f"HTTP {status}" in text)


def test_a_message_that_is_no_utf_8_is_still_understood() -> None:
    """A byte that is not UTF-8 costs neither the message nor its meaning."""
    body = b'{"Error":{"Message":"could not find layer \xff"}}'
    assert Cause.BLOB_NOT_FETCHED is Refusal.from_answer(HttpAnswer(status=400, headers={}, body=body)).cause


@pytest.mark.parametrize("place", ['"Name": "top", "NamespaceName": "\xff"', '"Name": "\xff"'])
def test_a_result_that_is_no_utf_8_is_invalid(place: str) -> None:
    """JSON is UTF-8: a result with other bytes is refused."""
    with pytest.raises(InvalidReportError, match="not JSON"):
        read_layer(f'{{"Layer": {{{place}}}}}'.encode("latin-1"), "top")


@pytest.mark.parametrize("header", ["Bearer a-long-token", "Basic dXNlcjpwYXNz", "opaque"])
@pytest.mark.parametrize("form", ["<pre>{}</pre>", '{{"Error":{{"Message":"bad: {}"}}}}', "x" * 290 + "{}"])
def test_a_quoted_credential_is_masked(header: str, form: str) -> None:
    """Neither a header's value nor its token alone gets into an error, not even cut at the end."""
    secret = header.rpartition(" ")[2]
    sent = frozenset({Secret(header)})
    answer = HttpAnswer(status=502, headers={}, body=form.format(header).encode(), secrets=sent)
    assert secret[:6] not in str(Refusal.from_answer(answer).error())


def test_an_unexpected_success_is_not_quoted() -> None:
    """A 2xx that is not the one expected may be an echo of the request: its body is not shown."""
    assert "hidden" not in str(Refusal.from_answer(HttpAnswer(status=202, headers={}, body=b"hidden")).error())


FLAWS = '[{"Name": "CVE-2099-0001"}]'
HIDDEN = {
    "list": f'"Features": [{{"Name": "bash", "Vulnerabilities": {FLAWS}, "Vulnerabilities": []}}]',
    "packages": f'"Features": [{{"Name": "bash", "Vulnerabilities": {FLAWS}}}], "Features": [{{"Name": "bash"}}]',
    "layer": f'"Features": [{{"Name": "bash", "Vulnerabilities": {FLAWS}}}]}}, "Layer": {{"Name": "top"',
    "spelling": f'"Features": [{{"Name": "bash", "vulnerabilities": {FLAWS}}}]',
    "spelling of one": f'"Features": [{{"Vulnerabilities": {FLAWS}}}, {{"Name": "b", "VULNERABILITIES": {FLAWS}}}]',
    "packages' spelling": f'"features": [{{"Name": "bash", "Vulnerabilities": {FLAWS}}}]',
}


@pytest.mark.parametrize("members", HIDDEN.values(), ids=HIDDEN)
def test_a_second_list_hides_no_vulnerability(members: str) -> None:
    """A member that is there twice, or spelt as a program in Go would read it too, is an error, and never "nothing"."""
    with pytest.raises(InvalidReportError) as caught:
        read_layer(f'{{"Layer": {{"Name": "top", {members}}}}}'.encode(), "top")
    assert [True] == [fault.startswith("$: ") for fault in caught.value.faults]


def test_a_package_may_be_called_as_a_list_is() -> None:
    """The words are looked for as bytes first: where they are no names of members, the answer is read."""
    features = (
        '[{"Name": "vulnerabilities", "Version": "Features"}, {"Name": "a", "Vulnerabilities": [{"Name": "Layer"}]}]'
    )
    read = read_layer(f'{{"Layer": {{"Name": "top", "Features": {features}}}}}'.encode(), "top")
    assert ["vulnerabilities", "a"] == [one.Name for one in read.Features]
