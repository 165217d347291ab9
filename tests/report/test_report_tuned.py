"""The leading page of a study with tuned recipes: its first sentence, its three kinds of verdict, and what tuning turns."""

import re
from dataclasses import replace

import pytest
from cells import clean, tables
from conftest import SETTINGS
from tuned_study import EXPECTED, RECIPES, effect, with_tuned

from reglab.experiments.pages import render
from reglab.experiments.tuning.evaluate_tuned import ranks_after
from reglab.report import tuned_answer
from reglab.report.measure import deciding
from reglab.report.nearness import CORRECTED
from reglab.report.short_answer import short_answer


@pytest.fixture(scope="module")
def tuned_study(recipes):
    return with_tuned(*recipes, SETTINGS)


@pytest.fixture(scope="module")
def table(tuned_study):
    entries, metrics, settings = tuned_study
    return tuned_answer.rows(entries, metrics, deciding(settings))


@pytest.fixture(scope="module")
def pages(tuned_study):
    return render(*tuned_study)


@pytest.fixture(scope="module")
def page(pages):
    return pages["index.html"]


def test_sections_with_verdicts_say_once_a_table_why_cannot_tell_may_stand_beside_an_interval_without_zero(
    pages, whole_pages
):
    seen = 0
    for name, page in [*pages.items(), *whole_pages.items()]:
        for section in re.findall(r'<section id="[^"]+".*?</section>', page, re.DOTALL):
            verdicts = [
                table for table in re.findall(r"<table.*?</table>", section, re.DOTALL) if ">cannot tell<" in table
            ]
            assert (1 if verdicts else 0) <= section.count(CORRECTED) <= max(len(verdicts), 1), (name, section[:80])
            seen += bool(verdicts)
    assert seen > 2


# name: test accuracy and verdict where the labels are right
RIGHT = {"none": (0.97, "reference"), "dropout": (0.97, "no relevant difference"), "mixup": (0.98, "helps")}


# The same with another network.
OTHER = {"none": (0.985, "reference"), "dropout": (0.995, "helps"), "mixup": (0.985, "no relevant difference")}


def tuned_again(study, family: str, results: dict):
    """The study with the recipes of these results in a family that is tuned again."""
    entries, metrics, settings = study
    tuned = {entry.name: entry for entry in entries if entry.family == "tuned"}
    again = [replace(tuned[name], record=tuned[name].record | {"family": family}) for name in results]
    rows, ranks = {}, ranks_after({name: EXPECTED[name] for name in results}, 1)
    for name, (accuracy, verdict) in results.items():
        test = effect(round(accuracy - results["none"][0], 9), verdict)
        ends = {f"difference_{end}": test.pop(end) for end in ("low", "high")}
        row = metrics["tuned"][name]
        compared = row["comparisons"]["test_accuracy"] | {"mean": accuracy} | ends | test
        own = {"against_early_stopping": None, "rank_after": ranks[name]}
        rows[name] = row | {"comparisons": {"test_accuracy": compared}} | own
    return entries + again, metrics | {family: rows}, settings


@pytest.fixture(scope="module")
def with_right_labels(tuned_study):
    return tuned_again(tuned_study, "tuned_clean", RIGHT)


@pytest.fixture(scope="module")
def with_other_network(with_right_labels):
    entries, metrics, settings = tuned_again(with_right_labels, "tuned_other_network", OTHER)
    return entries, metrics, settings | {"tuned_other_network": {"recipes": list(OTHER), "model": {"name": "convnet"}}}


def test_the_first_sentences_answer_for_both_kinds_of_labels(with_right_labels):
    first = clean(render(*with_right_labels)["index.html"].split('<p class="lead">')[1].split("</p>")[0])
    noisy, right = first.split(" On digits (900 training examples), where all labels are right and ")
    assert "20 % of their labels wrong" in noisy and ">r_drop</a></b> helps most" in noisy
    assert right.startswith("every recipe is tuned with the same budget, only <b>")
    assert ">mixup</a></b> is shown to help: it raises test accuracy from 97.0 % to 98.0 %" in right
    lines = short_answer(*with_right_labels).splitlines()
    assert "r_drop helps most" in lines[0] and "only mixup is shown to help" in lines[1]


def test_recipes_on_right_labels_have_a_table_of_their_own_and_what_the_labels_change_is_said(with_right_labels):
    pages = render(*with_right_labels)
    found = tables(pages["index.html"])["tuned-clean-caption"]
    assert found.headings[:3] == ["Recipe", "Tuned", "Tuned accuracy, %"] and len(found.headings) == 5
    assert found.column("Recipe")[0] == "mixup" and set(found.column("Recipe")) == set(RIGHT)
    text = clean(re.sub("<[^>]+>", "", pages["index.html"]))
    assert (
        "mixup cannot be told from none where labels are wrong and helps where they are right. "
        "dropout helps where labels are wrong and makes no relevant difference where they are right."
    ) in text
    assert len(tables(pages["pages/tuning.html"])["tuned-clean-searches-caption"].column("Recipe")) == len(RIGHT)


