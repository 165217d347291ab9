"""A name of an earlier version of params.yaml is refused, and the message says the name of today."""

import copy
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reglab.config import params
from reglab.config.problems import dotted
from reglab.config.renamed import RENAMED
from reglab.core import registry
from reglab.core.errors import UserError

SHIPPED = YAML(typ="safe", pure=True).load(Path(__file__).parent.parent.parent / "params.yaml")
FORMER = "found a name of an earlier version; allowed: "


def lines(given: dict, folder: Path) -> list[str]:
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(given, file)
    with pytest.raises(UserError) as error:
        params.load(folder / "params.yaml")
    return list(error.value.lines)


def with_former(given, holder: str, former: str, new: str, key: tuple = ()) -> list[tuple]:
    """Give the name back that it had, wherever the holder has it and wherever a value refers to it; these places."""
    places = []
    for part, value in list(given.items() if isinstance(given, dict) else enumerate(given)):
        place = (*key, part)
        if part in ("start", "recipe", "versus") and value == new and holder in registry.BASES:
            given[part] = former
            places.append(place)
        if isinstance(value, dict | list):
            if part == holder and new in value:
                value[former] = value.pop(new)
                places.append((*place, former))
            places += with_former(value, holder, former, new, place)
    return places


@pytest.mark.parametrize(("holder", "former"), RENAMED, ids=".".join)
def test_every_former_name_is_refused_in_every_place_with_the_name_of_today(holder, former, tmp_path):
    given, new = copy.deepcopy(SHIPPED), RENAMED[holder, former]
    given["augmentation"]["study"]["padding_mode"] = "border"
    places = with_former(given, holder, former, new.partition(" ")[0])
    assert places
    assert sorted(lines(given, tmp_path)) == sorted(f"params.yaml: {dotted(place)}: {FORMER}{new}" for place in places)


def test_grids_combinations_and_profiles_are_looked_through(tmp_path):
    given = copy.deepcopy(SHIPPED)
    given["combinations"]["dropout_and_input_noise"][0] = {"input_noise": {"deviation": 0.3}}
    given["sweeps"]["mixup"] = {"strength": [0.2, 0.4, 1.6, 3.2, 6.4]}
    given["cocktails"]["stacked"]["ingredients"]["mixup"] = {"strength": [0.1, 6.4]}
    given["profiles"]["quick"]["pretraining"]["other_classes"] = {"epochs": 1}
    given["profiles"]["quick"]["regularizers"] = {"mixup": {"strength": 1.0}}
    assert sorted(lines(given, tmp_path)) == [
        f"params.yaml: cocktails.stacked.ingredients.mixup.strength: {FORMER}alpha",
        f"params.yaml: combinations.dropout_and_input_noise[0].input_noise.deviation: {FORMER}std",
        f"params.yaml: profiles.quick.pretraining.other_classes: {FORMER}supervised_base_classes",
        f"params.yaml: profiles.quick.regularizers.mixup.strength: {FORMER}alpha",
        f"params.yaml: sweeps.mixup.strength: {FORMER}alpha",
    ]


def test_values_under_a_former_name_are_checked_as_well(tmp_path):
    given = copy.deepcopy(SHIPPED)
    given["regularizers"]["mixup"] = {"strength": -1}
    assert lines(given, tmp_path) == [
        f"params.yaml: regularizers.mixup.strength: {FORMER}alpha",
        "params.yaml: regularizers.mixup.alpha: found -1; allowed: a number of at least 0",
    ]


def test_the_same_word_elsewhere_is_no_former_name(tmp_path):
    """weight_decay has a strength and erasing a share; the topic of the Lagrangian has a penalty."""
    assert SHIPPED["regularizers"]["weight_decay"]["strength"] and SHIPPED["theory"]["lagrangian"]["penalty"]
    assert params.load(Path(__file__).parent.parent.parent / "params.yaml").regularizers["erasing"].share
