"""The answer says what the numbers say, also when they say nothing."""

import pytest
from conftest import SETTINGS

from reglab.report.answer import headline, points_to_know
from reglab.report.collect import Entry
from reglab.report.tables import rows


def table(**verdicts: tuple):
    """Rows from name=(verdict, difference, low, high[, more numbers]); `none` is among them at 90 %."""
    entries, metrics = [], {"regularizers": {}, "baselines": {}}
    for name, (verdict, difference, low, high, *more) in ({"none": ("baseline", 0.0, 0.0, 0.0)} | verdicts).items():
        family = "baselines" if name == "machine" else "regularizers"
        seeds = {str(seed): {"status": "finished"} for seed in range(10)}
        if verdict == "diverged":
            seeds["3"] = {"status": "diverged"}
        entries.append(Entry({"family": family, "name": name, "seeds": seeds}, {}, None))
        metrics[family][name] = {
            "test_accuracy": None if difference is None else 0.9 + difference,
            "difference": difference,
            "low": low,
            "high": high,
            "verdict": verdict,
            "p_holm": None if name == "none" else 0.01,
            "cost": 1.5,
        } | (more[0] if more else {})
    return rows(entries, metrics)


def words(markup) -> str:
    return markup.striptags().replace("\u00a0", " ")


def answer(found, **settings) -> tuple[str, dict[str, str]]:
    given = SETTINGS | settings
    return words(headline(found, given)), {point.about: words(point.text) for point in points_to_know(found, given)}


def test_the_best_is_named_with_gain_interval_seeds_and_cost():
    first, points = answer(
        table(dropout=("helps", 0.06, 0.05, 0.07), mixup=("helps", 0.04, 0.03, 0.055), l1=("helps", 0.02, 0.01, 0.03))
    )
    assert first == (
        "On digits (900 training examples, 20 % of their labels wrong), dropout helps most: it raises test accuracy "
        "from 90.0 % to 96.0 %, by 6.0 points (95 % interval 5.0 to 7.0, 10 seeds), "
        "at 1.5 times the computation of none."
    )
    assert points["Also help"] == (
        "mixup (+4.0) and l1 (+2.0). Which of the leading ones is best is not decided here: "
        "the interval of dropout overlaps that of mixup."
    )


def test_one_alone_is_not_called_the_most():
    first, points = answer(table(dropout=("helps", 0.06, 0.05, 0.07, {"cost": 1.01})))
    assert "only dropout helps: it raises" in first and first.endswith("at no extra computation.")
    assert "Also help" not in points and "Also helps" not in points


def test_nothing_helps_is_an_answer():
    first, points = answer(
        table(
            a=("hurts", -0.02, -0.03, -0.01),
            b=("no relevant difference", 0.001, -0.001, 0.003),
            c=("cannot tell", 0.01, -0.01, 0.03),
        )
    )
    assert first.endswith("nothing that was tried is shown to help: not one of 3 recipes with 10 seeds.")
    assert points["Hurts"] == "a (−2.0)."
    assert points["No relevant difference"] == "b: within 0.5 points of none, up or down."


def test_cannot_tell_is_not_no_effect():
    found = table(
        a=("cannot tell", 0.03, -0.01, 0.07, {"seeds_needed": 14}),
        b=("cannot tell", -0.01, -0.02, 0.01, {"seeds_needed": 30}),
        c=("cannot tell", 0.0, -0.01, 0.01),
    )
    first, points = answer(found, seeds=4)
    assert "4 seeds cannot tell whether anything helps" in first and "+3.0 points, by a" in first
    assert points["Cannot tell"] == (
        "a (+3.0; 14 seeds), b (−1.0; 30 seeds) and c (0.0; ? seeds). "
        "In brackets the difference, and about how many seeds would be needed."
    )
    # the exact test's smallest p-value is 2^(1-n), and Holm triples it here: 3 * 2^(1-7) <= 0.05 < 3 * 2^(1-6)
    assert points["Too few seeds"] == (
        "With 3 comparisons the exact test needs 7 seeds or more to call any effect real; params.yaml asks for 4."
    )


def test_the_seeds_needed_are_said_once_where_they_are_the_same():
    two = {name: ("cannot tell", 0.01, -0.01, 0.03, {"seeds_needed": 12}) for name in ("a", "b")}
    assert answer(table(**two))[1]["Cannot tell"] == "a (+1.0) and b (+1.0). About 12 seeds would be needed."


def test_enough_seeds_bring_no_warning():
    assert "Too few seeds" not in answer(table(a=("helps", 0.03, 0.01, 0.07)))[1]


def test_what_diverged_is_told_and_never_ranked():
    first, points = answer(table(a=("diverged", None, None, None), b=("helps", 0.01, 0.005, 0.02)))
    assert "only b helps" in first
    assert points["Diverged"] == "a (in 1 of 10 seeds). A recipe that diverged is not ranked."
    assert "every recipe diverged" in answer(table(a=("diverged", None, None, None)))[0]


def test_a_single_diverged_seed_bars_a_recipe_whatever_its_verdict():
    found = table(a=("helps", 0.09, 0.08, 0.1), b=("helps", 0.01, 0.005, 0.02))
    next(row for row in found if row.name == "a").entry.record["seeds"]["3"]["status"] = "diverged"
    assert "only b helps" in answer(found)[0]


def test_without_a_reference_there_is_no_answer():
    found = [row for row in table(a=("helps", 0.06, 0.05, 0.07)) if row.name != "none"]
    assert headline(found, SETTINGS).startswith("No answer")


@pytest.mark.parametrize(
    ("verdict", "said", "alarming"),
    [
        ("no relevant difference", "as it must", False),
        ("cannot tell", "not even that can be told", False),
        ("helps", "trust no verdict here", True),
        ("hurts", "trust no verdict here", True),
    ],
)
def test_the_placebo_is_a_control_and_no_candidate(verdict, said, alarming):
    found = table(placebo=(verdict, 0.01, 0.005, 0.02), a=("helps", 0.005, 0.001, 0.01))
    point = next(point for point in points_to_know(found, SETTINGS) if point.about == "Control")
    assert said in point.text and point.alarming is alarming
    assert "only a helps" in answer(found)[0]


@pytest.mark.parametrize(
    ("beats", "said"),
    [
        ((True, True), "Every network beats the best of them, machine (95.0 %)."),
        ((False, False), "No network is shown to beat the best of them, machine (95.0 %)."),
        ((True, False), "1 of 2 networks is shown to beat the best of them, machine (95.0 %): only a."),
    ],
)
def test_networks_are_held_against_the_classical_methods(beats, said):
    numbers = [{"beats_baselines": beaten, "best_baseline": "machine"} for beaten in beats]
    found = table(
        a=("helps", 0.06, 0.05, 0.07, numbers[0]),
        none=("baseline", 0.0, 0.0, 0.0, numbers[1]),
        machine=("helps", 0.05, 0.04, 0.06),
    )
    first, points = answer(found)
    assert points["Against classical methods"] == said
    assert "only a helps" in first  # what is not a network is no candidate
