"""Every number stands below its own heading, in its own unit and with its own sign: tables read cell by cell."""

import numpy as np
import pytest
import second_half
from cells import Tables, number, percent, points, tables
from conftest import BASELINES, SETTINGS, figure
from second_half import BUDGETS, SCENES, WHOLE, values
from test_report_chapter import CLAIM
from test_report_regimes import DROPOUT, GRID, SOURCES
from test_report_regimes import study as with_metrics
from test_report_robustness import ACCURACIES, record
from test_report_robustness import text as robustness_text
from test_report_searches import mixed, none, section, sweep

from reglab.report import bias_variance, cocktails, ensembles, pareto, regimes, slides, variance_sources
from reglab.report.collect import Entry, collect
from reglab.report.page import body, render
from reglab.report.study import Study
from reglab.report.tables import rows


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The recipes' half: entries, metrics.json."""
    from conftest import write_study

    runs, expected, metrics = write_study(tmp_path_factory.mktemp("cells") / "runs")
    return collect(runs, expected), metrics


@pytest.fixture(scope="module")
def pages(made):
    return render(*made, SETTINGS)


@pytest.fixture(scope="module")
def second(whole):
    return render(*whole, WHOLE)


def ranked(metrics: dict) -> list[tuple[str, str, dict]]:
    """(family, name, numbers), the highest accuracy first; what diverged is not among them."""
    found = [
        (family, name, own)
        for family in ("baselines", "regularizers", "combinations")
        for name, own in metrics[family].items()
        if own["test_accuracy"] is not None
    ]
    return sorted(found, key=lambda each: -each[2]["test_accuracy"])


def test_the_table_of_results(pages, made):
    table = tables(pages["index.html"])["results-caption"]
    entries = {(entry.family, entry.name): entry for entry in made[0]}
    assert table.headings[:3] == ["Recipe", "On this data set", "On this distribution"]
    found = ranked(made[1])
    assert [words.split()[0] for words in table.column("Recipe")] == [*(name for _, name, _ in found), "clipping"]
    for (family, name, own), row in zip(found, table.rows, strict=False):
        cells = dict(zip(table.headings, (words for words, _ in row), strict=True))
        top, chance = own["metrics"]["test_accuracy"], own["probability"]
        assert cells["Accuracy, %"] == f"{percent(top['mean'])} {percent(top['low'])} to {percent(top['high'])}"
        assert cells["Loss"] == number(own["metrics"]["test_nll"]["mean"], 3)
        assert cells["ECE"] == number(own["metrics"]["test_ece"]["mean"], 3)
        cost = entries[family, name].record.get("cost")
        passes = cost and f"{cost['forward_passes']} + {cost['backward_passes']}"
        assert cells["Cost"] == (f"{cost['relative_to_none']:.2f} × {passes}" if cost else "–")
        if name == "none":
            assert cells["Chance it matters"] == "" and cells[""] == "reference"
            continue
        assert cells[""] == f"{points(own['difference'], 2)} {points(own['low'], 2)} to {points(own['high'], 2)}"
        assert cells["Chance it matters"] == f"{percent(chance['helps'], 0)} % loss {percent(chance['hurts'], 0)} %"
        if family in BASELINES or family == "baselines":
            assert cells["On this distribution"] == "–"
            continue
        new = own["distribution"]
        assert cells["On this distribution"] == f"{new['verdict']} {points(new['low'])} to {points(new['high'])}"
        assert cells["On this data set"].startswith(f"{own['verdict']} p {number(own['p_holm'], 3)}")
        assert ("about 17 seeds needed" in cells["On this data set"]) == (own["verdict"] == "cannot tell")


def test_better_and_worse_follow_the_sign_of_what_is_better(pages, made):
    table = tables(pages["index.html"])["results-caption"]
    marks = set()
    for (*_, own), row in zip(ranked(made[1]), table.rows, strict=False):
        for metric, heading in (("test_nll", "Loss"), ("test_ece", "ECE")):
            low, high = (own["metrics"][metric][f"difference_{end}"] for end in ("low", "high"))
            wanted = "better" if high < 0 else "worse" if low > 0 else ""
            assert row[table.headings.index(heading)][1] == f"side {wanted}"
            marks.add(wanted)
    assert marks == {"better", "worse", ""}


