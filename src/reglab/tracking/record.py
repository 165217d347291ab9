"""The record of a recipe: written once, atomically, with the same bytes for the same run."""

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reglab.data.prepared import Split

SCHEMA = 1


@dataclass(frozen=True)
class About:
    """The description of a run, before it has results. `settings` begins with a key per technique, in their order."""

    family: str
    name: str
    technique: list[str]
    dataset: dict[str, str]
    settings: dict
    seeds: list[int]


def folder(runs: Path, about: About) -> Path:
    return runs / about.family / about.name


def starting_with(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those whose name starts with the prefix, under the rest of their name."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def curves_csv(journals: dict[int, list[dict]]) -> str:
    """`seed,epoch,<metric>...`, a row for each seed and epoch; a metric that was not measured is an empty cell."""
    names = list(dict.fromkeys(name for lines in journals.values() for line in lines for name in line["metrics"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["seed", "epoch", *names])
    for seed, lines in journals.items():
        for line in lines:
            writer.writerow([seed, line["epoch"], *(line["metrics"].get(name, "") for name in names)])
    return text.getvalue()


def seed_metrics(split: Split, predictions: dict[str, np.ndarray]) -> dict[str, float]:
    """A seed's numbers from its predictions (examples, outputs) on `labelled`, `validation` and `test`.

    The training uses the given labels, wrong ones included; test labels are right. So there are two of each:

        train_accuracy               on the given labels       generalization_gap_given_labels = it - test_accuracy
        train_accuracy_true_labels   on the right ones         generalization_gap = it - test_accuracy

    Without label noise they are equal. In a regression it is the rmse in the place of the accuracy, and `excess_rmse` in that
    of the gap: the rmse of the test minus that of the training part, positive too where a network fits its training examples
    better; of labels the Hamming loss and `excess_hamming_loss`. The other metrics of a part are those of
    `evaluation.predicted`.
    """
    from reglab.evaluation.metric_table import DECIDING, NAMES
    from reglab.evaluation.predicted import predicted_metrics
    from reglab.evaluation.rounding import subtract

    def measured(part: str, labels: np.ndarray) -> dict[str, float]:
        return predicted_metrics(predictions[part], labels)

    train, validation, test = (measured(part, split.labels[part]) for part in ("labelled", "validation", "test"))
    clean = train if split.true_labels is None else measured("labelled", split.true_labels)
    shown = split.task.score

    def gap(fitted: dict) -> float:
        return float(subtract(*(fitted[shown], test[shown])[:: DECIDING[shown].sign]))

    first = dict.fromkeys([shown, split.task.loss])  # accuracy and loss, or of amounts the rmse alone, which is both
    return {
        **{f"train_{name}": train[name] for name in first},
        f"train_{shown}_true_labels": clean[shown],
        **{f"validation_{name}": validation[name] for name in first},
        **{f"test_{name}": value for name, value in test.items()},
        split.task.gap: gap(clean),
        f"{split.task.gap}_given_labels": gap(train),
        **{f"train_{name}": train[name] for name in NAMES if name in train},
        **{f"validation_{name}": validation[name] for name in NAMES if name in validation},
    }


def predictions(splits: Iterable[Split], predicted: Sequence[np.ndarray], ending: str = "") -> dict:
    """The predictions of every seed's model on the test part of its split, for a record: class probabilities (examples,
    classes), amounts (examples, 1) in the unit of the target, or probabilities of labels (examples, labels).

    If only some classes are used, the parts differ by a few examples: all are cut to the shortest. `ending` distinguishes
    several predictions, such as @5.
    """
    shortest = min(map(len, predicted))
    arrays = {
        "test_predictions": [each.astype(np.float32) for each in predicted],
        "test_labels": [split.labels["test"] for split in splits],
        "test_indices": [split.rows["test"] for split in splits],
    }
    return {name + ending: np.stack([each[:shortest] for each in values]) for name, values in arrays.items()}


def summary(seeds: dict[str, dict], predicted: dict[str, np.ndarray]) -> dict[str, dict]:
    """The `mean` over the seeds of each metric, and bias² and variance of the test predictions.

    Intervals are computed from the seeds' numbers where they are shown, so that an edit of `evaluation.confidence` trains
    nothing.
    Bias² and variance belong to all seeds together; they are over the examples that two or more seeds tested. Nothing when
    a seed diverged, for no seed is ever dropped.
    """
    from reglab.evaluation.bias_variance import resampled_split
    from reglab.evaluation.rounding import mean

    if not seeds or any(seed["status"] != "finished" for seed in seeds.values()):
        return {}
    result = {}
    first, *others = (seed["metrics"] for seed in seeds.values())
    for name in [name for name in first if all(name in measured for measured in others)]:
        result[name] = {"mean": mean(seed["metrics"][name] for seed in seeds.values())}
    for name in predicted:
        if name.startswith("test_predictions"):
            ending = name.removeprefix("test_predictions")
            parts = (predicted[f"{part}{ending}"] for part in ("test_predictions", "test_labels", "test_indices"))
            split = resampled_split(*parts, unbiased=True)
            if split.predictions:
                for part in ("bias_squared", "variance"):
                    result[part + ending] = {"mean": getattr(split, part)}
    return result


def read(folder: Path) -> dict:
    return read_with_digest(folder)[0]


def read_with_digest(folder: Path) -> tuple[dict, str]:
    """The record in a folder, and the SHA-256 of its bytes."""
    content = (folder / "record.json").read_bytes()
    return json.loads(content), hashlib.sha256(content).hexdigest()


def read_curves(folder: Path) -> dict[int, list[dict[str, float | None]]]:
    """By seed the rows of curves.csv, `epoch` and metrics, None where not measured; no seeds without such a file."""
    path, rows = folder / "curves.csv", {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for row in csv.DictReader(lines):
        seed = int(row.pop("seed"))
        rows.setdefault(seed, []).append({name: float(cell) if cell else None for name, cell in row.items()})
    return rows


def write(
    path: Path,
    content: dict,
    *,
    curves: str = "",
    members: str = "",
    figure: str = "",
    predicted: dict[str, np.ndarray] | None = None,
    weights: dict[int, dict[str, np.ndarray]] | None = None,
    preprocessing: dict[int, dict[str, np.ndarray]] | None = None,
) -> Path:
    """Make the folder `path` hold the record and what belongs to it, or leave it as it was; returns the folder.

    `predicted` is from `predictions`; `weights` and the fitted numbers of `preprocessing` are arrays by name for each seed.
    """
    from safetensors.numpy import save_file

    partial = path.parent / f".{path.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    if predicted:
        save_file(predicted, partial / "predictions.safetensors")
    content = {"schema": SCHEMA, "checks": []} | content | {"summary": summary(content["seeds"], predicted or {})}
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    for name, part in {"record.json": text, "curves.csv": curves, "members.csv": members, "figure.svg": figure}.items():
        if part:
            (partial / name).write_text(part, encoding="utf-8")
    for folder, of_seeds in {"weights": weights, "preprocessing": preprocessing}.items():
        for seed, arrays in (of_seeds or {}).items():
            (partial / folder).mkdir(exist_ok=True)
            save_file(arrays, partial / folder / f"seed-{seed}.safetensors")
    shutil.rmtree(path, ignore_errors=True)
    os.replace(partial, path)
    return path
