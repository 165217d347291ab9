"""The report of a study with looks: tables of recipes with unequal numbers of seeds, and what is said of intervals."""

import re
from dataclasses import replace

import pytest
from cells import clean, tables
from conftest import SETTINGS
from tuned_study import with_tuned

from reglab.experiments.pages import render
from reglab.report import tuned_answer
from reglab.report.answer import headline
from reglab.report.measure import deciding
from reglab.report.tables import rows, unequal_seeds

GROWN = ("none", "dropout", "mixup")
LOOKS = {"seeds": [10, 20, 40], "nominal": [0.0375, 0.0109, 0.0103], "first_share": 0.75}
FIRST = {"number": 1, "seeds": 10, "confidence": 0.9625}
SECOND = {"number": 2, "seeds": 20, "confidence": 0.9891}
ACCURACY = 0.5  # of those that have 20 seeds: the second ten split worse
SENTENCE = "A difference is over the recipe’s own seeds, paired with none on the same seeds"


def at_second_look(study: tuple[list, dict, dict], grown: tuple[str, ...] = GROWN) -> tuple[list, dict, dict]:
    """The study after its second look, which gave more seeds to these recipes, as configured and tuned."""
    entries, metrics, settings = study
    result, families = [], {}
    for entry in entries:
        more = entry.family in ("regularizers", "tuned") and entry.name in grown
        seeds = entry.record["seeds"]
        added = {str(int(seed) + len(seeds)): outcome for seed, outcome in seeds.items()} if more else {}
        curves = {int(seed): entry.curves[int(seed) - len(seeds)] for seed in added if entry.curves}
        record = entry.record | {"seeds": seeds | added}
        result.append(replace(entry, record=record, curves=entry.curves | curves))
    for family in ("regularizers", "combinations", "tuned"):
        families[family] = {}
        for name, row in metrics[family].items():
            more = family != "combinations" and name in grown
            look = {} if name == "none" else {"look": SECOND if more else FIRST}
            if family == "tuned":
                [(metric, compared)] = row["comparisons"].items()
                mean = {"mean": ACCURACY} if more else {}
                families[family][name] = row | {"comparisons": {metric: compared | look | mean}}
            else:
                families[family][name] = row | look | ({"test_accuracy": ACCURACY} if more else {})
    return result, metrics | families | {"looks": LOOKS}, settings


@pytest.fixture(scope="module")
def tuned_study(recipes):
    return with_tuned(*recipes, SETTINGS)


@pytest.fixture(scope="module")
def pages(tuned_study):
    return render(*at_second_look(tuned_study))


def words(page: str) -> str:
    return clean(re.sub("<[^>]+>", "", page))


def test_a_table_of_unequal_seeds_has_the_largest_gain_first_and_one_of_equal_seeds_the_best_value(tuned_study):
    entries, metrics, settings = at_second_look(tuned_study)
    measure = deciding(settings)
    for table in (rows(entries, metrics, measure), tuned_answer.rows(entries, metrics, measure)):
        gains = [row.difference.mean for row in table if row.ranked]
        assert unequal_seeds(table) and gains == sorted(gains, reverse=True)
        values = [row.value for row in table if row.ranked]
        assert values != sorted(values, reverse=True)
    entries, metrics, settings = tuned_study
    table = rows(entries, metrics, measure)
    values = [row.value for row in table if row.ranked]
    assert not unequal_seeds(table) and values == sorted(values, reverse=True)


def test_every_row_of_such_a_table_says_how_many_seeds_it_has(pages):
    found = tables(pages["index.html"])
    tuned = found["tuned-caption"]
    seeds = dict(zip(tuned.column("Recipe"), tuned.column("Tuned accuracy, %"), strict=True))
    for name, text in seeds.items():
        if name != "clipping":
            assert text.endswith("20 seeds" if name in GROWN else "10 seeds"), name
    results = found["results-caption"]
    for row in results.words[:-1]:
        name = row[0].split()[0]
        assert ("20 seeds" if name in GROWN else "10 seeds") in row[1], name


def test_below_such_a_table_stands_what_a_difference_is_over(pages, tuned_study):
    text = words(pages["index.html"])
    assert text.count(SENTENCE) == 2  # tuned and as configured
    assert "two values of accuracy in the table need not differ by it" in text
    assert "means over 10 to 20 seeds, the largest gain over none first" in text
    entries, metrics, settings = tuned_study
    equal = words(render(entries, metrics | {"looks": LOOKS}, settings)["index.html"])
    assert SENTENCE not in equal and "the highest accuracy first" in equal


def test_the_guide_names_the_confidence_of_the_intervals(pages, tuned_study):
    guide = words(pages["pages/ran.html"])
    assert (
        "mean difference with its repeated confidence interval at the confidence of the recipe’s look, here 96.2 to 98.9 % "
        "(95 % for classical methods); the shaded band"
    ) in guide
    assert "mean difference with its 95 % interval; the shaded band" in words(render(*tuned_study)["pages/ran.html"])


def test_the_set_of_the_best_says_over_which_seeds_it_is(pages, tuned_study):
    said = "This compares all recipes over their first 10 seeds, also where a verdict is over more."
    assert said in words(pages["index.html"]) and said not in words(render(*tuned_study)["index.html"])


def test_the_lead_over_the_best_at_no_extra_cost_is_over_the_first_seeds(tuned_study):
    entries, metrics, settings = at_second_look(tuned_study)
    table = tuned_answer.rows(entries, metrics, deciding(settings))
    assert ", over the first 10 seeds, and chance is not ruled out." in headline(table, settings).striptags()


def test_none_tuned_with_two_networks_over_unequal_seeds_is_not_said_to_be_on_the_same_splits(tuned_study):
    entries, metrics, settings = tuned_study
    before = tuned_answer.rows(entries, metrics, deciding(settings))
    after = tuned_answer.rows(*at_second_look(tuned_study)[:2], deciding(settings))
    [same] = tuned_answer.both_networks(before, before, "mlp", "convnet")
    [unequal] = tuned_answer.both_networks(before, after, "mlp", "convnet")
    assert same.text.endswith("on the same splits.") and unequal.text.endswith("over 10 and 20 seeds.")
