"""Every recipe against `regularizers/none`, paired over seeds: the content of reports/metrics.json.

Two families of comparisons are corrected by Holm's method, each for itself: the networks (every section that trains
over seeds, without `none`), and the classical `baselines`, which are the frame of reference and no candidates. Each of
the two questions, on this data set and on this distribution, has its own correction.
"""

from math import inf, isfinite

from reglab.core.errors import UserError
from reglab.core.families import sections
from reglab.core.task_names import LOSSES
from reglab.evaluation import statistics
from reglab.evaluation.best import behind_the_best, values_of_sound
from reglab.evaluation.judgement import PairedComparison, exclusion, judge, on_distribution
from reglab.evaluation.looks import Looks
from reglab.evaluation.metric_names import DECIDES, quantity, sign
from reglab.evaluation.metric_table import DECIDING
from reglab.evaluation.paired_values import (
    Key,
    Records,
    differences_so_far,
    diverged_seeds,
    estimates,
    failed_checks,
    first_seeds,
    metrics_of,
    paired_differences,
    seeds_of,
    values_of,
    without_nan,
)
from reglab.evaluation.rounding import mean

NONE = ("regularizers", "none")
CLASSICAL = sections(classical=True)
COMPARED = sections(compared_with="none")  # the other families that train: `metric_comparison`


def compare(
    records: Records,
    *,
    confidence: float,
    relevant_difference: float | None,
    metric: str = DECIDES,
    test_to_train: float | None = None,
    looks: Looks | None = None,
) -> dict[str, dict[str, dict]]:
    """family -> name -> row; what cannot be known is None; families other than COMPARED have no row.

    A row: the mean under the metric's own name; the difference (recipe - `none`) on this data set, as in `judgement.judge`;
    on this `distribution`, as in `judgement.on_distribution`, which `test_to_train` is for; `behind_best` of a network,
    `none` included, as in `best.behind_the_best`, the leader by its name; `cost` relative to `none`; `best_baseline` and
    `beats_baselines`: a network beats the baselines when its paired difference to the best of them, chosen by mean
    validation metric, is shown to be a gain (`statistics.shown_sign`); `diverged_seeds`: a recipe that has some gets the
    verdict "diverged" and no numbers, so that nothing can rank it; `failed_checks`: a recipe with a technique that fails an
    exact check, in its topic's record or its own, gets the verdict "check failed" and is not compared either; `metrics`:
    name -> mean, difference, intervals. The verdict of `none` is "reference".

    With `looks`, networks may have the seeds of different looks: their rows are those of `judgement.judge` at looks, over
    the seeds that `none` has too. What compares several recipes at once, `behind_best` and the baselines, is over the first
    seeds, which all have.

    Raises UserError when `none` is missing or a recipe has other seeds than `none`, or than those of a look.
    """
    recipes, failed = _recipes(records, looks), failed_checks(records)
    none, first = recipes[NONE], recipes
    if looks:
        first = {key: first_seeds(record, looks.first) for key, record in recipes.items()}
    comparisons = {
        key: PairedComparison(by_look[-1], metric, exclusion(record, failed=key in failed), by_look[:-1])
        for key, record in recipes.items()
        if key != NONE
        for by_look in [differences_so_far(record, none, metric, looks if key[0] not in CLASSICAL else None)]
    }
    rule = {"confidence": confidence, "relevant_difference": relevant_difference, "metric": metric}
    judged, on_new_data = {}, {}
    for classical in (False, True):
        family = {key: each for key, each in comparisons.items() if (key[0] in CLASSICAL) == classical}
        given = rule if classical else rule | {"looks": looks}
        judged |= judge(family, seeds_of(first[NONE]), **given)
        on_new_data |= on_distribution(family, test_to_train=test_to_train, **given)
    networks = {key: record for key, record in first.items() if key[0] not in CLASSICAL}
    behind = behind_the_best(values_of_sound(networks, failed, metric), metric, confidence)
    best = _best_baseline(recipes, metric.replace("test_", "validation_", 1))

    report: dict[str, dict[str, dict]] = {family: {} for family, _ in recipes}
    for key, record in recipes.items():
        family, name = key
        of_look = judged.get(key, {}).get("look", {}).get("confidence", confidence)
        measured = {
            other: estimates(record, none, other, of_look) for other in dict.fromkeys([metric, *metrics_of(record)])
        }
        row = {
            metric: measured[metric]["mean"],
            **(_reference_row(measured[metric]) if key == NONE else judged[key] | {"distribution": on_new_data[key]}),
            "behind_best": behind[key] | {"leader": behind[key]["leader"][1]} if key in behind else None,
            "cost": record.get("cost", {}).get("relative_to_none"),
            "best_baseline": None,
            "beats_baselines": None,
            "diverged_seeds": diverged_seeds(record),
            "failed_checks": failed.get(key, []),
            "bias_squared": _mean_in_summary(record, "bias_squared"),
            "variance": _mean_in_summary(record, "variance"),
            "metrics": measured,
        }
        if key == NONE:
            row["verdict"] = exclusion(record, failed=key in failed) or "reference"
        if best and family not in CLASSICAL and not diverged_seeds(record):
            lead = statistics.shown_sign(paired_differences(first[key], recipes[best], metric), confidence)
            row |= {"best_baseline": best[1], "beats_baselines": lead == sign(metric)}
        report[family][name] = without_nan(row)
    return report


