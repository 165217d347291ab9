"""The comparison on records whose every number is known."""

import json

import numpy as np
import pytest
from scipy import stats

from reglab.core.errors import UserError
from reglab.evaluation import comparison
from reglab.evaluation.interval import mean_interval
from reglab.evaluation.statistics import difference_interval, seeds_needed

SETTINGS = {"confidence": 0.95, "relevant_difference": 0.005}
SEEDS = 10
BEST = ("baselines", "k_nearest_neighbours")
SPLITS = np.random.default_rng(0).normal(0, 0.03, SEEDS)  # what a seed's split does to every recipe alike


def record(
    test: np.ndarray | float, validation: np.ndarray | float = 0.9, cost: float | None = 1.0, diverged=()
) -> dict:
    test, validation = (np.broadcast_to(values, SEEDS) for values in (test, validation))
    runs = {
        str(seed): {
            "status": "diverged" if seed in diverged else "finished",
            "metrics": {
                "validation_accuracy": float(validation[seed]),
                "test_accuracy": float(test[seed]),
                "test_ece": float(1 - test[seed]),
            },
        }
        for seed in range(SEEDS)
    }
    return {"technique": [], "checks": [], "seeds": runs, "cost": {} if cost is None else {"relative_to_none": cost}}


def noise(seed: int, deviation: float = 0.01) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, deviation, SEEDS)


@pytest.fixture
def records() -> dict:
    none = 0.89 + SPLITS
    return {
        "baselines": {
            "k_nearest_neighbours": record(none + 0.02 + noise(1), validation=0.92, cost=None),
            "logistic_regression": record(none + 0.04 + noise(2), validation=0.91, cost=None),
        },
        "regularizers": {
            "none": record(none),
            "placebo": record(none + noise(3)),
            "dropout": record(none + 0.06 + noise(4), cost=1.55),
            "l1": record(none - 0.05 + noise(5)),
            "max_norm": record(none + noise(6, 0.001)),
        },
        "combinations": {"dropout_and_l1": record(none + 0.005 + noise(7))},
        "theory": {"gabor": {"technique": [], "checks": [], "seeds": {}}},
    }


def test_a_row_holds_the_paired_difference_its_interval_and_its_p_values(records):
    report = comparison.compare(records, **SETTINGS)
    row, d = report["regularizers"]["dropout"], 0.06 + noise(4)
    assert row["test_accuracy"] == pytest.approx((0.89 + SPLITS + d).mean(), abs=1e-12)
    assert row["difference"] == pytest.approx(d.mean(), abs=1e-12)
    assert (row["low"], row["high"]) == pytest.approx(difference_interval(d, 0.95), rel=1e-2)  # ties of resamples
    assert row["p"] == 2 / 1024  # all ten seeds gain
    assert row["cost"] == 1.55
    ece = row["metrics"]["test_ece"]
    assert (ece["low"], ece["high"]) == pytest.approx(mean_interval(0.11 - SPLITS - d, 0.95), abs=1e-12)
    assert ece["difference"] == pytest.approx(-d.mean(), abs=1e-12)


def test_pairs_are_made_by_seed_whatever_the_order_in_the_record(records):
    expected = comparison.compare(records, **SETTINGS)
    seeds = records["regularizers"]["placebo"]["seeds"]
    records["regularizers"]["placebo"]["seeds"] = dict(reversed(seeds.items()))
    assert comparison.compare(records, **SETTINGS) == expected


def test_effects_of_known_size_get_their_verdicts(records):
    report = comparison.compare(records, **SETTINGS)
    verdicts = {name: row["verdict"] for name, row in (report["regularizers"] | report["combinations"]).items()}
    assert verdicts == {
        "none": "reference",
        "placebo": "cannot tell",
        "dropout": "helps",
        "l1": "hurts",
        "max_norm": "no relevant difference",
        "dropout_and_l1": "cannot tell",
    }


def test_the_reference_differs_from_itself_by_nothing(records):
    row = comparison.compare(records, **SETTINGS)["regularizers"]["none"]
    assert (row["difference"], row["low"], row["high"], row["p"], row["p_holm"]) == (0.0, 0.0, 0.0, None, None)


