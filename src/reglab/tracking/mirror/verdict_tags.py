"""Adds verdicts from reports/metrics.json to the runs of their records, and a run for the report.

A verdict depends on what else is compared, so it is no part of a record and may change after the run has ended.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from reglab.evaluation.metric_names import DECIDES
from reglab.tracking.mirror import content, runs
from reglab.tracking.mirror.store import Store, now

if TYPE_CHECKING:
    from mlflow.entities import Run

REPORT = "reglab.report"  # tag: content of the files of the report
VERSUS = "versus/"
EXPERIMENT = "dvc_experiment"


class Comparison(NamedTuple):
    """A metric of an entry beside that of another, paired over seeds."""

    metric: str
    reference: str
    verdict: str
    difference: float | None
    low: float | None
    high: float | None

    @property
    def interval(self) -> str:
        """The interval of the difference in words; nothing if there is none."""
        known = self.low is not None and self.high is not None and self.verdict != "reference"
        return content.interval(self.low, self.high, sign="+") if known else ""


def deciding_metric(metrics: dict) -> str:
    """The metric that decides, under whose name reports/metrics.json has the mean of `none`."""
    none = metrics.get("regularizers", {}).get("none", {})
    return next((key for key in none if key.startswith("test_")), DECIDES)


def comparisons(row: dict, decides: str = DECIDES) -> Iterator[Comparison]:
    """The comparisons in a row of reports/metrics.json: entry, metrics, cells of a map, ingredients of a cocktail.

    `decides`: the metric of those that name none.
    """

    def comparison(result: dict, metric: str, reference: str = "none") -> Comparison:
        ends = (result.get(f"difference_{end}", result.get(end)) for end in ("low", "high"))
        return Comparison(
            metric, result.get("reference", reference), result["verdict"], result.get("difference"), *ends
        )

    if best := row if "verdict" in row else row.get("full"):
        yield comparison(best, decides)
    for metric, result in row.get("comparisons", {}).items():
        yield comparison(result, metric)
    for cell, result in row.get("cells", {}).items():
        yield comparison(result, f"{decides}@{cell}")
    for name, ways in row.get("ingredients", {}).items():
        yield comparison(ways["without"], f"{decides}@without_{name}", "the best")
        yield comparison(ways["only"], f"{decides}@only_{name}")


def main(comparisons: list[Comparison]) -> list[Comparison]:
    """The comparisons of the entry as a whole: not of one number of labels, cell or ingredient."""
    return [one for one in comparisons if "@" not in one.metric]


def verdict_tags(comparisons: list[Comparison]) -> dict[str, str]:
    """The verdict and its interval, for several metrics one each; for a map the number of cells with each verdict."""
    entry = main(comparisons)
    if not entry:
        counted = Counter(one.verdict for one in comparisons)
        return {"verdict": ", ".join(f"{number} x {verdict}" for verdict, number in counted.most_common())}

    def in_words(words: list[str]) -> str:
        named = zip(entry, words, strict=True)
        return words[0] if len(entry) == 1 else ", ".join(f"{one.metric}: {word}" for one, word in named if word)

    return {
        "verdict": in_words([one.verdict for one in entry]),
        "versus": ", ".join(dict.fromkeys(one.reference for one in entry)),
        "interval": in_words([one.interval for one in entry]),
    }


def numbers(comparisons: list[Comparison]) -> dict[str, float]:
    """`versus/<metric>`: the mean difference."""
    return content.for_display({f"{VERSUS}{one.metric}": one.difference for one in comparisons})


def sentences(comparisons: list[Comparison]) -> Iterator[str]:
    """A verdict in words, one for each metric, for the head of a run's description."""
    for one in main(comparisons):
        sentence = f"**{one.verdict}**: {one.metric}"
        if one.verdict == "reference":
            yield f"{sentence}, with which others are compared."
        elif one.difference is None:
            yield f"{sentence} against {one.reference}."
        else:
            within = f" ({one.interval})" if one.interval else ""
            yield f"{sentence} {one.difference:+.4f}{within} against {one.reference}, paired over seeds."


def add(store: Store, metrics: dict, records: dict[tuple[str, str], runs.Record]) -> None:
    """Add the verdicts to the runs of these records, by (family, name); nothing is written twice.

    An experiment of DVC shares runs with the main checkout and adds verdicts only where there is none: they belong to
    another comparison.
    """
    parents = {run.data.tags.get(content.RECORD): run for run in store.find("tags.kind != 'seed'")}
    decides = deciding_metric(metrics)
    for (family, name), record in records.items():
        run, row = parents.get(record.digest), metrics.get(family, {}).get(name)
        entries = list(comparisons(row, decides)) if isinstance(row, dict) else []
        if run is None or not entries or ("verdict" in run.data.tags and EXPERIMENT in names()):
            continue
        timed, said = content.KEY in run.data.tags, tuple(sentences(entries))
        note = content.note(record.values, record.values, timed, said, store.seeds)
        tags = verdict_tags(entries) | {content.NOTE: note}
        changed = {key: value for key, value in numbers(entries).items() if run.data.metrics.get(key) != value}
        moment = now()
        store.log(run, [(key, value, moment, 0) for key, value in changed.items()], tags=tags)


def names() -> dict[str, str]:
    """The tag with the DVC experiment that runs now, if one does."""
    experiment = os.environ.get("DVC_EXP_NAME")
    return {EXPERIMENT: experiment} if experiment else {}


def attach_report(store: Store, folder: Path, root: Path) -> None:
    """The one run `report` of this checkout, or of the DVC experiment that runs now, with the files as they are.

    A report that has changed gets a new run, and the former one is deleted: so no file of it stays behind.
    """
    files = [folder / "index.html", folder / "metrics.json"]
    files += [path for name in ("pages", "figures") for path in sorted((folder / name).rglob("*"))]
    files = [file for file in files if file.is_file()]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(folder)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    former = [run for run in store.find("tags.kind = 'report'") if belongs_to_this_checkout(run, root)]
    current = [run for run in former if run.data.tags[REPORT] == digest.hexdigest() and runs.ended(run)][:1]
    if files and not current:
        about = {"kind": "report", REPORT: digest.hexdigest(), content.CHECKOUT: content.checkout(root)} | names()
        named = "".join(f" [{name}]" for name in names().values())
        run = store.create(f"report{named}", about | {content.NOTE: REPORT_NOTE}, now())
        for file in files:
            store.attach(run, file, str(file.parent.relative_to(folder)))
        store.end(run, "FINISHED", now())
        current = [run]
    for run in former:
        if current and run.info.run_id != current[0].info.run_id:
            store.delete(run)


def belongs_to_this_checkout(run: "Run", root: Path) -> bool:
    tags = run.data.tags
    return tags.get(content.CHECKOUT) == content.checkout(root) and tags.get(EXPERIMENT) == names().get(EXPERIMENT)


REPORT_NOTE = (
    "The report of the last run, under Artifacts: `index.html` has the answer, `pages` the rest, each a file that opens"
    " anywhere (links between them work once all are downloaded); `metrics.json` has the same numbers for programs."
)


def read(path: Path) -> dict:
    """The content of reports/metrics.json; empty before the first report."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
