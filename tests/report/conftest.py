"""A study that never ran: records, curves and verdicts as the stages write them, their numbers from a fixed stream."""

import json
import math
import re

import numpy as np
import pytest

from reglab.core import figures

SEEDS, EPOCHS = 10, 60
NONE = 0.891
# name: test accuracy, cost, lowest validation loss as a share of the epochs, how far it rises afterwards
REGULARIZERS = {
    "none": (NONE, 1.0, 0.12, 0.95),
    "weight_decay": (0.934, 1.02, 0.35, 0.10),
    "l1": (0.932, 1.0, 0.3, 0.12),
    "max_norm": (0.896, 1.0, 0.2, 0.5),
    "dropout": (0.954, 1.0, 0.7, 0.03),
    "label_smoothing": (0.919, 1.0, 0.25, 0.15),
    "input_noise": (0.957, 1.0, 0.8, 0.02),
    "mixup": (0.931, 1.0, 0.5, 0.1),
    "early_stopping": (0.928, 0.42, 0.15, 0.15),
    "placebo": (NONE, 1.0, 0.12, 0.95),
    "gradient_noise": (0.874, 1.0, 0.2, 0.8),
    "clipping": (math.nan, 1.0, 0.2, 0.8),
}
COMBINATIONS = {"dropout_and_input_noise": (0.960, 1.0, 0.9, 0.0)}
BASELINES = {"k_nearest_neighbours": 0.921, "support_vector_machine": 0.953, "logistic_regression": 0.842}
SETTINGS = {
    "data": {"name": "digits", "train_size": 900, "validation_size": 300, "test_size": 400, "label_noise": 0.2},
    "seeds": SEEDS,
    "model": {"name": "mlp", "width": 256, "depth": 2},
    "training": {"epochs": EPOCHS, "batch_size": 64, "optimizer": "adam", "learning_rate": 0.001, "accelerator": "cpu"},
    "evaluation": {"confidence": 0.95, "relevant_difference": 0.005},
    "dataset": {"name": "digits", "sizes": {"unlabelled": 197}, "classes": 10, "shape": [1, 8, 8]},
}
FINGERPRINT = "sha256:" + "0123456789abcdef" * 4
STATISTICAL_TESTS = {
    "on this data set": "Over new seeds.",
    "on this distribution": "Over new examples too.",
    "over many data sets": "No critical-difference diagram: this study has one data set.",
}
OWN = {
    "weight_decay": {"strength": 0.003},
    "dropout": {"input_rate": 0.2, "hidden_rate": 0.5},
    "input_noise": {"std": 0.3},
    "early_stopping": {"patience": 10},
}


def curves_csv(rng, accuracy: float, lowest: float, rise: float, stops: bool) -> str:
    lines = ["seed,epoch,train_nll,train_accuracy,validation_nll,validation_accuracy,loss"]
    for seed in range(SEEDS):
        shift = rng.normal(0, 0.01)
        for epoch in range(int(rng.integers(18, 40)) if stops else EPOCHS):
            t = epoch / EPOCHS
            fall = math.exp(-t * 18)
            over = max(t - lowest, 0) * rise
            error = 1 - accuracy + 0.5 * fall + shift + rng.normal(0, 0.004)
            nll = 0.35 + 1.8 * fall + 1.6 * over + rng.normal(0, 0.01)
            train_error = max(0.2 * (1 - rise * min(t * 2, 1)) + 0.5 * fall + rng.normal(0, 0.003), 0.0)
            train_nll = 1.0 - 0.95 * rise * min(t * 1.5, 1) + 1.2 * fall
            cells = (train_nll, 1 - train_error, nll, 1 - error, train_nll)
            lines.append(f"{seed},{epoch}," + ",".join(f"{x:.7g}" for x in cells))
    return "\n".join(lines) + "\n"


