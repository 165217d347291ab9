"""More seeds until decided, simulated: false verdicts are rare in the whole family, and few seeds are spent on nothing.

`COUNT=1 python -m pytest -m stress -s tests/evaluation/test_looks_simulation.py` simulates 2,000 studies of each kind and
prints the numbers of docs/reliability.md.
"""

import numpy as np
import pytest
from fire import under_fire
from looks_simulation import differences_to_none, sign_flips, study

from reglab.evaluation import statistics
from reglab.evaluation.looks import Looks

LOOKS, RECIPES = Looks(first=11, most=44), 36
FALSE = ("helps", "hurts")


def many_studies(count: int, kind: str, spread: float, effects=0.0) -> list:
    random = np.random.default_rng(7)
    return [study(differences_to_none(random, RECIPES, LOOKS.most, spread, kind, effects), LOOKS) for _ in range(count)]


def false_verdicts(studies: list, of: slice = slice(None)) -> float:
    """The share of the studies with a false verdict in the family."""
    return float(np.mean([any(verdict in FALSE for verdict in each.verdicts[of]) for each in studies]))


def mean_seeds(studies: list) -> float:
    return float(np.mean([each.seeds for each in studies]))


def test_the_fast_sign_flips_of_the_simulation_are_those_of_the_project():
    d = np.random.default_rng(0).normal(0.001, 0.01, (5, 22))
    assert sign_flips(d[:, :11]) == pytest.approx(statistics.sign_flips(list(d[:, :11])))
    assert sign_flips(d) == pytest.approx(statistics.sign_flips(list(d)), abs=0.01)


def test_of_nothing_few_studies_have_a_false_verdict():
    studies = many_studies(60, "normal", 0.01)
    assert false_verdicts(studies) <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 60)
    assert mean_seeds(studies) < 22


def test_what_is_decided_stops_and_what_would_need_more_than_the_most_gets_none():
    effects = np.zeros(RECIPES)
    effects[0], effects[1], effects[2] = 0.05, 0.008, 0.0
    [of_study] = many_studies(1, "normal", 0.008, effects)
    assert of_study.verdicts[0] == "helps" and of_study.seeds[0] == LOOKS.first
    assert of_study.seeds[1] > LOOKS.first and of_study.verdicts[1] == "helps"


@under_fire
@pytest.mark.parametrize(("kind", "spread"), [("normal", 0.01), ("normal", 0.02), ("skewed", 0.01), ("heavy", 0.01)])
def test_of_2000_studies_of_nothing_at_most_5_percent_have_a_false_verdict(kind, spread):
    studies = many_studies(2000, kind, spread)
    share, seeds = false_verdicts(studies), mean_seeds(studies)
    print(f"{kind}, spread {spread:g}: false verdicts in {100 * share:.1f} % of studies; {seeds:.1f} seeds a recipe")
    assert share <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 2000)


@under_fire
def test_effects_that_are_there_are_found_more_often_than_with_the_first_seeds_alone():
    effects = np.zeros(RECIPES)
    effects[:6] = 0.008
    studies = many_studies(300, "normal", 0.01, effects)
    found = np.mean([[verdict == "helps" for verdict in each.verdicts[:6]] for each in studies])
    random = np.random.default_rng(7)
    at_first = []
    for _ in range(300):
        d = differences_to_none(random, RECIPES, LOOKS.most, 0.01, "normal", effects)[:, : LOOKS.first]
        at_first.append(statistics.holm(sign_flips(d))[:6] <= 0.05)
    others = false_verdicts(studies, slice(6, None))
    print(
        f"effects of 0.8 points, spread 1: found {100 * found:.0f} % instead of {100 * np.mean(at_first):.0f} %, "
        f"with {mean_seeds(studies):.1f} seeds a recipe; false verdicts in {100 * others:.1f} %"
    )
    assert found > np.mean(at_first) + 0.1
    assert others <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 300)
