"""The section ``admission:``."""

from __future__ import annotations

import pytest
from portus_images import SettingsError
from portus_scan_server.admission import read_admission

WHERE = {"listen": "127.0.0.1:8443", "certificate": "server.pem", "key": "server.key"}


def test_a_caller_proves_itself_by_a_certificate_or_a_path() -> None:
    """Either is enough, the path's secret from the environment too; without the section there is no webhook."""
    assert read_admission({}, {}) is None
    by_certificate = read_admission({"admission": {**WHERE, "client_ca": "ca.pem", "client_names": ["api"]}}, {})
    by_path = read_admission({"admission": {**WHERE, "token_env": "PATH_TOKEN"}}, {"PATH_TOKEN": "canary-0123456789"})
    assert by_certificate is not None
    assert by_path is not None
    assert ("ca.pem", ("api",), "") == (
        by_certificate.client_ca,
        by_certificate.client_names,
        by_certificate.token.reveal(),
    )
    assert ("", "canary-0123456789") == (by_path.client_ca, by_path.token.reveal())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "give client_ca, or a secret path (token_file): else anybody could ask"),
        ({"client_names": ["api"]}, "client_names are those of certificates: name their authority (client_ca)"),
        ({"client_ca": "ca.pem", "platforms": ["amd64"]}, "amd64"),
        ({"client_ca": "ca.pem", "listen": "nowhere"}, "admission: listen must be HOST:PORT, such as 0.0.0.0:8443"),
        ({"client_ca": "ca.pem", "unknown": "clean"}, "admission.unknown"),
    ],
)
def test_mistakes_are_said(values: dict[str, object], said: str) -> None:
    """Each says what to write."""
    with pytest.raises(SettingsError) as caught:
        read_admission({"admission": {**WHERE, **values}}, {})
    assert said in str(caught.value)