def seeds_of(rng, accuracy: float) -> dict:
    outcomes = {}
    for seed in range(SEEDS):
        test = accuracy + rng.normal(0, 0.006)
        outcomes[str(seed)] = {
            "status": "finished",
            "metrics": {
                "train_accuracy": 0.82,
                "validation_accuracy": test,
                "test_accuracy": test,
                "train_accuracy_true_labels": 0.97,
                "generalization_gap": 0.97 - test,
                "generalization_gap_given_labels": 0.82 - test,
                "test_nll": 3 * (1 - test),
                "test_brier": 1.6 * (1 - test),
                "test_ece": 0.6 * (1 - test),
            },
            "best_epoch": 41,
            "epochs": EPOCHS,
        }
    return outcomes


def verdict_of(difference: float) -> str:
    if abs(difference) < 0.003:
        return "no relevant difference"
    if abs(difference) < 0.01:
        return "cannot tell"
    return "helps" if difference > 0 else "hurts"


def numbers_of(seeds: dict, reference: dict, cost: float, family: str, name: str) -> dict:
    """An entry of metrics.json; its intervals are made up, its means are not."""
    metrics = {}
    for metric in next(iter(seeds.values()))["metrics"]:
        values = np.array([outcome["metrics"][metric] for outcome in seeds.values()])
        paired = values - np.array([outcome["metrics"][metric] for outcome in reference.values()])
        half, spread = 0.7 * values.std(), 0.8 * paired.std()
        metrics[metric] = {
            "mean": values.mean(),
            "low": values.mean() - half,
            "high": values.mean() + half,
            "difference": paired.mean(),
            "difference_low": paired.mean() - spread,
            "difference_high": paired.mean() + spread,
        }
    top = metrics["test_accuracy"]
    verdict = "reference" if name == "none" else verdict_of(top["difference"])
    return {
        "test_accuracy": top["mean"],
        "difference": top["difference"],
        "low": top["difference_low"],
        "high": top["difference_high"],
        "p_holm": None if name == "none" else (0.0215 if verdict in ("helps", "hurts") else 0.31),
        "verdict": verdict,
        "probability": None if name == "none" else {"helps": 0.7, "same": 0.2, "hurts": 0.1},
        "distribution": None
        if name == "none"
        else {
            "low": top["difference"] - 0.02,
            "high": top["difference"] + 0.02,
            "p_holm": 0.2,
            "verdict": "cannot tell",
        },
        "bias_squared": 0.02 + 0.3 * (1 - top["mean"]),
        "variance": 1.6 * (1 - top["mean"]),
        "cost": None if family == "baselines" else cost,
        "metrics": metrics,
        "beats_baselines": None if family == "baselines" else bool(top["mean"] > 0.955),
        "best_baseline": None if family == "baselines" else "support_vector_machine",
        "seeds_needed": 17 if verdict == "cannot tell" else None,
    }


def figure() -> str:
    drawing, axes = figures.canvas(5, 2.6)
    axes.plot([0, 1, 2], [0.0, 1.0, 0.5], label="a curve & <its> label")
    axes.set_xlabel("penalty")
    axes.legend()
    return figures.svg(drawing)


def joined(pages: dict[str, str]) -> str:
    """The first page with what all the others hold, and the links between them, as if they were one."""
    split = [re.split(r"(?<=<main id=\"main\">)|(?=</main>)", page) for page in pages.values()]
    text = split[0][0] + "".join(inside for _, inside, _ in split) + split[0][2]
    return re.sub(r'href="[\w./]+\.html(#[^"]*)?"', lambda link: f'href="{link[1] or "#main"}"', text)


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path / "runs")


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """All entries and metrics.json of a study with a second half; of the first half what is needed for a page."""
    import second_half

    from reglab.report.collect import collect

    folder = tmp_path_factory.mktemp("study")
    runs, _, metrics = write_study(folder / "runs")
    for name in ("none", "dropout"):
        metrics["regularizers"][name]["best_baseline"] = None
    second = second_half.entries_of(folder)
    first = collect(runs, [("regularizers", "none"), ("regularizers", "dropout"), ("theory", "lasso")])
    return first + second, metrics | second_half.metrics_of(second)


