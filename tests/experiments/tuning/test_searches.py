"""Tuned techniques and cocktails against none: comparisons, their correction, and the gain of an ingredient."""

import numpy as np
import pytest

from reglab.evaluation import statistics
from reglab.experiments.tuning import evaluate as searches

BUDGET = {"trainings": 36, "diverged": 0, "epochs": 900, "flops": 10**12}
SEEDS, RULE = 11, {"confidence": 0.95, "relevant_difference": 0.005}


def record(family, name, technique=(), **metrics):
    seeds = {
        str(seed): {"status": "finished", "metrics": {key: float(values[seed]) for key, values in metrics.items()}}
        for seed in range(SEEDS)
    }
    return {"family": family, "name": name, "technique": list(technique), "seeds": seeds, "checks": []}


def around(mean, stream):
    return mean + np.random.default_rng(stream).normal(0, 0.004, SEEDS)


@pytest.fixture
def none():
    return record("regularizers", "none", test_accuracy=around(0.87, 0))


def cocktail(**metrics):
    renamed = {name.replace("__", "@"): values for name, values in metrics.items()}
    best = {"number": 3, "settings": {"mixup": {"alpha": 0.4}, "placebo": {}}}
    return record("cocktails", "stacked", ["mixup", "placebo", "dropout"], **renamed) | {
        "best": best,
        "left_out": ["dropout"],
        "budget": BUDGET,
    }


@pytest.fixture
def stacked(none):
    plain = np.array([seed["metrics"]["test_accuracy"] for seed in none["seeds"].values()])
    mixed = around(0.93, 1)
    return cocktail(
        test_accuracy=mixed,
        test_accuracy__none=plain,
        test_accuracy__without_mixup=plain,
        test_accuracy__only_mixup=mixed,
        test_accuracy__without_placebo=mixed,
        test_accuracy__only_placebo=plain,
    )


def test_a_tuned_technique_is_compared_with_none_and_corrected_over_the_sweeps(none):
    chosen = {"chosen": {"number": 1, "settings": {"strength": 0.1}}}
    sweeps = {
        name: record("sweeps", name, test_accuracy=around(mean, 2)) | chosen
        for name, mean in (("l1", 0.9), ("mixup", 0.87))
    }
    result = searches.sweeps({"regularizers": {"none": none}, "sweeps": sweeps}, **RULE)
    rows = {name: row["comparisons"]["test_accuracy"] for name, row in result.items()}
    p = [rows[name]["p"] for name in ("l1", "mixup")]
    assert [rows[name]["p_holm"] for name in ("l1", "mixup")] == pytest.approx(statistics.holm(np.array(p)).tolist())
    assert rows["l1"]["verdict"] == "helps" and rows["l1"]["difference"] == pytest.approx(0.03, abs=0.005)
    assert result["l1"]["chosen"] == {"strength": 0.1} and rows["l1"]["reference"] == "none"


def test_an_ingredient_that_does_all_has_the_whole_difference_and_a_placebo_has_none(none, stacked):
    result = searches.cocktails({"regularizers": {"none": none}, "cocktails": {"stacked": stacked}}, **RULE)["stacked"]
    mixup, placebo = result["ingredients"]["mixup"], result["ingredients"]["placebo"]
    for way in ("without", "only"):
        assert mixup[way]["difference"] == result["full"]["difference"] and mixup[way]["verdict"] == "helps"
        assert placebo[way]["difference"] == placebo[way]["low"] == placebo[way]["high"] == 0.0
        assert placebo[way]["verdict"] == "no relevant difference"
    assert result["left_out"] == ["dropout"] and result["diverged_seeds"] == []


def test_the_whole_is_held_against_every_single_technique_in_a_family_of_their_own(none, stacked):
    """Its mixup alone is the whole; input_noise is better in all eleven seeds by a point: p = 2/2048, times the 4 rivals."""
    mixed = np.array([seed["metrics"]["test_accuracy"] for seed in stacked["seeds"].values()])
    recipes = {
        "none": none,
        "placebo": none,
        "input_noise": record("regularizers", "input_noise", test_accuracy=mixed + 0.01),
    }
    recipes["l1"] = record("regularizers", "l1", test_accuracy=mixed - 0.02)
    result = searches.cocktails({"regularizers": recipes, "cocktails": {"stacked": stacked}}, **RULE)["stacked"]
    rivals = result["rivals"]
    assert set(rivals) == {"mixup", "placebo", "regularizers.input_noise", "regularizers.l1"}
    assert rivals["regularizers.input_noise"]["difference"] == pytest.approx(-0.01)
    assert rivals["regularizers.input_noise"]["p_holm"] == pytest.approx(4 * 2 / 2048)
    records = {"regularizers": recipes, "tuned": {"none": none, "l1": recipes["l1"]}, "cocktails": {"stacked": stacked}}
    for each in records["tuned"].values():
        each |= {
            "budget": BUDGET,
            "tries": [{"validation_accuracy": [0.9], "validation_nll": [0.3]}],
            "chosen": {"number": 0},
        }
    tuned = searches.cocktails(records, **RULE)["stacked"]["rivals"]
    assert set(tuned) == {"mixup", "placebo", "tuned.l1"}, "a tuned study has no other rivals"
    verdicts = {name: row["verdict"] for name, row in rivals.items()}
    assert verdicts["regularizers.input_noise"] == "hurts" and verdicts["regularizers.l1"] == "helps"
    assert verdicts["mixup"] == "no relevant difference" and rivals["mixup"]["difference"] == 0.0