def test_a_dot_stands_at_its_difference_and_its_line_ends_at_the_interval(pages, made):
    import re

    rows_of = dict(re.findall(r'<tr role="row" id="([^"]+)"(.*?)</tr>', pages["index.html"], re.DOTALL))
    zero, start, end = (
        float(re.search(rf"--{name}: ([0-9.]+)%", pages["index.html"])[1]) for name in ("zero", "from", "to")
    )
    per_point = (end - start) / (2 * SETTINGS["evaluation"]["relevant_difference"])
    assert zero == pytest.approx((start + end) / 2, abs=0.01)
    for family, name, own in ranked(made[1]):
        if name == "none":
            continue
        drawn = rows_of[f"{family}-{name}"]
        dot = float(re.search(r'(?:cx|<svg x)="([0-9.]+)%', drawn)[1])
        ends = [float(re.search(rf'{at}="([0-9.]+)%', drawn)[1]) for at in ("x1", "x2")]
        wanted = [zero + per_point * own[key] for key in ("difference", "low", "high")]
        assert [dot, *ends] == pytest.approx(wanted, abs=0.15)


def test_bias_and_variance(pages, made):
    table = tables(pages["pages/recipes.html"])["bias-caption"]
    found = ranked(made[1])
    columns = {
        "Recipe": [name for _, name, _ in found],
        "Bias²": [number(own["bias_squared"], 3) for *_, own in found],
        "Variance": [number(own["variance"], 3) for *_, own in found],
        "Sum": [number(own["bias_squared"] + own["variance"], 3) for *_, own in found],
        "Brier": [number(own["metrics"]["test_brier"]["mean"], 3) for *_, own in found],
        "Training, %": ["97.0"] * len(found),
        "Given labels, %": ["82.0"] * len(found),
        "Test, %": [percent(own["test_accuracy"]) for *_, own in found],
        "Gap": [percent(0.97 - own["test_accuracy"]) for *_, own in found],
        "Gap, given labels": [percent(0.82 - own["test_accuracy"]) for *_, own in found],
    }
    assert table.headings == list(columns)
    assert {heading: table.column(heading) for heading in columns} == columns


def places(drawing, *markers: str) -> set[tuple[float, float]]:
    [axes] = drawing.axes
    lines = [line for line in axes.lines if line.get_marker() in markers]
    return {(round(float(x), 9), round(float(y), 9)) for line in lines for x, y in zip(*line.get_data(), strict=True)}


def test_pictures_have_variance_and_cost_across_and_bias_and_gain_upwards(made):
    found = rows(*made)
    split, priced = bias_variance.split(found), pareto.priced(found)
    wanted = {(round(row.numbers["variance"], 9), round(row.numbers["bias_squared"], 9)) for row in split}
    assert places(bias_variance.figure(split), *"oDs^") == wanted
    wanted = {(round(row.numbers["cost"], 9), round(100 * row.numbers["difference"], 9)) for row in priced}
    assert places(pareto.figure(priced), *"oDs") == wanted
    effects = [row for row in found if row.ranked and not row.reference]
    wanted = {(round(100 * row.numbers["difference"], 9), -at) for at, row in enumerate(effects)}
    assert places(slides.forest(effects, 0.005), *"^voDs") == wanted


def test_what_ran(pages, made):
    [table] = [table for table in Tables(pages["pages/ran.html"]).found if table.label == "entries"]
    assert table.headings == [
        *("Entry", "Settings, in order of application", "Seeds", "Epochs", "Operations", "Passes", "Cost")
    ]
    shown = {row[0][0].split()[0]: [words for words, _ in row] for row in table.rows if len(row) > 1}
    assert shown["dropout"][1:] == ["input_rate 0.2, hidden_rate 0.5", "10", "60", "31.0 G", "3 + 2", "1.00"]
    assert shown["early_stopping"][1:] == ["patience 10", "10", "60", "13.0 G", "1 + 1", "0.42"]
    assert shown["support_vector_machine"][2:] == ["10", "60", "–", "–", "–"]
    assert shown["clipping"][2] == "10, 2 diverged"


