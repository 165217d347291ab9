"""The lecture's three panels, transfer, multi-task and self-supervised learning, with this study's pictures and numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reglab.experiments.few_labels.groups import Group, Method
from reglab.experiments.multitask.report import DEPTH, IOU, SCENES
from reglab.report.collect import Entry
from reglab.report.compared import Compared
from reglab.report.drawings import picture
from reglab.report.formats import capital, listed
from reglab.report.measure import Measure


@dataclass(frozen=True)
class LecturePanel:
    """One of the three panels: a text, a picture, and a few numbers by the number of labels."""

    letter: str
    title: str
    text: str
    picture: Markup | None
    heading: str
    columns: Sequence[int]
    rows: list[tuple[Compared, list[str]]]


def row(method: Compared, measure: Measure, variants: Iterable[int]) -> tuple[Compared, list[str]]:
    return method, [measure.value(method.measured(measure.at(variant)).mean) for variant in variants]


def panels(entries: list[Entry], groups: list[Group], tasks: list[Compared], settings: dict) -> list[LecturePanel]:
    """The panels for which the study has results."""
    pretexts = {entry.name: entry for entry in entries if entry.family == "pretraining"}
    drawn = [transfer(groups, pretexts, settings), multitask(tasks, settings), self_supervised(groups, pretexts)]
    return [panel for panel in drawn if panel]


def transfer(groups: list[Group], pretexts: dict[str, Entry], settings: dict) -> LecturePanel | None:
    """Transfer from some classes to the others: from scratch, with the backbone frozen, and tuned."""
    for group in groups:
        start = next((pretexts.get(m.settings["start"]) for m in group.methods if group.classes and m.candidate), None)
        if start:
            classes = settings["pretraining"][start.name].get("classes")
            source = f"the classes {listed(list(range(classes)))}" if classes else start.name
            text = f"Learn from {source} and all their labels, then tell {listed(list(group.classes))} apart with few."
            return few(group, group.methods, "a", "Transfer learning", text, start)
    return None


def self_supervised(groups: list[Group], pretexts: dict[str, Entry]) -> LecturePanel | None:
    """Inpainting, and training from its backbone beside training from scratch."""
    for group in groups:
        masked = [method for method in group.methods if method.settings.get("start") == "masked" or method.reference]
        if not group.classes and "masked" in pretexts and len(masked) > 1:
            text = "Hide parts of examples that have no labels, learn to fill them in, then learn from few labels."
            return few(group, masked, "c", "Self-supervised learning", text, pretexts["masked"])
    return None


def few(group: Group, methods: list[Method], letter: str, title: str, text: str, start: Entry) -> LecturePanel:
    rows = [row(method, group.measure, group.variants) for method in methods]
    heading = f"{capital(group.measure.axis(group.measure.title))}, by {group.per}"
    shown = picture(start, f"panel-{letter}")
    return LecturePanel(letter, title, text, shown, heading, group.variants, rows)


def multitask(tasks: list[Compared], settings: dict) -> LecturePanel | None:
    """One trunk for both tasks beside one network for each."""
    named = {method.name: method for method in tasks}
    if "joint" not in named:
        return None
    variants = settings["few_scenes"]["labelled"]
    pairs = [("segmentation_only", IOU), ("joint", IOU), ("depth_only", DEPTH), ("joint", DEPTH)]
    rows = [row(named[name], measure, variants) for name, measure in pairs if name in named]
    text = "One trunk learns what each pixel belongs to and how far away it is, with a head for either task."
    heading = f"{IOU.title}, % (above), and {DEPTH.title} (below), by {SCENES}"
    shown = picture(named["joint"].entry, "panel-b")
    return LecturePanel("b", "Multi-task learning", text, shown, heading, variants, rows)
