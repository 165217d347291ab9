"""What the page of the suite says of the records: effects, verdicts over data sets, claims, and data sets that failed."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from reglab.experiments.suite import over_data_sets
from reglab.experiments.suite.settings import Suite
from reglab.experiments.suite.suite_claim import SuiteClaim
from reglab.experiments.suite.suite_page import answer, groups, own_sentences, render

SEEDS = 6
NAMES = tuple(f"set_{number}" for number in range(8))


def recipe(accuracies, **more) -> dict:
    seeds = {
        str(number): {
            "status": "finished",
            "epochs": 10,
            "metrics": {"test_accuracy": value, "train_accuracy": 1.0, "test_nll": 2 * (1 - value)},
        }
        for number, value in enumerate(accuracies)
    }
    budget = {"trainings": 16, "further_trainings": 4, "epochs": 160, "flops": 1000}
    return {"kind": "tuned", "seeds": seeds, "budget": budget, "cost": {"flops": 100}} | more


def about(name, **more) -> dict:
    split = {"kind": "random", "test_to_train": 0.5}
    known = {
        "name": name,
        "metric": "accuracy",
        "task": "classification",
        "classes": 2,
        "source": "table",
        "split": split,
    }
    return known | {"shape": [5], "sizes": {"labelled": 600, "test": 300}} | more


def study(gain: float, sets: int = 8, noise: float = 0.002, **settings) -> tuple[Suite, dict, dict]:
    """`none` errs on a tenth of the test examples; `better` takes this share of its errors away."""
    random = np.random.default_rng(0)
    suite = Suite(sets=NAMES[:sets], recipes=("none", "better", "same"), seeds=SEEDS, **settings)
    records = {}
    for name in suite.sets:
        errors = 0.1 + 0.01 * random.normal(size=SEEDS)
        better = errors * (1 - gain) + noise * random.normal(size=SEEDS)
        records[name] = {"none": recipe(1 - errors), "better": recipe(1 - better), "same": recipe(1 - errors)}
    return suite, {name: about(name) for name in suite.sets}, records


def evaluate(suite, sets, records, claims=None, **more) -> dict:
    return over_data_sets.evaluate(suite, claims or {}, sets, records, **more)


def test_the_effect_is_the_share_of_errors_that_is_taken_away_and_none_has_none():
    results = evaluate(*study(0.3))
    for name in NAMES:
        assert results["matrix"]["better"][name]["effect"] == pytest.approx(0.3, abs=0.05)
        assert results["matrix"]["better"][name]["verdict"] == "helps"
        assert results["matrix"]["none"][name]["effect"] == 0
    assert list(results["recipes"])[:2] == ["none", "better"]


@pytest.mark.parametrize(("gain", "said"), [(0.3, "helps in general"), (-0.3, "hurts in general")])
def test_what_helps_on_every_data_set_helps_in_general(gain, said):
    general = evaluate(*study(gain))["general"]
    assert general["better"]["verdict"] == said
    assert general["better"]["signed_rank_p_holm"] == pytest.approx(2 * 2**-7)
    assert general["same"]["verdict"] == "no relevant difference"


def test_every_data_set_has_its_effect_among_the_others_and_what_it_shows_alone():
    """Alone: Student's interval of the cell, with Bonferroni's correction for eight data sets."""
    results = evaluate(*study(0.3))
    for name, one in results["general"]["better"]["per_set"].items():
        measured = results["matrix"]["better"][name]
        half = measured["error"] * stats.t.isf(0.025 / 8, SEEDS - 1)
        assert one["alone"] == {
            "low": pytest.approx(measured["effect"] - half),
            "high": pytest.approx(measured["effect"] + half),
        }
        assert one["low"] < one["mean"] < one["high"]


def test_four_data_sets_are_too_few_for_a_verdict_and_the_page_says_so():
    suite, *rest = study(0.3, sets=4)
    results = evaluate(suite, *rest)
    assert results["general"]["better"]["verdict"] is None and results["friedman"] is None
    assert "too few to say what holds in general" in answer(results)
    assert "are too few to say what holds in general" in render(results, suite)


def test_data_sets_that_failed_do_not_count_as_enough():
    suite, sets, records = study(0.3, sets=5)
    sets["set_3"], records["set_3"] = {"name": "set_3", "failed": "cannot be split: 3 rows"}, {}
    page = render(evaluate(suite, sets, records), suite)
    assert "4 data sets of 5, for the others failed, are too few to say what holds in general; 5 are needed" in page


def test_recipes_that_apply_to_few_of_many_data_sets_are_what_the_page_lacks():
    suite, sets, records = study(0.3, sets=6)
    for name in NAMES[:2]:
        for each in ("better", "same"):
            records[name][each] = {"kind": "tuned", "seeds": {}, "not_applicable": "needs amounts"}
    page = render(evaluate(suite, sets, records), suite)
    assert "No recipe has an effect on 5 data sets or more" in page and "are too few" not in page


def test_own_data_among_data_sets_that_all_failed_or_that_no_recipe_changes_is_compared_with_nothing():
    suite, sets, records = study(0.3, sets=2)
    sets["set_1"], records["set_1"] = {"name": "set_1", "failed": "cannot be split: 3 rows"}, {}
    results = evaluate(suite, sets, records, own=["set_0"])
    assert own_sentences(results) == {} and "1 data set of 2, for the others failed, is too few" in render(
        results, suite
    )
    suite, sets, records = study(0.3, sets=3)
    suite = replace(suite, recipes=("none", "same", "again", "once_more"))
    for of_set in records.values():
        of_set |= {"again": of_set["same"], "once_more": of_set["same"]}
    results = evaluate(suite, sets, records, own=["set_0"])
    assert results["own"]["set_0"]["agreement"] is None, "all recipes have the same rank"
    json.dumps(results, allow_nan=False)


def test_a_data_set_that_failed_is_shown_with_its_reason_and_is_in_no_number():
    suite, sets, records = study(0.3)
    sets["set_3"], records["set_3"] = {"name": "set_3", "failed": "cannot be split: 3 rows"}, {}
    results = evaluate(suite, sets, records)
    assert results["matrix"]["better"]["set_3"] == {"status": "failed", "reason": "cannot be split: 3 rows"}
    assert results["general"]["better"]["sets"] == 7
    page = render(results, suite)
    assert page.count("cannot be split: 3 rows") > 3 and "set_3 was left out" in answer(results)


def test_a_data_set_on_which_tuned_none_diverged_is_left_out_with_its_reason():
    suite, sets, records = study(0.3)
    records["set_3"]["none"]["seeds"]["1"] = {"status": "diverged", "reason": "the loss became nan", "metrics": {}}
    results = evaluate(suite, sets, records)
    assert "Over 7 data sets, better helps in general" in answer(results)
    assert "set_3 was left out: none: the loss became nan" in answer(results)
    assert "<b>set_3</b> failed and is in no number: none: the loss became nan" in render(results, suite)


def test_a_recipe_with_effects_on_few_data_sets_is_named_and_has_no_verdict():
    suite, sets, records = study(0.3)
    for name in NAMES[:4]:
        records[name]["same"] = {"kind": "tuned", "seeds": {}, "not_applicable": "needs amounts"}
    page = render(evaluate(suite, sets, records), suite)
    assert "fewer than 5 data sets there is an effect of same: too few" in page and 'id="general-same"' not in page


def test_what_diverged_or_is_not_applicable_has_no_effect_and_says_why():
    suite, sets, records = study(0.3)
    records["set_0"]["better"]["seeds"]["2"] = {"status": "diverged", "reason": "the loss became NaN", "metrics": {}}
    records["set_1"]["better"] = {"kind": "tuned", "seeds": {}, "not_applicable": "needs classes"}
    cells = evaluate(suite, sets, records)["matrix"]["better"]
    assert cells["set_0"] == {"status": "diverged", "reason": "better: the loss became NaN"}
    assert cells["set_1"] == {"status": "not applicable", "reason": "needs classes"}


def test_regression_and_classification_are_on_one_scale():
    suite, sets, records = study(0.2)
    sets["set_0"] = about("set_0", metric="rmse", task="regression", classes=None)
    for each in records["set_0"].values():
        for seed in each["seeds"].values():
            error = 1 - seed["metrics"]["test_accuracy"]
            seed["metrics"] = {"test_rmse": 50 * error, "train_rmse": 0.0}
    cells = evaluate(suite, sets, records)["matrix"]["better"]
    assert cells["set_0"]["effect"] == pytest.approx(0.2, abs=0.05)


def test_the_heads_of_the_matrix_say_what_neighbouring_data_sets_are():
    suite, sets, records = study(0.3, sets=4)
    sets["set_0"] |= {"shape": [1, 8, 8]}
    sets["set_3"] = about("set_3", metric="rmse", task="regression", classes=None)
    records["set_3"] = {}
    sets["set_2"] = {"name": "set_2", "failed": "no rows"}
    records["set_3"] = {
        name: recipe([]) | {"seeds": {"0": {"status": "diverged", "reason": "nan"}}} for name in suite.names
    }
    heads = groups(evaluate(suite, sets, records | {"set_2": {}}))
    assert heads == [("images", 1), ("tables", 1), ("", 1), ("tables, amounts", 1)]


def test_a_data_set_whose_seeds_have_the_same_test_examples_is_named_on_the_page():
    suite, sets, records = study(0.3)
    assert "have the same test examples" not in render(evaluate(suite, sets, records), suite)
    sets["set_5"]["split"] = {"kind": "time", "test_to_train": None}
    assert "<p>set_5: the seeds have the same test examples" in render(evaluate(suite, sets, records), suite)


def test_claims_are_judged_over_the_data_sets_that_they_name():
    claims = {
        "all": SuiteClaim("it helps", "suite", "better", "none", "helps"),
        "wrong": SuiteClaim("it hurts", "suite", "better", "none", "hurts", metric="nll"),
        "one": SuiteClaim("it helps there", "suite", "better", "none", "helps", sets=("set_2",)),
        "nowhere": SuiteClaim("it helps on images", "suite", "better", "none", "helps", kind="images"),
    }
    found = evaluate(*study(0.3), claims)["claims"]
    said = {key: claim["verdict"] for key, claim in found.items()}
    assert said == {"all": "supported", "wrong": "contradicted", "one": "supported", "nowhere": "cannot tell"}
    assert found["one"]["sets"] == ["set_2"] and found["nowhere"]["sets"] == []


def test_the_costs_add_up():
    suite, sets, records = study(0.3)
    cost = evaluate(suite, sets, records)["sets"]["set_0"]["cost"]
    assert cost == {"trainings": 60, "fits": 0, "epochs": 3 * (160 + 4 * 10), "flops": 3 * (1000 + 4 * 100)}


def test_own_data_is_compared_with_the_others():
    suite, sets, records = study(0.3)
    sets["set_7"]["sizes"] = {"labelled": 100, "test": 300}
    results = evaluate(suite, sets, records, own=["set_7"])
    assert results["own"]["set_7"]["places"]["train_size"] == {"value": 100, "below": 0, "of": 7}
    [text, *_] = own_sentences(results)["set_7"]
    assert text.startswith("0 of the 7 others have fewer training examples")
    assert "set_7</b>, your own data" in render(results, suite)


def test_the_page_is_the_same_for_the_same_records_and_needs_no_network():
    suite, sets, records = study(0.3)
    page = render(evaluate(suite, sets, records), suite)
    assert page == render(evaluate(suite, sets, records), suite)
    assert not re.search(r'(src|href)="https?:', page)
    assert page.index('id="matrix"') < page.index('id="general"') < page.index('id="where"')
