"""What a page says, read with Python's own parser of HTML: no browser."""

from __future__ import annotations

from collections.abc import Iterable
from html.parser import HTMLParser

from attrs import define, field
from portus_scan import ReportJob
from portus_scan.formats.html import HtmlReporter
from portus_scanners import ReportDocument

_VOID = {"meta", "link", "br", "wbr", "input", "rect", "img"}
_INLINE = {"a", "bdi", "code", "span", "strong", "time", "tspan"}
_RAW = {"style", "script"}


@define
class Element:
    """An element with its text; that of style and script is not read."""

    tag: str
    attributes: dict[str, str]
    children: list[Element] = field(factory=list)
    texts: list[str] = field(factory=list)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        """All text in it, blanks made one."""
        return " ".join("".join(self.texts).split())

    def all(self, tag: str = "", css: str = "") -> list[Element]:
        """Return the elements in it of this name and class, in their order."""
        found = [self] if tag in {"", self.tag} and (not css or css in self.classes) else []
        return found + [one for child in self.children for one in child.all(tag, css)]


class Page(HTMLParser):
    """A page; an end that does not fit its beginning is an error."""

    def __init__(self, content: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]
        self.raw: dict[str, str] = {}
        self.feed(content.decode())
        self.close()
        assert [self.root] == self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in _INLINE:
            self._put(" ")
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._open.pop().tag

    def handle_data(self, data: str) -> None:
        if self._open[-1].tag in _RAW:
            self.raw[self._open[-1].tag] = data
            return
        self._put(data)

    def _put(self, text: str) -> None:
        for element in self._open:
            element.texts.append(text)

    @property
    def rows(self) -> list[Element]:
        """The rows of the page's table, without its head."""
        return self.root.all("tr", "row")

    @property
    def words(self) -> list[str]:
        """The words for images and repositories: ``Passed``."""
        return [one.text for one in self.root.all("span", "word")]


def read_site(document: ReportDocument, **job: object) -> dict[str, Page]:
    """Return the pages of a document by their paths."""
    files = HtmlReporter().render(ReportJob(document=document, **job))  # type: ignore[arg-type]
    return {file.path: Page(b"".join(file.pieces())) for file in files}


def images(pages: dict[str, Page]) -> Iterable[Page]:
    """Return the pages of images."""
    return [page for path, page in pages.items() if path.startswith("images/")]


def the_image(document: ReportDocument, **job: object) -> Page:
    """Return the page of the only image of a document."""
    (page,) = images(read_site(document, **job))
    return page
