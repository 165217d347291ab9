"""The answer says what the numbers say, also when they say nothing."""

import pytest
from conftest import SETTINGS

from reglab.report import best_set
from reglab.report.answer import headline, points_to_know
from reglab.report.collect import Entry
from reglab.report.tables import rows


def table(**verdicts: tuple):
    """Rows from name=(verdict, difference, low, high[, more numbers]); `none` is among them at 90 %."""
    entries, metrics = [], {"regularizers": {}, "baselines": {}}
    for name, (verdict, difference, low, high, *more) in ({"none": ("reference", 0.0, 0.0, 0.0)} | verdicts).items():
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


def answer(results, **settings) -> tuple[str, dict[str, str]]:
    given = SETTINGS | settings
    points = points_to_know(results, given, settings.get("metrics", {}))
    return words(headline(results, given)), {point.about: words(point.text) for point in points}


def behind(leader: str, excluded: bool, difference: float = 0.0) -> dict:
    gap = {"leader": leader, "difference": difference, "low": difference - 0.01, "high": difference + 0.01}
    return {"behind_best": gap | {"p": 0.5, "excluded": excluded}}


def test_the_best_is_named_with_gain_interval_seeds_and_cost():
    first, points = answer(
        table(
            dropout=("helps", 0.06, 0.05, 0.07, behind("dropout", False)),
            mixup=("helps", 0.04, 0.03, 0.055, behind("dropout", False)),
            l1=("helps", 0.02, 0.01, 0.03, behind("dropout", True)),
        )
    )
    assert first == (
        "On digits (900 training examples, 20 % of their labels wrong), dropout helps most: it raises test accuracy "
        "from 90.0 % to 96.0 %, by 6.0 points (95 % interval 5.0 to 7.0, 10 seeds), "
        "at 1.5 times the computation of none. No recipe without extra computation is shown to help."
    )
    assert points["Also help"] == "mixup (+4.0) and l1 (+2.0)."


@pytest.mark.parametrize(
    ("members", "cheapest", "said"),
    [
        (["a"], "a", "a is shown to be better than each of 3 other networks."),
        (
            ["a", "b"],
            "b",
            "Of 4 networks, a leads; at 95 % confidence b cannot be told from it. "
            "The cheapest of them is b, at 3.0 times the computation of none.",
        ),
        (
            ["a", "b", "none"],
            "none",
            "Of 4 networks, a leads; at 95 % confidence b and none cannot be told from it. "
            "The cheapest of them is none itself.",
        ),
        (
            ["a", "b", "none", "c"],
            "none",
            "a leads, and at 95 % confidence not one of 3 other networks is shown to be worse. "
            "The cheapest of them is none itself.",
        ),
        (["a", "b"], None, "Of 4 networks, a leads; at 95 % confidence b cannot be told from it."),
    ],
)
def test_the_set_of_the_best_is_named_with_its_cheapest_member(members, cheapest, said):
    results = table(
        a=("helps", 0.06, 0.03, 0.09, {"cost": 6.0}),
        b=("cannot tell", 0.05, -0.02, 0.08, {"cost": 3.0}),
        c=("cannot tell", 0.04, -0.02, 0.08),
    )
    found = {"leader": "a", "members": members, "cheapest": cheapest, "compared": 4, "confidence": 0.95}
    [point] = best_set.point(results, found, seeds=5)
    assert (point.about, words(point.text)) == ("Which is best", said)


def test_a_recipe_alone_is_not_called_the_best():
    alone = {"leader": "a", "members": ["a"], "cheapest": "a", "compared": 1, "confidence": 0.95}
    results = table(a=("helps", 0.06, 0.03, 0.09))
    assert best_set.point(results, alone, seeds=11) == best_set.point(results, None, seeds=11) == []


