"""The report as a few files: each page opens alone from disk, and a link leads to the page where its anchor stands."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reglab.report.study import Section

ANCHOR = re.compile(r'\sid="([^"]*)"')
LINK = re.compile(r'(\shref=")#([^"]*)(")')


@dataclass(frozen=True)
class Page:
    """A file of the report: `path` is relative to reports/, `about` says in a line what it is for."""

    path: str
    title: str
    about: str
    sections: Sequence[Section]

    @property
    def first(self) -> bool:
        """Is it the page that a reader opens?"""
        return posixpath.dirname(self.path) == ""

    def to(self, other: "Page", anchor: str = "") -> str:
        """The relative address of another page, or of an anchor on it."""
        address = "" if other.path == self.path else posixpath.relpath(other.path, posixpath.dirname(self.path) or ".")
        return f"{address}#{anchor}" if anchor else address


def homes(pages: Sequence[Page]) -> dict[str, Page]:
    """anchor -> the page it stands on: every id of every section, and the sections themselves."""
    pages_by_anchor: dict[str, Page] = {}
    for page in pages:
        for section in page.sections:
            pages_by_anchor |= dict.fromkeys([section.id, *ANCHOR.findall(section.body)], page)
    return pages_by_anchor


def linked(body: Markup, page: Page, home: dict[str, Page]) -> Markup:
    """The body as it stands on `page`: `href="#..."` leads to another page where the anchor stands on another."""

    def address(link: re.Match) -> str:
        return f"{link[1]}{page.to(home.get(link[2], page), link[2])}{link[3]}"

    return Markup(LINK.sub(address, body))
