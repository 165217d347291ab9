"""What the sections of the page are made of: the study, the templates, and a section itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from reglab.core.families import BY_SECTION
from reglab.evaluation.metric_names import TRAINED
from reglab.report import formats, nearness, tables
from reglab.report.applicable import Inapplicable, split
from reglab.report.collect import Entry
from reglab.report.measure import LabelWords, Measure, deciding, label_words, relevant_difference, score


def exact(x: float | None) -> str:
    """A number for the sorting script: all its digits, or nothing."""
    return "" if formats.missing(x) else repr(x)


def breakable(name: str) -> Markup:
    """A name that may be wrapped after its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def mean_epochs(entry: Entry) -> str:
    """Trained epochs, the mean over the finished seeds."""
    epochs = [outcome.get("epochs") for outcome in entry.record["seeds"].values() if outcome["status"] == "finished"]
    return formats.MISSING if None in epochs or not epochs else f"{sum(epochs) / len(epochs):,.0f}"


HERE = Path(__file__).parent
TEMPLATES = Environment(
    loader=FileSystemLoader(
        [HERE / "templates", *sorted(HERE.parent.glob("experiments/*/"))]
    ),  # a family has its own beside it
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {
    function.__name__: function
    for function in (
        *(formats.fixed, formats.percent, formats.points, formats.p_value, formats.significant, formats.prefixed),
        *(
            formats.capital,
            formats.setting,
            formats.missing,
            formats.amount,
            formats.probability,
            formats.readable,
            exact,
            breakable,
            mean_epochs,
        ),
        *(nearness.turned, nearness.turning, nearness.is_least),
    )
}
TEMPLATES.globals["turning_legend"] = f"{nearness.MARK} {nearness.LEGEND} {nearness.CORRECTED}"
TEMPLATES.globals["corrected_legend"] = nearness.CORRECTED


@dataclass(frozen=True)
class Study:
    """All that a section may speak of. `settings` is params.yaml as a mapping, `text` as it was written.

    `left_out` is not applicable and neither in `entries` nor in `metrics`.

    `environment` is what the report was made with and in: commit, versions, machine; by heading, name and value.
    """

    entries: list[Entry]
    metrics: dict
    settings: dict
    text: str
    environment: dict[str, dict[str, str]] = field(default_factory=dict)
    left_out: list[Inapplicable] = field(default_factory=list)

    @classmethod
    def of(cls, entries: list[Entry], metrics: dict, *others) -> "Study":
        """The study of the records and reports/metrics.json, in which the entries that are not applicable still are."""
        entries, metrics, left_out = split(entries, metrics)
        return cls(entries, metrics, *others, left_out=left_out)

    def inapplicable(self, *sections: str) -> list[Inapplicable]:
        """What is not applicable of these sections, in the order of params.yaml."""
        return [each for each in self.left_out if each.section in sections]

    @cached_property
    def rows(self) -> list[tables.Row]:
        return tables.rows(self.entries, self.metrics, self.measure)

    @property
    def measure(self) -> Measure:
        """The metric that decides the verdicts."""
        return deciding(self.settings)

    @property
    def score(self) -> Measure:
        """The metric by which training and test are compared."""
        return score(self.settings)

    @property
    def label_words(self) -> LabelWords:
        """What label noise changes, in words."""
        return label_words(self.measure.metric)

    @property
    def relevant_difference(self) -> float:
        """What does not matter of that metric."""
        return relevant_difference(self.settings)

    @cached_property
    def trained(self) -> dict[str, Entry]:
        """By name, the entries that pairs and claims may be about: no name is in two of their sections."""
        return {entry.name: entry for entry in self.entries if entry.family in TRAINED}

    @property
    def ran(self) -> list[str]:
        """The sections of params.yaml with entries, in their order; also those whose entries are not applicable."""
        known = {entry.family for entry in self.entries} | {each.section for each in self.left_out}
        return [section for section in BY_SECTION if section in known]

    def family(self, name: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.family == name]

    def link(self, name: str) -> Markup:
        """To the row of an entry that trains over seeds."""
        entry = self.trained.get(name)
        return Markup('<a href="#{}-{}">{}</a>').format(entry.family, name, name) if entry else escape(name)


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, its heading and its body."""

    id: str
    title: str
    body: Markup


class Placed(NamedTuple):
    """A family's section: how it is built, the page on which it stands, and its place among the families' sections there."""

    build: Callable[[Study], Section | None]
    page: str
    place: int = 1


class FurtherSection:
    """A section of the report as a frozen dataclass, whose fields are its entry under `report_sections:` in params.yaml.

    All of them stand on one page, in the order of params.yaml.
    """

    title: ClassVar[str]

    def body(self, study: Study) -> str:
        """HTML as `Markup`; a plain string is text."""
        raise NotImplementedError


def body(template: str, **values) -> Markup:
    return Markup(TEMPLATES.get_template(template).render(values))
