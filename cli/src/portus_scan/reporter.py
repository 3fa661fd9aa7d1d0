r"""The contract with a format, what turns a report document into text or into files; and the installed formats.

::

    [project.entry-points."portus.reporters"]
    acme = "acme_reporter:AcmeReporter"

    class AcmeReporter(TextReporter, contract=1):
        description = "one line an image"

        def render(self, job: ReportJob) -> Iterator[str]:
            for report in job.document.reports:
                yield f"{report.image.reference.text} {report.verdict.value}\n"

A format is a pure function of its job: it neither reads nor writes anything itself, and everything in a document that
comes from an image, a registry or a backend is hostile.

A document may have any number of images. ``document.reports`` is a sequence that may read each report from a file when
it is asked for: go through it as often as needed, keep of each report no more than a few words, and yield as you go.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen
from portus_scanners.plugins import InstalledPlugin, PluginContract, PluginGroup, discover_group

if TYPE_CHECKING:  # the models take a quarter of the time of `portus-scan scanners`, which needs a `Surface` alone
    from portus_scanners import ReportDocument, Severity

__all__ = [
    "FolderReporter",
    "ReportFile",
    "ReportJob",
    "Reporter",
    "ReporterPlugin",
    "Surface",
    "TextReporter",
    "discover_reporters",
]

SUPPORTED_REPORTER_CONTRACTS = frozenset({1})
"""The contract numbers of formats that this command knows."""


@frozen(kw_only=True)
class Surface:
    """What is known of the place where a text will be read.

    Attributes:
        width: Columns of a line.
        terminal: False for a pipe or a file: no boxes.
        color: Whether colors are shown.
    """

    width: int = 160
    terminal: bool = False
    color: bool = False


def _lowest_severity() -> Severity:
    from portus_scanners import Severity

    return Severity.UNKNOWN


@frozen(kw_only=True)
class ReportJob:
    """What a format is given.

    Attributes:
        document: The document to show.
        baseline: An earlier document to compare with.
        min_severity: What people read leaves out what is lower, and says how much; other formats have everything.
        show_all: No limit on the number of rows.
        surface: Where the output will be read.
    """

    document: ReportDocument
    baseline: ReportDocument | None = None
    min_severity: Severity = field(factory=_lowest_severity)
    show_all: bool = False
    surface: Surface = field(factory=Surface)


@frozen(kw_only=True)
class ReportFile:
    """One file of a format that writes a folder.

    Attributes:
        path: Path relative to the folder, with slashes; without ``..``.
        content: What the file contains, whole or in pieces; pieces are asked for once, before the next file is.
    """

    path: str
    content: bytes | Iterable[bytes] = field(repr=False)

    def pieces(self) -> Iterator[bytes]:
        """Yield what the file contains, in order."""
        yield from (self.content,) if isinstance(self.content, bytes) else self.content


class Reporter(ABC):
    """A format. Derive from `TextReporter` or `FolderReporter`, and state the contract in the class statement."""

    contract: ClassVar[int]
    description: ClassVar[str] = ""
    """What a list of formats says of it, in a few words."""

    def __init_subclass__(cls, *, contract: int | None = None, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if contract is not None:
            cls.contract = contract

    def remarks(self, job: ReportJob) -> Iterable[str]:
        """Return what a user has to know before handing the output on, a line each; the command says it on stderr.

        Most formats have nothing to say: a limit of the program that reads the output is such a remark.
        """
        return ()


class TextReporter(Reporter):
    """A format that is one text."""

    @abstractmethod
    def render(self, job: ReportJob) -> Iterable[str]:
        """Return the text in pieces, in order; it ends with a newline."""


class FolderReporter(Reporter):
    """A format that is a folder of files."""

    @abstractmethod
    def render(self, job: ReportJob) -> Iterable[ReportFile]:
        """Return the files, each path once."""


def _fault_of_reporter(loaded: type[Reporter]) -> str | None:
    if not issubclass(loaded, (TextReporter, FolderReporter)):
        return "derives from neither portus_scan.TextReporter nor portus_scan.FolderReporter"
    return None if type(loaded.description) is str else "has a description that is not a string"


def _contract_of_reporters() -> PluginContract:
    return PluginContract(
        base=Reporter, method="render", contracts=SUPPORTED_REPORTER_CONTRACTS, find_fault=_fault_of_reporter
    )


@frozen(kw_only=True)
class ReporterPlugin(InstalledPlugin[Reporter]):
    """An installed format; its name is what a user gives it by: ``sarif``."""

    group = PluginGroup(name="portus.reporters", noun="format", find_contract=_contract_of_reporters)


def discover_reporters(*, refresh: bool = False) -> tuple[ReporterPlugin, ...]:
    """Return every installed format, by name; two of one name are both there, each with the conflict as its error.

    Nothing is imported. The last answer is given again as `portus_scanners.discover` does.

    Args:
        refresh: Look anew whatever seems to be unchanged.
    """
    return discover_group(ReporterPlugin, refresh=refresh)