def test_the_first_sentences_answer_for_another_network_too(with_other_network):
    first = clean(render(*with_other_network)["index.html"].split('<p class="lead">')[1].split("</p>")[0])
    answer = first.split(" On digits (900 training examples), where all labels are right, the network is convnet and ")[
        1
    ]
    assert answer.startswith("every recipe is tuned with the same budget, only <b>")
    assert ">dropout</a></b> is shown to help: it raises test accuracy from 98.5 % to 99.5 %" in answer
    lines = short_answer(*with_other_network).splitlines()
    assert "only mixup is shown to help" in lines[1] and "only dropout is shown to help" in lines[2]


def test_recipes_with_another_network_have_tables_and_what_the_network_changes_on_the_same_labels_is_said(
    with_other_network,
):
    pages = render(*with_other_network)
    assert tables(pages["index.html"])["tuned-other-network-caption"].column("Recipe")[0] == "dropout"
    assert set(tables(pages["pages/tuning.html"])["tuned-other-network-searches-caption"].column("Recipe")) == set(
        OTHER
    )
    text = clean(re.sub("<[^>]+>", "", pages["index.html"]))
    assert (
        "Tuned none has a mean test accuracy of 97.0 % with mlp and of 98.5 % with convnet, on the same splits." in text
    )
    assert (
        "dropout makes no relevant difference with mlp and helps with convnet. "
        "mixup helps with mlp and makes no relevant difference with convnet."
    ) in text


def test_without_label_noise_another_network_is_set_beside_the_tuned_recipes_of_the_study(
    tuned_study, with_other_network
):
    entries, metrics, settings = with_other_network
    right = settings | {"data": settings["data"] | {"label_noise": 0.0}}
    [part] = tuned_answer.tuned_again(
        [entry for entry in entries if entry.family != "tuned_clean"],
        {family: rows for family, rows in metrics.items() if family != "tuned_clean"},
        right,
        deciding(settings),
    )
    said = {point.about: clean(point.text.striptags()) for point in part.points}
    assert "93.0 % with mlp and of 98.5 % with convnet" in said["Both networks"]


def points(table, tuned_study) -> dict[str, str]:
    _, metrics, settings = tuned_study
    return {
        point.about: clean(point.text.striptags()) for point in tuned_answer.points_to_know(table, settings, metrics)
    }


def test_the_first_sentence_answers_for_tuned_recipes(page, tuned_study):
    first = clean(page.split('<p class="lead">')[1].split("</p>")[0])
    given = "20 % of their labels wrong), where every recipe is tuned with 12 settings and keeps its best epoch, "
    assert given in first
    assert ">r_drop</a></b> helps most: it raises test accuracy from 93.0 % to 95.9 %, by <b>2.9 points</b>" in first
    assert (
        "at 2.0 times the computation of none. At no extra computation, <b>" in first
        and ">input_noise</a></b>" in first
    )


def test_the_end_of_a_run_answers_for_tuned_recipes_first_and_then_as_configured(tuned_study):
    lines = short_answer(*tuned_study).splitlines()
    assert "r_drop helps most" in lines[0]
    assert lines[1] == (
        "7 recipes tuned, against none tuned: helps 3, no relevant difference 2, cannot tell 1, diverged 1."
    )
    assert lines[2].startswith("As configured: On digits") and "dropout_and_input_noise helps most" in lines[2]
    assert lines[3].startswith("11 recipes against none: ")


def test_a_study_without_tuned_recipes_says_nothing_of_them(recipes, recipe_pages):
    assert tuned_answer.rows(*recipes, deciding(SETTINGS)) == []
    assert "As configured" not in recipe_pages["index.html"] and 'id="tuned' not in recipe_pages["index.html"]
    assert "tuned" not in short_answer(*recipes, SETTINGS)


def test_the_best_set_of_the_tuned_is_named_with_its_cheapest_member(table, tuned_study):
    assert points(table, tuned_study)["Which is best"] == (
        "Of 8 networks, r_drop leads; at 95 % confidence input_noise and dropout cannot be told from it. "
        "The cheapest of them is input_noise, at no extra computation."
    )


def test_what_tuning_turns_around_is_said_and_what_it_changes_otherwise(table, tuned_study):
    said = points(table, tuned_study)
    assert said["Turned by tuning"] == (
        "weight_decay and l1 help as configured and make no relevant difference when tuned."
    )
    assert said["Changed by tuning"] == (
        "r_drop cannot be told from none as configured and helps when tuned. "
        "mixup helps as configured and cannot be told from none when tuned."
    )


