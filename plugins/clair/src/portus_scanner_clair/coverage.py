"""For which of an image's distributions Clair has vulnerability data. No I/O.

Clair recognises far more distributions than its updater has data for, and answers for all of them alike: 200, with no
vulnerability where it knows none. Only ``GET /v1/namespaces/NS/vulnerabilities`` shows whether it knows any. A
vulnerability in the answer proves the data of its namespace, so that most images need no further question.

Data that has stopped (``centos:8``, ``debian:10``) can't be told from data that goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import field, frozen
from portus_scanners.backends import one_line

from .wire import LayerResult

NOT_ASKED = "it was not asked"

_MOST_KEPT = 1000
"""Namespaces that are looked at: real images have one to three."""
_MOST_NAMED = 5
_LONGEST_NAMESPACE = 80
"""Characters of a namespace that are shown."""
_UNNAMED = "packages without a distribution"


@frozen
class Coverage:
    """What is known of Clair's data for the namespaces of one image.

    A namespace is a distribution as Clair calls it: ``debian:12``. The empty one stands for packages whose distribution
    Clair does not say.

    Attributes:
        covered: Clair has data for these.
        uncovered: Clair has none for these: their packages were not checked.
        unanswered: Why it is not known, for each of the others.
    """

    covered: frozenset[str] = frozenset()
    uncovered: frozenset[str] = frozenset()
    unanswered: Mapping[str, str] = field(factory=dict)

    @classmethod
    def from_result(cls, result: LayerResult) -> Coverage:
        """Return what Clair's answer proves by itself; nothing else has been asked."""
        features = [(feature.NamespaceName or "", feature.Vulnerabilities) for feature in result.Features]
        proven = {one.NamespaceName or own for own, found in features for one in found}
        others = {own for own, _ in features} | {result.NamespaceName or ""} - {""}
        return cls(
            covered=frozenset(sorted(proven - {""})[:_MOST_KEPT]),
            uncovered=frozenset(others & {""}),
            unanswered=dict.fromkeys(sorted(others - proven - {""})[:_MOST_KEPT], NOT_ASKED),
        )

    def with_answers(self, answers: Mapping[str, bool | str]) -> Coverage:
        """Return the coverage with answers to some of the questions.

        Args:
            answers: For a namespace, whether Clair has data for it, or why that is not known.
        """
        return Coverage(
            covered=self.covered | {name for name, answer in answers.items() if answer is True},
            uncovered=self.uncovered | {name for name, answer in answers.items() if answer is False},
            unanswered={
                **{name: why for name, why in self.unanswered.items() if name not in answers},
                **{name: answer for name, answer in answers.items() if isinstance(answer, str)},
            },
        )

    @property
    def is_complete(self) -> bool:
        """Whether Clair has data for every namespace of the image."""
        return not self.uncovered and not self.unanswered

    @property
    def is_missing(self) -> bool:
        """Whether Clair has data for no namespace of the image."""
        return bool(self.uncovered) and not self.covered and not self.unanswered

    @property
    def notes(self) -> tuple[str, ...]:
        """What a report has to say of it: one sentence for each way in which the coverage is not complete."""
        notes = [f"{no_data_for(self.uncovered)}: this was not checked"] if self.uncovered else []
        for why in sorted(set(self.unanswered.values())):
            names = name_some(name for name, reason in self.unanswered.items() if reason == why)
            notes.append(f"it is not known whether Clair has vulnerability data for {names}: {why}")
        return tuple(notes)


def no_data_for(namespaces: Iterable[str]) -> str:
    """Return the beginning of a sentence about distributions that Clair has no data for."""
    return f"Clair has no vulnerability data for {name_some(namespaces)}"


def name_some(namespaces: Iterable[str]) -> str:
    """Return namespaces for a message: sorted, each one short, no more than five of them."""
    names = sorted(one_line(name, _LONGEST_NAMESPACE) or _UNNAMED for name in namespaces)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
