"""What the MLflow UI shows of a recipe: pure functions of its description (`run.json` or `record.json`) and its record.

Curves have a prefix of their own (the UI draws one section per prefix), so that the last epoch's `train_accuracy` is
not taken for the result's. The compare page sorts by name and shows six metrics, hence prefixes that come after
`test_accuracy`, and intervals for test metrics alone; the rest is in the record, which is attached.
"""

import json
import math
import re
import socket
from collections.abc import Iterator
from pathlib import Path

KEY, RECORD, SEED = "reglab.key", "reglab.record", "reglab.seed"  # tags: training, content of the record, nested run
CURVES, COST, VALUES = "training/", "training_cost/", "values/"
PARENT = "mlflow.parentRunId"
SOURCE = "mlflow.source.name"
NOTE = "mlflow.note.content"
FEW = 30  # checks that a description lists; MLflow cuts it at 8,000 characters


def source(root: Path) -> str:
    """The checkout that a run comes from."""
    return f"{socket.gethostname()}:{root.resolve()}"


def stage(family: str, name: str) -> str:
    """The DVC stage of an entry."""
    stages = {"regularizers": "train", "combinations": "combine", "baselines": "baseline"}
    stages |= {"ensembles": "ensemble", "attacks": "attack", "augmentation": "augment", "pretraining": "pretrain"}
    stages |= {"sweeps": "sweep", "cocktails": "cocktail", "regimes": "regime", "variance_sources": "source"}
    return f"{stages.get(family, family)}@{name}"


def params(about: dict) -> dict[str, str]:
    """The settings as `<technique>.<field>`, `training.epochs`, ..., written as in params.yaml; how many seeds."""

    def flat(settings: dict, prefix: str = "") -> Iterator[tuple[str, str]]:
        for name, value in settings.items():
            if isinstance(value, dict):
                yield from flat(value, f"{prefix}{name}.")
            else:
                yield prefix + name, value if isinstance(value, str) else json.dumps(value)

    count = {"seeds": str(len(about["seeds"]))} if about["seeds"] else {}
    return dict(flat(about["settings"])) | count


def tags(about: dict, root: Path) -> dict[str, str]:
    """What parent and seeds have in common."""
    known = {name: value for name, value in about.get("tags", {}).items() if value}
    if "git_commit" in known:
        known["mlflow.source.git.commit"] = known["git_commit"]
    if about["dataset"]:
        known["dataset_fingerprint"] = about["dataset"]["fingerprint"]
    if about["technique"]:
        known["technique"] = ", ".join(about["technique"])
    return known | {"family": about["family"], SOURCE: source(root), "mlflow.source.type": "LOCAL"}


def parent_tags(about: dict) -> dict[str, str]:
    kind = {"baselines": "baseline", "theory": "theory"}.get(about["family"], "recipe")
    return {"kind": kind, NOTE: f"{heading(about)}: in progress. The summary follows when every seed has ended."}


def outcome_tags(record: dict) -> dict[str, str]:
    """What a glance at the list of runs must not miss."""
    failed = [check["name"] for check in record["checks"] if not check["passed"]]
    found = {"diverged_seeds": ", ".join(diverged(record)), "failed_checks": ", ".join(failed)}
    return {name: value for name, value in found.items() if value}


def diverged(record: dict) -> list[str]:
    return [seed for seed, result in record["seeds"].items() if result["status"] == "diverged"]


def seed_name(about: dict, seed: str) -> str:
    return f"{about['name']}/seed-{seed}"


def seed_tags(seed: str, parent: str) -> dict[str, str]:
    return {"kind": "seed", SEED: seed, PARENT: parent}


def heading(about: dict) -> str:
    data = f", on {about['dataset']['name']}" if about["dataset"] else ""
    return f"**{about['name']}** ({about['family']}{data})"


def finite(metrics: dict) -> dict[str, float]:
    """The numbers that can be drawn (infinities would flatten every chart), under names that MLflow takes."""
    return {
        re.sub(r"[^\w./ -]", "_", name)[:250]: float(value)
        for name, value in metrics.items()
        if value is not None and math.isfinite(value)
    }


def seed_metrics(result: dict) -> dict[str, float]:
    return result["metrics"] | {name: result.get(name) for name in ("best_epoch", "epochs")}


def summary_metrics(record: dict) -> dict[str, float]:
    """The parent's numbers: means over seeds, the test accuracy first; cost; what a theory found."""
    metrics = {}
    for name, value in sorted(record["summary"].items(), key=lambda item: item[0] != "test_accuracy"):
        metrics[name] = value["mean"]
        if name.startswith("test_"):
            metrics |= {f"{name}_ci95_low": value["low"], f"{name}_ci95_high": value["high"]}
    metrics |= {COST + name: value for name, value in record.get("cost", {}).items()}
    metrics |= {VALUES + name.replace("/", "_"): value for name, value in record.get("numbers", {}).items()}
    if record["checks"]:
        metrics["checks_failed"] = sum(not check["passed"] for check in record["checks"])
    return metrics


def note(about: dict, record: dict, timed: bool, verdicts: tuple[str, ...] = ()) -> str:
    """What the run is and how it ended, a few lines of Markdown; not `timed`: its times are those of the mirroring."""
    lines = [f"{heading(about)}: record `runs/{about['family']}/{about['name']}/record.json`."]
    lines += [f"* {verdict}" for verdict in verdicts] + [""] * bool(verdicts)
    if lost := diverged(record):
        lines.append(f"**Diverged: seed {', '.join(lost)}**, so there are no means: no seed is ever left out.")
    elif seeds := record["seeds"]:
        lines += [
            f"{len(seeds)} seeds, nested below: plain metrics are means over them, `_ci95_low` and `_ci95_high` a 95 %"
            " interval; `training/...` are per epoch, `_min` and `_max` over seeds.",
            "Seeds are paired between recipes; the whole answer is in reports/index.html.",
        ]
    if not timed:
        lines.append("Made from the record alone: start and duration are those of the mirroring.")
    checks = record["checks"]
    if len(checks) > FEW:
        failed = [check for check in checks if not check["passed"]]
        lines.append(f"{len(checks)} checks, of which {len(failed)} fail; all are in record.json.")
        checks = failed[:FEW]
    if checks:
        lines += ["", "| check | gap | tolerance | |", "|---|---|---|---|"]
        for check in checks:
            gap = "none" if check["gap"] is None else f"{check['gap']:.2g}"
            verdict = "holds" if check["passed"] else "**fails**"
            lines.append(f"| {check['name'].replace('|', '¦')} | {gap} | {check['tolerance']:.2g} | {verdict} |")
    return "\n".join(lines)


def seed_note(about: dict, seed: str, result: dict) -> str:
    start = f"Seed {seed} of {heading(about)}"
    if result["status"] == "diverged":
        return f"{start}: **diverged**, no result. {result.get('reason', '')}".strip()
    if "epochs" not in result:
        return f"{start}."
    return f"{start}: {result['epochs']} epochs, result of epoch {result['best_epoch']}."
