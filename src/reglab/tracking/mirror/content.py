"""The content of a recipe's runs in MLflow: pure functions of its description (`run.json` or `record.json`) and its record.

Curves have a prefix of their own (the UI draws one section per prefix), so that the last epoch's `train_accuracy` is
not taken for the result's. The compare page sorts by name and shows six metrics, hence prefixes that come after
`test_accuracy`. Every metric is a chart in the UI, so only quantities are metrics: an interval is a tag or
stands in the description. Numbers are rounded for the eye; the record, which is attached, has them exactly.
"""

import json
import math
import re
import socket
from collections.abc import Iterator
from pathlib import Path

from reglab.core.families import sections, stage_name
from reglab.evaluation.interval import mean_interval

KEY, RECORD, SEED = "reglab.key", "reglab.record", "reglab.seed"  # tags: training, content of the record, nested run
CHECKOUT = "reglab.checkout"  # tag: where the run comes from
CURVES, COST, VALUES = "training/", "training_cost/", "values/"
PARENT = "mlflow.parentRunId"
SOURCE = "mlflow.source.name"  # tag: what the column Source shows
NOTE = "mlflow.note.content"
DIGITS = 4  # significant ones of a number that is no whole one
LONGEST_NAME = 250  # of a run, in characters
CONFIDENCE = 0.95  # of the means' intervals, which say so: this mirror is made before anything is evaluated
FEW = 30  # checks that a description lists; MLflow cuts it at 8,000 characters


def checkout(root: Path) -> str:
    """The checkout that a run comes from."""
    return f"{socket.gethostname()}:{root.resolve()}"


def params(about: dict) -> dict[str, str]:
    """The settings as `<technique>.<field>`, `training.epochs`, ..., written as in params.yaml; how many seeds.

    Of a search those that it varies have the values that it has chosen. Until it has a record they are left out: a param is
    never changed.
    """
    count = {"seeds": str(len(about["seeds"]))} if about["seeds"] else {}
    searched = dict.fromkeys(name for name, _ in flat(ranges(about)))
    fixed = {name: value for name, value in flat(about["settings"]) if name not in searched}
    return fixed | dict(flat(chosen(about))) | count


def ranges(about: dict) -> dict[str, dict]:
    """What a search varies, by technique or `training` and by setting."""
    settings = about["settings"]
    shared = {name: values for name, values in settings.get("tuning", {}).items() if isinstance(values, list)}
    own = settings.get("ranges") or settings.get("grid") or {}
    return {about.get("name", ""): own, "training": shared} | settings.get("cocktail", {}).get("ingredients", {})


def chosen(record: dict) -> dict[str, dict]:
    """What a search has chosen, by technique or `training` and by setting; nothing before it has."""
    if record.get("family") not in sections(home="tuning"):
        return {}
    choice = record.get("chosen") or record.get("best") or {}
    settings = choice.get("settings", {})
    if record["family"] == "sweeps":
        return {record["name"]: settings}
    return settings | ({"training": choice["training"]} if "training" in choice else {})


