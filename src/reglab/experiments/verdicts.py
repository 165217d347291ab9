"""Makes the content of reports/metrics.json from the records, and the short table that DVC prints."""

from reglab.core.families import BY_SECTION
from reglab.evaluation.best import best_set
from reglab.evaluation.claims import judge
from reglab.evaluation.comparison import COMPARED, compare
from reglab.evaluation.effects import Predicted
from reglab.evaluation.looks import Looks
from reglab.evaluation.metric_comparison import compare_metrics
from reglab.evaluation.paired_values import Records, at_first_look
from reglab.evaluation.pairs import compare_pairs
from reglab.experiments import left_out
from reglab.experiments.catalogue import modules
from reglab.experiments.required_seeds import too_few_seeds
from reglab.experiments.tuning.evaluate_tuned import tuned, with_other_verdicts
from reglab.experiments.tuning.settings import STUDIES

ON_DATA_SET = "Over new seeds, these examples given: exact sign-flip test, bias-corrected and accelerated bootstrap."
ON_DISTRIBUTION = "Over new examples too: t test on resampled splits, its variance corrected for their overlap."
ON_FOLDS = (
    "Over new examples too: t test on repeated k-fold cross-validation, corrected for the overlap of training sets."
)
NOT_ON_DISTRIBUTION = {
    "fixed": "No answer: all seeds share one test set (data.test_set: fixed), so new examples are not imitated.",
    "column": "No answer: all seeds share the parts that the file names (data.split: column): new examples are not imitated.",
    "time": "No answer: the seeds test on the same windows in time (data.split: time), so a new future is not imitated.",
}
DIGITS = 5  # after the point: what `dvc metrics` prints
NO_TABLES = ("best_sets", "looks", "statistical_tests", "warnings")  # what has no rows with a verdict
NO_DIAGRAM = "No critical-difference diagram: it ranks methods over many independent data sets, and this study has one."


def verdicts(settings, records: Records, predicted: Predicted, test_to_train: float | None) -> dict:
    """family -> name -> row, and beside the families `comparisons`, `claims`, `best_sets`, `statistical_tests` and
    `warnings`.

    The row of what is not applicable is {"not_applicable": why}, with what a pair or a claim names; it takes no part in
    the others.
    `settings` are the `Params`; `predicted` is as in `claims`; `test_to_train` is as in `splits.test_to_train`, of the sizes
    that the splits came to. UserError as in `compare`.

    Where `settings.looks` lets recipes have more seeds, the verdicts on networks and on tuned recipes are over all that each
    has, and `looks` has the `seeds` of each look and the `nominal` level there of a single comparison. All others, such as
    pairs and claims, are over the first seeds: their number was settled before the run.
    """
    inapplicable, all_settings = left_out.by_records(settings, records), settings
    settings, records = left_out.without(settings, inapplicable), left_out.applicable(records)
    rule, looks, grown = settings.evaluation.rule, settings.looks, records
    rows = compare(grown, **rule, test_to_train=test_to_train, looks=looks)
    records = at_first_look(grown, looks)
    for plan in [module.plan(settings) for module in modules("comparisons")]:
        for family, compared in compare_metrics(records, plan, **rule).items():
            rows.setdefault(family, {}).update(compared)
    for module in modules("evaluate"):
        rows |= module.tables(records, **rule)
    rows |= {family: tuned(grown, family, **rule, looks=looks) for family in STUDIES if looks and family in grown}
    rows = with_other_verdicts(rows) | {
        "comparisons": compare_pairs(settings.comparisons, records, **rule, test_to_train=test_to_train),
        "claims": judge(settings.claims, records, of_first_seeds(predicted, looks), **rule),
        "best_sets": best_sets(rows, rule["confidence"]),
        "statistical_tests": {
            "on this data set": ON_DATA_SET,
            "on this distribution": of_distribution(settings.data, test_to_train),
            "over many data sets": NO_DIAGRAM,
        },
        "warnings": too_few_seeds(settings),
    }
    if looks:
        rows["looks"] = {
            "seeds": list(looks.sizes),
            "nominal": looks.nominal(1 - rule["confidence"]).tolist(),
            "first_share": looks.first_share,
        }
    for (section, name), row in left_out.rows(all_settings, inapplicable):
        rows.setdefault(section, {})[name] = row
    return rows


def of_first_seeds(predicted: Predicted, looks: Looks | None) -> Predicted:
    """The predictions of the first seeds, where a record may have more."""
    if not looks:
        return predicted

    def first(family: str, name: str) -> dict:
        arrays = predicted(family, name)
        return {key: values[: looks.first] for key, values in arrays.items()} if BY_SECTION[family].grows else arrays

    return first


def best_sets(rows: dict, confidence: float) -> dict[str, dict]:
    """By study, `as configured` and those of STUDIES that there are: the recipes that cannot be told from the best, as in
    `best.best_set`, by their names."""
    studies = {"as configured": COMPARED} | {family: (family,) for family in STUDIES}
    sets = {
        study: best_set({name: row for family in families for name, row in rows.get(family, {}).items()}, confidence)
        for study, families in studies.items()
    }
    return {study: best for study, best in sets.items() if best}


def of_distribution(data, test_to_train: float | None) -> str:
    """How the question about new examples is answered, or why it is not."""
    if test_to_train is None:
        return NOT_ON_DISTRIBUTION.get(data.split, NOT_ON_DISTRIBUTION["fixed"])
    return ON_FOLDS if data.split == "k_fold" else ON_DISTRIBUTION


def summary(metrics: dict) -> dict[str, dict]:
    """The few numbers that DVC compares, of the result of `verdicts`: a row for each path `<family>/<name>`.

    An entry that is judged by several metrics has a row for each, `<family>/<name>.<metric>`; one that is not applicable
    says so in the place of a verdict.
    """
    tables = {family: rows for family, rows in metrics.items() if family not in NO_TABLES}
    rows = {}
    for family, entries in tables.items():
        for name, entry in entries.items():
            if left_out.REASON in entry:
                rows[f"{family}/{name}"] = {"verdict": "not applicable"}
            by_metric = {metric: row for metric, row in entry.get("comparisons", {}).items() if "@" not in metric}
            for metric, row in by_metric.items():
                rows[f"{family}/{name}" + (f".{metric}" if len(by_metric) > 1 else "")] = summary_row(row)
            if not by_metric and (judged := entry if "verdict" in entry else entry.get("full")):
                rows[f"{family}/{name}"] = summary_row(judged)
    return rows


def summary_row(row: dict) -> dict:
    """`difference`, the ends `lower` and `upper` of its interval, `value` and `verdict`, without those that are None.

    DVC prints the columns in the order of their names, hence these. Rounded to what it prints, so that nothing beyond
    that shows up as a change.
    """
    numbers = {
        "difference": row.get("difference"),
        "lower": row.get("difference_low", row.get("low")),
        "upper": row.get("difference_high", row.get("high")),
        "value": next((row[key] for key in row if key.startswith("test_") or key in ("mean", "value")), None),
    }
    rounded = {name: round(number, DIGITS) for name, number in numbers.items() if number is not None}
    return rounded | {"verdict": row["verdict"]}
