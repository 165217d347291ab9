"""Counts stay counts: equal sums tie in every test, and equal means in every choice, whatever doubles round to."""

from fractions import Fraction
from itertools import product
from statistics import fmean

import numpy as np
import pytest
import torch

from reglab.core.losses import share
from reglab.data.prepared import Split
from reglab.evaluation import claims, comparison, pairs, statistics
from reglab.evaluation.classification import classification
from reglab.evaluation.rounding import mean, subtract
from reglab.evaluation.settings import Claim, Pair
from reglab.experiments.tuning import evaluate as searches
from reglab.tracking.record import seed_metrics

RULE = {"confidence": 0.95, "relevant_difference": 0.005}
NONE = [354, 364, 362, 342, 384, 340, 358, 350]  # right of 400
COUNTS, HITS = {"labelled": 20, "validation": 3, "test": 400}, {"labelled": 19, "validation": 1, "test": 365}
GAIN = [2, 3, 1, 0, 1, -1, 3, 2]


def by_integers(differences: list[Fraction]) -> float:
    """The sign flip's p-value by exact arithmetic."""
    common = np.lcm.reduce([d.denominator for d in differences], dtype=object)
    whole = [int(d * common) for d in differences]
    sums = [abs(sum(s * d for s, d in zip(signs, whole, strict=True))) for signs in product((1, -1), repeat=len(whole))]
    return sum(total >= abs(sum(whole)) for total in sums) / len(sums)


def record(name, values, metric="test_accuracy", family="regularizers", **more):
    metrics = {metric: values} | more
    seeds = {
        str(seed): {"status": "finished", "metrics": {key: each[seed] for key, each in metrics.items()}}
        for seed in range(len(values))
    }
    return {"family": family, "name": name, "technique": [], "seeds": seeds, "checks": []}


def shares(counts, examples=400):
    return [count / examples for count in counts]


