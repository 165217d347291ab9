"""What the report says of an ingredient of a cocktail, and of a single technique beside the cocktail."""

from dataclasses import dataclass

from markupsafe import Markup

from reglab.report.formats import missing
from reglab.report.measure import ACCURACY, Interval, Measure


@dataclass(frozen=True)
class Ingredient:
    """The effect of an ingredient alone and added to the others: rows of metrics.json."""

    name: str
    settings: dict
    only: dict
    without: dict
    measure: Measure = ACCURACY

    @property
    def reading(self) -> Markup:
        """What the two differences say together."""
        alone, beside = self.only["verdict"], self.without["verdict"]
        if missing(self.only["difference"]) or missing(self.without["difference"]):
            return Markup("nothing is known: {}").format(alone if missing(self.only["difference"]) else beside)
        gain, rest = (self.measure.difference(row["difference"]) for row in (self.only, self.without))
        counted = self.measure.counted
        if beside == "hurts":
            return Markup("<b>in the way</b>: the others do better without it")
        if beside == "helps" and alone == "helps":
            return Markup("<b>adds its own</b>: {} alone, {} still beside the others").format(counted(gain), rest)
        if beside == "helps":
            return Markup("<b>works beside the others</b>: {} there; alone {}, {}").format(counted(rest), gain, alone)
        if beside == "cannot tell":
            between = interval(self.without, self.measure)
            text = Markup("<b>cannot tell</b> whether it adds to the others: {} beside them ({}); alone {}, {}")
            return text.format(counted(rest), between, gain, alone)
        if alone == "helps":
            return Markup("<b>redundant</b>: {} alone, but no relevant difference beside the others ({})").format(
                counted(gain), rest
            )
        if alone == "no relevant difference":
            return Markup("<b>idle</b>: no relevant difference, neither alone nor beside the others")
        return Markup("<b>not missed</b>: no relevant difference beside the others ({}); alone {}, {}").format(
            rest, gain, alone
        )


@dataclass(frozen=True)
class Rival:
    """A single technique that the cocktail is compared with: an ingredient alone, or an entry of `regularizers`.

    `row`, of metrics.json, is the cocktail less the technique.
    """

    name: str
    row: dict
    measure: Measure = ACCURACY

    @property
    def title(self) -> Markup:
        family, _, name = self.name.rpartition(".")
        if family:
            return Markup('<a href="#{}-{}">{}</a>').format(family, name, name)
        return Markup("{} alone, as strong as here").format(name)

    @property
    def with_difference(self) -> Markup:
        """The name, and in brackets the cocktail's difference to it."""
        mean = self.measure.amount(self.row["difference"])
        return Markup("{} ({}, {})").format(self.title, mean, interval(self.row, self.measure))


def interval(row: dict, measure: Measure) -> str:
    """Of a row of metrics.json, in the unit of the measure."""
    return measure.range(difference(row))


def difference(row: dict) -> Interval:
    return Interval(*(row[key] for key in ("difference", "low", "high")))
