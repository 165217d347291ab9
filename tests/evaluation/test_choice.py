"""Recipes are chosen by what they reach on validation examples, whatever they reach on test examples."""

import pytest

from reglab.evaluation.choice import ranked


def record(accuracy, nll=(0.5, 0.5), test: float = 0.5, status: str = "finished") -> dict:
    """A record of two seeds with these values on validation data."""
    seeds = {}
    for seed, (value, loss) in enumerate(zip(accuracy, nll, strict=True)):
        metrics = {"validation_accuracy": value, "validation_nll": loss, "test_accuracy": test, "test_nll": 1 - test}
        seeds[str(seed)] = {"status": status, "metrics": metrics}
    return {"seeds": seeds}


def test_the_best_mean_on_validation_data_leads_though_it_is_the_worst_on_test_data():
    records = {"a": record((0.6, 0.8), test=0.9), "b": record((0.8, 0.8), test=0.1), "c": record((0.9, 0.6), test=0.5)}
    assert ranked(records, "accuracy") == {
        "b": pytest.approx(0.8), "c": pytest.approx(0.75), "a": pytest.approx(0.7)
    }  # fmt: skip
    assert list(ranked(records, "accuracy")) == ["b", "c", "a"]


def test_of_a_loss_less_is_better():
    records = {"a": record((0.9, 0.9), (0.5, 0.7)), "b": record((0.1, 0.1), (0.4, 0.6))}
    assert list(ranked(records, "nll")) == ["b", "a"]


def test_of_equal_means_the_lower_loss_leads_then_the_name():
    records = {"b": record((0.1, 0.2)), "a": record((0.2, 0.1)), "c": record((0.15, 0.15), (0.4, 0.4))}
    assert list(ranked(records, "accuracy")) == ["c", "a", "b"]


def test_a_recipe_of_which_a_seed_diverged_is_left_out():
    records = {"a": record((0.9, 0.9), status="diverged"), "b": record((0.1, 0.1))}
    assert list(ranked(records, "accuracy")) == ["b"]


def test_recipes_with_more_seeds_are_ranked_by_those_that_all_have():
    grown = record((0.3, 0.3, 0.9, 0.9), (0.5,) * 4)
    grown["seeds"]["3"]["status"] = "diverged"
    records = {"grown": grown, "b": record((0.4, 0.4)), "not_applicable": {"seeds": {}}}
    assert ranked(records, "accuracy") == {"b": pytest.approx(0.4), "grown": pytest.approx(0.3)}