def test_the_accuracy_of_single_precision_probabilities_is_a_quotient_of_whole_numbers():
    for examples in (3, 7, 400, 1000):
        for hits in (0, 1, examples // 3, examples):
            right = torch.arange(examples) < hits
            probabilities = torch.where(right[:, None], torch.tensor([[0.8, 0.2]]), torch.tensor([[0.3, 0.7]]))
            assert classification(probabilities, torch.zeros(examples).long())["accuracy"] == hits / examples
            assert share(right) == hits / examples


def test_a_record_holds_counts_and_gaps_to_the_last_digit():
    """19 of 20 right in training, 365 of 400 in the test; with a wrong label 18 of 20."""

    def probabilities(examples: int, right: int) -> np.ndarray:
        hit = np.arange(examples)[:, None] < right
        return np.where(hit, [[0.7, 0.3]], [[0.2, 0.8]]).astype(np.float32)

    labels = {part: np.zeros(count, dtype=np.int64) for part, count in COUNTS.items()}
    given = labels | {"labelled": np.eye(1, 20, dtype=np.int64)[0]}
    split = Split({}, given, {}, labels["labelled"], classes=2)
    result = seed_metrics(split, {part: probabilities(count, HITS[part]) for part, count in COUNTS.items()})
    assert (result["train_accuracy"], result["test_accuracy"]) == (0.9, 0.9125)
    assert result["train_accuracy_true_labels"] == 0.95 and result["validation_accuracy"] == 1 / 3
    assert (result["generalization_gap"], result["generalization_gap_given_labels"]) == (0.0375, -0.0125)


def test_three_seeds_of_equal_sums_are_as_likely_as_all_others():
    """+2, +1, -2 of 400: no sum is nearer to zero than theirs, 1."""
    assert statistics.sign_flip(subtract(np.array([0.91, 0.9275, 0.915]), np.array([0.905, 0.925, 0.92]))) == 1.0


def test_random_counts_have_the_p_value_of_exact_arithmetic():
    """300 studies of 2 to 10 seeds, also with a margin, which a decimal fraction of params.yaml stands for."""
    random, rounded, unrounded, exact = np.random.default_rng(0), [], [], []
    for _ in range(300):
        seeds, examples = int(random.integers(2, 11)), int(random.choice([40, 97, 400, 1000, 3000]))
        one = random.integers(examples // 2, examples + 1, seeds).tolist()
        two = [int(np.clip(count + random.integers(-3, 4), 0, examples)) for count in one]
        margin = str(random.choice(["0", "0.005", "0.01", "-0.0025"]))
        exact.append([Fraction(a - b, examples) - Fraction(margin) for a, b in zip(one, two, strict=True)])
        rounded.append(subtract(subtract(shares(one, examples), shares(two, examples)), float(margin)))
        unrounded.append(np.subtract(shares(one, examples), shares(two, examples)) - float(margin))
    p_values = [by_integers(differences) for differences in exact]
    assert statistics.sign_flips(rounded) == p_values
    assert statistics.sign_flips(unrounded) == p_values


def test_so_have_differences_of_differences_and_means_over_variants():
    """The gap between training and test, 900 and 400 examples; and the mean over three numbers of labels."""
    random, rounded, exact = np.random.default_rng(1), [], []
    for _ in range(100):
        train, test = random.integers(800, 803, (2, 8)), random.integers(350, 353, (2, 8))
        gaps = np.array(shares(train.ravel(), 900)).reshape(2, 8) - np.array(shares(test.ravel())).reshape(2, 8)
        rounded.append(subtract(*gaps))
        exact.append(
            [Fraction(int(a - b), 900) - Fraction(int(c - d), 400) for a, b, c, d in zip(*train, *test, strict=True)]
        )
        three = random.integers(350, 353, (2, 8, 3))
        rounded.append(subtract(*([mean(shares(counts)) for counts in recipe] for recipe in three)))
        exact.append([Fraction(int(one.sum() - two.sum()), 1200) for one, two in zip(*three, strict=True)])
    assert statistics.sign_flips(rounded) == [by_integers(differences) for differences in exact]


@pytest.mark.parametrize("ask", ["comparison", "pair", "claim"])
def test_what_exact_counts_cannot_tell_gets_no_verdict(ask):
    """Eight seeds of 400 examples, margin 0: 16 of 256 sign patterns come as far, p = 0.0625 and not 0.0469."""
    better = [right + gain for right, gain in zip(NONE, GAIN, strict=True)]
    recipes = {"none": record("none", shares(NONE)), "better": record("better", shares(better))}
    rule = RULE | {"relevant_difference": 0.0}
    if ask == "comparison":
        row = comparison.compare({"regularizers": recipes}, **rule)["regularizers"]["better"]
    elif ask == "pair":
        row = pairs.compare_pairs({"it": Pair("better", "none")}, {"regularizers": recipes}, **rule)["it"]
    else:
        claim = Claim("it helps", "dropout", "better", "none", "higher", "test_accuracy")
        row = claims.judge({"it": claim}, {"regularizers": recipes}, lambda *_: {}, **rule)["it"]
    assert (row["p"], row["verdict"]) == (0.0625, "cannot tell")
    assert row["difference"] == 0.0034375  # 11 of 3200, to the last digit


def test_a_claim_of_more_than_a_margin_is_not_supported_by_rounding():
    """Two of 400 more in every seed is 0.005 and not more, though 0.91 - 0.905 is 0.005000000000000004."""
    more = record("more", shares([right + 2 for right in NONE]))
    recipes = {"none": record("none", shares(NONE)), "more": more}
    claim = Claim("by more", "dropout", "more", "none", "higher", "test_accuracy", margin=0.005)
    row = claims.judge({"it": claim}, {"regularizers": recipes}, lambda *_: {}, **RULE)["it"]
    assert (row["low"], row["high"], row["p"], row["verdict"]) == (0.005, 0.005, 1.0, "cannot tell")
    compared = comparison.compare({"regularizers": recipes}, **RULE, test_to_train=0.4)["regularizers"]["more"]
    assert compared["verdict"] == compared["distribution"]["verdict"] == "no relevant difference"
    assert compared["probability"]["same"] == compared["distribution"]["probability"]["same"] == 1.0


def test_gaps_that_differ_by_rounding_alone_do_not_differ():
    one, two = [0.3 - 0.2] * 8, [0.4 - 0.3] * 8
    assert one != two
    recipes = {"none": record("none", one, "generalization_gap"), "same": record("same", two, "generalization_gap")}
    claim = Claim("the gap", "dropout", "same", "none", "lower", "generalization_gap")
    row = claims.judge({"it": claim}, {"regularizers": recipes}, lambda *_: {}, **RULE)["it"]
    assert (row["difference"], row["p"], row["verdict"]) == (0.0, 1.0, "no relevant difference")


@pytest.mark.parametrize("turned", [False, True])
def test_of_baselines_with_equal_counts_the_one_with_the_lower_loss_is_best(turned):
    one, other = shares([270, 300, 276], 300), shares([281, 280, 285], 300)
    assert fmean(one) > fmean(other), "equal counts, but not equal doubles"
    losses = [[0.4] * 3, [0.5] * 3][:: -1 if turned else 1]
    records = {
        "regularizers": {"none": record("none", one)},
        "baselines": {
            name: record(name, one, family="baselines", validation_accuracy=values, validation_nll=nll)
            for (name, values), nll in zip({"one": one, "other": other}.items(), losses, strict=True)
        },
    }
    row = comparison.compare(records, **RULE)["regularizers"]["none"]
    assert row["best_baseline"] == ("other" if turned else "one")


def test_an_ingredient_is_tested_by_counts_too():
    mixed = shares([right + gain for right, gain in zip(NONE, GAIN, strict=True)])
    best = {"best": {"number": 1, "settings": {"mixup": {}}}, "left_out": [], "budget": {"trainings": 36}}
    plain = dict.fromkeys(("test_accuracy@none", "test_accuracy@without_mixup"), shares(NONE))
    metrics = plain | {"test_accuracy@only_mixup": mixed}
    cocktail = record("stacked", mixed, family="cocktails", **metrics) | best
    result = searches.cocktails(
        {"regularizers": {"none": record("none", shares(NONE))}, "cocktails": {"stacked": cocktail}}, **RULE
    )["stacked"]
    assert {result["full"]["p"], result["ingredients"]["mixup"]["without"]["p"]} == {0.0625}
