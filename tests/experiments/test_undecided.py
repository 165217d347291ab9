"""Who gets more seeds after a look: what is undecided and can be decided; what is decided stops."""

from types import SimpleNamespace

import numpy as np
import pytest

from reglab.evaluation.looks import Looks
from reglab.evaluation.settings import Evaluation
from reglab.experiments.required_seeds import unreachable_looks
from reglab.experiments.undecided import decide

LOOKS = Looks(first=9, most=36)
SETTINGS = SimpleNamespace(looks=LOOKS, evaluation=Evaluation(relevant_difference=0.005))
NONE = 0.9 + 0.01 * np.random.default_rng(0).normal(size=36)
CHANCE = np.random.default_rng(1).normal(
    size=(4, 9)
)  # the same in all nines of seeds, so that every look sees the effect
EFFECTS = {"clear": (0.03, 0.002), "medium": (0.008, 0.008), "nothing": (0.0008, 0.02), "same": (0.0001, 0.001)}


def record(values: np.ndarray, seeds: int, diverged=()) -> dict:
    runs = {
        str(seed): {
            "status": "diverged" if seed in diverged else "finished",
            "metrics": {"test_accuracy": float(values[seed])},
        }
        for seed in range(seeds)
    }
    return {"technique": [], "checks": [], "seeds": runs}


def records_of(counts: dict[str, int], diverged=()) -> dict:
    """The records of these recipes, each with so many seeds."""
    values = {"none": NONE}
    for place, (name, (effect, spread)) in enumerate(EFFECTS.items()):
        noise = (CHANCE[place] - CHANCE[place].mean()) / CHANCE[place].std()
        values[name] = NONE + effect + spread * np.tile(noise, 4)
    return {name: record(values[name], seeds, diverged if name == "medium" else ()) for name, seeds in counts.items()}


def after(counts: dict[str, int], **more):
    return decide(SETTINGS, {"regularizers": records_of(counts, **more)}, {"regularizers": counts})


FIRST = dict.fromkeys(("none", *EFFECTS), 9)


def test_only_what_is_undecided_and_can_be_decided_gets_the_seeds_of_the_next_look_and_none_gets_as_many():
    decision = after(FIRST)
    assert decision.counts == {"regularizers": FIRST | {"none": 18, "medium": 18}}
    assert decision.line == (
        "Look: 2 verdicts; 1 gets more seeds (regularizers/medium 18); 1 stays undecided, which 36 seeds could not decide."
    )


def test_when_all_are_decided_or_beyond_reach_nothing_changes():
    counts = after(FIRST).counts["regularizers"]
    while (decision := after(counts)).counts["regularizers"] != counts:
        counts = decision.counts["regularizers"]
    assert counts["clear"] == counts["same"] == counts["nothing"] == 9 < counts["medium"] == counts["none"] <= 36
    assert "none gets more seeds" in decision.line


def test_a_recipe_with_the_most_seeds_gets_no_more():
    assert after(dict.fromkeys(FIRST, 36)).counts == {"regularizers": dict.fromkeys(FIRST, 36)}


def test_a_recipe_that_diverged_gets_no_more_seeds():
    assert after(FIRST, diverged=(3,)).counts == {"regularizers": FIRST}


def test_tuned_recipes_are_a_group_of_their_own_with_a_reference_of_their_own():
    records = {"regularizers": records_of({"none": 9, "clear": 9}), "tuned": records_of(FIRST)}
    counts = {"regularizers": {"none": 9, "clear": 9}, "tuned": FIRST}
    assert decide(SETTINGS, records, counts).counts == counts | {"tuned": FIRST | {"none": 18, "medium": 18}}


def test_a_recipe_that_cannot_get_more_is_compared_and_what_is_not_applicable_is_not():
    records = {
        "regularizers": records_of({"none": 9, "clear": 9}) | {"odd": {"seeds": {}, "not_applicable": "needs images"}},
        "ensembles": {"gathered": records_of({"nothing": 9})["nothing"]},
    }
    decision = decide(SETTINGS, records, {"regularizers": {"none": 9, "clear": 9, "odd": 9}, "ensembles": {}})
    assert decision.counts == {"regularizers": {"none": 9, "clear": 9, "odd": 9}, "ensembles": {}}
    assert decision.line.startswith("Look: 1 verdict; none gets more seeds; 1 stays undecided")


@pytest.mark.parametrize(
    ("first", "most", "share", "wanted"), [(9, 36, 0.75, 12), (11, 44, 0.31, 13), (9, 10, 0.75, None)]
)
def test_looks_that_cannot_reject_are_one_clear_line(monkeypatch, first, most, share, wanted):
    looks = Looks(first, most, looks=2, first_share=share)
    counts = {
        "comparisons with none": 40,
        "comparisons of tuned recipes": 30,
        "comparisons of recipes tuned on right labels": 0,
        "comparisons of recipes tuned with another network": 0,
        "claims": 10_000,
    }
    monkeypatch.setattr("reglab.experiments.required_seeds.comparison_counts", lambda settings: counts)
    [line] = unreachable_looks(SimpleNamespace(looks=looks, evaluation=Evaluation()))
    spent = looks.nominal(0.05 / 40)[0]
    least = f"{2 ** (1 - first):.2g}"
    assert line == (
        f"params.yaml: seeds: found a look at {first} seeds, where the exact test has no p-value below {least} "
        f"and 40 comparisons with none need {spent:.2g}; allowed: "
        + (f"a seeds.first of {wanted} or more" if wanted else "a larger seeds.most, or fewer recipes")
    )
    if wanted:
        enough = SimpleNamespace(looks=Looks(wanted, most, looks=2, first_share=share), evaluation=Evaluation())
        assert unreachable_looks(enough) == []


def test_a_study_without_looks_has_no_such_line():
    assert unreachable_looks(SimpleNamespace(looks=None, evaluation=Evaluation())) == []
