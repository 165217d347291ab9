"""What each pretext learned, and what its features are good for, beside those of the untrained network."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from reglab.report.answer import Point, link, listed
from reglab.report.collect import Entry
from reglab.report.compared import Compared, Measure, numbers_of
from reglab.report.drawings import drawn, over_epochs, picture
from reglab.report.formats import fixed, missing, percent
from reglab.report.study import Placed, Section, Study, body

PROBES = (Measure("test_linear_probe", "Linear probe"), Measure("test_neighbour_probe", "Neighbour probe"))
DOES = {
    "scratch": "Nothing is learned: the weights as chance made them, with which every other is compared.",
    "masked": "Parts of an image are hidden; the network fills them in.",
    "denoising": "Noise is added to an image; the network takes it away.",
    "orientation": "Of two versions of an image one is upside-down; the network tells which.",
    "contrastive": "Each image is varied twice; the network tells which two belong together.",
    "supervised_base_classes": "The labels of some classes teach the network, which is then to learn the others.",
    "other_images": "Rendered scenes and their labels teach the network, which is then to learn the study's images.",
    "next_sentence": "Of two sentences from one passage: does the second follow the first?",
}


@dataclass(frozen=True)
class Learned(Compared):
    """An entry of `pretraining`."""

    @property
    def does(self) -> str:
        return DOES.get(self.name, "")

    @property
    def text(self) -> bool:
        """Is it on sentences? Then its probes are asked for something else than those of images."""
        return self.own.get("source") == "text"

    @property
    def kind(self) -> str:
        return "reference" if self.reference else "on text: the probes tell where in it" if self.text else ""

    @property
    def loss(self) -> float | None:
        """Of the pretext itself, on test examples."""
        return self.measured("test_pretext_loss").mean

    @property
    def accuracy(self) -> float | None:
        """Of the pretext itself, on test examples, where it is a choice."""
        return self.measured("test_pretext_accuracy").mean

    @property
    def chance(self) -> float | None:
        """How often guessing is right."""
        return self.measured("test_pretext_chance").mean

    @property
    def above_chance(self) -> bool:
        """Does the interval of the accuracy lie above chance?"""
        low = self.measured("test_pretext_accuracy").low
        return not missing(low) and low > self.chance

    @property
    def operations(self) -> int | None:
        """Floating-point operations of the pretraining of one seed."""
        return self.entry.record.get("cost", {}).get("flops")

    @property
    def picture(self) -> Markup | None:
        return picture(self.entry, "pretext")


def pretexts(entries: list[Entry], metrics: dict) -> list[Learned]:
    return [Learned(entry, numbers_of(entry, metrics)) for entry in entries if entry.family == "pretraining"]


def values(found: list[Learned]) -> dict:
    """What the template shows: the reference first, then in the order of params.yaml; what diverged apart."""
    ranked = sorted((row for row in found if not row.diverged), key=lambda row: not row.reference)
    diverged = [row for row in found if row.diverged]
    scratch = next((row for row in ranked if row.reference), None)
    points = [Point(f"By the {probe.title.lower()}", learned_better(ranked, probe)) for probe in PROBES if scratch]
    if text := compare_with_chance(ranked):
        points.append(Point("The pretexts themselves", text))
    if diverged:
        points.append(Point("Diverged", Markup("{}.").format(listed([link(row) for row in diverged])), alarming=True))
    curves = {row.name: curve(row, scratch) for row in ranked}
    return {"ranked": ranked, "diverged": diverged, "points": points, "curves": curves, "probes": PROBES}


def learned_better(found: list[Learned], probe: Measure) -> Markup:
    """By this probe: whose features are better than those of the untrained network, whose are worse, whose unclear."""
    judged = [(row, effect) for row in found if not row.reference and (effect := row.effect(probe.metric))]
    if not judged:
        return Markup("There is nothing to compare.")

    def said(of: str, verdict: str) -> Markup:
        parts = [
            Markup("{} ({}\u00a0points, {})").format(
                link(row), probe.difference(effect.difference.mean), probe.range(effect.difference)
            )
            for row, effect in judged
            if effect.verdict == verdict
        ]
        return Markup("{}: {}. ").format(of, listed(parts)) if parts else Markup("")

    better = said("Better than without learning", "helps")
    better = better or Markup("None is shown to be better than without learning. ")
    return (better + said("Worse", "hurts") + said("Cannot be told", "cannot tell")).rstrip()


def compare_with_chance(found: list[Learned]) -> Markup | None:
    """How the pretexts that are a choice compare with guessing, on test examples."""
    with_accuracy = [row for row in found if not missing(row.accuracy)]
    if not with_accuracy:
        return None
    parts = [
        Markup("{} {}\u00a0% (chance {}{})").format(
            link(row),
            percent(row.accuracy),
            percent(row.chance),
            "" if row.above_chance else ", not shown to be above it",
        )
        for row in with_accuracy
    ]
    return Markup("{}.").format(listed(parts))


def curve(row: Learned, scratch: Learned | None) -> Markup | None:
    """Both probes over the epochs, on validation examples, means over seeds; dashed: what they were without learning."""
    seeds = [seed for seed in row.entry.seeds("finished") if seed in row.entry.curves]
    curves, levels = {}, {}
    for probe in PROBES:
        column = probe.metric.replace("test_", "validation_")
        name = probe.title.lower()
        if seeds and all(column in row.entry.curves[seed] for seed in seeds):
            epochs = [row.entry.curves[seed]["epoch"] for seed in seeds]
            shortest = min(map(len, epochs))
            values = np.mean([row.entry.curves[seed][column][:shortest] for seed in seeds], axis=0)
            probed = np.isfinite(values)
            curves[name] = epochs[0][:shortest][probed], values[probed]
            levels[name] = scratch.measured(column).mean if scratch and row.comparisons else None
    if not curves:
        return None
    text = "; ".join(f"{name} ends at {fixed(100 * values[-1], 1)} %" for name, (_, values) in curves.items())
    return drawn(over_epochs(curves, levels), f"probes-{row.name}", f"{row.name} over epochs: {text}")


def pretexts_section(study: Study) -> Section | None:
    found = pretexts(study.entries, study.metrics)
    if not found:
        return None
    return Section("pretexts", "Pretexts", body("pretexts.html", **values(found)))


SECTIONS = (Placed(pretexts_section, "pages/few_labels.html", place=2),)
