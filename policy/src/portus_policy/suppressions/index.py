"""Which rules to ask about a vulnerability: thousands of rules times thousands of vulnerabilities are too many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator

from portus_scanners.models import Vulnerability

from .matching import names_of, package_names
from .package_urls import read_purl
from .rule import Suppression

_ANY: tuple[str, ...] = ()


class RuleIndex:
    """Rules by what they name first.

    Args:
        rules: In the order in which they count.
    """

    def __init__(self, rules: Iterable[Suppression]) -> None:
        self._rules: dict[Hashable, list[tuple[int, Suppression]]] = defaultdict(list)
        rules = tuple(rules)
        for number, rule in enumerate(rules):
            for key in dict.fromkeys(_keys_of_rule(rule)):
                self._rules[key].append((number, rule))
        self._reads_purls = any(rule.purls for rule in rules)

    def candidates(self, vulnerability: Vulnerability) -> list[tuple[int, Suppression]]:
        """Return the rules that may fit, with their numbers, in their order."""
        found = {number: rule for key in self._keys_of(vulnerability) for number, rule in self._rules.get(key, ())}
        return sorted(found.items())

    def _keys_of(self, vulnerability: Vulnerability) -> Iterator[Hashable]:
        yield _ANY
        yield from (("id", name) for name in names_of(vulnerability))
        for name in package_names(vulnerability):
            yield "package", name
            yield "purl", name.casefold()
        if self._reads_purls:
            yield from (("purl", purl.name.casefold()) for text in vulnerability.purls if (purl := read_purl(text)))


def _keys_of_rule(rule: Suppression) -> Iterator[Hashable]:
    if rule.ids:
        yield from (("id", name.casefold()) for name in rule.ids)
    elif rule.package and not set(rule.package) & {"*", "?"}:
        yield "package", rule.package
    elif rule.purls:
        # by the name alone: a vulnerability without package URLs is asked about too, to say why it does not fit
        yield from (("purl", purl.name.casefold()) for text in rule.purls if (purl := read_purl(text)))
    elif rule.package:
        yield _ANY