def test_the_table_has_three_named_kinds_of_verdict_the_best_recipe_first(page):
    found = tables(page)["tuned-caption"]
    assert found.headings[:4] == ["Recipe", "Tuned", "As configured", "Against early stopping"]
    names = found.column("Recipe")
    assert names[0] == "r_drop" and names[-1] == "clipping" and set(names) == set(RECIPES)
    by_name = dict(zip(names, found.words, strict=True))
    assert by_name["weight_decay"][1:4] == [
        "+0.1 −0.3 to +0.5 no relevant difference",
        "+4.0 +3.6 to +4.4 helps",
        "+2.0 +1.6 to +2.4 cannot tell",
    ]
    assert by_name["none"][1:4] == ["reference", "reference", "−3.0 −3.4 to −2.6 hurts"]
    assert by_name["clipping"][1] == "diverged"
    assert by_name["r_drop"][4:] == ["95.9", "learning rate 0.00346, strength 0.500", "2.0 ×"]


def test_a_recipe_without_a_verdict_of_another_kind_has_a_dash(tuned_study):
    entries, metrics, settings = tuned_study
    rows = metrics["tuned"] | {"mixup": metrics["tuned"]["mixup"] | {"against_early_stopping": None}}
    found = tables(render(entries, metrics | {"tuned": rows}, settings)["index.html"])["tuned-caption"]
    dashes = dict(zip(found.column("Recipe"), found.column("Against early stopping"), strict=True))
    assert [name for name, words in dashes.items() if words == "–"] == ["mixup"]


def test_a_study_without_early_stopping_has_no_column_and_no_note_for_it(tuned_study, page):
    entries, metrics, settings = tuned_study
    rows = {name: row | {"against_early_stopping": None} for name, row in metrics["tuned"].items()}
    text = render(entries, metrics | {"tuned": rows}, settings)["index.html"]
    assert tables(text)["tuned-caption"].headings[:4] == ["Recipe", "Tuned", "As configured", "Tuned accuracy, %"]
    assert "Three verdicts on each recipe" in page and "<b>against early stopping</b>" in page
    assert "Two verdicts on each recipe" in text and "gainst early stopping" not in text


def test_the_searches_are_listed_with_their_budget_what_k_settings_come_to_and_how_optimistic_they_are(pages):
    found = tables(pages["pages/tuning.html"])["tuned-searches-caption"]
    assert found.column("Recipe")[:3] == ["r_drop", "input_noise", "none"]  # by their rank after all settings
    assert [words[1:] for words in found.words[:2]] == [
        ["12", "300", "2.00 T", "94.0 rank 2", "95.8 rank 1", "+1.2 +1.0 to +1.4", "+0.2 −1.0 to +1.4"],
        ["12", "300", "1.00 T", "95.0 rank 1", "95.3 rank 2", "+1.2 +1.0 to +1.4", "+0.2 −1.0 to +1.4"],
    ]


def test_the_budget_the_optimism_and_the_budget_at_which_the_ranking_changes_are_said(pages):
    text = clean(re.sub("<[^>]+>", "", pages["pages/tuning.html"]))
    assert (
        "Each of 9 recipes had 4 settings and 12 trainings of 300 epochs in all. Their operations differ as the techniques "
        "do, from 900 G (none) to 2.00 T (r_drop)."
    ) in text
    assert (
        "+1.2 points on the seeds that chose the settings, +0.2 points on the others, which chose the epoch alone."
        in text
    )
    assert (
        "In front is input_noise from 1 setting on and r_drop from 2 settings on. The order of all recipes changes at 2 "
        "settings."
    ) in text


def test_equal_operations_are_said_once(tuned_study):
    entries, metrics, settings = tuned_study
    rows = {name: row | {"budget": row["budget"] | {"flops": 10**12}} for name, row in metrics["tuned"].items()}
    text = clean(re.sub("<[^>]+>", "", render(entries, metrics | {"tuned": rows}, settings)["pages/tuning.html"]))
    assert (
        "Each of 9 recipes had 4 settings and 12 trainings of 300 epochs in all. Their operations are 1.00 T each."
        in text
    )


def test_the_figure_of_k_settings_names_the_first_five_and_none(pages):
    figure = pages["pages/tuning.html"].split('id="tuned-best"')[1].split("</figure>")[0]
    assert all(f">{name}</text>" in figure for name in ("none", "input_noise", "r_drop", "dropout"))
    assert not any(f">{name}</text>" in figure for name in ("weight_decay", "mixup"))
