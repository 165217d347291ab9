"""Names that params.yaml had in earlier versions: each is refused, and the message says the name of today."""

from reglab.config.problems import Key, Problems
from reglab.core.wording import Plain

# (its section or entry, its former name): its name, and how its value differs where it does.
RENAMED = {
    ("pretraining", "other_classes"): "supervised_base_classes",
    ("multitask", "joint_learned_weights"): "uncertainty_weighting",
    ("k_nearest_neighbours", "neighbours"): "n_neighbors",
    ("support_vector_machine", "penalty"): "C",
    ("logistic_regression", "strength"): "C = 1 / strength",
    ("elastic_net", "l1_share"): "l1_ratio",
    ("input_noise", "deviation"): "std",
    ("hidden_noise", "deviation"): "std",
    ("mixup", "strength"): "alpha",
    ("cutmix", "strength"): "alpha",
    ("study", "outside"): "padding_mode",
    ("scenes", "outside"): "padding_mode",
    ("masked", "share"): "mask_ratio",
    ("masked", "patch"): "patch_size",
    ("denoising", "deviation"): "std",
    ("label_spreading", "neighbours"): "n_neighbors",
    ("label_spreading", "share"): "alpha",
    ("pseudo_label", "guess_view"): "weak_view_scale",
    ("mean_teacher", "teacher_view"): "weak_view_scale",
}
ENTRIES = {former: new for (section, former), new in RENAMED.items() if section in ("pretraining", "multitask")}
REFERENCES = ("start", "recipe", "versus")  # settings whose value is the name of an entry


def renamed(given: Plain, problems: Problems, key: Key = ()) -> Plain:
    """The plain params, profiles included, under the names of today; a line for each former name.

    The values go on under their new names, so that they are checked too and nothing is reported as missing.
    """
    if isinstance(given, list):
        return [renamed(item, problems, (*key, number)) for number, item in enumerate(given)]
    if isinstance(given, str) and key[-1] in REFERENCES:
        return today(given, ENTRIES.get(given), key, problems)
    if not isinstance(given, dict):
        return given
    result = {}
    for name, value in given.items():
        new = today(name, RENAMED.get((key[-1], name)) if key else None, (*key, name), problems)
        result[new] = renamed(value, problems, (*key, new))
    return result


def today(name: str, new: str | None, key: Key, problems: Problems) -> str:
    """The name of today, with a line at the key where it is another."""
    if new:
        problems.add(key, "a name of an earlier version", new)
    return new.partition(" ")[0] if new else name
