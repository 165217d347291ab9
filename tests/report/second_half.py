"""The second half of a study that never ran: records as the stages write them, their verdicts from the stage `evaluate`."""

import json
import re
from types import SimpleNamespace
from unittest import mock

import numpy as np
from conftest import FINGERPRINT, SEEDS, SETTINGS, figure

from reglab.evaluation import statistics
from reglab.evaluation.metric_comparison import compare_metrics
from reglab.evaluation.settings import Evaluation
from reglab.experiments.catalogue import modules
from reglab.experiments.few_labels.settings import Transfer
from reglab.report.collect import Entry, read_curves
from reglab.tracking import record

VARIANTS, SCENES, NEW = (1, 2, 5, 10), (16, 64, 256), (5, 6, 7, 8, 9)
# name: (entry of params.yaml, test accuracy with each number of labels, cost)
TRANSFER = {
    "from_scratch": (Transfer("scratch"), (0.64, 0.79, 0.910, 0.965), 1.0),
    "from_scratch_unaugmented": (Transfer("scratch", augment=False), (0.60, 0.73, 0.870, 0.945), 0.9),
    "masked_tuned": (Transfer("masked"), (0.64, 0.80, 0.911, 0.966), 1.9),
    "contrastive_tuned": (Transfer("contrastive"), (0.67, 0.86, 0.945, 0.968), 7.4),
    "contrastive_frozen": (Transfer("contrastive", backbone="frozen"), (0.66, 0.85, 0.925, 0.940), 6.9),
    "new_classes_from_scratch": (Transfer("scratch", classes=NEW), (0.68, 0.80, 0.90, 0.95), 1.0),
    "new_classes_tuned": (Transfer("supervised_base_classes", classes=NEW), (0.74, 0.86, 0.93, 0.96), 1.5),
    "new_classes_frozen": (Transfer("supervised_base_classes", "frozen", classes=NEW), (0.72, 0.84, 0.90, 0.92), 1.4),
}
SEMI_SUPERVISED = {
    "autoencoder_classifier": ((0.63, 0.79, 0.912, 0.965), 2.5),
    "pseudo_label": ((0.655, 0.83, 0.938, 0.972), 2.0),
    "label_spreading": ((0.75, 0.872, 0.930, 0.950), 0.0),
}
# name: loss, accuracy and chance of the pretext (None: not a choice), linear and neighbour probe
PRETEXTS = {
    "scratch": (None, None, None, 0.955, 0.960),
    "raw_inputs": (None, None, None, 0.935, 0.960),
    "masked": (0.071, None, None, 0.939, 0.911),
    "orientation": (0.183, 0.927, 0.5, 0.985, 0.971),
    "contrastive": (3.16, 0.737, 0.00125, 0.987, 0.974),
    "supervised_base_classes": (0.174, 0.975, 0.204, 0.975, 0.972),
    "next_sentence": (0.61, 0.68, 0.5, 0.42, 0.37),
}
# name: IoU and root of the mean squared depth error with each number of scenes (None: not learned)
MULTITASK = {
    "segmentation_only": ((0.41, 0.55, 0.70), None),
    "depth_only": (None, (0.130, 0.100, 0.080)),
    "joint": ((0.44, 0.56, 0.70), (0.118, 0.096, 0.0795)),
    "uncertainty_weighting": ((0.43, 0.56, 0.701), (0.119, 0.097, 0.080)),
    "soft_tied": ((0.42, 0.55, 0.70), (0.126, 0.099, 0.080)),
}
CURVES = [("pretraining", "orientation"), ("pretraining", "next_sentence")]  # few, for each is a figure to draw
WHOLE = SETTINGS | {
    "few_labels": {"labels_per_class": list(VARIANTS)},
    "few_scenes": {"labelled": list(SCENES)},
    "pretraining": {name: {"classes": 5} if name == "supervised_base_classes" else {} for name in PRETEXTS},
}


def outcomes(metrics_of) -> dict:
    return {str(seed): {"status": "finished", "metrics": metrics_of()} for seed in range(SEEDS)}


def content(family: str, name: str, settings: dict, seeds: dict, **more) -> dict:
    about = {"schema": 1, "family": family, "name": name, "technique": [name], "settings": {name: settings}}
    about |= {"checks": [], "dataset": {"name": "digits", "fingerprint": FINGERPRINT}}
    return about | {"seeds": seeds, "summary": record.summary(seeds, {})} | more


def few_labels(rng, family: str, name: str, settings: dict, accuracies, cost: float) -> dict:
    luck = np.random.default_rng(3).normal(0, 0.02, (SEEDS, len(VARIANTS)))  # of the split, which all methods share
    shared = iter(luck)

    def metrics() -> dict:
        result = {}
        for variant, accuracy, lucky in zip(VARIANTS, accuracies, next(shared), strict=True):
            test = accuracy + lucky + rng.normal(0, 0.008)
            result |= {f"test_accuracy@{variant}": test, f"validation_accuracy@{variant}": test + rng.normal(0, 0.004)}
            result |= {f"test_ece@{variant}": 0.3 * (1 - test), f"test_nll@{variant}": 3 * (1 - test)}
        for metric in ("test_accuracy", "validation_accuracy"):
            result[metric] = float(np.mean([result[f"{metric}@{variant}"] for variant in VARIANTS]))
        return result

    return content(family, name, settings, outcomes(metrics), cost={"flops": 10**9, "relative_to_none": cost})


