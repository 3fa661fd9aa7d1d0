"""What a server wants to see before it answers: the header ``WWW-Authenticate``.

Source: RFC 9110, section 11.6.1; the parameters of Bearer: distribution's ``docs/spec/auth/token.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import field, frozen

_SEPARATORS = re.compile(r"[\s,]*")
_SCHEME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?=[\s,]|$)")
_TOKEN68 = re.compile(r"[ \t]+([A-Za-z0-9._~+/-]+=*)[ \t]*(?=,|$)")
_PARAMETER = re.compile(r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))(?=[\s,]|$)""")
_ESCAPED = re.compile(r"\\(.)")


@frozen
class Challenge:
    """One way to log in."""

    scheme: str
    """In lower case: ``bearer``, ``basic``."""
    parameters: Mapping[str, str] = field(factory=dict)
    """Names in lower case; values without quotes."""


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Return the challenges of all ``WWW-Authenticate`` headers of an answer, in their order.

    What comes after the first fault in a header is left out. Of a parameter that is named twice the first counts.

    Args:
        values: The values of the headers.
    """
    return tuple(challenge for value in values for challenge in _parse_header(value))


def _parse_header(value: str) -> Iterable[Challenge]:
    position = _skip_separators(value, 0)
    while scheme := _SCHEME.match(value, position):
        parameters, position = _parse_parameters(value, scheme.end())
        yield Challenge(scheme.group().lower(), parameters)
        position = _skip_separators(value, position)


def _parse_parameters(value: str, position: int) -> tuple[dict[str, str], int]:
    """Return the parameters that begin here and where the next challenge begins."""
    if token68 := _TOKEN68.match(value, position):
        return {}, token68.end()
    parameters: dict[str, str] = {}
    while parameter := _PARAMETER.match(value, _skip_separators(value, position)):
        name, quoted, bare = parameter.groups()
        parameters.setdefault(name.lower(), bare if quoted is None else _ESCAPED.sub(r"\1", quoted))
        position = parameter.end()
    return parameters, position


def _skip_separators(value: str, position: int) -> int:
    match = _SEPARATORS.match(value, position)
    return match.end() if match else position
