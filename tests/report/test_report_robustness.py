"""The section on robustness: what the record says, the order of it, and doubts in words."""

from dataclasses import replace

import pytest
from conftest import figure
from test_report_page import Page

from reglab.report import standings
from reglab.report.collect import Entry
from reglab.report.measure import ACCURACY, RMSE
from reglab.report.page import body

LINES = ["the loss has a slope at the examples", "a black-box attack finds nothing more"]
ACCURACIES = {"none": (0.9, 0.1), "masked": (0.92, 0.8), "hardened": (0.91, 0.6), "smoothed": (0.93, 0.1)}


def record(epsilons=(0.02, 0.1), skipped=None) -> dict:
    """Masked is the most robust recipe and cannot be believed; inputs made for a recipe cost others half as much."""
    models = {
        name: {
            "clean": clean,
            "curves": {"fast_gradient": [0.85, strong + 0.05], "projected_gradient": [0.8, strong + 0.02], "strong": strong},
            "smallest_epsilon": None if name == "masked" else strong / 5,
            "unreliable": LINES if name == "masked" else [],
            "transfer": {other: strong if other == name else (clean + strong) / 2 for other in ACCURACIES},
        }
        for name, (clean, strong) in ACCURACIES.items()
    }  # fmt: skip
    settings = {"norm": "linf", "epsilons": list(epsilons), "examples": 200, "seeds": 1}
    about = {"family": "attacks", "name": "regularizers", "settings": {"regularizers": settings}, "seeds": {}}
    return about | {"models": models, "skipped": skipped or {}, "checks": []}


def text(content: dict, drawing: str | None = None, images: bool = True, score=ACCURACY) -> str:
    families = standings.families([Entry(content, {}, drawing)])
    return body(
        "robustness.html", families=families, images=images, attacks=standings.ATTACKS, confidence=0.95, score=score
    )


@pytest.fixture
def family():
    return standings.families([Entry(record(), {}, None)])[0]


def test_the_most_robust_comes_first_and_what_cannot_be_believed_last(family):
    assert [row.name for row in family.rows] == ["hardened", "smoothed", "none", "masked"]
    assert family.rows[0].scores == {"fast_gradient": 0.65, "projected_gradient": 0.62, "strong": 0.6}


def test_a_cell_of_the_matrix_is_the_column_on_inputs_made_for_the_row(family):
    assert [source for source, _ in family.transfer] == [row.name for row in family.rows]
    cells = {(cell.source, cell.target): cell.score for _, cells in family.transfer for cell in cells}
    assert len(cells) == 16
    assert cells["none", "hardened"] == pytest.approx((0.91 + 0.6) / 2) and cells["hardened", "hardened"] == 0.6
    assert cells["hardened", "none"] == pytest.approx((0.9 + 0.1) / 2)


@pytest.mark.parametrize(("accuracy", "share"), [(1.0, "0%"), (0.5, "30%"), (0.0, "60%")])
def test_the_colour_of_a_cell_grows_with_the_loss_of_accuracy(accuracy, share):
    assert share in standings.TransferScore("a", "b", accuracy, 1 - accuracy).style


def test_two_hundred_examples_leave_seven_points_of_doubt(family):
    assert family.doubt(0.95) == "7"  # 1.96 sqrt(0.5 * 0.5 / 200) = 6.9 points
    assert family.doubt(0.99) == "9"  # 2.58


def test_the_section_is_balanced_html_whose_cells_sort():
    page = Page(text(record(), figure()))
    assert not page.unbalanced and not page.open and len(set(page.ids)) == len(page.ids)
    row = page.rows["attack-regularizers-hardened"]
    assert row["strong"] == {"value": "0.6", "text": "60.0"} and row["clean"]["text"] == "91.0"
    assert set(row) == {"name", "verdict", "clean", *standings.ATTACKS, "smallest"}
    assert page.rows["attack-regularizers-masked"]["smallest"] == {"value": "", "text": "–"}


def test_the_column_of_the_strong_attack_says_that_it_is_over_the_first_examples_alone():
    shown = text(record(), figure())
    assert "Strong, first 200" in shown and "points: the strong attack, on the first 200 test examples" in shown
    assert shown.count("first 200") == 4  # the heading, its hint, the legend of the figure, the note below the table


