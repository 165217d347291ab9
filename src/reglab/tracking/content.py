"""What the MLflow UI shows of a recipe: pure functions of its description (`run.json` or `record.json`) and its record.

Curves are named `curves/<name>` (the UI draws one section per prefix), so that the last epoch's `train_accuracy` is not
taken for the result's.
"""

import json
import math
import re
import socket
from collections.abc import Iterator
from pathlib import Path

KEY, RECORD, SEED = "reglab.key", "reglab.record", "reglab.seed"  # tags: training, content of the record, nested run
PARENT = "mlflow.parentRunId"
SOURCE = "mlflow.source.name"
NOTE = "mlflow.note.content"


def experiment_tags() -> dict[str, str]:
    return {
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.experiment.primaryMetric.name": "test_accuracy",
        NOTE: (
            "One run per recipe, one nested run per seed. To compare recipes, search `tags.kind = 'recipe'`, tick them"
            " and press Compare: params show where they differ, `test_accuracy` is the mean over seeds, `_low` and"
            " `_high` are its interval. `curves/...` are per epoch: the mean over seeds, `_min` and `_max` over them."
            " Seeds share splits, so the fair comparison is paired: the verdicts are in reports/index.html."
        ),
    }


def source(root: Path) -> str:
    """The checkout that a run comes from."""
    return f"{socket.gethostname()}:{root.resolve()}"


def params(about: dict) -> dict[str, str]:
    """The settings as `technique.field`, `training.epochs`, ...: written as in params.yaml."""

    def flat(settings: dict, prefix: str = "") -> Iterator[tuple[str, str]]:
        for name, value in settings.items():
            if isinstance(value, dict):
                yield from flat(value, f"{prefix}{name}.")
            else:
                yield prefix + name, value if isinstance(value, str) else json.dumps(value)

    return dict(flat(about["settings"]))


def tags(about: dict, root: Path) -> dict[str, str]:
    """What parent and seeds have in common."""
    given = {name: value for name, value in about.get("tags", {}).items() if value}
    if "git_commit" in given:
        given["mlflow.source.git.commit"] = given["git_commit"]
    if about.get("dataset"):
        given["dataset_fingerprint"] = about["dataset"]["fingerprint"]
    return given | {
        "family": about["family"],
        "technique": ", ".join(about.get("technique", [])),
        SOURCE: source(root),
        "mlflow.source.type": "LOCAL",
    }


def parent_tags(about: dict) -> dict[str, str]:
    return {"kind": "recipe", NOTE: f"{heading(about)}: training. The summary follows when every seed has ended."}


def seed_name(about: dict, seed: str) -> str:
    return f"{about['name']}/seed-{seed}"


def seed_tags(seed: str, parent: str) -> dict[str, str]:
    return {"kind": "seed", SEED: seed, PARENT: parent}


def heading(about: dict) -> str:
    data = f", on {about['dataset']['name']}" if about.get("dataset") else ""
    return f"**{about['name']}** ({about['family']}{data})"


def finite(metrics: dict) -> dict[str, float]:
    """The numbers that can be drawn, under names that MLflow takes (infinities would flatten every chart)."""
    return {
        re.sub(r"[^\w./: -]", "_", name)[:250]: float(value)
        for name, value in metrics.items()
        if value is not None and math.isfinite(value)
    }


def seed_metrics(result: dict) -> dict[str, float]:
    return result["metrics"] | {name: result.get(name) for name in ("best_epoch", "epochs")}


def summary_metrics(record: dict) -> dict[str, float]:
    """The parent's numbers: means over seeds with their intervals, cost, checks and how many seeds ended how."""
    metrics = dict(record.get("numbers", {}))
    for name, value in record.get("summary", {}).items():
        metrics |= {name: value["mean"], f"{name}_low": value.get("low"), f"{name}_high": value.get("high")}
    metrics |= {f"cost/{name}": value for name, value in (record.get("cost") or {}).items()}
    metrics |= {f"checks/{check['name']}": check["gap"] for check in record.get("checks", [])}
    if record.get("checks"):
        metrics["checks_failed"] = sum(not check["passed"] for check in record["checks"])
    if record["seeds"]:
        diverged = sum(seed["status"] == "diverged" for seed in record["seeds"].values())
        metrics |= {"seeds_finished": len(record["seeds"]) - diverged, "seeds_diverged": diverged}
    return metrics


def note(about: dict, record: dict) -> str:
    """What the run is and how it ended, in a few lines of Markdown."""
    lines = [f"{heading(about)}: record `runs/{about['family']}/{about['name']}/record.json`."]
    if seeds := record["seeds"]:
        lines += [
            f"{len(seeds)} seeds, nested below: plain metrics are means over them, `_low` and `_high` the mean's interval;",
            "`curves/...` are per epoch, `_min` and `_max` over seeds.",
        ]
        if diverged := [seed for seed, result in seeds.items() if result["status"] == "diverged"]:
            lines.append(f"Diverged and left out of the means: seed {', '.join(diverged)}.")
        lines.append("Seeds are paired between recipes: for verdicts against `none` see reports/index.html.")
    if checks := record.get("checks"):
        lines += ["", "| check | gap | tolerance | |", "|---|---|---|---|"]
        for check in checks:
            verdict = "holds" if check["passed"] else "**fails**"
            lines.append(f"| {check['name']} | {check['gap']:.3g} | {check['tolerance']:.3g} | {verdict} |")
    return "\n".join(lines)


def seed_note(about: dict, seed: str, result: dict) -> str:
    if result["status"] == "diverged":
        return f"Seed {seed} of {heading(about)}: diverged; no result, left out of the means."
    best = f", result of epoch {result['best_epoch']}" if result.get("best_epoch") is not None else ""
    length = f" {result['epochs']} epochs" if result.get("epochs") is not None else ""
    return f"Seed {seed} of {heading(about)}:{length}{best}."
