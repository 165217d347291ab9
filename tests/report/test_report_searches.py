"""Sweeps and cocktails on the page: what was chosen, what an ingredient does in words, axes that fit their settings."""

import html
import re
from itertools import product

import numpy as np
import pytest
from conftest import SETTINGS

from reglab.experiments.tuning import report_cocktails, report_sweeps
from reglab.report.collect import Entry
from reglab.report.study import Study

SEARCH = {"tuning": {"seeds": 2}}


def entry(family, name, **record):
    content = {"family": family, "name": name, "technique": [], "seeds": {}, "summary": {}, "cost": {"search": 24.0}}
    return Entry(content | record, {}, None)


def none():
    seeds = {str(seed): {"status": "finished", "metrics": {"validation_accuracy": 0.87}} for seed in range(3)}
    return entry("regularizers", "none", seeds=seeds)


def sweep(name, grid, accuracies, number, verdict="helps", difference=0.05):
    """Points in the order of the grid, each with its accuracies; the row that it has in metrics.json."""
    keys = list(grid)
    points = [dict(zip(keys, values, strict=True)) for values in product(*grid.values())]
    tried = [{"settings": p, "validation_accuracy": a} for p, a in zip(points, accuracies, strict=True)]
    best = [np.mean([a for a in scores if a is not None]) for scores in accuracies]
    swept = entry(
        "sweeps",
        name,
        settings={"grid": grid, name: {}},
        grid=tried,
        chosen={"number": number, "settings": points[number]},
        expected_best=sorted(best),
    )
    row = {"mean": 0.92, "difference": difference, "difference_low": difference - 0.01, "verdict": verdict}
    row |= {"difference_high": difference + 0.01, "p_holm": 0.01, "seeds_needed": None}
    untuned = {"test_accuracy": 0.91, "difference": 0.04, "low": 0.03, "high": 0.05, "verdict": "helps"}
    return swept, {"comparisons": {"test_accuracy": row}, "diverged_seeds": []}, untuned | {"seeds_needed": None}


def section(*results):
    entries = [none(), *(swept for swept, _, _ in results)]
    metrics = {"sweeps": {swept.name: row for swept, row, _ in results}}
    metrics["regularizers"] = {swept.name: untuned for swept, _, untuned in results}
    return report_sweeps.sweeps_section(Study(entries, metrics, SETTINGS | SEARCH, ""))


def text(markup) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", str(markup))))


WIDE = sweep("l1", {"strength": [0.01, 0.1, 1.0]}, [[0.88, 0.9], [0.93, 0.95], [0.2, 0.1]], 1)
NARROW = sweep(
    "dropout", {"hidden_rate": [0.1, 0.3, 0.5]}, [[0.9, 0.91], [0.91, 0.92], [0.93, 0.94]], 2, difference=0.07
)
TWO = sweep(
    "dropout",
    {"hidden_rate": [0.1, 0.5], "input_rate": [0.0, 0.2]},
    [[0.9, 0.9], [0.91, 0.92], [0.93, 0.94], [0.8, 0.8]],
    2,
)
NAMED = sweep("weight_decay", {"decoupled": [False, True]}, [[0.9, 0.9], [0.91, 0.92]], 1)
LOST = sweep("l1", {"strength": [0.01, 0.1]}, [[0.88, 0.9], [0.93, None]], 0)


def tuned(result):
    swept, row, untuned = result
    return report_sweeps.Tuned(swept, row, untuned)


def test_there_is_no_section_without_searches():
    study = Study([none()], {}, SETTINGS | SEARCH, "")
    assert report_sweeps.sweeps_section(study) is None and report_cocktails.cocktails_section(study) is None


def test_the_lead_names_the_technique_that_gains_most_and_what_was_chosen():
    said = text(section(WIDE, NARROW).body)
    assert "2 of 2 are shown to help, most of all dropout with hidden_rate 0.5: +7.0 points" in said
    assert "none of 1 technique is shown to help" in text(
        section(sweep("l1", {"a": [1]}, [[0.8, 0.8]], 0, "cannot tell")).body
    )


def test_a_setting_chosen_at_the_end_of_its_grid_is_named_and_one_inside_is_not():
    assert tuned(NARROW).outermost == ["hidden_rate"] and tuned(WIDE).outermost == []
    assert "dropout (hidden_rate 0.5): chosen at the end of the grid" in text(section(WIDE, NARROW).body)


def test_settings_over_a_decade_are_drawn_by_magnitude_and_words_in_their_order():
    assert tuned(WIDE).logarithmic and not tuned(NARROW).logarithmic
    assert tuned(NAMED).places == [0, 1]
    [axes] = report_sweeps.panel(tuned(NAMED), [0.13, 0.13], 0.3).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["no", "yes"]


