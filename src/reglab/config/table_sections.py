"""The sections of a new profile: which entries of params.yaml are kept for it, and with which sizes."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence

from reglab.config.data_needs import image_strengths
from reglab.config.new_study import NewStudy
from reglab.config.target_lines import LabelCounts, Targets, fewest_examples
from reglab.core.plain import entry_name
from reglab.core.plain import settings as plain
from reglab.core.task_names import TaskName
from reglab.experiments.applicability import Facts, not_applicable

NOT_FOR_TABLES = {
    "multitask": "rendered scenes",
    "theory": "data of their own",
    "claims": "none of the lecture's, which are about digits; declare some on this data before the run",
}
NOT_FOR_LABELS = {"attacks": "they count the examples that stay right, or measure an error"}
EPSILON = 0.1  # largest change of a prepared column that a technique trains against; they are scaled to about 1
EPSILONS = (0.05, 0.1, 0.2)
LABEL_NOISE = (0.0, 0.2)
WIDTHS = (32, 256)
EXAMPLES_A_CLASS = 10  # of the smallest training size, on average over the classes
FEW_EXAMPLES = (10, 30, 100)  # with an amount or with labels, where there are no classes to count by
CONFIDENCE = (
    0.9  # of a pseudo-label that is one of several: whether a label is there is always guessed with 1/2 or more
)
FEWEST_ATTACKED = 10  # examples, as experiments.robustness.settings has it
SMALL = 12 * 12  # pixels, up to which the network of few labels has the width of params.yaml
AUGMENTATION = {"swap": 0.2, "noise": 0.1}  # of rows


def sections(settings, study: NewStudy, *, train_size: int, test_size: int) -> list[str]:
    """Lines of the profile; `settings` are the `Params` that it is merged into."""
    targets, structured, lines = study.targets, study.split is not None, []
    if study.size is None:
        lines = [
            "# Techniques for images are not applicable, and the report says so.",
            *epsilon_lines(settings, study),
            "",
        ]
    elif math.prod(study.size) > SMALL:
        lines = [
            "tuned_other_network: {recipes: []}   # a convolutional network, which takes long on images of this size",
            "",
        ]
    lines += [*few_label_sections(settings, study, train_size), ""]
    if isinstance(targets, LabelCounts):
        lines += [
            "# Not for several labels.",
            *(f"{name}: {{}}  # {reason}" for name, reason in NOT_FOR_LABELS.items()),
        ]
    else:
        lines += attack_lines(settings, study, test_size)
    lines += ["", *regime_lines(fewest_examples(targets), train_size, structured)]
    lines += [f"tuning: {{seeds: {min(settings.tuning.seeds, settings.seeds)}}}      # at most as many as `seeds`"]
    if structured:
        lines += ["random_split: {recipes: [none]}   # what a random split would have claimed"]
    lines += ["", f"# Not for {'tables' if study.name == 'table' else 'this data'}; {{}} empties a section."]
    return lines + [f"{section}: {{}}  # {reason}" for section, reason in NOT_FOR_TABLES.items()]


def epsilon_lines(settings, study: NewStudy) -> list[str]:
    """The largest change of a row that techniques train against; those of params.yaml are for pixels and weights of words."""
    if study.name == "texts":
        return []
    return ["regularizers:"] + [
        f"  {name}: {{epsilon: {EPSILON}}}  # largest change of a column, in units of the scaled columns"
        for name, each in settings.regularizers.items()
        if hasattr(each, "epsilon")
    ]


def attack_lines(settings, study: NewStudy, test_size: int) -> list[str]:
    """Attacks on all families, on as many examples as params.yaml asks for and there are."""
    if test_size < FEWEST_ATTACKED:
        return [f"attacks: {{}}   # {test_size} test examples are fewer than the {FEWEST_ATTACKED} that attacks need"]
    scaled = study.size is None and study.name != "texts"
    what = "the rows, in units of the scaled columns" if scaled else "the examples, in shares of the range of an input"
    epsilons = f"epsilons: {list(EPSILONS)}, " * scaled
    return [f"# Attacks on {what}; the first so many test examples.", "attacks:"] + [
        f"  {family}: {{{epsilons}examples: {min(attack.examples, test_size)}}}"
        for family, attack in settings.attacks.items()
    ]


def few_label_sections(settings, study: NewStudy, train_size: int) -> list[str]:
    """Pretraining, transfer and semi-supervised learning, or nothing of them where there are too few examples.

    Parts by group or time need not have the size and the shares of the classes that all rows have, so half of these are
    counted on.
    """
    targets, classes = study.targets, class_count(study.targets)
    variants = numbers_of_labels(settings, targets, train_size, study.split is not None)
    if not variants:
        few = "The smallest class has" if classes else "There are"
        emptied = "pretraining", "transfer", "semi_supervised"
        return [f"# {few} too few examples for these.", *(f"{section}: {{}}" for section in emptied)]
    lines = [
        "# Few labels: networks that are pretrained without labels, or learn from examples without labels.",
        "few_labels:",
        f"  labels_per_class: {variants}" + ("" if classes else "   # labelled examples, as there are no classes"),
        *few_label_network(settings, study),
    ]
    unsuited = {name: "null" for name, each in settings.pretraining.items() if not suits(each, study)}
    patched = {} if study.size is None else patches(settings, study.size, unsuited)
    if unsuited or patched:
        lines += ["pretraining:                 # null takes an entry out, together with what refers to it"]
    lines += [f"  {name}: {value}" for name, value in (unsuited | patched).items()]
    absent = [
        name
        for name, each in settings.transfer.items()
        if each.start in unsuited or max(each.classes or (-1,)) >= classes
    ]
    lines += ["transfer:"] * bool(absent) + [f"  {name}: null" for name in absent]
    return lines + (confidence_lines(settings.semi_supervised) if isinstance(targets, LabelCounts) else [])


def few_label_network(settings, study: NewStudy) -> list[str]:
    """The network of few labels, the techniques that it can have, and the changes of an example that keep its label."""
    shape = (study.columns,) if study.size is None else (study.columns // math.prod(study.size), *study.size)
    shared = shared_lines(settings.few_labels.regularizers, Facts(shape, task_of(study.targets)))
    if study.size is not None:
        width = 16 if math.prod(study.size) > SMALL else 32
        return [
            f"  model: {{name: convnet, width: {width}, depth: 2}}",
            *shared,
            "# Images that are turned, moved and sheared (augmentation.study of params.yaml) must still show their label.",
        ]
    zero = dict.fromkeys(
        image_strengths(settings.augmentation.get("study")), 0
    )  # the profile is merged into params.yaml
    strengths = ", ".join(f"{name}: {value}" for name, value in (zero | AUGMENTATION).items())
    return [
        "  model: {name: mlp, width: 64, depth: 2}",
        *shared,
        "augmentation:                # swap: probability that a column is that of another row; noise: in scaled units",
        f"  study: {{{strengths}}}",
    ]


def task_of(targets: Targets) -> TaskName:
    if isinstance(targets, LabelCounts):
        return "multilabel"
    return "classification" if isinstance(targets, Counter) else "regression"


def class_count(targets: Targets) -> int:
    """The number of classes; 0 where the targets are amounts or labels."""
    return len(targets) if isinstance(targets, Counter) else 0


def numbers_of_labels(settings, targets: Targets, train_size: int, structured: bool) -> list[int]:
    """Of the numbers of labels a class in params.yaml, or of `FEW_EXAMPLES`, those that a training part has."""
    wanted, there = FEW_EXAMPLES, train_size
    if isinstance(targets, Counter):
        wanted, there = settings.few_labels.labels_per_class, min(targets.values()) * train_size // targets.total()
    return [count for count in wanted if count <= there // (2 if structured else 1)]


def shared_lines(techniques: Sequence, facts: Facts) -> list[str]:
    """Those of the techniques that all entries share which are for these targets, where some are not."""
    suited = [each for each in techniques if not not_applicable(each.needs, facts, None)]
    if len(suited) == len(techniques):
        return []
    kept = ", ".join(f"{{{entry_name(each)}: {in_one_line(plain(each))}}}" for each in suited)
    gone = ", ".join(entry_name(each) for each in techniques if each not in suited)
    return [f"  regularizers: [{kept}]   # without {gone}, which {facts.targets} cannot have"]


def in_one_line(settings: dict) -> str:
    """Settings as YAML in braces."""
    return f"{{{', '.join(f'{key}: {json.dumps(value)}' for key, value in settings.items())}}}"


def confidence_lines(methods: dict) -> list[str]:
    """A threshold of confidence that says something of a label."""
    unsure = [name for name, each in methods.items() if 0 < getattr(each, "threshold", 1) <= 0.5]
    lines = [
        f"  {name}: {{threshold: {CONFIDENCE}}}   # a guess of one label has a confidence of 1/2 or more"
        for name in unsure
    ]
    return ["semi_supervised:", *lines] if lines else []


def suits(pretext, study: NewStudy) -> bool:
    """Whether examples can teach it: no text, some classes for transfer, some columns or patches hidden.

    Of rows, one for the images of the study stays: it is not applicable, and the report says so. One that learns from other
    data, such as scenes, goes, so that these are not made; images can learn from scenes.
    """
    if pretext.source == "text" or (pretext.source == "scenes" and study.size is None):
        return False
    if "images" in pretext.needs and study.size is None:
        return True
    if (taught := getattr(pretext, "classes", 0)) and taught > class_count(study.targets) - 2:
        return False
    return not hasattr(pretext, "mask_ratio") or max(study.size or (study.columns,)) > 1


def patches(settings, size: tuple[int, int], unsuited: Iterable[str]) -> dict[str, str]:
    """The side of the patches, in pixels, of pretexts that hide some of them: about a seventh of the image's."""
    side = max(1, min(max(2, min(size) // 7), max(size) - 1))
    return {
        name: f"{{patch_size: {side}}}"
        for name, each in settings.pretraining.items()
        if hasattr(each, "patch_size") and name not in unsuited and each.patch_size != side
    }


def regime_lines(classes: int, train_size: int, structured: bool) -> list[str]:
    """Training sizes, label noise and widths for this data; no recipes where the smaller size is too small.

    A training part by group or time may have half as many examples as it should (`split_problems`), and has no more than that
    to draw from.
    """
    smaller, larger = (train_size // 6, train_size // 2) if structured else (train_size // 3, train_size)
    if smaller < EXAMPLES_A_CLASS * classes:
        return [f"regimes: {{recipes: []}}   # {smaller} training examples are too few to learn from"]
    return [
        "regimes:",
        f"  train_size: [{smaller}, {larger}]",
        f"  label_noise: {list(LABEL_NOISE)}",
        f"  width: {list(WIDTHS)}",
    ]
