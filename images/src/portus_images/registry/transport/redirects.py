"""Where a redirect may lead."""

from __future__ import annotations

import re

from yarl import URL

from ...errors import RegistryError
from ..hosts import same_origin
from .call import Call

MOST_REDIRECTS = 5
REDIRECTS = {301, 302, 303, 307, 308}
_METHOD_KEPT = {307, 308}
_VISIBLE = re.compile(r"[\x21-\x7e]+")


def find_target(call: Call, url: URL, status: int, location: str) -> URL:
    """Return where a redirect leads, if it may be followed.

    Args:
        call: What was to be had.
        url: What was asked last.
        status: The answer's.
        location: The header.

    Raises:
        RegistryError: It leads to another kind of address, from https to http, or would take a form elsewhere.
    """
    target = _join(url, location)
    if target is None or target.user or target.password:
        raise refuse(call, "redirects to an address that is not plain http or https")
    if (url.scheme, target.scheme) == ("https", "http"):
        raise refuse(call, "redirects from https to http")
    if call.form is not None and not (status in _METHOD_KEPT and same_origin(call.url, target)):
        raise refuse(call, "redirects a log-in")
    return target


def refuse(call: Call, what: str) -> RegistryError:
    """Return the error for a redirect that is not followed."""
    message = f"{call.registry}, {call.step}: it {what}, which is not followed: check the registry's address"
    return RegistryError(message, registry=call.registry, step=call.step)


def _join(url: URL, location: str) -> URL | None:
    """Return an absolute address, or None for what is none; a signed one must not be quoted anew."""
    try:
        target = url.join(URL(location, encoded=_VISIBLE.fullmatch(location) is not None)).with_fragment(None)
        usable = target.scheme in {"http", "https"} and target.host and target.port
    except ValueError:
        return None
    return target if usable else None
