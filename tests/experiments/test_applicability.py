"""What entries need of data and network, which of them are left out for it, and what refers to these."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reglab.config import params
from reglab.core.errors import UserError
from reglab.evaluation.settings import Claim, Pair
from reglab.experiments import left_out
from reglab.experiments.applicability import Facts, inapplicable_ingredients, not_applicable, reason
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.methods.boosting import Boosting
from reglab.experiments.ensembles.methods.heterogeneous import Heterogeneous
from reglab.experiments.prediction import finished_record
from reglab.experiments.regimes.settings import Regimes
from reglab.experiments.robustness.trained_networks import trained_networks
from reglab.experiments.tuning.settings import Cocktail, TunedAgain, TunedOtherNetwork
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.models.resnet import ResNet
from reglab.regularizers.cutmix import CutMix
from reglab.regularizers.dropout import Dropout

SETTINGS = params.load(Path(__file__).parents[2] / "params.yaml")
IMAGES, TABLE, NUMBERS = Facts((1, 8, 8)), Facts((30,)), Facts((1, 8, 8), "regression")
LABELS = Facts((30,), "multilabel")
RESIDUAL = MLP(depth=3, residual=True)


@pytest.mark.parametrize(
    ("needs", "facts", "model", "why"),
    [
        ((), TABLE, MLP(), ""),
        (("unit_range",), TABLE, MLP(), ""),
        (("images",), IMAGES, MLP(), ""),
        (("images",), TABLE, MLP(), "needs images; examples are rows of 30 numbers"),
        (("images",), Facts((5, 6)), MLP(), "needs images; examples are 5 x 6 numbers"),
        (("classes",), TABLE, MLP(), ""),
        (("classes",), NUMBERS, MLP(), "needs classes; the targets are amounts"),
        (("unit_range", "classes"), NUMBERS, MLP(), "needs classes; the targets are amounts"),
        (("amounts",), NUMBERS, MLP(), ""),
        (("amounts",), IMAGES, MLP(), "needs amounts; the targets are classes"),
        (("classes",), LABELS, MLP(), "needs classes; the targets are sets of labels"),
        (("amounts",), LABELS, MLP(), "needs amounts; the targets are sets of labels"),
        (("discrete",), LABELS, MLP(), ""),
        (("discrete",), TABLE, MLP(), ""),
        (("discrete",), NUMBERS, MLP(), "needs classes or labels; the targets are amounts"),
        (("one_target",), NUMBERS, MLP(), ""),
        (("one_target",), IMAGES, MLP(), ""),
        (("one_target",), LABELS, MLP(), "needs one target an example; the targets are sets of labels"),
        (("residual_blocks",), IMAGES, MLP(), "needs residual blocks; the network mlp has none"),
        (("residual_blocks",), IMAGES, MLP(depth=1, residual=True), "needs residual blocks; the network mlp has none"),
        (("residual_blocks",), IMAGES, ConvNet(), "needs residual blocks; the network convnet has none"),
        (("residual_blocks",), IMAGES, RESIDUAL, ""),
        (("residual_blocks",), IMAGES, ResNet(), ""),
    ],
)
def test_a_need_that_is_not_met_is_said_with_what_there_is(needs, facts, model, why):
    assert not_applicable(needs, facts, model) == why


def test_on_the_shipped_images_only_another_network_and_other_targets_are_missed():
    missed = {"needs residual blocks; the network mlp has none", "needs amounts; the targets are classes"}
    result = left_out.by_facts(SETTINGS, IMAGES)
    assert set(result.values()) <= missed and ("regularizers", "stochastic_depth") in result
    assert ("regularizers", "stochastic_depth") not in left_out.by_facts(replace(SETTINGS, model=RESIDUAL), IMAGES)


def test_with_real_targets_what_is_made_for_classes_is_left_out():
    result = left_out.by_facts(SETTINGS, NUMBERS)
    ours = {name for section, name in result if section in ("regularizers", "ensembles", "baselines")}
    assert {"label_smoothing", "class_weighting", "temperature_scaling", "trades", "r_drop"} < ours
    assert "logistic_regression" in ours and "ridge_regression" not in ours
    assert ours.isdisjoint({"none", "dropout", "mixup", "cutmix", "bagging", "boosting", "gradient_boosting"})


FEW_LABELS = ("pretraining", "transfer", "semi_supervised")
CLASSES_ALONE = {
    "supervised_base_classes",
    "new_classes_from_scratch",
    "new_classes_tuned",
    "new_classes_frozen",
    "contrastive_propagated",
}


@pytest.mark.parametrize("facts", [NUMBERS, NUMBERS._replace(task="multilabel")])
def test_with_few_labels_only_what_tells_classes_apart_or_needs_confidence_is_left_out(facts):
    result = left_out.by_facts(SETTINGS, facts)
    said = {name: why for (section, name), why in result.items() if section in FEW_LABELS}
    what = f"the targets are {facts.targets}"
    unsure = {"label_spreading", "pseudo_label"} if facts.task == "regression" else set()
    assert set(said) == CLASSES_ALONE | unsure
    assert said["new_classes_from_scratch"] == said["supervised_base_classes"] == f"needs classes; {what}"
    assert said["new_classes_tuned"] == f"supervised_base_classes needs classes; {what}"
    assert {said[name] for name in unsure} <= {f"needs classes or labels; {what}"}


def test_on_classes_with_images_all_of_few_labels_is_applicable():
    assert not any(section in FEW_LABELS for section, _ in left_out.by_facts(SETTINGS, IMAGES))


def test_networks_of_amounts_are_attacked_in_every_family():
    assert not any(section == "attacks" for section, _ in left_out.by_facts(SETTINGS, NUMBERS))


@pytest.mark.parametrize(
    ("entry", "applies"), [(Bagging(2, "vote"), False), (Bagging(2), True), (Boosting(2, "vote"), True)]
)
def test_amounts_are_averaged_or_added_and_have_no_votes(entry, applies):
    settings = replace(SETTINGS, ensembles={"mine": entry})
    assert (reason(settings, "ensembles", "mine", NUMBERS) == "") == applies
    assert reason(settings, "ensembles", "mine", NUMBERS._replace(task="classification")) == ""


def test_of_several_labels_what_is_made_for_one_target_is_left_out_and_says_so():
    result = left_out.by_facts(SETTINGS, LABELS)
    ours = {
        name: why for (section, name), why in result.items() if section in ("regularizers", "ensembles", "baselines")
    }
    assert ours["class_weighting"] == ours["trades"] == "needs classes; the targets are sets of labels"
    assert ours["boosting"] == "needs one target an example; the targets are sets of labels"
    assert ours["ridge_regression"] == "needs amounts; the targets are sets of labels"
    trained = {
        "none",
        "dropout",
        "mixup",
        "label_smoothing",
        "temperature_scaling",
        "r_drop",
        "bagging",
        "logistic_regression",
    }
    assert trained.isdisjoint(ours)
    assert {result.get(("attacks", name)) for name in SETTINGS.attacks} == {ours["boosting"]}


@pytest.mark.parametrize(("rule", "applies"), [("vote", False), ("geometric", False), ("average", True)])
def test_several_labels_are_averaged_and_have_no_votes(rule, applies):
    settings = replace(SETTINGS, ensembles={"mine": Bagging(2, rule)})
    why = f"combines by {rule}, which needs classes; the targets are sets of labels"
    assert reason(settings, "ensembles", "mine", LABELS) == ("" if applies else why)


def test_few_labels_are_learned_by_a_network_of_their_own():
    class Needing:
        needs = ("residual_blocks",)

    settings = replace(SETTINGS, semi_supervised={"mine": Needing()}, ensembles={"mine": Needing()}, model=RESIDUAL)
    assert reason(settings, "semi_supervised", "mine", IMAGES) and not reason(settings, "ensembles", "mine", IMAGES)


TECHNIQUES = {"none": SETTINGS.regularizers["none"], "dropout": Dropout(), "cutmix": CutMix()}
NAMING = replace(
    SETTINGS,
    **{
        section: {}
        for section in ("baselines", "ensembles", "pretraining", "transfer", "semi_supervised", "attacks", "sweeps")
    },
    tuned={"none": {}, "cutmix": {"alpha": (0.1, 1.0)}},
    tuned_clean=TunedAgain(("none", "cutmix")),
    tuned_other_network=TunedOtherNetwork(("none",), ConvNet()),
    regularizers=TECHNIQUES,
    combinations={"both": (Dropout(), CutMix())},
    cocktails={
        "mixed": Cocktail({"dropout": {}, "cutmix": {}}, trials=1),
        "plain": Cocktail({"dropout": {}}, trials=1),
        "three": Cocktail({"dropout": {}, "cutmix": {}, "none": {}}, trials=1),
    },
    regimes=Regimes(("none", "dropout", "cutmix"), (100,), (0.0,), (8,)),
    comparisons={"first": Pair("both", "none"), "second": Pair("dropout", "cutmix"), "third": Pair("dropout", "none")},
    claims={
        "number": Claim("x", "noise", "cutmix", 0.5, "higher"),
        "other": Claim("x", "noise", "dropout", 0.5, "higher"),
    },
)


def test_what_names_a_part_that_is_not_applicable_is_not_applicable_and_names_the_part():
    why = "needs images; examples are rows of 30 numbers"
    assert {key: said for key, said in left_out.by_facts(NAMING, TABLE).items() if key[0] != "variance_sources"} == {
        ("regularizers", "cutmix"): why,
        ("combinations", "both"): f"cutmix {why}",
        ("cocktails", "mixed"): f"cutmix {why}",
        ("tuned", "cutmix"): why,
        ("tuned_clean", "cutmix"): why,
        ("tuned_other_network", "none"): f"convnet {why}",
        ("regimes", "cutmix"): why,
        ("comparisons", "first"): f"cutmix {why}",
        ("comparisons", "second"): f"cutmix {why}",
        ("claims", "number"): f"cutmix {why}",
    }


def test_without_label_noise_nothing_is_tuned_on_right_labels_a_second_time():
    right = replace(NAMING, data=replace(NAMING.data, label_noise=0.0))
    why = "needs label noise; data.label_noise is 0, so that `tuned` is on right labels"
    said = {name: why for (section, name), why in left_out.by_facts(right, IMAGES).items() if section == "tuned_clean"}
    assert said == {"none": why, "cutmix": why}
    assert not any(section == "tuned_clean" for section, _ in left_out.by_facts(NAMING, IMAGES))


def test_another_network_is_tuned_where_the_data_suit_it_and_it_is_another_one():
    right = replace(NAMING, data=replace(NAMING.data, label_noise=0.0))

    def said(settings) -> str:
        return reason(settings, "tuned_other_network", "none", IMAGES)

    assert said(NAMING) == said(right) == said(replace(NAMING, model=ConvNet())) == ""
    assert said(replace(right, model=ConvNet(width=8))) == ""
    assert said(replace(right, model=ConvNet())) == (
        "needs another network; data.label_noise is 0, so that `tuned` has convnet on right labels"
    )


def test_settings_without_it_have_everything_else_in_its_order():
    kept = left_out.without(NAMING, left_out.by_facts(NAMING, TABLE))
    assert (
        list(kept.regularizers) == ["none", "dropout"]
        and kept.combinations == {}
        and list(kept.cocktails) == ["plain", "three"]
    )
    assert kept.cocktails["plain"] is NAMING.cocktails["plain"]
    assert kept.regimes == replace(NAMING.regimes, recipes=("none", "dropout"))
    assert list(kept.comparisons) == ["third"] and list(kept.claims) == ["other"]
    assert left_out.without(NAMING, ()) is NAMING


def test_a_cocktail_is_searched_over_the_ingredients_that_are_applicable_and_says_which_are_not():
    facts = left_out.by_facts(NAMING, TABLE)
    why = "needs images; examples are rows of 30 numbers"
    assert ("cocktails", "three") not in facts and ("cocktails", "three") not in left_out.by_facts(NAMING, IMAGES)
    assert inapplicable_ingredients(NAMING, "three", TABLE) == {"cutmix": why}
    assert inapplicable_ingredients(NAMING, "three", IMAGES) == {}
    assert list(left_out.without(NAMING, facts).cocktails["three"].ingredients) == ["dropout", "none"]
    *others, note = left_out.notes(NAMING, facts)
    assert note == "params.yaml: cocktails.three: searched without cutmix: not applicable, as above"
    assert f"params.yaml: regularizers: not applicable: cutmix: {why}" in others


def record_of(folder: Path, **content) -> Path:
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps({"seeds": {}, "checks": []} | content))
    return folder


def test_a_network_that_was_not_trained_is_neither_attacked_nor_a_member_nor_predicted_with(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    idle = record_of(
        tmp_path / "runs/regularizers/cutmix", not_applicable="needs images; examples are rows of 30 numbers"
    )
    scores = {"validation_accuracy": 0.9, "validation_nll": 0.4}
    for name in ("none", "dropout"):
        folder = record_of(
            tmp_path / "runs/regularizers" / name, seeds={"0": {"status": "finished", "metrics": scores}}
        )
        (folder / "weights").mkdir()
    assert list(trained_networks(NAMING, "regularizers")) == ["none", "dropout"]
    folders = {name: tmp_path / "runs/regularizers" / name for name in TECHNIQUES}
    assert {member["name"] for member in Heterogeneous(members=2).choose(folders)} == {"none", "dropout"}
    with pytest.raises(UserError, match="found a recipe that is not applicable: needs images; examples are rows of 30"):
        finished_record(idle)