def flat(settings: dict, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value if isinstance(value, str) else json.dumps(value)


def varied(about: dict) -> dict[str, str]:
    """Those of the run's params that its DVC experiment has changed (`changed`: settings of params.yaml)."""
    known, changed = params(about), {}
    for name, value in flat(about.get("changed", {})):
        parts = name.split(".")  # regularizers.dropout.hidden_rate is dropout.hidden_rate of the run
        tails = (".".join(parts[first:]) for first in range(len(parts)))
        changed |= {tail: value for tail in tails if known.get(tail) == value}
    return changed


def run_name(name: str, settings: dict[str, str]) -> str:
    """The name of an entry and, in brackets, the settings in which this run of it differs from others."""
    listed = ", ".join(f"{setting.rpartition('.')[2]}={value}" for setting, value in settings.items())
    return f"{name} [{listed}]"[:LONGEST_NAME] if listed else name


def tags(about: dict, root: Path) -> dict[str, str]:
    """The tags that parent and seeds share."""
    known = {name: value for name, value in about.get("tags", {}).items() if value}
    if "git_commit" in known:
        known["mlflow.source.git.commit"] = known["git_commit"]
    if about["dataset"]:
        known["dataset_fingerprint"] = about["dataset"]["fingerprint"]
    if about["technique"]:
        known["technique"] = ", ".join(about["technique"])
    if settings := varied(about):
        known["varied"] = ", ".join(f"{name}={value}" for name, value in settings.items())
    origin = {
        CHECKOUT: checkout(root),
        SOURCE: stage_name(about["family"], about["name"]),
        "mlflow.source.type": "LOCAL",
    }
    return known | {"family": about["family"]} | origin


def parent_tags(about: dict) -> dict[str, str]:
    kind = {"baselines": "baseline", "theory": "theory"}.get(about["family"], "recipe")
    return {"kind": kind, NOTE: f"{heading(about)}: in progress. The summary follows when every seed has ended."}


def outcome_tags(record: dict) -> dict[str, str]:
    """Tags for diverged seeds, failed checks and what is not applicable, which the list of runs shows."""
    failed = [check["name"] for check in record["checks"] if not check["passed"]]
    outcome = {"diverged_seeds": ", ".join(diverged(record)), "failed_checks": ", ".join(failed)}
    outcome |= {"not_applicable": record.get("not_applicable", "")}
    return {name: value for name, value in outcome.items() if value}


def diverged(record: dict) -> list[str]:
    return [seed for seed, result in record["seeds"].items() if result["status"] == "diverged"]


def seed_name(about: dict, seed: str) -> str:
    return run_name(f"{about['name']}/seed-{seed}", varied(about))


def seed_tags(seed: str, parent: str) -> dict[str, str]:
    return {"kind": "seed", SEED: seed, PARENT: parent}


def heading(about: dict) -> str:
    data = f", on {about['dataset']['name']}" if about["dataset"] else ""
    return f"**{about['name']}** ({about['family']}{data})"


def for_display(metrics: dict) -> dict[str, float]:
    """The numbers that can be drawn (infinities would flatten every chart), rounded, under names that MLflow takes."""
    return {
        re.sub(r"[^\w./ -]", "_", name)[:250]: rounded(float(value))
        for name, value in metrics.items()
        if value is not None and math.isfinite(value)
    }


def rounded(number: float) -> float:
    return number if number.is_integer() else float(f"{number:.{DIGITS}g}")


def interval(low: float, high: float, sign: str = "") -> str:
    """An interval in words; sign "+" writes it also before ends above zero."""
    first, last = (f"{end:{sign}.4f}" if round(end, 4) else "0.0000" for end in (low, high))
    return f"{first} to {last}"


def seed_metrics(result: dict) -> dict[str, float]:
    return result["metrics"] | {name: result.get(name) for name in ("best_epoch", "epochs")}


def summary_metrics(record: dict) -> dict[str, float]:
    """The parent's numbers: means over seeds, the score of the task first; cost; what a theory found."""
    means = {name: value["mean"] for name, value in record["summary"].items()}
    metrics = dict(
        sorted(means.items(), key=lambda item: item[0] not in ("test_accuracy", "test_rmse", "test_hamming_loss"))
    )
    metrics |= {COST + name: value for name, value in record.get("cost", {}).items()}
    metrics |= {VALUES + name.replace("/", "_"): value for name, value in record.get("numbers", {}).items()}
    if record["checks"]:
        metrics["checks_failed"] = sum(not check["passed"] for check in record["checks"])
    return metrics


def note(about: dict, record: dict, timed: bool, verdicts: tuple[str, ...] = (), seeds: bool = True) -> str:
    """What the run is and how it ended, a few lines of Markdown; not `timed`: its times are those of mirroring.

    `seeds`: whether every seed is a run too.
    """
    lines = [f"{heading(about)}: record `runs/{about['family']}/{about['name']}/record.json`."]
    lines += [f"* {verdict}" for verdict in verdicts] + [""] * bool(verdicts)
    if why := record.get("not_applicable"):
        lines.append(f"**Not applicable**: {why}. Nothing was trained.")
    if failed := diverged(record):
        lines.append(f"**Diverged: seed {', '.join(failed)}**, so there are no means: no seed is ever left out.")
    elif record["seeds"]:
        where = "nested below" if seeds else "each in record.json and curves.csv"
        lines += [
            f"{len(record['seeds'])} seeds, {where}: metrics are means over them, `training/...` per epoch. Seeds are paired"
            " between recipes; the whole answer is in reports/index.html.",
            *intervals(record),
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


def intervals(record: dict) -> list[str]:
    """A table of the test metrics with the intervals of their means; empty where there are none."""
    runs, lines = [run["metrics"] for run in record["seeds"].values()], []
    for name, value in record["summary"].items():
        if name.startswith("test_") and len(runs) > 1 and all(name in run for run in runs):
            ends = mean_interval([run[name] for run in runs], CONFIDENCE)
            lines.append(f"| {name} | {value['mean']:.4f} | {interval(*ends)} |")
    title = f"| metric | mean over seeds | its {100 * CONFIDENCE:g} % interval |"
    return ["", title, "|---|---|---|", *lines[:FEW]] if lines else []


def seed_note(about: dict, seed: str, result: dict) -> str:
    start = f"Seed {seed} of {heading(about)}"
    if result["status"] == "diverged":
        return f"{start}: **diverged**, no result. {result.get('reason', '')}".strip()
    if "epochs" not in result:
        return f"{start}."
    return f"{start}: {result['epochs']} epochs, result of epoch {result['best_epoch']}."
