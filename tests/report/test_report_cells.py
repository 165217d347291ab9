"""Every number stands below its own heading, in its own unit and with its own sign: tables read cell by cell."""

import re

import numpy as np
import pytest
from cells import Tables, number, percent, points, tables
from conftest import SETTINGS
from test_report_chapter import CLAIM

from reglab.experiments.pages import render
from reglab.report import bias_variance_figure, pareto, slides
from reglab.report.tables import rows


def ranked(metrics: dict) -> list[tuple[str, str, dict]]:
    """(family, name, numbers), the highest accuracy first; what diverged is not among them."""
    result = [
        (family, name, numbers)
        for family in ("baselines", "regularizers", "combinations")
        for name, numbers in metrics[family].items()
        if numbers["test_accuracy"] is not None
    ]
    return sorted(result, key=lambda each: -each[2]["test_accuracy"])


def test_the_table_of_results(recipe_pages, recipes):
    table = tables(recipe_pages["index.html"])["results-caption"]
    entries = {(entry.family, entry.name): entry for entry in recipes[0]}
    assert table.headings[:3] == ["Recipe", "On this data set", "On this distribution"]
    result = ranked(recipes[1])
    assert [words.split()[0] for words in table.column("Recipe")] == [*(name for _, name, _ in result), "clipping"]
    for (family, name, numbers), row in zip(result, table.rows, strict=False):
        cells = dict(zip(table.headings, (words for words, _ in row), strict=True))
        top, chance = numbers["metrics"]["test_accuracy"], numbers["probability"]
        assert cells["Accuracy, %"] == f"{percent(top['mean'])} {percent(top['low'])} to {percent(top['high'])}"
        assert cells["Loss"] == number(numbers["metrics"]["test_nll"]["mean"], 3)
        assert cells["ECE"] == number(numbers["metrics"]["test_ece"]["mean"], 3)
        cost = entries[family, name].record.get("cost")
        passes = cost and f"{cost['forward_passes']} + {cost['backward_passes']}"
        assert cells["Cost"] == (f"{cost['relative_to_none']:.2f} × {passes}" if cost else "–")
        if name == "none":
            assert cells["Chance it matters"] == "" and cells[""] == "reference"
            continue
        difference, low, high = (points(numbers[key], 2) for key in ("difference", "low", "high"))
        assert cells[""] == f"{difference} {low} to {high}"
        assert cells["Chance it matters"] == f"{percent(chance['helps'], 0)} % loss {percent(chance['hurts'], 0)} %"
        if family == "baselines":
            assert cells["On this distribution"] == "–"
            continue
        new = numbers["distribution"]
        assert cells["On this distribution"] == f"{new['verdict']} {points(new['low'])} to {points(new['high'])}"
        assert cells["On this data set"].startswith(f"{numbers['verdict']} p {number(numbers['p_holm'], 3)}")
        assert ("about 17 seeds needed" in cells["On this data set"]) == (numbers["verdict"] == "cannot tell")


def test_better_and_worse_follow_the_sign_of_what_is_better(recipe_pages, recipes):
    table = tables(recipe_pages["index.html"])["results-caption"]
    marks = set()
    for (*_, numbers), row in zip(ranked(recipes[1]), table.rows, strict=False):
        for metric, heading in (("test_nll", "Loss"), ("test_ece", "ECE")):
            low, high = (numbers["metrics"][metric][f"difference_{end}"] for end in ("low", "high"))
            wanted = "better" if high < 0 else "worse" if low > 0 else ""
            assert row[table.headings.index(heading)][1] == f"side {wanted}"
            marks.add(wanted)
    assert marks == {"better", "worse", ""}


def test_a_dot_stands_at_its_difference_and_its_line_ends_at_the_interval(recipe_pages, recipes):
    rows_of = dict(re.findall(r'<tr role="row" id="([^"]+)"(.*?)</tr>', recipe_pages["index.html"], re.DOTALL))
    zero, start, end = (
        float(re.search(rf"--{name}: ([0-9.]+)%", recipe_pages["index.html"])[1]) for name in ("zero", "from", "to")
    )
    per_point = (end - start) / (2 * SETTINGS["evaluation"]["relevant_difference"])
    assert start < end and zero == pytest.approx((start + end) / 2, abs=0.01)  # a gain lies to the right
    for family, name, numbers in ranked(recipes[1]):
        if name == "none":
            continue
        drawn = rows_of[f"{family}-{name}"]
        dot = float(re.search(r'(?:cx|<svg x)="([0-9.]+)%', drawn)[1])
        ends = [float(re.search(rf'{at}="([0-9.]+)%', drawn)[1]) for at in ("x1", "x2")]
        wanted = [zero + per_point * numbers[key] for key in ("difference", "low", "high")]
        assert [dot, *ends] == pytest.approx(wanted, abs=0.15)


def test_bias_and_variance(recipe_pages, recipes):
    table = tables(recipe_pages["pages/recipes.html"])["bias-caption"]
    result = ranked(recipes[1])
    columns = {
        "Recipe": [name for _, name, _ in result],
        "Bias²": [number(numbers["bias_squared"], 3) for *_, numbers in result],
        "Variance": [number(numbers["variance"], 3) for *_, numbers in result],
        "Sum": [number(numbers["bias_squared"] + numbers["variance"], 3) for *_, numbers in result],
        "Brier": [number(numbers["metrics"]["test_brier"]["mean"], 3) for *_, numbers in result],
        "Training, %": ["97.0"] * len(result),
        "Given labels, %": ["82.0"] * len(result),
        "Test, %": [percent(numbers["test_accuracy"]) for *_, numbers in result],
        "Gap": [percent(0.97 - numbers["test_accuracy"]) for *_, numbers in result],
        "Gap, given labels": [percent(0.82 - numbers["test_accuracy"]) for *_, numbers in result],
    }
    assert table.headings == list(columns)
    assert {heading: table.column(heading) for heading in columns} == columns