def test_of_amounts_the_errors_are_shown_the_smallest_first():
    page = text(record() | {"metric": "rmse"}, score=replace(RMSE, relevant=0.1))
    [family] = standings.families([Entry(record() | {"metric": "rmse"}, {}, None)])
    assert [row.name for row in family.rows] == ["none", "smoothed", "hardened", "masked"]
    rows = Page(page).rows
    assert rows["attack-regularizers-hardened"]["strong"] == {"value": "0.6", "text": "0.60"}
    assert set(rows["attack-regularizers-none"]) == {"name", "verdict", "clean", *standings.ATTACKS}
    assert "Root mean squared error, clean and under attacks" in page and "%</" not in page
    assert max(cell.bad for _, cells in family.transfer for cell in cells) == 1


def test_doubts_are_told_in_words_and_only_where_there_are_any():
    rows = Page(text(record())).rows
    doubtful = rows["attack-regularizers-masked"]["verdict"]["text"]
    assert doubtful.startswith("unreliable") and all(line in doubtful for line in LINES)
    assert rows["attack-regularizers-none"]["verdict"]["text"] == "reliable"


def test_the_recipe_in_the_picture_is_none_or_else_the_first(family):
    without = {name: model for name, model in record()["models"].items() if name != "none"}
    [other] = standings.families([Entry(record() | {"models": without}, {}, None)])
    assert (family.pictured, other.pictured) == ("none", "masked")


def test_what_diverged_is_named():
    assert "Not attacked, for they diverged: clipping" in text(record(skipped={"clipping": [0]}))
    assert "Nothing to attack: clipping diverged" in text(record(skipped={"clipping": [0]}) | {"models": {}})


def test_a_family_without_none_has_it_beside_from_one_attacked_within_the_same_epsilons():
    models = {name: model for name, model in record()["models"].items() if name != "none"}
    ensembles = record() | {
        "name": "ensembles",
        "models": models,
        "settings": {"ensembles": record()["settings"]["regularizers"]},
    }
    alike, _ = standings.families([Entry(ensembles, {}, None), Entry(record(), {}, None)])
    assert [row.name for row in alike.rows] == ["hardened", "smoothed", "none", "masked"]
    assert [source for source, _ in alike.transfer] == ["hardened", "smoothed", "masked"]
    other, _ = standings.families([Entry(ensembles, {}, None), Entry(record(epsilons=(0.02, 0.2)), {}, None)])
    assert other.beside is None and "none" not in [row.name for row in other.rows]


def test_a_study_without_attacks_has_no_such_section():
    assert standings.families([Entry({"family": "theory", "name": "lasso"}, {}, None)]) == []
    assert standings.families([Entry(record() | {"models": {}}, {}, None)]) == []


def test_what_the_strong_attack_leaves_stands_beside_each_recipe_with_its_difference_to_none():
    result = standings.standings([Entry(record(), {}, None)])
    assert {name for _, name in result} == set(ACCURACIES)
    hardened, masked, none = (result["regularizers", name] for name in ("hardened", "masked", "none"))
    assert (hardened.score, hardened.epsilon, hardened.believed) == (0.6, 0.1, True)
    assert hardened.difference == pytest.approx(0.5) and none.difference is None and not masked.believed


def test_a_family_takes_none_from_beside_and_without_one_there_is_no_difference():
    models = {name: model for name, model in record()["models"].items() if name != "none"}
    settings = {"ensembles": record()["settings"]["regularizers"]}
    ensembles = Entry(record() | {"name": "ensembles", "models": models, "settings": settings}, {}, None)
    beside = standings.standings([ensembles, Entry(record(), {}, None)])
    assert beside["ensembles", "hardened"].difference == pytest.approx(0.5)
    assert standings.standings([ensembles])["ensembles", "hardened"].difference is None


@pytest.mark.parametrize("images", [True, False])
def test_the_picture_of_an_example_is_explained_for_images_alone(images):
    shown = text(record(), figure(), images)
    assert ("An example of the test set" in shown) == images and "points: the strong attack" in shown