def compared(family: str, name: str, metric: str, metrics: dict, mean: float, share: bool = True) -> str:
    """The words of a cell: the mean, below it the difference with its interval and the verdict."""
    show, change = (percent, points) if share else (lambda x: number(x, 3), lambda x: number(x, 3, sign=True))
    row = metrics[family].get(name, {"comparisons": {}})["comparisons"].get(metric)
    if row is None:
        return show(mean)
    if row["verdict"] == "baseline":
        return f"{show(mean)} reference"
    mean_, low, high = (change(row[key]) for key in ("difference", "difference_low", "difference_high"))
    return f"{show(mean)} {mean_} ({low} to {high}) {row['verdict']}"


def test_few_labels_cell_by_cell(second, whole):
    entries, metrics = whole
    found = tables(second["pages/few_labels.html"])
    costs = {name: cost for name, (*_, cost) in (second_half.TRANSFER | second_half.SEMI_SUPERVISED).items()}
    families = {entry.name: entry.family for entry in entries if entry.name in costs}
    read = 0
    for label in ("few-all-caption", "few-5-6-7-8-9-caption"):
        table = found[label]
        heads = [f"{budget} label{'s' if budget > 1 else ''} a class" for budget in BUDGETS]
        assert table.headings == ["Method", *heads, "Cost"]
        for row in table.words:
            name = row[0].split()[0]
            family = families[name]
            means = [values(entries, family, name, f"test_accuracy@{budget}").mean() for budget in BUDGETS]
            assert row[1:-1] == [
                compared(family, name, f"test_accuracy@{budget}", metrics, mean)
                for budget, mean in zip(BUDGETS, means, strict=True)
            ]
            assert row[-1] == ("–" if name == "label_spreading" else f"{costs[name]:.1f}×")
            read += 1
    assert read == len(costs)


def test_several_tasks_cell_by_cell(second, whole):
    entries, metrics = whole
    table = tables(second["pages/few_labels.html"])["tasks-caption"]
    assert table.headings == ["Method", *(f"IoU, {n}" for n in SCENES), *(f"Depth error, {n}" for n in SCENES)]
    for row in table.words:
        name, cells = row[0].split()[0], iter(row[1:])
        for metric, share, learned in zip(
            ("test_iou", "test_depth_rmse"), (True, False), second_half.MULTITASK[name], strict=True
        ):
            for scenes in SCENES:
                key = f"{metric}@{scenes}"
                mean = values(entries, "multitask", name, key).mean() if learned else None
                assert next(cells) == compared(
                    "multitask", name, key, metrics if learned else {"multitask": {}}, mean, share
                )


def test_pretexts_cell_by_cell(second, whole):
    entries, metrics = whole
    table = tables(second["pages/few_labels.html"])["pretexts-caption"]
    assert table.headings == [
        *("Pretext", "Linear probe", "Neighbour probe", "Pretext accuracy", "Pretext loss", "Operations")
    ]
    for row in table.words:
        name = row[0].split()[0]
        loss, accuracy, chance, *_ = second_half.PRETEXTS[name]
        for at, probe in ((1, "test_linear_probe"), (2, "test_neighbour_probe")):
            mean = values(entries, "pretraining", name, probe).mean()
            assert row[at] == compared("pretraining", name, probe, metrics, mean)
        shown = values(entries, "pretraining", name, "test_pretext_accuracy").mean() if accuracy else None
        assert row[3] == percent(shown) + (f" chance {percent(chance)}" if chance else "")
        shown = values(entries, "pretraining", name, "test_pretext_loss").mean() if loss else None
        assert row[4] == "–" if shown is None else float(row[4]) == pytest.approx(shown, rel=0.006)
        assert row[5] == ("0" if name == "scratch" else "40.0 G")


def test_ensembles_cell_by_cell():
    keys = list(ensembles.COLUMNS)
    grown = [{key: str((at + 1) / 100 + members / 1000) for at, key in enumerate(keys)} for members in (1, 2, 3)]
    members = [own | {"seed": "all", "combine": "vote", "members": str(n)} for n, own in enumerate(grown, start=1)]
    made = {"family": "ensembles", "name": "bagging", "settings": {"bagging": {"members": 3, "combine": "vote"}}}
    made |= {"summary": {}, "chosen": [], "seeds": {}, "cost": {"prediction_passes": 6144, "relative_to_none": 3.1}}
    [table] = Tables(
        body(
            "ensembles.html", ensembles=ensembles.grown([Entry(made, {}, figure(), members)]), columns=ensembles.COLUMNS
        )
    ).found
    assert table.headings == [
        *("Members", "Accuracy %", "Loss", "Calibration", "Disagreement %", "Bias²", "Variance", "Passes")
    ]
    assert table.words == [
        ["1", "1.1", "0.021", "0.031", "4.1", "0.051", "0.061", "2,048"],
        ["2", "1.2", "0.022", "0.032", "4.2", "0.052", "0.062", "4,096"],
        ["3", "1.3", "0.023", "0.033", "4.3", "0.053", "0.063", "6,144"],
    ]
    assert keys == ["test_accuracy", "test_nll", "test_ece", "disagreement", "bias_squared", "variance"]


