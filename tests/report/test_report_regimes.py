"""The regime map on the page: what is masked, what is coloured, and where a recipe helps in words."""

import html
import re

import pytest
from conftest import SETTINGS

from reglab.experiments.regimes import report as regimes
from reglab.experiments.regimes.report import Place
from reglab.experiments.variance_sources import report as variance_sources
from reglab.report import verdict_grid
from reglab.report.answer import setting_of
from reglab.report.collect import Entry
from reglab.report.measure import AMOUNTS, deciding
from reglab.report.study import Study

NOTHING = "no relevant difference"
GRID = [(size, noise, width) for size in (100, 900) for noise in (0.0, 0.4) for width in (8, 64)]


def row(place, difference, verdict):
    values = dict(zip(("train_size", "label_noise", "width"), place, strict=True))
    values |= {"difference": difference, "difference_low": None, "difference_high": None, "p_holm": None}
    if difference is not None:
        values |= {"difference_low": difference - 0.01, "difference_high": difference + 0.01, "p_holm": 0.02}
    return values | {"verdict": verdict, "seeds_needed": 20 if verdict == "cannot tell" else None}


def cell_rows(*of_cells):
    """A recipe's rows, from (difference, verdict) of each cell of GRID."""
    keys = ["x".join(map(str, place)) for place in GRID]
    return {"cells": {key: row(place, *result) for key, place, result in zip(keys, GRID, of_cells, strict=True)}}


SILENT = (0.004, "cannot tell")
# with 40 % wrong labels the wide network is helped, the narrow one hurt
DROPOUT = cell_rows(
    SILENT, (0.0, NOTHING), (-0.05, "hurts"), (0.1, "helps"), SILENT, SILENT, (-0.04, "hurts"), (0.2, "helps")
)
L1 = cell_rows(*[SILENT] * 3, (0.15, "helps"), *[SILENT] * 3, (0.1, "helps"))
LOST = cell_rows(*[(None, "diverged")] * 8)


def study(rows, settings=SETTINGS, **metrics):
    names = {"regimes": ["none", *rows]} | {family: list(results) for family, results in metrics.items()}
    entries = [
        Entry({"family": family, "name": name, "seeds": {}}, {}, None)
        for family, listed in names.items()
        for name in listed
    ]
    return Study(entries, {"regimes": rows} | metrics, settings, "")


def text(markup) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", str(markup))))


@pytest.fixture(scope="module")
def section():
    return regimes.regimes_section(study({"dropout": DROPOUT, "l1": L1}))


def test_cells_with_cannot_tell_are_masked_and_the_others_are_not(section):
    drawn = re.findall(
        r'<g class="cell ([a-z-]+)"><title>([^<]*)</title><rect ([^>]*)/><text[^>]*>([^<]*)</text>', section.body
    )
    assert [kind for kind, *_ in drawn].count("cannot-tell") == 3 + 6
    for kind, title, rect, number in drawn:
        assert ("fill-opacity" in rect) == (kind in ("helps", "hurts"))
        assert ("about 20 seeds needed" in title) == (kind == "cannot-tell")
        assert number == ("= 0.0" if kind == "no-relevant-difference" else number) and number
    assert section.body.count("url(#regime-hatch)") == 1  # one style fills all cells with “cannot tell”
    assert '<pattern id="regime-hatch"' in section.body


def test_colours_share_one_scale_up_to_the_largest_difference_shown(section):
    shown = dict(re.findall(r'fill-opacity="([0-9.]+)"/><text[^>]*>([^<]*)</text>', section.body))
    strengths = {number: float(opacity) for opacity, number in shown.items()}
    assert strengths["+20.0"] == verdict_grid.STRONGEST == max(strengths.values())
    assert strengths["−5.0"] == pytest.approx(
        0.75 * verdict_grid.WEAKEST + 0.25 * verdict_grid.STRONGEST, abs=0.006
    )  # two decimals


def test_every_panel_has_its_axes_and_their_units(section):
    panels = re.findall(r"<svg viewBox.*?</svg>", str(section.body), re.DOTALL)
    assert len(panels) == 4  # two recipes, two widths
    for panel in panels:
        assert "training examples" in panel and "wrong labels, %" in panel and re.search("width (8|64)<", panel)
        assert all(f">{label}<" in panel for label in ("100", "900", "0", "40"))


def test_it_is_said_where_a_recipe_helps_and_hurts_and_where_the_ranking_turns(section):
    said = text(section.body)
    assert (
        "Of 8 cells of training size, label noise and width, dropout helps in 2 and hurts in 2; l1 helps in 2." in said
    )
    assert "helps with 40 % wrong labels and width 64 (most with 900 examples: +20.0 points, +19.0 to +21.0)" in said
    assert "hurts with 40 % wrong labels and width 8 (most with 100 examples: −5.0 points, −6.0 to −4.0)" in said
    assert "1 shows no relevant difference and 3 cannot tell" in said
    first, second = (f"with {size} examples, 40 % wrong labels and width 64" for size in (100, 900))
    assert (
        f"The ranking depends on the cell: the largest gain shown is that of l1 {first}; of dropout {second}." in said
    )
    assert "Helps and hurts dropout:" in said


