"""The sections of a table's profile: which entries of params.yaml are kept for it, and with which sizes."""

from collections import Counter
from collections.abc import Iterable

from reglab.config.data_needs import image_strengths
from reglab.config.target_lines import LabelCounts, Targets, fewest_examples

NOT_FOR_TABLES = {
    "multitask": "rendered scenes",
    "theory": "data of their own",
    "claims": "none of the lecture's, which are about digits; declare some on this data before the run",
}
NOT_FOR_AMOUNTS = {
    "pretraining": "its networks are judged by how well they tell classes apart",
    "transfer": "labels are counted by class",
    "semi_supervised": "labels are counted by class",
}
NOT_FOR_LABELS = {
    "pretraining": "its networks are judged by how well they tell classes apart",
    "transfer": "labels are counted by class",
    "semi_supervised": "labels are counted by class",
    "attacks": "they count the examples that stay right, or measure an error",
}
EPSILON = 0.1  # largest change of a prepared column that a technique trains against; they are scaled to about 1
EPSILONS = (0.05, 0.1, 0.2)
LABEL_NOISE = (0.0, 0.2)
WIDTHS = (32, 256)
EXAMPLES_A_CLASS = 10  # of the smallest training size, on average over the classes
AUGMENTATION = {"swap": 0.2, "noise": 0.1}  # of rows


def sections(
    settings, targets: Targets, *, train_size: int, test_size: int, columns: int, structured: bool
) -> list[str]:
    """Lines of the profile; `settings` are the `Params` that it is merged into.

    `targets`: rows of each class, or the amounts, or the labels; `columns`: those that are inputs; `structured`: the data is
    split by group or in time.
    """
    lines = ["# Techniques for images are not applicable, and the report says so.", "regularizers:"]
    lines += [
        f"  {name}: {{epsilon: {EPSILON}}}  # largest change of a column, in units of the scaled columns"
        for name, each in settings.regularizers.items()
        if hasattr(each, "epsilon")
    ]
    if isinstance(targets, Counter):
        lines += ["", *few_label_sections(settings, targets, train_size, columns, structured)]
        lines += ["", *attack_lines(settings, test_size, settings.attacks)]
    else:
        several = isinstance(targets, LabelCounts)
        emptied = NOT_FOR_LABELS if several else NOT_FOR_AMOUNTS
        lines += [
            "",
            "# Not for several labels." if several else "# Not for amounts.",
            *(f"{section}: {{}}  # {reason}" for section, reason in emptied.items()),
        ]
        left = [family for family in settings.attacks if family not in emptied]
        lines += [] if several else ["", *attack_lines(settings, test_size, left)]
    lines += ["", *regime_lines(fewest_examples(targets), train_size, structured)]
    lines += [f"tuning: {{seeds: {min(settings.tuning.seeds, settings.seeds)}}}      # at most as many as `seeds`"]
    if structured:
        lines += ["random_split: {recipes: [none]}   # what a random split would have claimed"]
    lines += ["", "# Not for tables; {} empties a section."]
    return lines + [f"{section}: {{}}  # {reason}" for section, reason in NOT_FOR_TABLES.items()]


def attack_lines(settings, test_size: int, families: Iterable[str]) -> list[str]:
    """Attacks on these families, on as many examples as params.yaml asks for and there are."""
    lines = ["# Attacks on the rows, in units of the scaled columns; the first so many test examples.", "attacks:"]
    return lines + [
        f"  {family}: {{epsilons: {list(EPSILONS)}, examples: {min(settings.attacks[family].examples, test_size)}}}"
        for family in families
    ]


def few_label_sections(settings, counts: Counter, train_size: int, columns: int, structured: bool) -> list[str]:
    """Pretraining, transfer and semi-supervised learning, or nothing of them where the smallest class is too small.

    Parts by group or time need not have the shares of the classes that all rows have, so half of these are counted on.
    """
    fewest = min(counts.values()) * train_size // counts.total() // (2 if structured else 1)
    variants = [count for count in settings.few_labels.labels_per_class if count <= fewest]
    if not variants:
        emptied = "pretraining", "transfer", "semi_supervised"
        return ["# The smallest class has too few examples for these.", *(f"{section}: {{}}" for section in emptied)]
    zero = dict.fromkeys(
        image_strengths(settings.augmentation.get("study")), 0
    )  # the profile is merged into params.yaml
    strengths = ", ".join(f"{name}: {value}" for name, value in (zero | AUGMENTATION).items())
    lines = [
        "# Few labels: networks that are pretrained without labels, or learn from rows without labels.",
        "few_labels:",
        f"  labels_per_class: {variants}",
        "  model: {name: mlp, width: 64, depth: 2}",
        "augmentation:                # swap: probability that a column is that of another row; noise: in scaled units",
        f"  study: {{{strengths}}}",
    ]
    unsuited = {name: "null" for name, each in settings.pretraining.items() if not suits(each, len(counts), columns)}
    if unsuited:
        lines += ["pretraining:                 # null takes an entry out, together with what refers to it"]
    lines += [f"  {name}: {value}" for name, value in unsuited.items()]
    absent = [
        name
        for name, each in settings.transfer.items()
        if each.start in unsuited or max(each.classes or (0,)) >= len(counts)
    ]
    return lines + ["transfer:"] * bool(absent) + [f"  {name}: null" for name in absent]


def suits(pretext, classes: int, columns: int) -> bool:
    """Whether rows can teach it, of so many columns and classes: no text, some classes for transfer, some columns hidden.

    One for the images of the study stays: it is not applicable, and the report says so. One that learns from other data,
    such as scenes, goes, so that these are not made.
    """
    if pretext.source != "study":
        return False
    if "images" in pretext.needs:
        return True
    return getattr(pretext, "classes", 0) <= classes - 2 and (columns > 1 or not hasattr(pretext, "mask_ratio"))


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
