"""The tables of few labels: transfer and semi-supervised methods against training from scratch and a classical method."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reglab.core.families import sections
from reglab.report.answer import Point, link
from reglab.report.collect import Entry
from reglab.report.compared import Compared, comparable, numbers_of, summary_sentence
from reglab.report.drawings import Line, against_labels, drawn
from reglab.report.formats import fixed, listed, missing
from reglab.report.measure import ACCURACY, Measure

FAMILIES = sections(home="few_labels")
SCRATCH = "training from scratch with the same augmentation"
BESIDE = {  # shown where they are measured
    "test_ece": "calibration error",
    "test_nll": "loss",
    "test_binary_cross_entropy": "loss",
    "test_r2": "R²",
    "bias_squared": "bias²",
    "variance": "variance",
}
NOTES = {  # what these are of each task, in words
    "classification": "calibration, loss, bias² and variance",
    "regression": "R², bias² and variance",
    "multilabel": "loss, bias² and variance",
}


@dataclass(frozen=True)
class Method(Compared):
    """An entry that learned from few labels. `rival`: the classical method that networks should beat, if there is one."""

    rival: str | None

    @property
    def classical(self) -> bool:
        return self.name == self.rival

    @property
    def candidate(self) -> bool:
        """Whether it is a method under test: not the classical method, nor training from scratch of either kind."""
        return not self.classical and self.settings.get("start") != "scratch"

    @property
    def classes(self) -> tuple[int, ...] | None:
        return tuple(self.settings["classes"]) if self.settings.get("classes") else None

    @property
    def kind(self) -> str:
        """What it is, in a few words."""
        if self.entry.family != "transfer":
            return "classical" if self.classical else "semi-supervised"
        start = "reference, from scratch" if self.reference else f"from {self.settings['start']}"
        further = [] if self.settings["augment"] else ["not augmented"]
        further += ["labels propagated"] if self.settings.get("label_propagation") else []
        return ", ".join([start, self.settings["backbone"], *further])

    @property
    def cost(self) -> float | None:
        """Of the pretraining and the training, training from scratch = 1; not counted of a classical method."""
        return None if self.classical else self.entry.record.get("cost", {}).get("relative_to_none")

    def beside(self, variant: int) -> str:
        """Calibration, loss, bias² and variance, in words."""
        means = {title: self.measured(f"{metric}@{variant}").mean for metric, title in BESIDE.items()}
        return ", ".join(f"{title} {fixed(value, 3)}" for title, value in means.items() if not missing(value))


@dataclass(frozen=True)
class Group:
    """The methods for the same classes (None: all of them), the best by the measure first."""

    classes: tuple[int, ...] | None
    methods: list[Method]
    variants: Sequence[int]
    measure: Measure = ACCURACY

    @property
    def id(self) -> str:
        return "-".join(["few", *map(str, self.classes or ("all",))])

    @property
    def title(self) -> str:
        if not counts_classes(self.measure):
            return "All examples"
        return f"Classes {listed(list(self.classes))} alone" if self.classes else "All classes"

    @property
    def per(self) -> str:
        """What is counted on the axis of a figure."""
        return "labels per class" if counts_classes(self.measure) else "labelled examples"

    def column(self, variant: int) -> str:
        """The title of a column: 3 labels a class, or 30 labelled examples."""
        if counts_classes(self.measure):
            return f"{variant} label{'' if variant == 1 else 's'} a class"
        return f"{variant} labelled example{'' if variant == 1 else 's'}"

    @property
    def ranked(self) -> list[Method]:
        return [method for method in self.methods if not method.diverged]

    @property
    def diverged(self) -> list[Method]:
        return [method for method in self.methods if method.diverged]

    def chosen(self, variant: int) -> Method | None:
        """The network that is best on validation data."""
        networks = [method for method in self.ranked if not method.classical]
        return best_by(self.measure, self.measure.validation().at(variant), networks)

    @property
    def answer(self) -> Markup:
        """Which method gains most over training from scratch."""
        return summary_sentence(
            [m for m in self.methods if m.candidate], self.measure, self.variants, SCRATCH, self.per
        )

    @property
    def figure(self) -> Markup | None:
        """Error against labels: the reference, the classical method, and the best of either family on validation data."""
        if not self.ranked:
            return None
        shown = [
            best_by(self.measure, self.measure.validation().metric, methods).name
            for family in FAMILIES
            if (methods := [method for method in self.ranked if method.candidate and method.entry.family == family])
        ]
        lines = []
        for method in self.ranked:
            values = [self.measure.errors_of(method.measured(self.measure.at(variant))) for variant in self.variants]
            how = "rival" if method.classical else "reference" if method.reference else "other"
            lines.append(Line(method.name, values, "shown" if method.name in shown else how))
        error = f"test {self.measure.error}"
        figure = against_labels(
            lines, self.variants, self.per, self.measure.axis(error), logarithmic=self.measure.share
        )
        return drawn(figure, self.id, f"{error} against {self.per}: {self.title}")


def counts_classes(measure: Measure) -> bool:
    """Whether the numbers of labels are those of each class."""
    return measure.task == "classification"


def best_by(measure: Measure, metric: str, methods: Sequence[Method]) -> Method | None:
    """The one with the best mean of the metric, which the measure is of; None where there are none."""
    return max(methods, key=lambda method: measure.sign * method.measured(metric).mean, default=None)


def groups(entries: list[Entry], metrics: dict, variants: Sequence[int], measure: Measure = ACCURACY) -> list[Group]:
    """The methods grouped by their classes, the group of all classes first."""
    few = [entry for entry in entries if entry.family in FAMILIES]
    numbers = [numbers_of(entry, metrics) for entry in few]
    compared = [row for entry_numbers in numbers for row in entry_numbers.get("comparisons", {}).values()]
    rival = next((row["over_rival"]["name"] for row in compared if "over_rival" in row), None)
    methods = [Method(entry, entry_numbers, rival) for entry, entry_numbers in zip(few, numbers, strict=True)]

    def rank(method: Method) -> tuple:
        value = method.measured(measure.metric).mean
        return missing(value), 0.0 if missing(value) else -measure.sign * value

    kinds = sorted({method.classes for method in methods}, key=lambda classes: classes or ())
    return [
        Group(classes, sorted((m for m in methods if m.classes == classes), key=rank), variants, measure)
        for classes in kinds
    ]


def against_rival(group: Group) -> Markup | None:
    """Does the best of all networks, chosen on validation data, beat the classical method on the same labels?"""
    rival = next((method for method in group.ranked if method.classical), None)
    chosen = {variant: best for variant in group.variants if (best := group.chosen(variant))}
    if rival is None or not chosen:
        return None
    measure = group.measure
    same = len({best.name for best in chosen.values()}) == 1
    outcomes: dict[str, list[Markup]] = {"beats": [], "falls short of": [], "cannot be distinguished from": []}
    for variant, best in chosen.items():
        effect = best.effect(measure.at(variant))
        lead = effect.over_rival
        name = "" if same else Markup("{}, ").format(link(best))
        detail = Markup("{} ({}{}, {})").format(variant, name, measure.amount(lead.mean), measure.range(lead))
        outcomes[outcome(measure.sign * effect.rival_sign)].append(detail)
    bar = Markup("<b>{}</b>, the classical method on the same labels,").format(link(rival))
    known = [(verb, details) for verb, details in outcomes.items() if details]
    parts = [
        Markup("{} {} at {}").format(verb, "it" if number else bar, listed(details))
        for number, (verb, details) in enumerate(known)
    ]
    who = Markup(", {},").format(link(chosen[group.variants[0]])) if same else ""
    never = "" if outcomes["beats"] else " At no number of labels is it shown to beat it."
    extreme = "lowest" if measure.lower_is_better else "highest"
    return Markup("The network with the {} validation {}{} {}.{}").format(
        extreme, measure.title, who, listed(parts), never
    )


def outcome(sign: int) -> str:
    """The sign of a gain that is shown, as a verb."""
    return {1: "beats", 0: "cannot be distinguished from", -1: "falls short of"}[sign]


def points_to_know(every: list[Group]) -> list[Point]:
    """The points beside the answer: the effect of augmentation alone, the new classes, what hurts, what diverged."""
    points = [point for group in every for point in augmentation_alone(group)]
    points += [Point(group.title, group.answer) for group in every if group.classes]
    hurting = [
        Markup("{} at {}").format(link(method), listed(where))
        for group in every
        for method in group.ranked
        if method.candidate
        and (where := [b for b in group.variants if verdict(group, method, b) == "hurts"])
    ]  # fmt: skip
    if hurting:
        points.append(Point("Hurts", Markup("{} {}.").format(listed(hurting), every[0].per)))
    if diverged := [method for group in every for method in group.diverged]:
        parts = [
            Markup("{} (in {} of {} seeds)").format(
                link(m), len(m.entry.seeds("diverged")), len(m.entry.record["seeds"])
            )
            for m in diverged
        ]
        text = Markup("{}. Methods that diverged are not ranked, and nothing is compared with them.")
        points.append(Point("Diverged", text.format(listed(parts)), alarming=True))
    return points


def verdict(group: Group, method: Method, variant: int) -> str | None:
    effect = method.effect(group.measure.at(variant))
    return effect and effect.verdict


def augmentation_alone(group: Group) -> list[Point]:
    """The effect of augmentation alone: training from scratch without it against training from scratch with it."""
    plain = [
        method
        for method in group.ranked
        if method.settings.get("start") == "scratch"
        and not method.settings["augment"]
        and comparable(method, group.measure.at(group.variants[0]))
    ]
    if not plain:
        return []
    measure = group.measure
    effects = [plain[0].effect(measure.at(variant)) for variant in group.variants]
    changes = measure.counted(listed([measure.difference(-effect.difference.mean) for effect in effects]))
    text = Markup(
        "Augmentation alone changes training from scratch by {} at {} {} ({} goes without it). "
        "All other differences here are to training with augmentation, so that no method is credited with its gain."
    )
    where = listed(list(group.variants))
    return [Point("Augmentation", text.format(changes, where, group.per, link(plain[0])))]