def test_seeds_that_are_too_few_to_leave_out_any_recipe_name_no_set():
    """The least p-value of n seeds is 2^-n: 1/16 > 0.05 > 1/32."""
    found = {"leader": "a", "members": ["a", "none"], "cheapest": "none", "compared": 2, "confidence": 0.95}
    [point] = best_set.point(table(a=("cannot tell", 0.06, -0.03, 0.09)), found, seeds=4)
    assert (
        words(point.text) == "a leads, but it takes 5 seeds to show that any other network is worse; the study has 4."
    )


@pytest.mark.parametrize(
    ("excluded", "tail"), [(True, ""), (False, ", and chance is not ruled out")], ids=["real", "by chance"]
)
def test_the_best_at_no_extra_cost_stands_beside_a_best_that_costs_more(excluded, tail):
    results = table(
        many=("helps", 0.076, 0.065, 0.085, {"cost": 6.1} | behind("many", False)),
        attacked=("helps", 0.067, 0.059, 0.074, {"cost": 3.1} | behind("many", False, 0.009)),
        noise=("helps", 0.058, 0.045, 0.069, {"cost": 1.05} | behind("many", excluded, 0.018)),
        cheap=("helps", 0.05, 0.04, 0.06, {"cost": 0.4} | behind("many", True, 0.026)),
    )
    assert answer(results)[0].endswith(
        "at 6.1 times the computation of none. At no extra computation, noise helps most, by 5.8 points (4.5 to 6.9); "
        f"many is ahead of it by 1.8 points (0.8 to 2.8){tail}."
    )


def test_a_best_that_costs_nothing_needs_no_second():
    results = table(
        a=("helps", 0.06, 0.05, 0.07, {"cost": 1.05}),
        b=("helps", 0.05, 0.04, 0.06, {"cost": 1.0}),
    )
    assert answer(results)[0].endswith("at no extra computation.")


def test_verdicts_that_one_seed_turns_are_counted_and_those_of_the_table_named():
    results = table(
        a=("helps", 0.06, 0.05, 0.07, {"turns_without": {"3": "cannot tell"}}),
        b=("helps", 0.05, 0.04, 0.06, {"turns_without": {}}),
        machine=("helps", 0.05, 0.04, 0.06, {"turns_without": {"1": "hurts"}}),
    )
    rows = {"x": {"turns_without": {"1": "hurts"}}, "y": {"turns_without": {}}}
    said = answer(results, metrics={"comparisons": rows, "claims": {"z": {"over": "seeds"}}})[1]["Near to turning"]
    assert said == (
        "Leaving a single seed out turns 1 of 2 verdicts of the table (a), 1 of 2 declared pairs and 0 of 1 claims; "
        "they are marked ‡."
    )


def test_claims_that_no_seed_was_left_out_of_are_not_said_to_stand_without_one():
    claims = {"z": {"over": "seeds"}, "variance": {"over": "all seeds"}, "attacked": {"over": "examples"}}
    said = answer(table(a=("helps", 0.06, 0.05, 0.07)), metrics={"claims": claims})[1]["Near to turning"]
    assert "0 of 1 claims that are paired over seeds" in said and "3 claims" not in said


def test_one_alone_is_not_called_the_most():
    first, points = answer(table(dropout=("helps", 0.06, 0.05, 0.07, {"cost": 1.01})))
    assert "only dropout is shown to help: it raises" in first and first.endswith("at no extra computation.")
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
    results = table(
        a=("cannot tell", 0.03, -0.01, 0.07, {"seeds_needed": 14}),
        b=("cannot tell", -0.01, -0.02, 0.01, {"seeds_needed": 30}),
        c=("cannot tell", 0.0, -0.01, 0.01),
    )
    first, points = answer(results, seeds=4)
    assert "4 seeds cannot tell whether anything helps" in first and "+3.0 points, by a" in first
    worse = table(a=("cannot tell", -0.05, -0.1, 0.01), b=("cannot tell", 0.01, -0.02, 0.04))
    assert "The best mean difference of test accuracy is +1.0 points, by b" in answer(worse, seeds=4)[0], (
        "no loss leads"
    )
    assert points["Cannot tell"] == (
        "a (+3.0; 14 seeds), b (−1.0; 30 seeds) and c (0.0; ? seeds). "
        "In brackets the difference, and about how many seeds would be needed."
    )
    # the exact test's smallest p-value is 2^(1-n), and Holm triples it here: 3 * 2^(1-7) <= 0.05 < 3 * 2^(1-6)
    assert points["Too few seeds"] == (
        "With 3 comparisons the exact test needs 7 seeds or more to call any effect real; the study has 4."
    )


