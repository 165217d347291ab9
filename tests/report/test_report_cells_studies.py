"""The tables of the further studies, cell by cell: few labels, tasks, pretexts, ensembles, attacks, searches, the map."""

import pytest
import second_half
from cells import Tables, number, percent, points, tables
from conftest import SETTINGS, figure
from second_half import SCENES, VARIANTS, values
from test_report_regimes import DROPOUT, GRID, SOURCES
from test_report_regimes import study as with_metrics
from test_report_robustness import ACCURACIES, record
from test_report_robustness import text as robustness_text
from test_report_searches import mixed, none, section, sweep

from reglab.experiments.ensembles import report as ensembles
from reglab.experiments.regimes import report as regimes
from reglab.experiments.tuning import report_cocktails
from reglab.experiments.variance_sources import report as variance_sources
from reglab.report.collect import Entry
from reglab.report.page import body
from reglab.report.study import Study


def compared(family: str, name: str, metric: str, metrics: dict, mean: float, share: bool = True) -> str:
    """The words of a cell: the mean, below it the difference with its interval and the verdict."""
    show, change = (percent, points) if share else (lambda x: number(x, 3), lambda x: number(x, 3, sign=True))
    row = metrics[family].get(name, {"comparisons": {}})["comparisons"].get(metric)
    if row is None:
        return show(mean)
    if row["verdict"] == "reference":
        return f"{show(mean)} reference"
    mean_, low, high = (change(row[key]) for key in ("difference", "difference_low", "difference_high"))
    mark = " ‡" if row["turns_without"] else ""
    return f"{show(mean)} {mean_} ({low} to {high}) {row['verdict']}{mark}"


def test_few_labels_cell_by_cell(whole_pages, whole):
    entries, metrics = whole
    result = tables(whole_pages["pages/few_labels.html"])
    costs = {name: cost for name, (*_, cost) in (second_half.TRANSFER | second_half.SEMI_SUPERVISED).items()}
    families = {entry.name: entry.family for entry in entries if entry.name in costs}
    read = 0
    for label in ("few-all-caption", "few-5-6-7-8-9-caption"):
        table = result[label]
        heads = [f"{variant} label{'s' if variant > 1 else ''} a class" for variant in VARIANTS]
        assert table.headings == ["Method", *heads, "Cost"]
        for row in table.words:
            name = row[0].split()[0]
            family = families[name]
            means = [values(entries, family, name, f"test_accuracy@{variant}").mean() for variant in VARIANTS]
            assert row[1:-1] == [
                compared(family, name, f"test_accuracy@{variant}", metrics, mean)
                for variant, mean in zip(VARIANTS, means, strict=True)
            ]
            assert row[-1] == ("–" if name == "label_spreading" else f"{costs[name]:.1f}×")
            read += 1
    assert read == len(costs)


def test_several_tasks_cell_by_cell(whole_pages, whole):
    entries, metrics = whole
    table = tables(whole_pages["pages/few_labels.html"])["tasks-caption"]
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