@pytest.fixture(scope="session")
def recipes(tmp_path_factory):
    """All entries and metrics.json of a study without a second half. Not to be changed."""
    from reglab.report.collect import collect

    runs, expected, metrics = write_study(tmp_path_factory.mktemp("recipes") / "runs")
    return collect(runs, expected), metrics


@pytest.fixture(scope="session")
def recipe_pages(recipes):
    from reglab.experiments.pages import render

    return render(*recipes, SETTINGS, "data: {name: digits}\n")


@pytest.fixture(scope="session")
def whole_pages(whole):
    from second_half import WHOLE

    from reglab.experiments.pages import render

    return render(*whole, WHOLE)


def write_study(runs):
    """Writes the records; returns (runs, expected, metrics)."""
    rng = np.random.default_rng(7)
    metrics: dict = {"statistical_tests": STATISTICAL_TESTS, "comparisons": {}, "claims": {}}
    expected = []
    reference = seeds_of(np.random.default_rng(1), NONE)

    def write(family: str, name: str, record: dict, **texts: str) -> None:
        folder = runs / family / name
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps({"schema": 1, "family": family, "name": name} | record))
        for file, text in texts.items():
            (folder / file.replace("_", ".")).write_text(text)
        expected.append((family, name))

    def recipe(family: str, name: str, accuracy: float, cost: float, techniques: list[str], **texts: str) -> None:
        diverged = math.isnan(accuracy)
        same = name in ("none", "placebo")
        seeds = reference if same else seeds_of(rng, NONE if diverged else accuracy)
        metrics.setdefault(family, {})[name] = numbers_of(seeds, reference, cost, family, name)
        if diverged:
            seeds = seeds | {key: {"status": "diverged", "metrics": {}, "epochs": 3} for key in ("2", "7")}
            unknown = dict.fromkeys(("test_accuracy", "difference", "low", "high", "p_holm", "seeds_needed"))
            metrics[family][name] = unknown | {"verdict": "diverged", "cost": cost, "metrics": {}}
        settings = {technique: OWN.get(technique, {}) for technique in techniques}
        record = {
            "technique": techniques,
            "dataset": {"name": "digits", "fingerprint": FINGERPRINT},
            "settings": settings | {key: SETTINGS[key] for key in ("data", "model", "training")},
            "seeds": seeds,
            "summary": {},
            "checks": [],
            "cost": {
                "flops": int(3.1e10 * cost),
                "forward_passes": 3 if name == "dropout" else 1,
                "backward_passes": 2 if name == "dropout" else 1,
                "relative_to_none": cost,
            },
        }
        if family == "baselines":
            del record["cost"]
        write(family, name, record, **texts)

    for name, accuracy in BASELINES.items():
        recipe("baselines", name, accuracy, 0.0, [name])
    for family, recipes in (("regularizers", REGULARIZERS), ("combinations", COMBINATIONS)):
        for name, (accuracy, cost, lowest, rise) in recipes.items():
            random = np.random.default_rng(2) if name in ("none", "placebo") else rng
            curves = curves_csv(
                random, NONE if math.isnan(accuracy) else accuracy, lowest, rise, name == "early_stopping"
            )
            recipe(family, name, accuracy, cost, name.split("_and_"), curves_csv=curves)
    for name in ("gabor", "lasso"):
        write(
            "theory",
            name,
            {
                "technique": [name],
                "settings": {name: {}},
                "seeds": {},
                "numbers": {"local_minima_before": 9, "smallest_gap": 1.234e-7},
                "checks": [
                    {"name": "the path equals a foreign one", "gap": 2.5e-9, "tolerance": 1e-6, "passed": True},
                    {"name": "minima fall", "gap": 0.3, "tolerance": 0.0, "passed": name != "gabor"},
                ],
            },
            figure_svg=figure(),
        )
    return runs, expected, json.loads(json.dumps(metrics))