def test_the_seeds_needed_are_said_once_where_they_are_the_same():
    two = {name: ("cannot tell", 0.01, -0.01, 0.03, {"seeds_needed": 12}) for name in ("a", "b")}
    assert answer(table(**two))[1]["Cannot tell"] == "a (+1.0) and b (+1.0). About 12 seeds would be needed."


def test_enough_seeds_bring_no_warning():
    assert "Too few seeds" not in answer(table(a=("helps", 0.03, 0.01, 0.07)))[1]


def test_that_one_alone_is_shown_to_help_does_not_say_that_the_others_do_not():
    first, points = answer(table(a=("helps", 0.02, 0.01, 0.03), b=("cannot tell", 0.04, -0.01, 0.09)))
    assert "only a is shown to help: it raises" in first and "helps" not in first
    assert points["Cannot tell"].startswith("b (+4.0)")


def test_what_diverged_is_told_and_never_ranked():
    first, points = answer(table(a=("diverged", None, None, None), b=("helps", 0.01, 0.005, 0.02)))
    assert "only b is shown to help" in first
    assert points["Diverged"] == "a (in 1 of 10 seeds). A recipe that diverged is not ranked."
    assert "every recipe diverged" in answer(table(a=("diverged", None, None, None)))[0]


def test_a_single_diverged_seed_bars_a_recipe_whatever_its_verdict():
    results = table(a=("helps", 0.09, 0.08, 0.1), b=("helps", 0.01, 0.005, 0.02))
    next(row for row in results if row.name == "a").entry.record["seeds"]["3"]["status"] = "diverged"
    assert "only b is shown to help" in answer(results)[0]


def test_data_of_ones_own_is_called_by_its_file_and_not_by_the_kind_of_source():
    first, _ = answer(table(dropout=("helps", 0.06, 0.05, 0.07)), data={"name": "table"}, dataset={"name": "heart"})
    assert first.startswith("On heart, ") and "table" not in first


def test_without_a_reference_there_is_no_answer():
    results = [row for row in table(a=("helps", 0.06, 0.05, 0.07)) if row.name != "none"]
    assert headline(results, SETTINGS).startswith("No answer")


@pytest.mark.parametrize(
    ("verdict", "said", "alarming"),
    [
        ("no relevant difference", "as it must", False),
        ("cannot tell", "even that cannot be shown", False),
        ("helps", "trust no verdict here", True),
        ("hurts", "trust no verdict here", True),
    ],
)
def test_the_placebo_is_a_control_and_no_candidate(verdict, said, alarming):
    results = table(placebo=(verdict, 0.01, 0.005, 0.02), a=("helps", 0.005, 0.001, 0.01))
    point = next(point for point in points_to_know(results, SETTINGS, {}) if point.about == "Control")
    assert said in point.text and point.alarming is alarming
    assert "only a is shown to help" in answer(results)[0]


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
    results = table(
        a=("helps", 0.06, 0.05, 0.07, numbers[0]),
        none=("reference", 0.0, 0.0, 0.0, numbers[1]),
        machine=("helps", 0.05, 0.04, 0.06),
    )
    first, points = answer(results)
    assert points["Against classical methods"] == said
    assert "only a is shown to help" in first  # what is not a network is no candidate
