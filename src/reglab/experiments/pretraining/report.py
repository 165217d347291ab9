"""The section on pretext tasks: how well each is solved, and how useful its features are compared with random ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup

from reglab.core.task_names import TaskName
from reglab.core.wording import many
from reglab.report.answer import Point, link
from reglab.report.collect import Entry
from reglab.report.compared import Compared, numbers_of
from reglab.report.drawings import drawn, over_epochs, picture
from reglab.report.formats import listed, missing, percent
from reglab.report.measure import Measure
from reglab.report.study import Placed, Section, Study, body
from reglab.report.tuned_answer import in_words

PROBES = (Measure("test_linear_probe", "Linear probe"), Measure("test_neighbour_probe", "Neighbour probe"))
SCORES: dict[TaskName, str] = {"classification": "accuracy", "regression": "R²", "multilabel": "mean AUROC"}
FITTED: dict[TaskName, str] = {
    "classification": "a linear classifier and a vote of the nearest neighbours",
    "regression": "a linear regression and the mean of the nearest neighbours",
    "multilabel": "a logistic regression a label and the vote of the nearest neighbours",
}
CAPTIONS: dict[TaskName, str] = {
    "classification": "accuracies in %",
    "regression": "R² of probes, accuracies in %",
    "multilabel": "mean AUROC of probes and accuracies in %",
}
ALIKE: dict[TaskName, str] = {  # of a frame in the pictures
    "classification": "of the same class, a dotted red one of another",
    "regression": "of an amount within half a standard deviation of its own, a dotted red one of another",
    "multilabel": "of the same set of labels, a dotted red one of another",
}
DESCRIPTIONS = {
    "scratch": "Nothing is learned: random initial weights, the reference for all other pretexts.",
    "raw_inputs": "No network: the numbers of an example are its features.",
    "masked": "Parts of an input (patches of an image, columns of a table) are hidden; the network fills them in.",
    "denoising": "Noise is added to the inputs; the network removes it.",
    "orientation": "Of two versions of an image one is upside-down; the network tells which.",
    "contrastive": "Each example is varied twice; the network tells which two belong together.",
    "supervised_base_classes": "The network learns some classes from their labels and is then adapted to the others.",
    "other_images": "The network learns rendered scenes from their labels and is then adapted to the study's images.",
    "next_sentence": "Of two sentences from one passage: does the second follow the first?",
}


@dataclass(frozen=True)
class PretextEntry(Compared):
    """An entry of `pretraining`."""

    @property
    def description(self) -> str:
        return DESCRIPTIONS.get(self.name, "")

    @property
    def text(self) -> bool:
        """Whether it learns from sentences; its probes then have another task than those of images."""
        return self.settings.get("source") == "text"

    @property
    def kind(self) -> str:
        kinds = ["reference"] if self.reference else ["on text: the probes tell where in it"] if self.text else []
        return "; ".join(kinds + ([f"tuned: {self.chosen}"] if self.chosen else []))

    @property
    def chosen(self) -> str:
        """The settings that its search has chosen, in words; empty where it has none."""
        settings = self.entry.record.get("chosen", {}).get("settings", {})
        return ", ".join(f"{name.replace('_', ' ')} {in_words(value)}" for name, value in settings.items())

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
        """Whether the interval of the accuracy lies above chance."""
        low = self.measured("test_pretext_accuracy").low
        return not missing(low) and low > self.chance

    @property
    def operations(self) -> int | None:
        """Floating-point operations of the pretraining of one seed."""
        return self.entry.record.get("cost", {}).get("flops")

    @property
    def picture(self) -> Markup | None:
        return picture(self.entry, "pretext")


def pretexts(entries: list[Entry], metrics: dict) -> list[PretextEntry]:
    return [PretextEntry(entry, numbers_of(entry, metrics)) for entry in entries if entry.family == "pretraining"]


def values(entries: list[PretextEntry], task: TaskName = "classification") -> dict:
    """The values for the template: the reference first, then the order of params.yaml; diverged entries separately."""
    probes = [replace(probe, share=task != "regression") for probe in PROBES]
    ranked = sorted((row for row in entries if not row.diverged), key=lambda row: not row.reference)
    diverged = [row for row in entries if row.diverged]
    scratch = next((row for row in ranked if row.reference), None)
    points = [Point(f"By the {probe.title.lower()}", learned_better(ranked, probe)) for probe in probes if scratch]
    points += [
        Point(f"Against raw inputs, by the {probe.title.lower()}", text)
        for probe in probes
        if (text := beside_raw_inputs(ranked, probe))
    ]
    if text := budget(ranked):
        points.append(Point("Tuning", text))
    if text := compare_with_chance(ranked):
        points.append(Point("The pretexts themselves", text))
    if diverged:
        points.append(Point("Diverged", Markup("{}.").format(listed([link(row) for row in diverged])), alarming=True))
    curves = {row.name: curve(row, scratch, probes, SCORES[task]) for row in ranked}
    words = {"score": SCORES[task], "fitted": FITTED[task], "alike": ALIKE[task], "caption": CAPTIONS[task]}
    return {"ranked": ranked, "diverged": diverged, "points": points, "curves": curves, "probes": probes} | words


def learned_better(entries: list[PretextEntry], probe: Measure) -> Markup:
    """By this probe, which features are better than those of the untrained network, which worse, which unclear."""
    judged = [(row, effect) for row in entries if not row.reference and (effect := row.effect(probe.metric))]
    if not judged:
        return Markup("There is nothing to compare.")

    def sentence(start: str, verdict: str) -> Markup:
        parts = [
            Markup("{} ({}, {})").format(
                link(row), probe.amount(effect.difference.mean), probe.range(effect.difference)
            )
            for row, effect in judged
            if effect.verdict == verdict
        ]
        return Markup("{}: {}. ").format(start, listed(parts)) if parts else Markup("")

    better = sentence("Better than without learning", "helps")
    better = better or Markup("None is shown to be better than without learning. ")
    better += sentence("Worse", "hurts") + sentence("No relevant difference", "no relevant difference")
    return (better + sentence("Cannot be told", "cannot tell")).rstrip()


def beside_raw_inputs(entries: list[PretextEntry], probe: Measure) -> Markup | None:
    """By this probe, which features are better than the inputs themselves, which worse, which unclear."""
    effects = [(row, effect) for row in entries if (effect := row.effect(probe.metric)) and effect.rival]
    parts = []
    for start, sign in (("Better", 1), ("Worse", -1), ("Cannot be told", 0)):
        named = [
            Markup("{} ({}, {})").format(link(row), probe.amount(lead.mean), probe.range(lead))
            for row, effect in effects
            if probe.sign * effect.rival_sign == sign and not missing((lead := effect.over_rival).mean)
        ]
        parts += [Markup("{}: {}.").format(start, listed(named))] if named else []
    return Markup(" ").join(parts) if parts else None


def budget(entries: list[PretextEntry]) -> Markup | None:
    """With how many trainings the pretexts were tuned, the same for each."""
    spent: dict[int, list[Markup]] = {}
    for row in entries:
        if trainings := row.entry.record.get("budget", {}).get("trainings"):
            spent.setdefault(trainings, []).append(link(row))
    if not spent:
        return None
    parts = [
        Markup("{} with {}").format(listed(names), many(trainings, "training")) for trainings, names in spent.items()
    ]
    text = "{}. The settings with the best linear probe on validation examples were chosen; they stand below the names."
    return Markup(text).format(listed(parts))


def compare_with_chance(entries: list[PretextEntry]) -> Markup | None:
    """How the pretexts that are classifications compare with guessing, on test examples."""
    with_accuracy = [row for row in entries if not missing(row.accuracy)]
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


def curve(
    row: PretextEntry, scratch: PretextEntry | None, probes: Sequence[Measure] = PROBES, score: str = "accuracy"
) -> Markup | None:
    """Both probes over the epochs, on validation examples, means over seeds; dashed: the untrained network."""
    seeds = [seed for seed in row.entry.seeds("finished") if seed in row.entry.curves]
    curves, levels = {}, {}
    for probe in probes:
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
    text = "; ".join(
        f"{probe.title.lower()} ends at {probe.value(curves[probe.title.lower()][1][-1])}{' %' if probe.share else ''}"
        for probe in probes
        if probe.title.lower() in curves
    )
    return drawn(
        over_epochs(curves, levels, probes[0].axis(score), probes[0].scale),
        f"probes-{row.name}",
        f"{row.name} over epochs: {text}",
    )


def pretexts_section(study: Study) -> Section | None:
    entries = pretexts(study.entries, study.metrics)
    if not entries:
        return None
    shown = values(entries, study.measure.task) | {"inapplicable": study.inapplicable("pretraining")}
    return Section("pretexts", "Pretexts", body("pretexts.html", **shown))


SECTIONS = (Placed(pretexts_section, "pages/few_labels.html", place=2),)