def test_the_whole_is_compared_with_its_own_training_without_ingredients_and_not_with_none_as_configured(stacked):
    none = record("regularizers", "none", test_accuracy=around(0.5, 0))
    result = searches.cocktails({"regularizers": {"none": none}, "cocktails": {"stacked": stacked}}, **RULE)["stacked"]
    assert result["full"]["difference"] == pytest.approx(0.06, abs=0.01)


def test_an_empty_cocktail_is_its_own_training_without_ingredients(none):
    empty = cocktail(test_accuracy=around(0.9, 1)) | {"best": {"number": 0, "settings": {}}}
    result = searches.cocktails({"regularizers": {"none": none}, "cocktails": {"stacked": empty}}, **RULE)["stacked"]
    assert (result["full"]["difference"], result["full"]["verdict"]) == (0.0, "no relevant difference")
    assert result["ingredients"] == result["rivals"] == {}


def test_what_the_ingredients_bring_alone_is_held_against_the_whole_seed_by_seed(none, stacked):
    """mixup alone brings all, the placebo nothing: their sum is the whole."""
    result = searches.cocktails({"regularizers": {"none": none}, "cocktails": {"stacked": stacked}}, **RULE)["stacked"]
    assert result["overlap"] == {"difference": 0.0, "low": 0.0, "high": 0.0, "sign": 0}
    for seed in stacked["seeds"].values():
        seed["metrics"]["test_accuracy@only_placebo"] += 0.02
    result = searches.cocktails({"regularizers": {"none": none}, "cocktails": {"stacked": stacked}}, **RULE)["stacked"]
    assert result["overlap"]["difference"] == pytest.approx(0.02) and result["overlap"]["sign"] == 1


def test_all_that_is_asked_of_the_cocktails_is_corrected_together(none, stacked):
    records = {"regularizers": {"none": none}, "cocktails": {"stacked": stacked, "other": stacked}}
    result = searches.cocktails(records, **RULE)
    least = 2.0 ** (1 - SEEDS)
    assert result["other"]["full"]["p"] == least and result["other"]["full"]["p_holm"] == pytest.approx(10 * least)


def test_a_part_that_diverged_has_no_numbers_and_the_others_keep_theirs(none, stacked):
    del stacked["seeds"]["4"]["metrics"]["test_accuracy@without_mixup"]
    result = searches.cocktails({"regularizers": {"none": none}, "cocktails": {"stacked": stacked}}, **RULE)["stacked"]
    diverged = result["ingredients"]["mixup"]["without"]
    assert (diverged["difference"], diverged["p"], diverged["verdict"]) == (None, None, "diverged")
    assert result["full"]["verdict"] == result["ingredients"]["mixup"]["only"]["verdict"] == "helps"


def test_a_technique_with_a_failed_check_gets_no_verdict(none, stacked):
    theory = {"bagging": {"technique": [], "checks": [{"name": "sums", "passed": False, "technique": "mixup"}]}}
    records = {"regularizers": {"none": none}, "cocktails": {"stacked": stacked}, "theory": theory}
    assert searches.cocktails(records, **RULE)["stacked"]["full"]["verdict"] == "check failed"
    tuned = record("sweeps", "mixup", ["mixup"], test_accuracy=around(0.9, 3)) | {"chosen": {"settings": {}}}
    row = searches.sweeps(records | {"sweeps": {"mixup": tuned}}, **RULE)["mixup"]["comparisons"]["test_accuracy"]
    assert (row["verdict"], row["difference"], row["p_holm"]) == ("check failed", None, None)
    assert row["turns_without"] == {}


def test_without_searches_there_are_no_rows(none):
    records = {"regularizers": {"none": none}}
    assert searches.sweeps(records, **RULE) == searches.cocktails(records, **RULE) == {}
