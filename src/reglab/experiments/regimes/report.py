"""The section on where each recipe helps: maps over training size, label noise and width, with a summary in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from markupsafe import Markup

from reglab.core.wording import many
from reglab.evaluation.statistics import smallest_seeds
from reglab.report.answer import Point
from reglab.report.collect import Shown
from reglab.report.formats import listed, missing, setting
from reglab.report.measure import CLASS_LABELS, Interval, LabelWords, Measure, label_words
from reglab.report.nearness import turning
from reglab.report.study import Placed, Section, Study, body
from reglab.report.verdict_grid import SHOWN, GridSide, Scale, grid, scale_of

NOWHERE = "is nowhere shown to help or to hurt"
AXES = ("train_size", "label_noise", "width")


class Place(NamedTuple):
    """A recipe in one cell: labelled examples, share of wrong labels, units of a layer; its difference to none."""

    train_size: int
    label_noise: float
    width: int
    difference: Interval
    verdict: str
    p_holm: float | None
    seeds_needed: int | None
    turning: Markup

    @classmethod
    def of(cls, row: dict) -> "Place":
        """From a row of metrics.json."""
        difference = Interval(*(row[key] for key in ("difference", "difference_low", "difference_high")))
        axes = (row[axis] for axis in ("train_size", "label_noise", "width"))
        return cls(*axes, difference, row["verdict"], row["p_holm"], row["seeds_needed"], turning(row))

    @property
    def known(self) -> bool:
        return not missing(self.difference.mean)


@dataclass(frozen=True)
class RecipeMap(Shown):
    """One recipe's map: the places in the order of the grid, and the scale that all maps share."""

    places: list[Place]
    scale: Scale

    @property
    def panels(self) -> list[Markup]:
        widths = sorted({place.width for place in self.places})
        return [panel(self.name, self.places, width, self.scale) for width in widths]

    def where(self, verdict: str) -> list[Place]:
        return [place for place in self.places if place.verdict == verdict]

    @property
    def sentence(self) -> Markup:
        """Where it helps, where it hurts, and how many cells have another verdict."""
        if not any(place.known for place in self.places):
            return Markup("Nothing to compare: {}.").format(self.places[0].verdict)
        shown = [
            Markup("<b>{}</b> {}").format(verdict, extent(places, self.places, self.scale.measure))
            for verdict in SHOWN
            if (places := self.where(verdict))
        ]
        undecided = [
            f"{len(places)} show{'s' if len(places) == 1 else ''} no relevant difference"
            if verdict == "no relevant difference"
            else f"{len(places)} cannot tell"
            for verdict in ("no relevant difference", "cannot tell")
            if (places := self.where(verdict))
        ]
        start = Markup("It {}.").format(listed(shown)) if shown else f"It {NOWHERE}."
        rest = f" Of {many(len(self.places), 'cell')}, {' and '.join(undecided)}." if undecided else ""
        return Markup("{}{}").format(start, rest)


def panel(name: str, places: Sequence[Place], width: int, scale: Scale) -> Markup:
    """The cells of one width: training size across, label noise upwards."""
    in_panel = [place for place in places if place.width == width]
    sizes, noises = sorted({place.train_size for place in in_panel}), sorted({place.label_noise for place in in_panel})
    cells = {(sizes.index(place.train_size), noises.index(place.label_noise)): place for place in in_panel}
    in_units = f" in {scale.measure.units}" if scale.measure.units else ""
    words = label_words(scale.measure.metric).wrong
    difference = f"difference of {scale.measure.name} to none{in_units}"
    return grid(
        f"width {width:,}",
        f"{name}, width {width}: {difference}, by training examples and {words}",
        cells,
        across=GridSide("training examples", [f"{size:,}" for size in sizes]),
        up=GridSide(f"{words}, %", [f"{100 * noise:g}" for noise in noises]),
        scale=scale,
    )


def extent(places: Sequence[Place], every: Sequence[Place], measure: Measure) -> str:
    """Where these cells are, and the largest difference among them."""
    largest = max(places, key=lambda place: abs(place.difference.mean))
    words = label_words(measure.metric)
    spread = f"{measure.amount(largest.difference.mean)}, {measure.range(largest.difference)}"
    if len(places) == 1:
        return f"{region(places, every, words)} ({spread})"
    return f"{region(places, every, words)} (most {region([largest], places, words)}: {spread})"


def region(chosen: Sequence[Place], every: Sequence[Place], words: LabelWords = CLASS_LABELS) -> str:
    """`with 100 or 300 examples and 40 % wrong labels`; for other sets of places, their number and what they share."""
    covered, whole = ({axis: {getattr(place, axis) for place in places} for axis in AXES} for places in (chosen, every))
    if len(chosen) == len(every):
        return "in every cell"
    limits = [in_words(axis, sorted(covered[axis]), words) for axis in AXES if covered[axis] != whole[axis]]
    if len(chosen) == prod(len(values) for values in covered.values()):
        return f"with {listed(limits)}"
    return f"in {len(chosen)} of {len(every)} cells" + (f", all with {listed(limits)}" if limits else "")


