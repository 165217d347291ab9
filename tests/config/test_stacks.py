"""A stack of techniques in an order that is not allowed is reported before any work."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from shipped import SHIPPED, problems_of

from reglab.config import params
from reglab.core.errors import UserError
from reglab.core.outlines import outlines

NOISE, ATTACK, TRADES = {"input_noise": {}}, {"adversarial_training": {}}, {"trades": {}}
NO_NOISE, NO_ATTACK = {"input_noise": {"std": 0.0}}, {"adversarial_training": {"epsilon": 0.0}}


def lines(folder: Path, **sections) -> list[str]:
    return problems_of(SHIPPED | sections, folder)


@pytest.mark.parametrize("stack", [[ATTACK, NOISE], [NO_NOISE, ATTACK], [NOISE, NO_ATTACK], [{"affine": {}}, ATTACK]])
def test_an_attack_may_stand_before_what_leaves_the_unit_range(tmp_path, stack):
    assert lines(tmp_path, combinations={"mine": stack}) == []


@pytest.mark.parametrize(
    ("stack", "place", "found"),
    [
        ([NOISE, ATTACK], "[1].adversarial_training", "input_noise before it"),
        ([{"l1": {}}, NOISE, {"mixup": {}}, ATTACK], "[3].adversarial_training", "input_noise before it"),
        ([NOISE, TRADES], "[1].trades", "input_noise beside it"),
        ([TRADES, NOISE], "[0].trades", "input_noise beside it"),  # its penalty sees the batch after all of them
    ],
)
def test_an_attack_on_inputs_beyond_the_unit_range_is_one_line(tmp_path, stack, place, found):
    [line] = lines(tmp_path, combinations={"mine": stack})
    assert line.startswith(f"params.yaml: combinations.mine{place}: found {found}, which moves inputs beyond [0, 1]")
    [line] = lines(tmp_path, few_labels=SHIPPED["few_labels"] | {"regularizers": stack})
    assert line.startswith(f"params.yaml: few_labels.regularizers{place}: found {found}")


def test_an_average_over_masks_stands_before_temperature_scaling(tmp_path):
    average, temperature = {"dropout": {"prediction": "arithmetic"}}, {"temperature_scaling": {}}
    for stack in ([average, temperature], [temperature, {"dropout": {}}]):
        assert lines(tmp_path, combinations={"mine": stack}) == []
    [line] = lines(tmp_path, combinations={"mine": [temperature, average]})
    assert line.startswith('params.yaml: combinations.mine[1].dropout.prediction: found "arithmetic" behind')
    assert line.endswith("allowed: dropout before temperature_scaling in the list")


def test_a_cocktail_tries_them_in_one_order(tmp_path):
    ranges = {"adversarial_training": {"epsilon": [0.1, 0.2]}, "input_noise": {"std": [0.1, 0.2]}}
    assert lines(tmp_path, cocktails={"mine": {"ingredients": ranges}}, suite={}) == []
    path = tmp_path / "params.yaml"
    turned = dict(reversed(ranges.items()))
    yaml = YAML()  # keeps the order
    yaml.dump(SHIPPED | {"cocktails": {"mine": {"ingredients": turned}}, "suite": {}}, path)
    with outlines(), pytest.raises(UserError) as error:
        params.load(path)
    [line] = error.value.lines
    assert line.startswith("params.yaml: cocktails.mine.ingredients.adversarial_training: found input_noise before it")


@pytest.mark.parametrize(
    ("technique", "place", "found"),
    [
        ({"dropout": {"prediction": "arithmetic"}}, "[0].dropout.prediction", '"arithmetic"'),
        ({"early_stopping": {}}, "[0].early_stopping", "a technique that acts between epochs"),
    ],
)
def test_few_labels_share_what_leaves_one_network(tmp_path, technique, place, found):
    [line] = lines(tmp_path, few_labels=SHIPPED["few_labels"] | {"regularizers": [technique]})
    assert line.startswith(f"params.yaml: few_labels.regularizers{place}: found {found}")


def test_noise_of_the_augmentation_comes_before_what_few_labels_share(tmp_path):
    shared = SHIPPED["few_labels"] | {"regularizers": [ATTACK]}
    noisy = SHIPPED["augmentation"] | {"study": {"noise": 0.1}}
    [line] = lines(tmp_path, few_labels=shared, augmentation=noisy)
    assert line.startswith(
        "params.yaml: few_labels.regularizers[0].adversarial_training: found augmentation.study.noise: 0.1"
    )
    assert lines(tmp_path, few_labels=shared) == []


def test_an_ensemble_chooses_among_the_recipes_that_there_are(tmp_path):
    recipes = len(SHIPPED["regularizers"])
    [line] = lines(tmp_path, ensembles=SHIPPED["ensembles"] | {"heterogeneous": {"members": recipes + 1}})
    assert line.startswith(
        f"params.yaml: ensembles.heterogeneous.members: found {recipes + 1}; allowed: at most {recipes}, "
    )
    assert lines(tmp_path, ensembles=SHIPPED["ensembles"] | {"heterogeneous": {"members": recipes}}) == []


def test_the_circle_of_the_lagrangian_reaches_its_line(tmp_path):
    drawn = {"total": 3, "radius": 2.14}
    [line] = lines(tmp_path, theory=SHIPPED["theory"] | {"lagrangian": drawn})
    assert line.startswith("params.yaml: theory.lagrangian.radius: found 2.14; allowed: at least 2.143, ")
    assert lines(tmp_path, theory=SHIPPED["theory"] | {"lagrangian": drawn | {"radius": 2.15}}) == []
