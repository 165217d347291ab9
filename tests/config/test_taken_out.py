"""An entry that a profile takes out goes with what refers to it; what is spelled wrong is reported, as without it."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from shipped import SHIPPED

from reglab.config import profiles
from reglab.core.errors import UserError
from reglab.core.outlines import outlines

OUT = {"regularizers": {"l1": None}}
CLAIM = {"says": "a", "lecture": "dropout", "metric": "test_accuracy", "direction": "higher"}


@pytest.fixture
def lines(tmp_path):
    """What is said of a profile, a file beside the shipped params.yaml, with other sections of these."""

    def said(profile: dict, **sections) -> list[str]:
        (tmp_path / "profiles").mkdir(exist_ok=True)
        YAML().dump(profile, tmp_path / "profiles" / "small.yaml")
        YAML(typ="safe", pure=True).dump(SHIPPED | sections, tmp_path / "params.yaml")
        with outlines():
            try:
                profiles.load(tmp_path, "small")
            except UserError as error:
                return error.lines
        return []

    return said


@pytest.mark.parametrize(
    ("profile", "key", "meant"),
    [
        ({"tuned": {"droput": {"hidden_rate": [0.7, 0.1]}}}, "tuned.droput", "dropout"),
        ({"tuned": {"foo": {}}}, "tuned.foo", None),
        ({"tuned": {"Drop out": {}}}, 'tuned."Drop out"', None),
        ({"tuned": {"early_stopping": {}}}, "tuned.early_stopping", None),
        ({"tuned_clean": {"recipes": ["none", "l1", "early_stopping"]}}, "tuned_clean.recipes[2]", None),
        (
            {"tuned_clean": {"recipes": ["none", "droput"]}, "data": {"label_noise": 0.0}},
            "tuned_clean.recipes[1]",
            "dropout",
        ),
        ({"tuned_other_network": {"recipes": ["none", "droput"]}}, "tuned_other_network.recipes[1]", "dropout"),
        ({"sweeps": {"mixpu": {"alpha": [0.1, 0.2]}}}, "sweeps.mixpu", "mixup"),
        ({"cocktails": {"stacked": {"ingredients": {"mixpu": {}}}}}, "cocktails.stacked.ingredients.mixpu", "mixup"),
        (
            {"cocktails": {"mine": {"ingredients": {"l1": {"strength": [0.1, 0.2]}, "mixpu": {}}}}},
            "cocktails.mine.ingredients.mixpu",
            "mixup",
        ),
        ({"regimes": {"recipes": ["none", "l1", "droput"]}}, "regimes.recipes[2]", "dropout"),
        ({"variance_sources": {"recipes": ["none", "l1", "droput"]}}, "variance_sources.recipes[2]", "dropout"),
        ({"random_split": {"recipes": ["none", "droput"]}}, "random_split.recipes[1]", "dropout"),
        ({"transfer": {"mine": {"start": "maskd"}}}, "transfer.mine.start", "masked"),
        ({"attacks": {"ensmbles": {}}}, "attacks.ensmbles", "ensembles"),
        ({"ensembles": {"baging": {}}}, "ensembles.baging", "bagging"),
        ({"claims": {"mine": CLAIM | {"recipe": "droput", "versus": "none"}}}, "claims.mine.recipe", "dropout"),
        ({"comparisons": {"mine": {"recipe": "none", "versus": "droput"}}}, "comparisons.mine.versus", "dropout"),
        ({"suite": {"sets": ["breast_cancer"], "recipes": ["none", "droput"]}}, "suite.recipes.droput", "dropout"),
    ],
    ids=str,
)
def test_what_is_spelled_wrong_is_reported_also_where_the_profile_takes_an_entry_out(lines, profile, key, meant):
    whole = lines(profile)
    reported = lines(profile | OUT)
    assert [line.split("; allowed")[0] for line in reported] == [line.split("; allowed")[0] for line in whole]
    [line] = [line for line in reported if line.startswith(f"profiles/small.yaml: {key}: found ")]
    assert meant is None or line.endswith(f"; did you mean {meant}?")


def test_an_entry_that_several_places_misspell_is_one_line_of_the_profile_that_names_it(lines):
    named = {"tuned": {"droput": {}}, "regimes": {"recipes": ["none", "l1", "droput"]}}
    for profile in (named, named | OUT):
        [line] = lines(profile)
        assert line.startswith("profiles/small.yaml: regularizers.droput: found no such entry")
        assert "tuned.droput, regimes.recipes[2]; allowed" in line and line.endswith("did you mean dropout?")


def test_what_refers_to_what_has_gone_with_an_entry_goes_too(lines):
    claim = CLAIM | {"recipe": "masked_tuned", "versus": "from_scratch", "metric": "test_accuracy@1"}
    assert lines({"claims": {"mine": claim}}) == []
    assert lines({"claims": {"mine": claim}, "pretraining": {"masked": None}}) == []


def test_what_is_short_by_intent_stays_where_another_entry_is_taken_out(tmp_path):
    mine = {"ingredients": {"dropout": {"hidden_rate": [0.1, 0.2]}}}
    short = {"cocktails": {"mine": mine}, "regimes": {"recipes": ["none"]}}
    left = profiles.with_profile(SHIPPED, short | OUT, "profiles/small.yaml: ")
    assert left["cocktails"]["mine"] == mine and left["regimes"]["recipes"] == ["none"]


@pytest.mark.parametrize(
    ("profile", "key", "meant"),
    [
        ({"regularizers": {"droput": None}}, "regularizers.droput", "dropout"),
        ({"baselines": {"logistic": None}}, "baselines.logistic", None),
        ({"combinations": {"dropout_and_maxnorm": None}}, "combinations.dropout_and_maxnorm", "dropout_and_max_norm"),
        ({"ensembles": {"baging": None}}, "ensembles.baging", "bagging"),
        ({"pretraining": {"maskd": None}}, "pretraining.maskd", "masked"),
        ({"transfer": {"maskd_tuned": None}}, "transfer.maskd_tuned", "masked_tuned"),
        ({"theory": {"drop out": None}}, 'theory."drop out"', "dropout"),
        ({"attacks": {"ensmbles": None}}, "attacks.ensmbles", "ensembles"),
        ({"tuned": {"droput": None}}, "tuned.droput", "dropout"),
        ({"sweeps": {"droput": None}}, "sweeps.droput", "dropout"),
        ({"cocktails": {"stakced": None}}, "cocktails.stakced", "stacked"),
        ({"claims": {"dropout_generalises": None}}, "claims.dropout_generalises", "dropout_generalizes"),
        ({"suite": {"baselines": {"k_nearest": None}}}, "suite.baselines.k_nearest", "k_nearest_neighbours"),
        ({"regimes": {"trian_size": None}}, "regimes.trian_size", "train_size"),
    ],
    ids=str,
)
def test_null_for_an_entry_that_is_not_there_is_reported(lines, profile, key, meant):
    [line] = lines(profile)
    assert line.startswith(f"profiles/small.yaml: {key}: found ")
    assert meant is None or line.endswith(f"; did you mean {meant}?")


def test_a_technique_that_params_yaml_is_without_may_be_null(lines):
    few = {name: SHIPPED["pretraining"][name] for name in SHIPPED["pretraining"] if name != "next_sentence"}
    assert lines({"pretraining": {"next_sentence": None}}, pretraining=few) == []


def test_a_setting_in_a_mapping_that_replaces_a_number_is_one_of_the_profile(lines):
    [line] = lines({"seeds": {"most": 16}})
    assert line.startswith("profiles/small.yaml: seeds.first: found nothing")
    [line] = lines({"seeds": {"first": 12, "most": 11}})
    assert line.startswith("profiles/small.yaml: seeds.most: found 11")


def test_shipped_profiles_take_out_what_params_yaml_has():
    root = Path(__file__).parent.parent.parent
    for name in profiles.names(root, SHIPPED):
        profiles.merged(root / "params.yaml", name)