def test_the_first_setting_is_the_axis_and_each_combination_of_the_others_a_line():
    lines = tuned(TWO).lines
    assert list(lines) == ["input_rate 0.0", "input_rate 0.2"]
    np.testing.assert_allclose(lines["input_rate 0.2"], [[0.09, 0.08], [0.2, 0.2]])


def test_the_ring_is_at_the_chosen_point_and_the_dashes_at_the_error_of_none():
    [axes] = report_sweeps.panel(tuned(WIDE), [0.13, 0.15], 0.3).axes
    by_marker = {line.get_marker(): line for line in axes.lines if line.get_markersize() == 10}
    assert by_marker["o"].get_xdata()[0] == 0.1 and by_marker["o"].get_ydata()[0] == pytest.approx(6.0)
    assert any(line.get_ydata()[0] == pytest.approx(14.0) and line.get_linestyle() == "--" for line in axes.lines)


def test_a_point_that_diverged_is_a_gap_and_is_counted():
    assert np.isnan(report_sweeps.spread([0.1, None]).mean)
    assert "l1 1 setting; these were not chosen" in text(section(LOST).body)


def ingredient(only, without, gains=(0.03, 0.001)):
    rows = [
        {
            "verdict": verdict,
            "difference": gain,
            "low": gain - 0.01,
            "high": gain + 0.01,
            "p_holm": 0.02,
            "seeds_needed": None,
        }
        for verdict, gain in zip((only, without), gains, strict=True)
    ]
    return report_cocktails.Ingredient("mixup", {"alpha": 0.4}, *rows)


@pytest.mark.parametrize(
    ("only", "without", "word"),
    [
        ("helps", "helps", "adds its own"),
        ("helps", "no relevant difference", "redundant"),
        (
            "helps",
            "cannot tell",
            "cannot tell</b> whether it adds to the others: +0.1 points beside them (−0.9 to +1.1)",
        ),
        ("hurts", "no relevant difference", "not missed"),
        ("cannot tell", "no relevant difference", "alone +3.0, cannot tell"),
        ("cannot tell", "helps", "works beside the others"),
        ("hurts", "helps", "works beside the others"),
        ("helps", "hurts", "in the way"),
        ("no relevant difference", "no relevant difference", "idle"),
        ("cannot tell", "cannot tell", "cannot tell</b> whether it adds"),
        ("no relevant difference", "cannot tell", "cannot tell</b> whether it adds"),
    ],
)
def test_two_verdicts_make_a_word(only, without, word):
    assert word in ingredient(only, without).reading


@pytest.mark.parametrize("only", ["helps", "hurts", "cannot tell", "no relevant difference"])
def test_an_ingredient_with_cannot_tell_is_never_called_redundant_or_idle(only):
    said = ingredient(only, "cannot tell").reading
    assert not any(word in said for word in ("redundant", "idle", "not missed", "does not matter"))


def test_a_part_that_diverged_is_said_to_be_unknown():
    unknown = ingredient("helps", "diverged")
    unknown.without["difference"] = None
    assert unknown.reading == "nothing is known: diverged"


def mixed(settings, left_out=(), **full):
    trials = [{"number": 0, "settings": {}, "validation_accuracy": [0.87, 0.87]}]
    trials.append({"number": 1, "settings": settings, "validation_accuracy": [0.95, 0.96]})
    number = 1 if settings else 0
    cocktail = entry(
        "cocktails", "stacked", trials=trials, best={"number": number, "settings": settings}, left_out=list(left_out)
    )
    row = {
        "difference": 0.06,
        "low": 0.05,
        "high": 0.07,
        "p_holm": 0.01,
        "verdict": "helps",
        "seeds_needed": None,
    } | full
    parts = {name: {"only": row, "without": row | {"difference": 0.01}} for name in settings}
    numbers = {"full": row, "ingredients": parts, "left_out": list(left_out), "diverged_seeds": [], "rivals": {}}
    numbers |= {"budget": {"trainings": 36}, "best_tuned": None, "tuned_none": None}
    return cocktail, numbers | {"overlap": {"difference": 0.06, "low": 0.04, "high": 0.08, "sign": 1}}


def rival(verdict, difference):
    return {
        "verdict": verdict,
        "difference": difference,
        "low": difference - 0.006,
        "high": difference + 0.006,
        "p_holm": 0.02,
    }


BOTH = {"mixup": {"alpha": 0.4}, "dropout": {"hidden_rate": 0.3}}


def section_text(cocktail, row):
    study = Study([none(), cocktail], {"cocktails": {cocktail.name: row}}, SETTINGS | SEARCH, "")
    return text(report_cocktails.cocktails_section(study).body)