def test_without_verdicts_nothing_is_claimed():
    said = text(regimes.regimes_section(study({"l1": cell_rows(*[SILENT] * 8)})).body)
    assert "l1 is nowhere shown to help or to hurt" in said and "Largest gain" not in said
    said = text(regimes.regimes_section(study({"l1": LOST})).body)
    assert "Nothing to compare: diverged." in said and "– to –" in said


def test_too_few_seeds_for_the_map_are_reported():
    few = regimes.regimes_section(study({"l1": L1}, SETTINGS | {"seeds": 6}))
    assert "With 6 seeds no cell of 8 comparisons" in text(few.body) and 'class="alarm"' in few.body
    assert "Too few seeds" not in regimes.regimes_section(study({"l1": L1})).body


def test_the_noise_of_amounts_is_called_an_exchange_of_targets():
    """An amount becomes that of another example: it was never a wrong class."""
    settings = SETTINGS | {"evaluation": SETTINGS["evaluation"] | {"metric": "r2"}}
    said = text(regimes.regimes_section(study({"l1": L1}, settings)).body)
    assert "exchanged targets, %" in said and "wrong label" not in said and "right label" not in said
    assert "true targets" in regimes.in_words("label_noise", [0], AMOUNTS)
    assert "20\u00a0% of their targets exchanged" in setting_of(settings)
    assert variance_sources.names_of(deciding(settings))["split"] == "split and exchanged targets"


@pytest.mark.parametrize(
    "places, words",
    [
        ([(100, 0.0, 8)], "with 100 examples, right labels and width 8"),
        ([(100, 0.0, 8), (100, 0.4, 8)], "with 100 examples and width 8"),
        ([place for place in GRID if place[0] == 900], "with 900 examples"),
        ([(100, 0.0, 8), (900, 0.4, 64)], "in 2 of 8 cells"),
        ([(100, 0.0, 8), (900, 0.0, 8), (900, 0.0, 64)], "in 3 of 8 cells, all with right labels"),
        (GRID, "in every cell"),
    ],
)
def test_a_block_of_the_map_is_described_by_its_edges_and_anything_else_is_counted(places, words):
    def of(each):
        return [Place.of(row(place, 0.1, "helps")) for place in each]

    assert regimes.region(of(places), of(GRID)) == words


def test_without_a_map_there_is_no_section():
    assert regimes.regimes_section(study({})) is None
    assert variance_sources.sources_section(study({})) is None


def spread(**stds):
    rows = {
        source: {"std": value, "low": 0.7 * value, "high": 1.8 * value, "share": value**2 / 0.04**2}
        for source, value in stds.items()
    }
    return {"test_accuracy": rows, "test_nll": rows}


SOURCES = {
    "none": spread(split=0.03, initialization=0.02, batch_order=0.01, masks=0.0, all=0.04),
    "dropout": spread(split=0.03, initialization=0.002, batch_order=0.001, masks=0.002, all=0.04),
}


def test_the_largest_source_comes_first_and_is_called_largest_only_where_intervals_are_disjoint():
    body = variance_sources.sources_section(study({}, variance_sources=SOURCES)).body
    said = text(body)
    order = "split and wrong labels 3.00, initial weights 2.00 and batch order 1.00."
    assert f"none: 4.00 points with everything varied; alone, {order} Their intervals overlap" in said
    assert "Masks and noise: exactly zero" in said
    assert "Split and wrong labels moves it most." in said
    assert "chi-square 95 % intervals" in said and "need not add up to 1, and one alone may be above 1" in said
    assert body.count('role="img"') == 2 and "standard deviation over seeds, points" in body


def test_a_recipe_that_diverged_shows_no_spread():
    unknown = dict.fromkeys(("std", "low", "high", "share"))
    rows = {metric: dict.fromkeys(row, unknown) for metric, row in SOURCES["none"].items()}
    body = variance_sources.sources_section(study({}, variance_sources={"none": rows})).body
    assert "a seed diverged, so nothing can be said" in text(body)


def test_equal_accuracies_alone_are_not_taken_for_nothing_drawn():
    rows = SOURCES["none"] | {"test_nll": SOURCES["dropout"]["test_nll"]}
    said = text(variance_sources.sources_section(study({}, variance_sources={"none": rows})).body)
    assert "and masks and noise 0.00." in said and "exactly zero" not in said