def _reference_row(effect: dict[str, float]) -> dict:
    """The part of a row that comparisons fill, for `none`, which is compared with nothing."""
    untested = dict.fromkeys(("p", "p_holm", "probability", "seeds_needed", "p_to_level")) | {"turns_without": {}}
    interval = {"low": effect["difference_low"], "high": effect["difference_high"]}
    return untested | {"difference": effect["difference"]} | interval | {"distribution": None}


def _recipes(records: Records, looks: Looks | None) -> dict[Key, dict]:
    """The records that have seeds, all of them the same as those of `none`; with `looks`, of networks those of a look."""
    recipes = {
        (family, name): record
        for family, names in records.items()
        for name, record in names.items()
        if family in COMPARED
    }
    if NONE not in recipes:
        raise UserError(
            "params.yaml: regularizers: found no entry none, with which every recipe is compared; add `none: {}`"
        )
    allowed = recipes[NONE]["seeds"].keys()
    if looks:
        problems = [
            f"runs/{family}/{name}/record.json: seeds: found {len(record['seeds'])}; a look has "
            f"{', '.join(map(str, sizes))}, and regularizers/none {len(allowed)}; run `reglab repro`"
            for (family, name), record in recipes.items()
            for sizes in [looks.sizes[:1] if family in CLASSICAL else looks.sizes]
            if len(record["seeds"]) not in sizes or not record["seeds"].keys() <= allowed
        ]
    else:
        problems = [
            f"runs/{family}/{name}/record.json: seeds: found {', '.join(record['seeds'])}; "
            f"regularizers/none has {', '.join(allowed)}, and pairs need the same; run `dvc repro`"
            for (family, name), record in recipes.items()
            if record["seeds"].keys() != allowed
        ]
    if problems:
        raise UserError(*problems)
    return recipes


def _best_baseline(recipes: dict[Key, dict], metric: str) -> Key | None:
    """The baseline with the best mean over seeds; of equals the one with the lower validation loss."""
    classical = {key: record for key, record in recipes.items() if key[0] in CLASSICAL and metric in metrics_of(record)}

    about = DECIDING.get(quantity(metric))
    loss = f"validation_{LOSSES[about.task if about else 'classification']}"

    def rank(key: Key) -> tuple[float, float]:
        value, lost = (mean(values_of(classical[key], name)) for name in (metric, loss))
        return -sign(metric) * value, lost if isfinite(lost) else inf

    return min(classical, key=rank, default=None)


def _mean_in_summary(record: dict, metric: str) -> float | None:
    return record.get("summary", {}).get(metric, {}).get("mean")