def places(drawing, *markers: str) -> set[tuple[float, float]]:
    [axes] = drawing.axes
    lines = [line for line in axes.lines if line.get_marker() in markers]
    return {(round(float(x), 9), round(float(y), 9)) for line in lines for x, y in zip(*line.get_data(), strict=True)}


def test_pictures_have_variance_and_cost_across_and_bias_and_gain_upwards(recipes):
    result = rows(*recipes)
    split, priced = bias_variance_figure.split(result), pareto.priced(result)
    wanted = {(round(row.numbers["variance"], 9), round(row.numbers["bias_squared"], 9)) for row in split}
    assert places(bias_variance_figure.figure(split), *"oDs^") == wanted
    wanted = {(round(row.numbers["cost"], 9), round(100 * row.numbers["difference"], 9)) for row in priced}
    assert places(pareto.figure(priced), *"oDs") == wanted
    effects = [row for row in result if row.ranked and not row.reference]
    wanted = {(round(100 * row.numbers["difference"], 9), -at) for at, row in enumerate(effects)}
    assert places(slides.forest(effects, 0.005), *"^voDs") == wanted


def test_what_ran(recipe_pages, recipes):
    [table] = [table for table in Tables(recipe_pages["pages/ran.html"]).found if table.label == "entries"]
    assert table.headings == [
        *("Entry", "Settings, in order of application", "Seeds", "Epochs", "Operations", "Passes", "Cost")
    ]
    shown = {row[0][0].split()[0]: [words for words, _ in row] for row in table.rows if len(row) > 1}
    assert shown["dropout"][1:] == ["input_rate 0.2, hidden_rate 0.5", "10", "60", "31.0 G", "3 + 2", "1.00"]
    assert shown["early_stopping"][1:] == ["patience 10", "10", "60", "13.0 G", "1 + 1", "0.42"]
    assert shown["support_vector_machine"][2:] == ["10", "60", "–", "–", "–"]
    assert shown["clipping"][2] == "10, 2 diverged"


def test_pairs_and_claims_cell_by_cell(recipes):
    entries, metrics = recipes
    row = {
        "recipe": "dropout",
        "versus": "mixup",
        "metric": "test_nll",
        "difference": -0.0214,
        "low": -0.03,
        "high": 0.01,
    }
    row |= {"p_holm": 0.004, "verdict": "helps", "seeds_needed": None}
    row |= {"probability": {"helps": 0.6, "same": 0.3, "hurts": 0.1}}
    row |= {"distribution": {"low": -0.05, "high": 0.02, "verdict": "cannot tell", "p_holm": 0.2}}
    claim = CLAIM | {"difference": -0.032, "low": -0.05, "high": -0.014, "verdict": "contradicted"}
    claim |= {"evidence": "-0.14 against 0.1 in 11-fold tests", "p_holm": 0.035}
    shown = render(entries, metrics | {"comparisons": {"two": row}, "claims": {"c": claim}}, SETTINGS)
    pairs = tables(shown["index.html"])["pairs"]
    assert dict(zip(pairs.headings, pairs.words[0], strict=True)) == {
        "Pair": "dropout against mixup",
        "By": "test nll",
        "Difference": "−0.0214 −0.0300 to +0.0100",
        "On this data set": "helps",
        "On this distribution": "cannot tell −0.0500 to +0.0200",
        "Chance it matters": "60 % loss 10 %",
        "p": "0.004",
    }
    [claims] = [table for table in Tables(shown["pages/chapter.html"]).found if table.label.startswith("Claims")]
    assert dict(zip(claims.headings, claims.words[0], strict=True)) == {
        "Claim": "L1 gives sparse <weights> zero weights of l1: higher than none",
        "Verdict": "contradicted",
        "Difference": "−3.2 (−5.0 to −1.4)",
        "Evidence": "−0.14 against 0.1 in 11-fold tests; p 0.035",
    }


def test_the_ends_of_learning_curves_are_those_of_the_records(recipe_pages, recipes):
    for entry in recipes[0]:
        if not entry.curves:
            continue
        last = {}
        for seed in entry.seeds("finished"):
            last[seed] = 1 - entry.curves[seed]["validation_accuracy"]
        length = max(map(len, last.values()))
        mean = np.mean([np.append(errors, [errors[-1]] * (length - len(errors))) for errors in last.values()], axis=0)
        words = re.search(
            rf'<figure id="curves-{entry.family}-{entry.name}".*?</figcaption>',
            recipe_pages["pages/recipes.html"],
            re.DOTALL,
        )[0]
        assert f"Validation error {percent(mean[-1])}\u00a0% at the end" in words
        assert f"at its lowest {percent(mean.min())}\u00a0% in epoch {int(mean.argmin())}." in words


@pytest.mark.parametrize("half", ["recipe_pages", "whole_pages"])
def test_no_hyphen_stands_for_a_minus_and_no_long_number_is_without_commas(request, half):
    for path, text in request.getfixturevalue(half).items():
        read = re.search(r"<main.*</main>", text, re.DOTALL)[0]
        for tag in ("svg", "pre", "code", "annotation"):
            read = re.sub(rf"<{tag}\b.*?</{tag}>", " ", read, flags=re.DOTALL)
        read = re.sub(r"<[^>]*>", " ", read)
        assert re.findall(r"(?<![\w.-])-\d[\d.]*", read) == [], path
        assert re.findall(r"(?<![\w.:,])\d{5,}(?![\w.:])", read) == [], path