def pretext(rng, name: str, loss, accuracy, chance, linear, neighbour) -> dict:
    def metrics() -> dict:
        values = {"pretext_loss": loss, "pretext_accuracy": accuracy, "pretext_chance": chance}
        values |= {"linear_probe": linear, "neighbour_probe": neighbour}
        result = {key: value for key, value in values.items() if value is not None}
        noise = {key: 0.0 if key == "pretext_chance" else rng.normal(0, 0.004) for key in result}
        return {f"{part}_{key}": result[key] + noise[key] for part in ("validation", "test") for key in result}

    settings = {"source": "text" if name == "next_sentence" else "study"}
    return content(
        "pretraining", name, settings, outcomes(metrics), cost={"flops": 0 if name == "scratch" else 4 * 10**10}
    )


def several(rng, name: str, iou, depth) -> dict:
    def metrics() -> dict:
        result = {}
        for metric, means, spread in (("test_iou", iou, 0.008), ("test_depth_rmse", depth, 0.002)):
            for variant, mean in zip(SCENES, means or (), strict=False):
                result[f"{metric}@{variant}"] = mean + rng.normal(0, spread)
            if means:
                result[metric] = float(np.mean([result[f"{metric}@{variant}"] for variant in SCENES]))
        return result

    return content("multitask", name, {}, outcomes(metrics), cost={"flops": 10**10})


def probe_curves(start: float, end: float) -> str:
    lines = ["seed,epoch,validation_loss,validation_linear_probe,validation_neighbour_probe"]
    for seed in range(SEEDS):
        for epoch in range(21):
            at = start + (end - start) * epoch / 20
            lines.append(f"{seed},{epoch},{2 - at}," + (f"{at:.4f},{at - 0.01:.4f}" if epoch % 5 == 0 else ","))
    return "\n".join(lines) + "\n"


def entries_of(tmp_path) -> list[Entry]:
    """All of the second half."""
    rng = np.random.default_rng(11)
    records = [few_labels(rng, "transfer", name, vars(method), *rest) for name, (method, *rest) in TRANSFER.items()]
    records += [few_labels(rng, "semi_supervised", name, {}, *rest) for name, rest in SEMI_SUPERVISED.items()]
    records += [pretext(rng, name, *rest) for name, rest in PRETEXTS.items()]
    records += [several(rng, name, *rest) for name, rest in MULTITASK.items()]
    checks = [{"name": "a mask follows its image", "gap": 0.0, "tolerance": 0.0, "passed": True}]
    records += [content("augmentation", "study", {"rotation": 15}, {}) | {"checks": checks}]
    entries = []
    for made in records:
        folder = tmp_path / f"{made['family']}-{made['name']}"
        folder.mkdir()
        if (made["family"], made["name"]) in CURVES:
            (folder / "curves.csv").write_text(probe_curves(0.955, PRETEXTS[made["name"]][3]))
        drawing = figure() if made["family"] in ("pretraining", "multitask", "augmentation") else None
        entries.append(Entry(json.loads(json.dumps(made)), read_curves(folder), drawing))
    return entries


def metrics_of(entries: list[Entry]) -> dict:
    """reports/metrics.json, as the stage `evaluate` makes it."""
    records: dict = {}
    for entry in entries:
        records.setdefault(entry.family, {})[entry.name] = entry.record
    image, text = SimpleNamespace(source="study"), SimpleNamespace(source="text")
    asked = SimpleNamespace(
        pretraining={name: text if name == "next_sentence" else image for name in records.get("pretraining", {})},
        few_labels=SimpleNamespace(labels_per_class=VARIANTS),
        few_scenes=SimpleNamespace(labelled=SCENES),
        transfer={name: TRANSFER[name][0] for name in records.get("transfer", {})},
        semi_supervised={
            name: SimpleNamespace(classical=name == "label_spreading") for name in records.get("semi_supervised", {})
        },
        multitask=records.get("multitask", {}),
        evaluation=Evaluation(),
    )
    result: dict = {}
    with mock.patch.object(statistics, "RESAMPLES", 999):  # for speed
        for plan in [module.plan(asked) for module in modules("comparisons")]:
            for family, rows in compare_metrics(records, plan, **SETTINGS["evaluation"]).items():
                result.setdefault(family, {}).update(rows)
    return json.loads(json.dumps(result))


def words(markup) -> str:
    return re.sub(r"\s+", " ", markup.striptags().replace("\u00a0", " "))


def values(entries: list[Entry], family: str, name: str, metric: str) -> np.ndarray:
    """By seed."""
    record = next(entry.record for entry in entries if (entry.family, entry.name) == (family, name))
    return np.array([seed["metrics"][metric] for seed in record["seeds"].values()])
