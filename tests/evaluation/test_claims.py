"""The ledger on records whose every number is known: verdicts, tests, and what the jackknife and the examples say."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from seeds import seeds_of_record

from reglab.evaluation import claims, effects, statistics
from reglab.evaluation.bias_variance import resampled_split
from reglab.evaluation.settings import Claim

RULE = {"confidence": 0.95, "relevant_difference": 0.005}
SEEDS, EXAMPLES, POOL = 10, 60, 150
RANDOM = np.random.default_rng(0)
NOISE = RANDOM.normal(0, 0.003, (4, SEEDS))


def record(name: str, diverged=(), technique=(), **metrics) -> dict:
    seeds = seeds_of_record(SEEDS, diverged, **metrics)
    return {"family": "regularizers", "name": name, "technique": list(technique), "checks": [], "seeds": seeds}


def spread(deviation: float, seed: int) -> np.ndarray:
    """Probabilities (seeds, examples, 2) around 0.7 for class 0."""
    first = np.clip(0.7 + np.random.default_rng(seed).normal(0, deviation, (SEEDS, EXAMPLES)), 0, 1)
    return np.stack([first, 1 - first], axis=2)


ROWS = np.stack([np.random.default_rng(seed).permutation(POOL)[:EXAMPLES] for seed in range(SEEDS)])
PREDICTED = {
    ("regularizers", name): {
        "test_predictions": spread(deviation, seed),
        "test_labels": np.zeros((SEEDS, EXAMPLES), np.int64),
        "test_indices": ROWS,
    }
    for seed, (name, deviation) in enumerate({"none": 0.2, "calm": 0.05, "strong": 0.2}.items())
}
SMALLEST = {
    "smallest_epsilon/none": np.full((2, EXAMPLES), 0.05),
    "smallest_epsilon/calm": np.where(np.arange(2 * EXAMPLES).reshape(2, EXAMPLES) % 4, 0.2, 0.0),
    "smallest_epsilon/strong": np.full((2, EXAMPLES), 0.5),
}
SMALLEST |= {
    f"robust_error@0.1/{name}": scale * np.random.default_rng(9).gamma(2.0, size=(2, EXAMPLES)).astype(np.float32)
    for name, scale in {"none": 2.0, "calm": 1.0, "strong": 1.0}.items()
}
PREDICTED["attacks", "regularizers"] = SMALLEST
RECORDS = {
    "regularizers": {
        "none": record("none", test_accuracy=0.9 + NOISE[0], zero_weights=0.0),
        "calm": record("calm", test_accuracy=0.95 + NOISE[1], zero_weights=0.8, other=0.95 + NOISE[1]),
        "strong": record("strong", test_accuracy=0.9 + NOISE[0] + 0.0004 * NOISE[2] / 0.003, zero_weights=0.0),
        "lost": record("lost", test_accuracy=0.99, diverged=[3]),
        "faulty": record("faulty", technique=["faulty"], test_accuracy=0.99),
    },
    "theory": {"topic": {"technique": [], "checks": [{"name": "its law", "passed": False, "technique": "faulty"}]}},
    "attacks": {
        "regularizers": {
            "technique": [],
            "checks": [],
            "models": {
                "none": {"unreliable": []},
                "calm": {"unreliable": []},
                "strong": {"unreliable": ["more steps"]},
            },
        }
    },
}
CLAIM = Claim("it is so", "l1", "calm", "none", "higher", "test_accuracy")


def judged(records: dict = RECORDS, **given: Claim) -> dict:
    return claims.judge(given, records, lambda *key: PREDICTED.get(key, {}), **RULE)


def verdict(**changes) -> str:
    return judged(claim=replace(CLAIM, **changes))["claim"]["verdict"]


def test_a_row_is_the_paired_difference_with_the_exact_test():
    row, d = judged(claim=CLAIM)["claim"], 0.05 + NOISE[1] - NOISE[0]
    assert row["value"] == pytest.approx(0.95 + NOISE[1].mean()) and row["difference"] == pytest.approx(d.mean())
    assert row["versus_value"] == pytest.approx(0.9 + NOISE[0].mean())
    assert (row["low"], row["high"]) == pytest.approx(statistics.difference_interval(d, 0.95), abs=1e-3)  # resampled
    assert row["p"] == stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
    assert row["p_holm"] == row["p"] and row["verdict"] == "supported" and row["over"] == "seeds"
    assert row["evidence"] == f"{row['value']:.4g} against {row['versus_value']:.4g}; higher in 10 of 10 seeds"
    declared = {"says", "lecture", "metric", "recipe", "versus", "versus_metric", "direction", "margin"}
    result = {"value", "versus_value", "difference", "low", "high", "p", "p_holm", "p_to_level", "turns_without"}
    assert row.keys() == declared | result | {"over", "evidence", "verdict"}, "no list of seeds, no units"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "supported"),
        ({"direction": "lower"}, "contradicted"),
        ({"margin": 0.03}, "supported"),
        ({"margin": 0.08}, "contradicted"),  # it is more, but not by so much
        ({"direction": "lower", "margin": 0.03}, "contradicted"),
        ({"direction": "same"}, "contradicted"),
        ({"direction": "same", "margin": 0.1}, "supported"),
        ({"direction": "same", "margin": 0.05}, "cannot tell"),
        ({"recipe": "strong", "direction": "same"}, "supported"),  # within the relevant difference
        ({"recipe": "strong"}, "no relevant difference"),  # it lies within what does not matter
        ({"recipe": "strong", "direction": "lower"}, "no relevant difference"),
        ({"recipe": "strong", "margin": 0.003}, "contradicted"),  # a margin says itself what matters
        ({"versus": 0.9}, "supported"),
        ({"versus": 0.95, "direction": "same"}, "supported"),
        ({"versus": 0.97}, "contradicted"),
        ({"versus": "calm", "versus_metric": "other", "direction": "same"}, "supported"),
        ({"metric": "zero_weights", "margin": 0.5}, "supported"),
        ({"metric": "zero_weights", "recipe": "strong"}, "cannot tell"),  # not in units of accuracy: 0.005 says nothing
        ({"versus": "calm", "versus_metric": "zero_weights"}, "supported"),  # 0.95 against 0.8, not against itself
        ({"versus": "calm", "versus_metric": "zero_weights", "direction": "lower"}, "contradicted"),
        ({"metric": "weight_norm"}, "cannot tell"),
    ],
)
def test_verdicts_follow_their_rule(changes, expected):
    assert verdict(**changes) == expected


def test_a_claim_beyond_a_margin_is_tested_at_the_margin():
    d = 0.05 + NOISE[1] - NOISE[0]
    row = judged(claim=replace(CLAIM, margin=0.049))["claim"]
    assert row["p"] == pytest.approx(statistics.sign_flip(d - 0.049)) and row["verdict"] == "cannot tell"
    lower = judged(claim=replace(CLAIM, recipe="none", versus="calm", direction="lower", margin=0.049))["claim"]
    assert lower["p"] == pytest.approx(row["p"]) and lower["difference"] == pytest.approx(-row["difference"])


def test_a_claim_of_the_same_is_tested_at_the_end_of_its_margin():
    """All ten seeds are above 0, and nine of ten above the margin: 0 is excluded at 2/1024, the margin at 4/1024."""
    d = np.r_[np.full(9, 0.02), 0.009]
    close = few(test_accuracy=(0.9 + d, 0.9))
    same = replace(AGAINST, direction="same", margin=0.01)
    row = judged(close, claim=same)["claim"]
    assert row["p"] == statistics.sign_flip(d - 0.01) == 4 / 1024 and row["verdict"] == "contradicted"
    ledger = judged(close, claim=same, **{f"other{number}": same for number in range(19)})
    assert ledger["claim"]["low"] > 0.01  # the interval leaves the margin out, but 20 x 4/1024 = 0.078
    assert ledger["claim"]["verdict"] == "cannot tell"
    lower = judged(few(test_accuracy=(0.9 - d, 0.9)), claim=same)["claim"]
    assert (lower["p"], lower["verdict"]) == (row["p"], "contradicted")


def test_what_lies_within_the_margin_is_no_evidence_against_the_same():
    inside = few(test_accuracy=(0.9 + 0.002 + 0.0001 * np.arange(SEEDS), 0.9))
    row = judged(inside, claim=replace(AGAINST, direction="same"))["claim"]  # margin: the relevant difference, 0.005
    assert (row["p"], row["verdict"], row["margin"]) == (1.0, "supported", 0.005)


def test_the_same_at_its_margin_is_contradicted_no_more_often_than_the_level_says():
    """20 claims that are true, their differences just at the margin, 100 ledgers: some are contradicted in 5 % or less."""
    differences = np.random.default_rng(5).normal(0.01, 0.01, (100 * 20, 11))
    same = replace(AGAINST, direction="same", margin=0.01)
    p = statistics.sign_flips([values - effects.bound(same, values.mean()) for values in differences])
    wrong = sum(statistics.holm(ledger).min() <= 0.05 for ledger in np.reshape(p, (100, 20)))
    assert wrong / 100 <= 0.11  # 5 % and three deviations of the count


def test_holm_spans_the_ledger_but_not_what_could_not_be_tested():
    others = {"lost": replace(CLAIM, recipe="lost"), "unknown": replace(CLAIM, metric="weight_norm")}
    ledger = judged(one=CLAIM, two=replace(CLAIM, recipe="strong"), three=CLAIM, **others)
    p = [ledger[key]["p"] for key in ("one", "two", "three")]
    assert [ledger[key]["p_holm"] for key in ("one", "two", "three")] == statistics.holm(np.array(p)).tolist()
    assert ledger["lost"]["p"] is None and ledger["unknown"]["p_holm"] is None


def test_what_diverged_or_fails_its_check_is_said_so_whatever_its_numbers():
    ledger = judged(lost=replace(CLAIM, recipe="lost"), other=replace(CLAIM, recipe="none", versus="faulty"))
    assert (ledger["lost"]["verdict"], ledger["lost"]["evidence"]) == ("diverged", "lost diverged in seed 3")
    assert (ledger["other"]["verdict"], ledger["other"]["evidence"]) == ("check failed", "faulty: its law")


def test_with_five_seeds_every_verdict_is_cannot_tell():
    few = {
        name: entry | {"seeds": dict(list(entry["seeds"].items())[:5])}
        for name, entry in RECORDS["regularizers"].items()
    }
    row = judged(RECORDS | {"regularizers": few}, claim=CLAIM)["claim"]
    assert row["verdict"] == "cannot tell" and row["difference"] > 0.04


# relevance, gaps, cost, and how near a verdict is to turning


def few(**metrics) -> dict:
    """Records of two recipes, `one` and `two`, with these metrics (one, two)."""
    sides = zip(*metrics.values(), strict=True)
    pair = {
        name: record(name, **dict(zip(metrics, values, strict=True)))
        for name, values in zip(("one", "two"), sides, strict=True)
    }
    return {"regularizers": pair}


AGAINST = Claim("it is so", "l1", "one", "two", "higher", "test_accuracy")


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("test_depth_rmse", "no relevant difference"),
        ("test_accuracy", "no relevant difference"),
        ("test_nll", "contradicted"),
    ],
)
def test_a_real_difference_that_does_not_matter_contradicts_nothing_where_relevance_is_known(metric, expected):
    """+0.0027 in every seed, as of the depth error of joint training: p is the least, the interval within ± 0.005."""
    records = few(**{metric: (0.0915 + 0.1 * NOISE[0], 0.0888)})
    row = judged(records, claim=replace(AGAINST, metric=metric, direction="lower"))["claim"]
    assert row["p_holm"] < 0.05 and row["verdict"] == expected


def test_a_claim_on_a_gap_is_about_its_size():
    """-0.14 is a wider gap than -0.036, whatever the sign: as a number it is lower, as a gap it is larger."""
    records = few(generalization_gap=(-0.14 + NOISE[0], -0.036 + NOISE[1]))
    row = judged(records, claim=replace(AGAINST, metric="generalization_gap", direction="lower"))["claim"]
    assert row["verdict"] == "contradicted" and row["difference"] == pytest.approx(0.104, abs=0.005)
    assert (row["value"], row["versus_value"]) == pytest.approx((0.14, 0.036), abs=0.005)
    crossing = few(generalization_gap=(0.02 + NOISE[0], -0.1 + NOISE[1]))
    row = judged(crossing, claim=replace(AGAINST, metric="generalization_gap", direction="lower"))["claim"]
    assert row["verdict"] == "supported" and row["difference"] == pytest.approx(-0.08, abs=0.005)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (1.0, 5.0, "; its training costs 0.2 times that of two"),
        (5.1, 1.0, "; its training costs 5.1 times that of two"),
        (1.0, 1.04, ""),
        (None, 5.0, ""),
    ],
)
def test_the_evidence_says_when_the_two_are_not_equal_in_cost(one, other, words):
    records = few(test_accuracy=(0.9, 0.9))
    for name, cost in (("one", one), ("two", other)):
        records["regularizers"][name]["cost"] = {} if cost is None else {"relative_to_none": cost}
    assert (
        judged(records, claim=AGAINST)["claim"]["evidence"] == f"0.9 against 0.9; higher in 0 of {SEEDS} seeds{words}"
    )


def test_holm_multiplies_the_p_values_of_a_ledger():
    """Ten seeds that all gain have p = 2/1024; of three claims the least becomes 6/1024, and so do all that follow it."""
    records = few(test_accuracy=(0.95 + NOISE[1], 0.9 + NOISE[0]))
    ledger = judged(records, a=AGAINST, b=replace(AGAINST, direction="lower"), c=replace(AGAINST, margin=0.01))
    assert [row["p"] for row in ledger.values()] == [2 / 1024] * 3
    assert [row["p_holm"] for row in ledger.values()] == pytest.approx([6 / 1024] * 3)
    many = judged(records, **{f"c{number}": AGAINST for number in range(26)})
    assert {row["verdict"] for row in many.values()} == {"cannot tell"}  # 26 x 2/1024 = 0.051


def test_a_claim_that_one_seed_turns_names_it():
    denied = np.where(np.arange(SEEDS) == 3, -0.08, 0.01)
    row = judged(few(test_accuracy=(0.9 + denied, 0.9)), claim=AGAINST)["claim"]
    assert row["verdict"] == "cannot tell" and row["turns_without"] == {"3": "supported"}
    clear = judged(few(test_accuracy=(0.95 + NOISE[1], 0.9)), claim=AGAINST)["claim"]
    assert clear["turns_without"] == {} and clear["p_to_level"] == pytest.approx(2 / 1024 - 0.05)


def test_the_margin_of_a_claim_holds_without_a_seed_too():
    """+0.02 in nine seeds, margin 0.01: one seed at -0.05 spoils it, and without that one the margin is passed."""
    denied = np.where(np.arange(SEEDS) == 3, -0.08, 0.02)
    records = few(test_accuracy=(0.9 + denied, 0.9))
    assert judged(records, claim=replace(AGAINST, margin=0.01))["claim"]["turns_without"] == {"3": "supported"}
    beyond = judged(records, claim=replace(AGAINST, margin=0.03))["claim"]  # no seed reaches that
    assert beyond["verdict"] == "contradicted" and beyond["turns_without"] == {}


# variance, which belongs to all seeds


def test_variance_is_compared_by_leaving_the_same_seed_out_of_both():
    ledger = judged(calm=replace(CLAIM, metric="variance", direction="lower"))["calm"]
    assert ledger["verdict"] == "supported" and ledger["over"] == "all seeds"
    assert ledger["low"] < ledger["difference"] < ledger["high"] < 0
    assert verdict(metric="variance", recipe="strong", direction="lower") == "cannot tell"
    assert verdict(metric="variance", versus=1.0, direction="lower") == "supported"
    crossed = judged(claim=replace(CLAIM, metric="variance", versus="calm", versus_metric="bias_squared"))["claim"]
    bias = resampled_split(*PREDICTED["regularizers", "calm"].values(), unbiased=True).bias_squared
    assert crossed["versus_value"] == pytest.approx(bias) and crossed["value"] != crossed["versus_value"]


def test_the_jackknifes_error_of_a_mean_is_the_standard_error():
    values = RANDOM.normal(size=12)
    left_out = (values.sum() - values) / 11
    assert effects.jackknife_error(left_out) == pytest.approx(stats.sem(values), abs=1e-12)


def test_the_jackknifes_interval_of_a_variance_covers_the_truth_as_often_as_it_says():
    """300 studies as the study is: eleven seeds test 40 of 180 examples each, and go astray on all of them together.

    Both recipes are alike, so the true difference is 0. 95 % less five deviations of the count is 88 %; it is 99 % here,
    for a left-out seed also takes the examples with it that one other seed alone has tested.
    """
    random, covered, seeds, labels = np.random.default_rng(1), 0, 11, np.zeros((11, 40), np.int64)
    for _ in range(300):
        rows = np.stack([random.permutation(180)[:40] for _ in range(seeds)])
        parts = []
        for _ in range(2):
            first = 0.5 + 0.1 * random.normal(size=(seeds, 1)) + (0.05 + 0.001 * rows) * random.normal(size=rows.shape)
            parts.append(np.stack([first, 1 - first], axis=2))

        def difference(kept: np.ndarray, parts=parts, rows=rows) -> float:
            one, two = (resampled_split(p[kept], labels[kept], rows[kept], unbiased=True).variance for p in parts)
            return one - two

        everyone = np.arange(seeds)
        error = effects.jackknife_error(np.array([difference(np.delete(everyone, seed)) for seed in everyone]))
        low, high = statistics.student_interval(difference(everyone), error, 0.95, seeds)
        covered += low <= 0 <= high
    assert covered / 300 >= 0.88


# robust accuracy, over examples


def test_robust_accuracy_counts_the_examples_that_stand_each_once():
    row = judged(claim=replace(CLAIM, metric="robust_accuracy@0.1"))["claim"]
    stands = (SMALLEST["smallest_epsilon/calm"] > 0.1).ravel()
    _, place = np.unique(ROWS[:2].ravel(), return_inverse=True)
    d = np.array([stands[place == example].mean() for example in range(place.max() + 1)])
    expected = stats.ttest_1samp(d, 0)
    assert row["difference"] == pytest.approx(d.mean()) and row["p"] == pytest.approx(expected.pvalue)
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert row["verdict"] == "supported" and f"{len(d)} test examples, networks of 2 seeds" in row["evidence"]
    assert verdict(metric="robust_accuracy@0.01", versus=0.5) == "supported"
    assert verdict(metric="robust_accuracy@0.3") == "no relevant difference"  # neither stands: no difference at all
    crossed = replace(CLAIM, metric="robust_accuracy@0.01", versus="calm", versus_metric="robust_accuracy@0.3")
    assert judged(claim=crossed)["claim"]["versus_value"] == 0.0  # the second metric's epsilon, where calm falls


def test_a_robustness_that_the_reliability_checks_doubt_supports_nothing():
    row = judged(claim=replace(CLAIM, metric="robust_accuracy@0.1", recipe="strong"))["claim"]
    assert row["verdict"] == "cannot tell" and row["evidence"].endswith("cannot be believed: more steps")


def test_the_rmse_under_attack_is_compared_by_leaving_out_examples():
    """The error of the difference is that of the delta method: d rmse = d mse / (2 rmse), to 2 % with 180 examples."""
    claim = replace(CLAIM, metric="robust_rmse@0.1", direction="lower")
    row = judged(claim=claim)["claim"]
    _, place = np.unique(ROWS[:2].ravel(), return_inverse=True)
    squares = [
        np.array([errors.ravel()[place == example].mean() for example in range(place.max() + 1)])
        for errors in (np.square(SMALLEST[f"robust_error@0.1/{name}"]) for name in ("calm", "none"))
    ]
    roots = [np.sqrt(each.mean()) for each in squares]
    assert (row["value"], row["versus_value"]) == pytest.approx(tuple(roots))
    influence = squares[0] / (2 * roots[0]) - squares[1] / (2 * roots[1])
    error = influence.std(ddof=1) / np.sqrt(len(influence))
    low, high = statistics.student_interval(roots[0] - roots[1], error, 0.95, len(influence))
    assert (row["low"], row["high"]) == pytest.approx((low, high), rel=0.02)
    assert row["over"] == "examples" and row["verdict"] == "supported"
    assert (
        verdict(metric="robust_rmse@0.1", direction="lower", versus=5.0) == "supported"
    )  # versus a number in its unit
    doubted = judged(claim=replace(claim, recipe="strong"))["claim"]
    assert doubted["evidence"] == "rmse under attack of strong cannot be believed: more steps"


def test_a_robustness_that_no_attack_measured_supports_nothing():
    claim = replace(CLAIM, metric="robust_accuracy@0.1")
    for attacks in ({}, {"regularizers": {"technique": [], "checks": []}}):
        row = judged(records=RECORDS | {"attacks": attacks}, claim=claim)["claim"]
        assert (row["verdict"], row["evidence"]) == ("cannot tell", "no record of an attack on calm")


def test_a_claim_that_is_not_tested_has_the_fields_of_one_that_is_and_no_numbers():
    ledger = judged(tested=CLAIM, lost=replace(CLAIM, recipe="lost"), unknown=replace(CLAIM, metric="absent"))
    numbers = ("value", "versus_value", "difference", "low", "high", "p", "p_holm", "p_to_level")
    for key, recipe, metric in (("lost", "lost", "test_accuracy"), ("unknown", "calm", "absent")):
        row = ledger[key]
        assert row.keys() == ledger["tested"].keys() and all(row[name] is None for name in numbers)
        declared = {"says": "it is so", "lecture": "l1", "versus": "none", "versus_metric": None, "direction": "higher"}
        assert (
            {name: row[name] for name in declared} == declared and row["turns_without"] == {} and row["over"] == "seeds"
        )
        assert (row["recipe"], row["metric"], row["margin"]) == (recipe, metric, None)
    assert all(ledger["tested"][name] is not None for name in numbers)


@pytest.mark.parametrize(
    ("direction", "units", "low", "high", "margin", "expected"),
    [
        ("higher", 6, 0.01, 0.02, None, "supported"),
        ("higher", 5, 0.01, 0.02, None, "cannot tell"),
        ("lower", 6, 0.01, 0.02, None, "contradicted"),
        ("higher", 6, 0.01, 0.02, 0.01, "cannot tell"),
        ("higher", 6, 0.0, 0.02, None, "cannot tell"),
        ("higher", 6, -0.005, 0.005, None, "no relevant difference"),
        ("same", 6, -0.01, 0.01, 0.01, "supported"),
        ("same", 6, 0.01, 0.02, 0.01, "cannot tell"),
        ("same", 6, -0.02, -0.01, 0.01, "cannot tell"),
        ("same", 6, -0.02, -0.011, 0.01, "contradicted"),
        ("same", 6, 0.011, 0.02, 0.01, "contradicted"),
    ],
)
def test_the_end_of_an_interval_is_on_neither_side_of_what_is_claimed(direction, units, low, high, margin, expected):
    effect = effects.Effect(0.0, 0.0, (low + high) / 2, low, high, units, "", 0.01)
    claim = replace(CLAIM, direction=direction, margin=margin)
    assert claims.verdict_of(claim, effect, 0.05, 0.005, 0.05) == expected
    shown = (expected in ("supported", "contradicted") and direction != "same") or expected == "contradicted"
    assert not shown or claims.verdict_of(claim, effect, 0.051, 0.005, 0.05) == "cannot tell"
