"""Tables of a page as a reader sees them: headings, and the words of every cell below them."""

import html
import re
from dataclasses import dataclass
from html.parser import HTMLParser


@dataclass
class Table:
    """`headings` by column; `rows`: (words of a cell, class of a cell) by row and column."""

    label: str
    headings: list[str]
    rows: list[list[tuple[str, str]]]

    def column(self, heading: str) -> list[str]:
        """The words below a heading."""
        at = self.headings.index(heading)
        return [row[at][0] for row in self.rows]

    @property
    def words(self) -> list[list[str]]:
        return [[words for words, _ in row] for row in self.rows]


class Tables(HTMLParser):
    """Every table of a text, in its order. Drawings are skipped; a heading or a cell over several columns counts once."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[Table] = []
        self.head, self.row, self.cell, self.drawing = False, None, None, 0
        self.feed(str(text))
        self.close()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.drawing += tag == "svg"
        if tag == "table":
            self.found.append(Table(given.get("aria-label") or given.get("aria-labelledby", ""), [], []))
        if tag == "thead":
            self.head = True
        if tag == "tr":
            self.row = []
        if tag in ("td", "th") and self.row is not None:
            self.cell = [given.get("class", ""), ""]
        elif self.cell is not None and tag in ("span", "abbr", "code"):
            self.cell[1] += " "

    def handle_data(self, data):
        if self.cell is not None and not self.drawing:
            self.cell[1] += data

    def handle_endtag(self, tag):
        self.drawing -= tag == "svg"
        if tag in ("td", "th") and self.cell is not None:
            self.row.append((clean(self.cell[1]), self.cell[0]))
            self.cell = None
        if tag == "thead":
            self.head = False
        if tag == "tr":
            if self.head:
                self.found[-1].headings = [words for words, _ in self.row]
            else:
                self.found[-1].rows.append(self.row)


def clean(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(text).replace("\u00a0", " ")).strip()


def tables(text: str) -> dict[str, Table]:
    """By label."""
    return {table.label: table for table in Tables(text).found}


def number(x: float | None, digits: int, sign: bool = False) -> str:
    """As a page writes it: a true minus, no signed zero."""
    if x is None or x != x:
        return "–"
    text = f"{x:+.{digits}f}" if sign else f"{x:.{digits}f}"
    return text.strip("+-") if not float(text) else text.replace("-", "−")


def percent(x: float | None, digits: int = 1) -> str:
    return number(None if x is None else 100 * x, digits)


def points(x: float | None, digits: int = 1) -> str:
    return number(None if x is None else 100 * x, digits, sign=True)