def test_robustness_cell_by_cell():
    attacked, transfer = Tables(robustness_text(record())).found
    assert attacked.headings == [
        *("Recipe", "Honesty card", "Clean", "Fast gradient", "Projected gradient", "Strong", "Smallest epsilon")
    ]
    lines = "the loss has a slope at the examples; a black-box attack finds nothing more"
    assert attacked.words == [
        ["hardened", "reliable", "91.0", "65.0", "62.0", "60.0", "0.120"],
        ["smoothed", "reliable", "93.0", "15.0", "12.0", "10.0", "0.020"],
        ["none", "reliable", "90.0", "15.0", "12.0", "10.0", "0.020"],
        ["masked", f"unreliable does not hold: {lines}", "92.0", "85.0", "82.0", "80.0", "–"],
    ]
    order = ["hardened", "smoothed", "none", "masked"]
    assert transfer.headings == ["made for", "1", "2", "3", "4"]
    for at, (source, row) in enumerate(zip(order, transfer.words, strict=True), start=1):
        assert row[0].split() == [str(at), source]
        for target, shown in zip(order, row[1:], strict=True):
            clean, strong = ACCURACIES[target]
            assert float(shown) == pytest.approx(100 * (strong if source == target else (clean + strong) / 2), abs=0.51)


def test_sweeps_cell_by_cell():
    found = sweep("l1", {"strength": [0.01, 0.1]}, [[0.88, 0.9], [0.93, 0.95]], 1, difference=-0.05, verdict="hurts")
    [table] = Tables(section(found).body).found
    assert table.headings == ["Technique", "Chosen", "Tuned", "Untuned", "Search"]
    assert table.words == [
        ["l1", "strength 0.1", "92.0 −5.0 (−6.0 to −4.0) hurts", "91.0 +4.0 (+3.0 to +5.0) helps", "24 ×"]
    ]


def test_cocktails_cell_by_cell():
    own, row = mixed({"mixup": {"strength": 0.4}, "dropout": {"hidden_rate": 0.3}})
    row["ingredients"]["mixup"] = {
        "only": row["full"] | {"difference": 0.03, "low": 0.02, "high": 0.045, "verdict": "helps"},
        "without": row["full"] | {"difference": -0.01, "low": -0.02, "high": 0.005, "verdict": "cannot tell"},
    }
    study = Study([none(), own], {"cocktails": {own.name: row}}, SETTINGS | {"tuning": {"seeds": 2}}, "")
    [table] = [table for table in Tables(cocktails.the_cocktails(study).body).found if "Ingredient" in table.headings]
    assert table.headings == ["Ingredient", "Strength", "Alone, over none", "Beside the others", "Verdicts"]
    assert table.words == [
        ["mixup", "strength 0.4", "+3.0 (+2.0 to +4.5)", "−1.0 (−2.0 to +0.5)", "helps; cannot tell"],
        ["dropout", "hidden_rate 0.3", "+6.0 (+5.0 to +7.0)", "+1.0 (+5.0 to +7.0)", "helps; helps"],
        ["all together", "", "+6.0 (+5.0 to +7.0)", "", "helps"],
    ]


def test_the_regime_map_cell_by_cell():
    [table] = Tables(regimes.where_it_helps(with_metrics({"dropout": DROPOUT})).body).found
    assert table.headings == [
        *("Recipe", "Training examples", "Wrong labels, %", "Width", "Difference, points", "95 % interval", "p (Holm)"),
        *("Verdict", "Seeds needed"),
    ]
    for (size, noise, width), own, row in zip(GRID, DROPOUT["cells"].values(), table.words, strict=True):
        needed = "20" if own["verdict"] == "cannot tell" else "–"
        low, high = points(own["difference"] - 0.01), points(own["difference"] + 0.01)
        assert row == [
            *("dropout", str(size), f"{100 * noise:g}", str(width), points(own["difference"]), f"{low} to {high}"),
            *("0.020", own["verdict"], needed),
        ]


