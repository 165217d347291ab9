"""Gain against cost, bias against variance: the frontier, and names that do not lie over one another."""

import itertools
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import SETTINGS

from reglab.core.figures import svg
from reglab.experiments.pages import render
from reglab.report import bias_variance_figure, pareto
from reglab.report.collect import collect
from reglab.report.labels import MARK, overlaps, placed
from reglab.report.slides import slides
from reglab.report.tables import rows

FRAME = np.array([0.0, 0.0, 560.0, 340.0])


@pytest.fixture
def table(study):
    runs, expected, metrics = study
    return rows(collect(runs, expected), metrics)


@pytest.mark.parametrize("seed", range(20))
def test_the_frontier_is_what_brute_force_finds(seed):
    rng = np.random.default_rng(seed)
    costs, gains = rng.integers(1, 6, 25) / 2, rng.integers(-3, 6, 25) / 10  # many ties
    beaten = {
        a
        for a, b in itertools.permutations(range(25), 2)
        if costs[b] <= costs[a] and gains[b] >= gains[a] and (costs[b], gains[b]) != (costs[a], gains[a])
    }
    result = pareto.frontier(costs, gains)
    assert set(result) == set(range(25)) - beaten
    assert [costs[n] for n in result] == sorted(costs[n] for n in result)


def test_a_recipe_without_a_cost_or_that_diverged_is_not_on_the_picture(table):
    names = {row.name for row in pareto.priced(table)}
    assert "none" in names and "dropout_and_input_noise" in names
    assert not names & {"support_vector_machine", "clipping"}


@pytest.mark.parametrize("seed", range(5))
def test_names_cover_neither_points_nor_one_another_where_there_is_room(seed):
    rng = np.random.default_rng(seed)
    points = np.column_stack(
        [np.where(rng.random(25) < 0.6, 250.0, rng.uniform(40, 500, 25)), rng.uniform(20, 320, 25)]
    )
    line = np.array([[0.0, 99.0, 560.0, 101.0]])
    boxes = placed(points, rng.uniform(20, 110, 25).tolist(), 9.4, FRAME, line)
    between = overlaps(boxes, boxes)
    assert (between[~np.eye(25, dtype=bool)] < 1e-6).all()
    marks = np.hstack([points - MARK, points + MARK])
    assert (overlaps(boxes, marks)[~np.eye(25, dtype=bool)] < 1e-6).all() and (overlaps(boxes, line) < 1e-6).all()
    assert (boxes[:, :2] >= FRAME[:2]).all() and (boxes[:, 2:] <= FRAME[2:]).all()


@pytest.mark.parametrize("spread", [0.0, 1.0, 12.0])
def test_names_of_a_crowd_on_one_spot_do_not_cover_one_another(spread):
    rng = np.random.default_rng(0)
    points = np.array([280.0, 170.0]) + rng.normal(0, spread, (45, 2))
    boxes = placed(points, rng.uniform(20, 110, 45).tolist(), 9.4, FRAME, np.array([[0.0, 165.0, 560.0, 175.0]]))
    assert (overlaps(boxes, boxes)[~np.eye(45, dtype=bool)] < 1e-6).all()
    assert (boxes[:, :2] >= FRAME[:2]).all() and (boxes[:, 2:] <= FRAME[2:]).all()


@pytest.mark.parametrize("draw", [pareto, bias_variance_figure])
def test_no_word_of_a_picture_lies_over_another(table, draw):
    drawing = draw.figure(pareto.priced(table) if draw is pareto else bias_variance_figure.split(table))
    [axes] = drawing.axes
    drawing.draw_without_rendering()
    words = [*axes.texts, axes.get_legend(), *axes.get_xticklabels(), *axes.get_yticklabels()]
    boxes = np.array([word.get_window_extent().extents for word in words])
    shared = overlaps(boxes, boxes)[np.triu_indices(len(words), 1)]
    assert (shared < 1e-6).all()


def test_where_all_recipes_cost_the_same_there_is_a_sentence_and_no_figure(recipes):
    entries, metrics = recipes
    assert not pareto.same_cost(pareto.priced(rows(entries, metrics)))
    same = {
        family: {name: row | {"cost": 1.0 if row.get("cost") else None} for name, row in metrics[family].items()}
        for family in ("baselines", "regularizers", "combinations")
    }
    metrics = metrics | same
    assert "gain_against_cost" not in slides(entries, metrics, SETTINGS)
    page = render(entries, metrics, SETTINGS)["pages/recipes.html"]
    section = page.split('<section id="gain-and-cost"')[1].split("</section>")[0]
    assert "<svg" not in section and "so a gain has no price here" in section


def test_a_lone_point_has_its_name_right_beside_it():
    [box] = placed(np.array([[100.0, 100.0]]), [40.0], 10.0, FRAME, np.empty((0, 4)))
    assert box.tolist() == [100 + MARK, 95, 140 + MARK, 105]


def test_the_area_that_boxes_share():
    boxes = np.array([[0, 0, 2, 2], [5, 5, 6, 6]])
    assert overlaps(boxes, np.array([[1, 1, 4, 3], [2, 0, 3, 2]])).tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("draw", [pareto, bias_variance_figure])
def test_every_recipe_is_named_in_the_picture_and_the_same_study_draws_the_same(table, draw):
    shown = pareto.priced(table) if draw is pareto else bias_variance_figure.split(table)
    drawing = svg(draw.figure(shown))
    words = [node.text for node in ElementTree.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")]
    assert all(words.count(row.name) == 1 for row in shown)
    assert svg(draw.figure(shown)) == drawing


def test_slides_are_few_deterministic_and_whole_files(study):
    runs, expected, metrics = study
    entries = collect(runs, expected)
    result = slides(entries, metrics, SETTINGS)
    assert list(result) == ["effects", "gain_against_cost", "bias_against_variance"]
    for drawing in result.values():
        assert ElementTree.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"
    assert slides(entries, metrics, SETTINGS) == result
    alone = [entry for entry in entries if entry.name == "none"]
    assert slides(alone, metrics, SETTINGS) == {}