def test_holm_spans_regularizers_and_combinations_and_baselines_are_a_family_of_their_own(records):
    report = comparison.compare(records, **SETTINGS)
    none = 0.89 + SPLITS

    def exact(test: np.ndarray) -> float:
        return stats.permutation_test((test - none,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue

    assert report["regularizers"]["dropout"]["p_holm"] == pytest.approx(5 * 2 / 1024)  # five networks beside none
    assert report["baselines"]["logistic_regression"]["p_holm"] == pytest.approx(2 * exact(none + 0.04 + noise(2)))
    assert report["combinations"]["dropout_and_l1"]["p"] == pytest.approx(exact(none + 0.005 + noise(7)))


def test_seeds_needed_stand_where_nothing_can_be_told_and_only_there(records):
    def needed(differences: np.ndarray) -> int:
        return seeds_needed(differences, comparisons=5, relevant_difference=0.005, level=0.05)

    report = comparison.compare(records, **SETTINGS)
    for row in (report["regularizers"] | report["combinations"]).values():
        assert (row["seeds_needed"] is not None) == (row["verdict"] == "cannot tell")
    assert report["regularizers"]["placebo"]["seeds_needed"] == needed(noise(3))
    assert report["combinations"]["dropout_and_l1"]["seeds_needed"] == needed(0.005 + noise(7))


def test_the_best_baseline_is_chosen_on_validation_though_another_is_better_on_test(records):
    report = comparison.compare(records, **SETTINGS)
    assert {row["best_baseline"] for row in report["regularizers"].values()} == {"k_nearest_neighbours"}
    assert report["regularizers"]["dropout"]["beats_baselines"] is True
    assert report["combinations"]["dropout_and_l1"]["beats_baselines"] is False
    assert report["baselines"]["logistic_regression"]["beats_baselines"] is None


@pytest.mark.parametrize(("metric", "sign"), [("test_accuracy", 1), ("test_ece", -1)])
@pytest.mark.parametrize(("seeds", "beats"), [(2, False), (4, False), (5, False), (6, True)])
def test_few_seeds_beat_no_baseline_however_clear_they_look(records, seeds, beats, metric, sign):
    """All are better by .02 or more; of two equals one is so in every seed, by chance, in 1 of 8 studies of four seeds."""
    del records["theory"]
    for names in records.values():
        for entry in names.values():
            entry["seeds"] = {str(seed): entry["seeds"][str(seed)] for seed in range(seeds)}
    for seed in map(str, range(seeds)):
        rival, dropout = (records[f][n]["seeds"][seed]["metrics"] for f, n in (BEST, ("regularizers", "dropout")))
        dropout[metric], rival["validation_ece"] = rival[metric] + sign * (0.02 + 0.001 * int(seed)), 0.1
    row = comparison.compare(records, **SETTINGS, metric=metric)["regularizers"]["dropout"]
    assert (row["best_baseline"], row["beats_baselines"]) == (BEST[1], beats)


def test_being_better_than_the_baselines_by_chance_is_not_beating_them(records):
    records["regularizers"]["dropout"] = record(0.89 + SPLITS + 0.02 + noise(1) + noise(8) - noise(8).mean() + 1e-4)
    row = comparison.compare(records, **SETTINGS)["regularizers"]["dropout"]
    best = comparison.compare(records, **SETTINGS)["baselines"]["k_nearest_neighbours"]
    assert row["test_accuracy"] > best["test_accuracy"]
    assert row["beats_baselines"] is False


def test_where_less_is_better_the_verdicts_turn_and_the_differences_stay_raw(records):
    by_accuracy = comparison.compare(records, **SETTINGS)
    by_ece = comparison.compare(records, **SETTINGS, metric="test_ece")
    for family in ("regularizers", "combinations", "baselines"):
        for name, row in by_ece[family].items():
            assert row["verdict"] == by_accuracy[family][name]["verdict"]
            assert row["difference"] == pytest.approx(-by_accuracy[family][name]["difference"], abs=1e-12)


def test_a_recipe_with_a_diverged_seed_is_named_and_never_ranked(records):
    records["regularizers"]["l1"] = record(0.99, diverged=[3, 7])
    report = comparison.compare(records, **SETTINGS)
    row = report["regularizers"]["l1"]
    assert (row["verdict"], row["diverged_seeds"]) == ("diverged", [3, 7])
    assert {row[key] for key in ("test_accuracy", "difference", "low", "high", "p", "p_holm", "seeds_needed")} == {None}
    assert row["beats_baselines"] is None
    assert report["regularizers"]["dropout"]["p_holm"] == pytest.approx(4 * 2 / 1024)  # one comparison fewer


def test_against_a_diverged_reference_nothing_is_told(records):
    records["regularizers"]["none"] = record(0.9, diverged=[0])
    report = comparison.compare(records, **SETTINGS)
    assert report["regularizers"]["none"]["verdict"] == "diverged"
    row = report["regularizers"]["dropout"]
    assert (row["verdict"], row["difference"], row["seeds_needed"]) == ("cannot tell", None, None)
    assert row["test_accuracy"] > 0.9


def test_a_diverged_baseline_is_no_candidate_for_the_best(records):
    records["baselines"]["k_nearest_neighbours"] = record(0.99, validation=0.99, diverged=[1])
    report = comparison.compare(records, **SETTINGS)
    assert report["regularizers"]["dropout"]["best_baseline"] == "logistic_regression"


def test_without_baselines_there_is_nothing_to_beat(records):
    del records["baselines"]
    row = comparison.compare(records, **SETTINGS)["regularizers"]["dropout"]
    assert (row["best_baseline"], row["beats_baselines"]) == (None, None)


def test_the_report_is_strict_json_in_the_order_of_the_records_without_theory(records):
    records["regularizers"]["l1"] = record(0.99, diverged=[3])
    report = comparison.compare(records, **SETTINGS)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert list(report) == ["baselines", "regularizers", "combinations"]
    assert list(report["regularizers"]) == ["none", "placebo", "dropout", "l1", "max_norm"]


def test_other_seeds_than_the_references_are_the_users_error_one_line_each(records):
    for name in ("dropout", "l1"):
        del records["regularizers"][name]["seeds"]["9"]
    with pytest.raises(UserError) as error:
        comparison.compare(records, **SETTINGS)
    assert len(error.value.lines) == 2
    assert "runs/regularizers/dropout/record.json: seeds: found 0, 1, 2, 3, 4, 5, 6, 7, 8;" in error.value.lines[0]


def test_a_missing_reference_is_the_users_error(records):
    del records["regularizers"]["none"]
    with pytest.raises(UserError, match=r"add `none: \{\}`"):
        comparison.compare(records, **SETTINGS)


@pytest.mark.parametrize(("home", "entry"), [("theory", "gabor"), ("regularizers", "dropout")])
def test_a_technique_that_fails_its_check_is_named_and_nothing_with_it_is_ranked(records, home, entry):
    for family, name, technique in (
        ("regularizers", "dropout", ["dropout"]),
        ("combinations", "dropout_and_l1", ["dropout", "l1"]),
    ):
        records[family][name]["technique"] = technique
    check = {"name": "the mean over masks", "gap": 0.1, "tolerance": 1e-6, "passed": False, "technique": "dropout"}
    records[home][entry]["checks"] = [check, check | {"technique": "l1", "passed": True}]
    report = comparison.compare(records, **SETTINGS)
    for family, name in (("regularizers", "dropout"), ("combinations", "dropout_and_l1")):
        row = report[family][name]
        assert row["verdict"] == "check failed" and row["failed_checks"] == ["the mean over masks"]
        assert row["difference"] is not None or row["p_holm"] is None
        assert row.keys() == report["regularizers"]["l1"].keys() == report["regularizers"]["none"].keys()
    assert report["regularizers"]["l1"]["verdict"] == "hurts"


def test_bias_and_variance_of_the_record_stand_in_its_row(records):
    records["regularizers"]["l1"]["summary"] = {"bias_squared": {"mean": 0.1}, "variance": {"mean": 0.02}}
    report = comparison.compare(records, **SETTINGS)["regularizers"]
    assert (report["l1"]["bias_squared"], report["l1"]["variance"]) == (0.1, 0.02)
    assert report["none"]["variance"] is None