def test_the_sources_of_spread_cell_by_cell_and_no_share_above_all(made):
    sources = {"none": {metric: dict(own) for metric, own in SOURCES["none"].items()}}
    sources["none"]["test_nll"] = {
        name: {"deviation": 0.05, "low": 0.035, "high": 0.09, "share": 1.21} for name in SOURCES["none"]["test_nll"]
    }
    text = variance_sources.the_sources(with_metrics({}, variance_sources=sources)).body
    [table] = Tables(text).found
    relative = "Variance, all together = 1"
    assert table.headings == ["Recipe", "Varied", "Accuracy, points", relative, "Loss, nats", relative]
    loss = ["0.050 (0.035 to 0.090)", "1.21"]
    assert table.words == [
        ["none", "split and wrong labels", "3.00 (2.10 to 5.40)", "0.56", *loss],
        ["", "initial weights", "2.00 (1.40 to 3.60)", "0.25", *loss],
        ["", "batch order", "1.00 (0.70 to 1.80)", "0.06", *loss],
        ["", "masks and noise", "0.00 (0.00 to 0.00)", "0.00", *loss],
        ["", "all together", "4.00 (2.80 to 7.20)", "1.00", *loss],
    ]
    assert "121\u00a0%" not in text and "one alone may be above 1" in " ".join(text.split())


def test_pairs_and_claims_cell_by_cell(made):
    entries, metrics = made
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
    pages = render(entries, metrics | {"comparisons": {"two": row}, "claims": {"c": claim}}, SETTINGS)
    pairs = tables(pages["index.html"])["pairs"]
    assert dict(zip(pairs.headings, pairs.words[0], strict=True)) == {
        "Pair": "dropout against mixup",
        "By": "test nll",
        "Difference": "−0.0214 −0.0300 to +0.0100",
        "On this data set": "helps",
        "On this distribution": "cannot tell −0.0500 to +0.0200",
        "Chance it matters": "60 % loss 10 %",
        "p": "0.004",
    }
    [claims] = [table for table in Tables(pages["pages/chapter.html"]).found if table.label.startswith("Claims")]
    assert dict(zip(claims.headings, claims.words[0], strict=True)) == {
        "Claim": "L1 gives sparse <weights> zero weights of l1: higher than none",
        "Verdict": "contradicted",
        "Difference": "−3.2 (−5.0 to −1.4)",
        "Evidence": "−0.14 against 0.1 in 11-fold tests; p 0.035",
    }


def test_the_ends_of_learning_curves_are_those_of_the_records(pages, made):
    import re

    for entry in made[0]:
        if not entry.curves:
            continue
        last = {}
        for seed in entry.seeds("finished"):
            last[seed] = 1 - entry.curves[seed]["validation_accuracy"]
        length = max(map(len, last.values()))
        mean = np.mean([np.append(own, [own[-1]] * (length - len(own))) for own in last.values()], axis=0)
        words = re.search(
            rf'<figure id="curves-{entry.family}-{entry.name}".*?</figcaption>', pages["pages/recipes.html"], re.DOTALL
        )[0]
        assert f"Validation error {percent(mean[-1])}&nbsp;% at the end" in words
        assert f"at its lowest {percent(mean.min())}&nbsp;% in epoch {int(mean.argmin())}." in words


@pytest.mark.parametrize("half", ["pages", "second"])
def test_no_hyphen_stands_for_a_minus_and_no_long_number_is_without_commas(request, half):
    import re

    for path, text in request.getfixturevalue(half).items():
        read = re.sub(r"<(pre|style|script|code|annotation).*?</\1>|<svg.*?</svg>", " ", text, flags=re.DOTALL)
        read = re.sub(r"<[^>]*>", " ", read)
        assert re.findall(r"(?<![\w.-])-\d[\d.]*", read) == [], path
        assert re.findall(r"(?<![\w.:,])\d{5,}(?![\w.:])", read) == [], path