def in_words(axis: str, values: list, words: LabelWords = CLASS_LABELS) -> str:
    if axis == "label_noise":
        shares = [f"{100 * value:g}" for value in values]
        return words.right if values == [0] else f"{either(shares)}\u00a0% {words.wrong}"
    if axis == "width":
        return f"width {either(values)}"
    return f"{either(values)} examples"


def either(values: Sequence) -> str:
    """a, b or c."""
    *first, last = map(setting, values)
    return f"{', '.join(first)} or {last}" if first else last


def recipes(study: Study) -> list[RecipeMap]:
    """In the order of params.yaml, without `none`."""
    rows = study.metrics.get("regimes", {})
    entries = [entry for entry in study.family("regimes") if entry.name in rows]
    places = [[Place.of(row) for row in rows[entry.name]["cells"].values()] for entry in entries]
    scale = scale_of([place for of_recipe in places for place in of_recipe], study.measure)
    return [RecipeMap(entry, of_recipe, scale) for entry, of_recipe in zip(entries, places, strict=True)]


def lead(maps: Sequence[RecipeMap]) -> Markup:
    """In how many cells each recipe helps, and hurts."""

    def summarize(recipe: RecipeMap) -> Markup:
        counts = [f"{verdict} in {len(places)}" for verdict in SHOWN if (places := recipe.where(verdict))]
        return Markup("<b>{}</b> {}").format(recipe.name, listed(counts) if counts else NOWHERE)

    every = many(len(maps[0].places), "cell")
    return Markup("Of {} of training size, label noise and width, {}.").format(
        every, Markup("; ").join(map(summarize, maps))
    )


def points_to_know(maps: Sequence[RecipeMap], seeds: int, confidence: float) -> list[Point]:
    """Which recipe gains most where, which help in some cells and hurt in others, and whether there are too few seeds."""
    points = []
    if leading := leaders(maps):
        text = Markup("Wherever something is shown to help, the largest gain is that of <b>{}</b>.").format(*leading)
        if len(leading) > 1:
            parts = [
                Markup("of <b>{}</b> {}").format(
                    name, region(places, maps[0].places, label_words(maps[0].scale.measure.metric))
                )
                for name, places in leading.items()
            ]
            text = Markup("The ranking depends on the cell: the largest gain shown is that {}.").format(
                Markup("; ").join(parts)
            )
        text += " Recipes are compared with none here, not with each other."
        points.append(Point("Largest gain", text))
    if turning := [recipe.name for recipe in maps if recipe.where("helps") and recipe.where("hurts")]:
        text = Markup("{}: the effect depends on the data and the network.")
        names = listed([Markup("<b>{}</b>").format(name) for name in turning])
        points.append(Point("Helps and hurts", text.format(names)))
    comparisons = sum(place.p_holm is not None for recipe in maps for place in recipe.places)
    if seeds < (least := smallest_seeds(comparisons, 1 - confidence)):
        text = Markup("With {} seeds no cell of {} comparisons can be shown to help or to hurt; this needs {} seeds.")
        points.append(Point("Too few seeds", text.format(seeds, comparisons, least), alarming=True))
    return points


def leaders(maps: Sequence[RecipeMap]) -> dict[str, list[Place]]:
    """The recipe with the largest mean gain in each cell where one is shown to help, with those cells."""
    led: dict[str, list[Place]] = {}
    for places in zip(*(recipe.places for recipe in maps), strict=True):
        helping = [
            (recipe.scale.measure.sign * place.difference.mean, recipe.name, place)
            for recipe, place in zip(maps, places, strict=True)
            if place.verdict == "helps"
        ]
        if helping:
            _, name, place = max(helping, key=lambda each: each[0])
            led.setdefault(name, []).append(place)
    return led


def regimes_section(study: Study) -> Section | None:
    maps = recipes(study)
    if not maps:
        return None
    confidence = study.settings["evaluation"]["confidence"]
    values = {
        "maps": maps,
        "inapplicable": study.inapplicable("regimes"),
        "scale": maps[0].scale,
        "lead": lead(maps),
        "points": points_to_know(maps, study.settings["seeds"], confidence),
        "comparisons": sum(place.p_holm is not None for recipe in maps for place in recipe.places),
        "confidence": confidence,
        "measure": study.measure,
        "words": study.label_words,
        "relevant": study.relevant_difference,
        "seeds": study.settings["seeds"],
    }
    return Section("regimes", "Where it helps", body("regimes.html", **values))


SECTIONS = (Placed(regimes_section, "pages/tuning.html", place=3),)