def test_a_cocktail_is_compared_with_the_best_tuned_technique_and_unequal_budgets_are_said():
    cocktail, row = mixed(BOTH)
    assert "best tuned technique" not in section_text(cocktail, row)
    best = rival("cannot tell", 0.003) | {"name": "r_drop", "budget": {"trainings": 36}}
    plain = rival("helps", 0.012) | {"name": "none", "budget": {"trainings": 36}}
    said = section_text(cocktail, row | {"best_tuned": best, "tuned_none": plain})
    assert "Against tuned none the cocktail has +1.2 points of test accuracy (+0.6 to +1.8), helps." in said
    assert "r_drop, the best tuned technique on validation data: the cocktail has +0.3 points of test accuracy" in said
    assert "(-0.3 to +0.9), cannot tell. Each search had 36 trainings." in said.replace("\u2212", "-")
    said = section_text(cocktail, row | {"best_tuned": best | {"budget": {"trainings": 24}}})
    assert "The budgets are unequal: the search of the cocktail had 36 trainings, that of r_drop 24." in said
    lost = best | dict.fromkeys(("difference", "low", "high")) | {"verdict": "diverged"}
    assert "nothing is known: diverged" in section_text(cocktail, row | {"best_tuned": lost})


def test_the_best_its_gain_what_it_leaves_out_and_the_sum_of_its_parts_are_said():
    said = section_text(*mixed({"mixup": {"alpha": 0.4}, "dropout": {"hidden_rate": 0.3}}, ["l1"]))
    assert "The best of 2 trials on validation data stacks mixup and dropout and leaves out l1." in said
    assert "+6.0 points of test accuracy, +5.0 to +7.0, helps" in said
    assert "+6.0 and +6.0, +12.0 points in sum: they overlap (+4.0 to +8.0 more in sum)." in said


@pytest.mark.parametrize(
    ("low", "high", "sign", "words"),
    [
        (-0.03, -0.01, -1, "they do more together"),
        (-0.01, 0.02, 0, "the test cannot tell whether they overlap"),
        (0.01, 0.02, 0, "the test cannot tell whether they overlap"),  # too few seeds for the exact test
        (None, None, 0, "cannot tell"),
    ],
)
def test_that_ingredients_overlap_is_said_where_it_is_shown(low, high, sign, words):
    cocktail, row = mixed(BOTH)
    assert words in section_text(
        cocktail, row | {"overlap": {"difference": 0.0, "low": low, "high": high, "sign": sign}}
    )


def test_a_whole_that_one_technique_beats_is_said_to_be_beaten_with_the_interval():
    cocktail, row = mixed(BOTH)
    rivals = {
        "dropout": rival("hurts", -0.009),
        "regularizers.input_noise": rival("hurts", -0.01),
        "mixup": rival("helps", 0.02),
        "regularizers.affine": rival("cannot tell", -0.004),
        "regularizers.l1": rival("cannot tell", 0.004),
        "regularizers.dropout": rival("no relevant difference", 0.0),
        "regularizers.lost": rival("diverged", 0.0) | {"difference": None},
    }
    said = section_text(cocktail, row | {"rivals": rivals})
    assert (
        "It is beaten by input_noise (−1.0 points, −1.6 to −0.4) and dropout alone, as strong as here "
        "(−0.9 points, −1.5 to −0.3). It is shown to be better than 1 of 6; there is no relevant difference to dropout; "
        "for 2 the verdict is “cannot tell”, among them affine (−0.4 points, −1.0 to +0.2) with a better mean."
    ) in said
    [point] = report_cocktails.Mixed(cocktail, row | {"rivals": rivals}).rivalry
    assert point.alarming


def test_a_cocktail_that_nothing_beats_is_not_called_the_best_without_a_verdict():
    cocktail, row = mixed(BOTH)
    said = section_text(
        cocktail, row | {"rivals": {"dropout": rival("cannot tell", 0.001), "mixup": rival("helps", 0.02)}}
    )
    assert (
        "None of 2 single techniques is shown to beat it. It is shown to be better than 1 of 2; for 1 the verdict is "
        "“cannot tell”." in said
    )


def test_an_empty_best_is_said_to_be_no_technique_at_all():
    said = section_text(*mixed({}, ["mixup"]))
    assert "none was better on validation data than no technique at all" in said and "leaves out mixup" in said


def test_the_figure_has_each_ingredient_alone_beside_the_others_and_all_together():
    cocktail, row = mixed({"mixup": {"alpha": 0.4}, "dropout": {"hidden_rate": 0.3}})
    [axes] = report_cocktails.attribution(report_cocktails.Mixed(cocktail, row), 0.005).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["mixup", "dropout", "all together"]
    drawn = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    assert drawn["alone"] == pytest.approx([6.0, 6.0]) and drawn["beside the others"] == pytest.approx([1.0, 1.0])


def test_the_history_rises_to_the_best_trial():
    cocktail, row = mixed({"mixup": {"alpha": 0.4}})
    [axes] = report_cocktails.history(report_cocktails.Mixed(cocktail, row)).axes
    assert axes.lines[0].get_ydata() == pytest.approx([87.0, 95.5])
