"""One output: a format and the place where it goes."""

from __future__ import annotations

from attrs import frozen

from ..reporter import FolderReporter, ReportJob, TextReporter
from ..terminal import say
from .places import File, Folder, Stdout
from .rendering import FormatFault, render_files, render_text


@frozen
class TextOutput:
    """A format that is one text."""

    format_name: str
    reporter: TextReporter
    place: Stdout | File

    @property
    def is_on_stdout(self) -> bool:
        """Whether it is what the command prints."""
        return isinstance(self.place, Stdout)

    def write(self, job: ReportJob) -> bool:
        """Write it; whether it is there; if not, that has been said on stderr."""
        try:
            return self.place.write(render_text(self.reporter, job))
        except FormatFault as fault:
            return _say_fault(self.format_name, fault)


@frozen
class FolderOutput:
    """A format that is a folder of files."""

    format_name: str
    reporter: FolderReporter
    place: Folder
    is_on_stdout = False

    def write(self, job: ReportJob) -> bool:
        """Write it; whether all of it is there; if not, that has been said on stderr."""
        try:
            return self.place.write(render_files(self.reporter, job))
        except FormatFault as fault:
            return _say_fault(self.format_name, fault)


Output = TextOutput | FolderOutput


def _say_fault(name: str, fault: FormatFault) -> bool:
    say(f"format {name!r} is not written, or not all of it: {fault}")
    return False