def test_pretexts_cell_by_cell(whole_pages, whole):
    entries, metrics = whole
    table = tables(whole_pages["pages/few_labels.html"])["pretexts-caption"]
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
    rows_by_size = [{key: str((at + 1) / 100 + members / 1000) for at, key in enumerate(keys)} for members in (1, 2, 3)]
    members = [
        row | {"seed": "all", "combine": "vote", "members": str(n)} for n, row in enumerate(rows_by_size, start=1)
    ]
    made = {"family": "ensembles", "name": "bagging", "settings": {"bagging": {"members": 3, "combine": "vote"}}}
    made |= {"summary": {}, "chosen": [], "seeds": {}, "cost": {"prediction_passes": 6144, "relative_to_none": 3.1}}
    [table] = Tables(
        body(
            "ensembles.html",
            ensembles=ensembles.ensemble_entries([Entry(made, {}, figure(), members)]),
            columns=ensembles.COLUMNS,
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
        *(
            "Recipe",
            "Attack reliability",
            "Clean",
            "Fast gradient",
            "Projected gradient",
            "Strong, first 200",
            "Smallest epsilon",
        )
    ]
    lines = "the loss has a slope at the examples; a black-box attack finds nothing more"
    assert attacked.words == [
        ["hardened", "reliable", "91.0", "65.0", "62.0", "60.0", "0.120"],
        ["smoothed", "reliable", "93.0", "15.0", "12.0", "10.0", "0.020"],
        ["none", "reliable", "90.0", "15.0", "12.0", "10.0", "0.020"],
        ["masked", f"unreliable failed: {lines}", "92.0", "85.0", "82.0", "80.0", "–"],
    ]
    order = ["hardened", "smoothed", "none", "masked"]
    assert transfer.headings == ["made for", "1", "2", "3", "4"]
    for at, (source, row) in enumerate(zip(order, transfer.words, strict=True), start=1):
        assert row[0].split() == [str(at), source]
        for target, shown in zip(order, row[1:], strict=True):
            clean, strong = ACCURACIES[target]
            assert float(shown) == pytest.approx(100 * (strong if source == target else (clean + strong) / 2), abs=0.51)


def test_sweeps_cell_by_cell():
    result = sweep("l1", {"strength": [0.01, 0.1]}, [[0.88, 0.9], [0.93, 0.95]], 1, difference=-0.05, verdict="hurts")
    [table] = Tables(section(result).body).found
    assert table.headings == ["Technique", "Chosen", "Best of the grid", "As configured", "Search"]
    assert table.words == [
        ["l1", "strength 0.1", "92.0 −5.0 (−6.0 to −4.0) hurts", "91.0 +4.0 (+3.0 to +5.0) helps", "24 ×"]
    ]


def test_cocktails_cell_by_cell():
    cocktail, row = mixed({"mixup": {"alpha": 0.4}, "dropout": {"hidden_rate": 0.3}})
    row["ingredients"]["mixup"] = {
        "only": row["full"] | {"difference": 0.03, "low": 0.02, "high": 0.045, "verdict": "helps"},
        "without": row["full"] | {"difference": -0.01, "low": -0.02, "high": 0.005, "verdict": "cannot tell"},
    }
    study = Study([none(), cocktail], {"cocktails": {cocktail.name: row}}, SETTINGS | {"tuning": {"seeds": 2}}, "")
    [table] = [
        table
        for table in Tables(report_cocktails.cocktails_section(study).body).found
        if "Ingredient" in table.headings
    ]
    assert table.headings == ["Ingredient", "Strength", "Alone", "Beside the others", "Verdicts"]
    assert table.words == [
        ["mixup", "alpha 0.4", "+3.0 (+2.0 to +4.5)", "−1.0 (−2.0 to +0.5)", "helps; cannot tell"],
        ["dropout", "hidden_rate 0.3", "+6.0 (+5.0 to +7.0)", "+1.0 (+5.0 to +7.0)", "helps; helps"],
        ["all together", "", "+6.0 (+5.0 to +7.0)", "", "helps"],
    ]


def test_the_regime_map_cell_by_cell():
    [table] = Tables(regimes.regimes_section(with_metrics({"dropout": DROPOUT})).body).found
    assert table.headings == [
        *("Recipe", "Training examples", "Wrong labels, %", "Width", "Difference, points", "95 % interval", "p (Holm)"),
        *("Verdict", "Seeds needed"),
    ]
    for (size, noise, width), cell, row in zip(GRID, DROPOUT["cells"].values(), table.words, strict=True):
        needed = "20" if cell["verdict"] == "cannot tell" else "–"
        low, high = points(cell["difference"] - 0.01), points(cell["difference"] + 0.01)
        assert row == [
            *("dropout", str(size), f"{100 * noise:g}", str(width), points(cell["difference"]), f"{low} to {high}"),
            *("0.020", cell["verdict"], needed),
        ]


def test_the_sources_of_spread_cell_by_cell_and_no_share_above_all():
    sources = {"none": {metric: dict(spreads) for metric, spreads in SOURCES["none"].items()}}
    sources["none"]["test_nll"] = {
        name: {"std": 0.05, "low": 0.035, "high": 0.09, "share": 1.21} for name in SOURCES["none"]["test_nll"]
    }
    text = variance_sources.sources_section(with_metrics({}, variance_sources=sources)).body
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
