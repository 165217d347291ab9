"""The section on several tasks: segmentation and depth, learned separately, tied, or on one trunk."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reglab.report.answer import Point, link
from reglab.report.collect import Entry
from reglab.report.compared import Compared, numbers_of, summary_sentence
from reglab.report.drawings import Line, against_labels, drawn, picture
from reglab.report.formats import listed, missing
from reglab.report.measure import Measure, relevant_difference
from reglab.report.study import Placed, Section, Study, body

IOU = Measure("test_iou", "IoU")
DEPTH = Measure("test_depth_rmse", "depth error", share=False, lower_is_better=True)
MEASURES = (IOU, DEPTH)
UNIT = {IOU: "\u00a0%", DEPTH: ""}
SCENES = "labelled scenes"
ALONE = {IOU: "segmentation_only", DEPTH: "depth_only"}
# How the two tasks share weights, from least to most.
KINDS = {
    "segmentation_only": "separate",
    "depth_only": "separate",
    "soft_tied": "tied",
    "joint": "shared",
    "uncertainty_weighting": "shared, task weights learned",
}


@dataclass(frozen=True)
class MultitaskEntry(Compared):
    """An entry of `multitask`."""

    @property
    def kind(self) -> str:
        return KINDS.get(self.name, "")

    def learns(self, measure: Measure) -> bool:
        """Whether it has learned this task."""
        return not missing(self.measured(measure.metric).mean)


def methods(entries: list[Entry], metrics: dict) -> list[MultitaskEntry]:
    """The entries of `multitask`, ordered by how much their tasks share."""
    described = [MultitaskEntry(entry, numbers_of(entry, metrics)) for entry in entries if entry.family == "multitask"]
    order = list(KINDS)
    return sorted(described, key=lambda method: order.index(method.name) if method.name in order else len(order))


def values(methods: list[MultitaskEntry], variants: Sequence[int]) -> dict:
    """The values for the template; the picture of the shared trunk comes first."""
    pictured = sorted((m for m in methods if m.entry.figure), key=lambda method: method.name != "joint")
    return {
        "methods": methods,
        "variants": variants,
        "measures": MEASURES,
        "per": SCENES,
        "answers": answers(methods, variants),
        "points": points_to_know(methods, variants),
        "figures": figures(methods, variants),
        "pictures": {method.name: picture(method.entry, "predictions") for method in pictured},
    }


def answers(methods: list[MultitaskEntry], variants: Sequence[int]) -> list[Point]:
    """For each task, whether learning it together with the other helps."""
    points = []
    for measure, twin in ALONE.items():
        others = [method for method in methods if method.name not in ALONE.values()]
        if others and any(method.name == twin for method in methods):
            title = {IOU: "Segmentation", DEPTH: "Depth"}[measure]
            points.append(
                Point(title, summary_sentence(others, measure, variants, f"learning it alone ({twin})", SCENES))
            )
    return points


def three_ways(methods: list[MultitaskEntry], variants: Sequence[int]) -> Point | None:
    """Separate networks, tied networks, one trunk: their numbers side by side, with the fewest scenes and the most."""
    named = {method.name: method for method in methods}
    ways = {"separate": ALONE, "tied": dict.fromkeys(MEASURES, "soft_tied"), "shared": dict.fromkeys(MEASURES, "joint")}
    if not all(name in named and named[name].learns(m) for way in ways.values() for m, name in way.items()):
        return None
    sentences = []
    for variant in dict.fromkeys((variants[0], variants[-1])):
        parts = []
        for measure in MEASURES:
            values = [
                f"{measure.value(named[way[measure]].measured(measure.at(variant)).mean)}{UNIT[measure]} {title}"
                for title, way in ways.items()
            ]
            parts.append(f"{measure.title} {', '.join(values)}")
        sentences.append(Markup("With {} {}: {}.").format(variant, SCENES, "; ".join(parts)))
    return Point("Separate, tied, shared", Markup(" ").join(sentences))


def points_to_know(methods: list[MultitaskEntry], variants: Sequence[int]) -> list[Point]:
    """The points beside the answers."""
    points = [point] if (point := three_ways(methods, variants)) else []
    if diverged := [method for method in methods if method.diverged]:
        text = Markup("{}. Methods that diverged are not compared.").format(
            listed([link(method) for method in diverged])
        )
        points.append(Point("Diverged", text, alarming=True))
    return points


def figures(methods: list[MultitaskEntry], variants: Sequence[int]) -> list[Markup]:
    """IoU and depth error against the number of labelled scenes."""
    drawings = []
    for measure in MEASURES:
        lines = [
            Line(
                method.name,
                [scaled(method, measure, variant) for variant in variants],
                "reference" if method.name == ALONE[measure] else "shown",
            )
            for method in methods
            if method.learns(measure)
        ]
        if lines:
            figure = against_labels(lines, variants, SCENES, f"{measure.title}, %" if measure.share else measure.title)
            drawings.append(drawn(figure, f"tasks-{measure.metric}", f"{measure.title} against {SCENES}"))
    return drawings


def scaled(method: MultitaskEntry, measure: Measure, variant: int) -> list[float]:
    return [(100 if measure.share else 1) * x for x in method.measured(measure.at(variant))]


def tasks_section(study: Study) -> Section | None:
    entries = methods(study.entries, study.metrics)
    if not entries:
        return None
    shown = values(entries, study.settings["few_scenes"]["labelled"])
    evaluation = study.settings["evaluation"]
    shown |= {"confidence": evaluation["confidence"], "relevant": relevant_difference(study.settings, IOU.metric)}
    shown |= {"seeds": study.settings["seeds"]}
    return Section("tasks", "Several tasks", body("tasks.html", **shown))


SECTIONS = (Placed(tasks_section, "pages/few_labels.html", place=3),)
