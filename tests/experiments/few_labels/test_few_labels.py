"""Few labels: who is labelled, what stays frozen, and that everything is compared on the same examples."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reglab.core import registry
from reglab.core.streams import Moment
from reglab.data import prepared
from reglab.data.augmentation.policy import Policy
from reglab.data.settings import Data
from reglab.experiments.few_labels import run as few_labels
from reglab.experiments.few_labels.run import FewLabelsStudy, TransferMethod, few
from reglab.experiments.few_labels.settings import FewLabels, Transfer
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.regularizers.input_noise import InputNoise
from reglab.regularizers.mixup import Mixup
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import one_seed
from reglab.training.network import build

SETTINGS = FewLabels(model=ConvNet(width=4, depth=1), labels_per_class=(1, 3), epochs=2, steps=4, batch_size=8)
STUDY = FewLabelsStudy(SETTINGS, Policy(rotation=20), "cpu", (0, 1, 2))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    labels = np.tile(np.arange(3), 40)
    inputs = random.random((120, 1, 4, 4)).astype(np.float32) + labels[:, None, None, None].astype(np.float32)
    sizes = Data(name="blobs", train_size=60, validation_size=24, test_size=30, label_noise=0.5)
    prepared.write(folder, sizes, inputs, labels, seeds=2)
    return prepared.read(folder)


@pytest.fixture(scope="module")
def pretext(tmp_path_factory):
    """The published weights of a pretext that moved the backbone."""
    folder = tmp_path_factory.mktemp("pretext")
    (folder / "weights").mkdir()
    for seed in range(2):
        network = build(SETTINGS.model, (1, 4, 4), 3, seed)
        moved = {f"backbone.{name}": value + 0.1 for name, value in network.backbone.state_dict().items()}
        save_file(moved, folder / "weights" / f"seed-{seed}.safetensors")
    return folder


def trained(method, data, folder, study=STUDY, number=3, seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    few_labels.train_few(method, study, few(data.split(seed, clean=True), number, study.classes), seed, folder)
    return one_seed.finished_seed(folder, seed)


def test_few_labels_are_the_first_of_each_class_and_right_and_more_keep_the_former(data):
    split = data.split(0, clean=True)
    one, three = few(split, 1, (0, 1, 2)), few(split, 3, (0, 1, 2))
    assert np.bincount(three.labels["labelled"]).tolist() == [3, 3, 3]
    assert set(one.rows["labelled"]) <= set(three.rows["labelled"])
    assert (data.tensors["labels"][three.rows["labelled"]] == three.labels["labelled"]).all()
    for label in range(3):
        first = split.rows["labelled"][split.labels["labelled"] == label][:3]
        assert set(first) == set(three.rows["labelled"][three.labels["labelled"] == label])


def test_validation_and_test_stay_and_every_training_image_is_unlabelled(data):
    split = data.split(1, clean=True)
    case = few(split, 1, (0, 1, 2))
    for part in ("validation", "test"):
        assert (case.rows[part] == split.rows[part]).all()
    assert sorted(case.rows["unlabelled"]) == sorted([*split.rows["labelled"], *split.rows["unlabelled"]])
    assert not set(case.rows["unlabelled"]) & {*case.rows["validation"], *case.rows["test"]}


def test_of_some_classes_nothing_of_the_others_is_left(data):
    case = few(data.split(0, clean=True), 2, (2, 0))
    for part, rows in case.rows.items():
        source = data.tensors["labels"][rows]
        assert set(source) == {0, 2}
        assert (np.array([2, 0])[case.labels[part]] == source).all()
        assert np.array_equal(case.inputs[part], data.tensors["inputs"][rows])


def test_a_frozen_backbone_is_bitwise_unchanged_and_a_tuned_one_is_changed(data, pretext, tmp_path):
    learned = load_file(pretext / "weights" / "seed-0.safetensors")
    for backbone, same in (("frozen", True), ("tuned", False)):
        _, tensors = trained(TransferMethod(Transfer("masked", backbone), pretext), data, tmp_path / backbone)
        for name, value in learned.items():
            assert np.array_equal(tensors[f"weights/{name}"], value.numpy()) is same, name
        start = build(SETTINGS.model, (1, 4, 4), 3, 0).head.weight.detach().numpy()
        assert not np.array_equal(tensors["weights/head.weight"], start)


def test_a_frozen_backbones_buffers_are_bitwise_unchanged(data, pretext, tmp_path):
    network = build(SETTINGS.model, (1, 4, 4), 3, 0)
    network.backbone[0].add_module("norm", torch.nn.BatchNorm2d(4))
    learned = {f"backbone.{name}": value.clone() for name, value in network.backbone.state_dict().items()}
    (tmp_path / "weights").mkdir()
    save_file(learned, tmp_path / "weights" / "seed-0.safetensors")
    learner = TransferMethod(Transfer("masked", "frozen", augment=False), tmp_path).learner(
        network, (None,), STUDY.training, None, 0
    )
    learner.train()
    learner.network(torch.randn(8, 1, 4, 4))
    for name, value in network.backbone.state_dict().items():
        assert torch.equal(value, learned[f"backbone.{name}"]), name


def test_a_whole_training_leaves_the_running_averages_of_a_frozen_backbone_alone(data, tmp_path):
    model = MLP(width=4, depth=2, normalization="batch", residual=True)
    learned = {f"backbone.{name}": value for name, value in build(model, (1, 4, 4), 3, 0).backbone.state_dict().items()}
    (tmp_path / "weights").mkdir()
    save_file(learned, tmp_path / "weights" / "seed-0.safetensors")
    study = replace(STUDY, settings=replace(SETTINGS, model=model))
    for backbone in ("frozen", "tuned"):
        method = TransferMethod(Transfer("masked", backbone), tmp_path)
        tensors = trained(method, data, tmp_path / backbone, study)[1]
        moved = [
            name
            for name in learned
            if "running" in name and not np.array_equal(tensors[f"weights/{name}"], learned[name])
        ]
        assert len(moved) == (4 if backbone == "tuned" else 0)


@pytest.mark.parametrize("name", registry.names("regularizers"))
def test_every_technique_can_be_trained_on_a_frozen_backbone(data, pretext, tmp_path, name):
    technique = registry.find("regularizers", name)
    if "unit_range" in technique.needs:
        pytest.skip("the inputs of these examples go up to 3")
    if "residual_blocks" in technique.needs:
        pytest.skip("the network of these examples has none, so that it is not applicable")
    study = replace(STUDY, settings=replace(SETTINGS, regularizers=(technique(),)))
    outcome, _ = trained(TransferMethod(Transfer("masked", "frozen"), pretext), data, tmp_path, study)
    assert outcome["status"] == "finished"


def test_from_scratch_is_the_network_of_its_seed(data, tmp_path):
    network = build(SETTINGS.model, (1, 4, 4), 3, 1)
    (tmp_path / "weights").mkdir()
    state = {f"backbone.{name}": value for name, value in network.backbone.state_dict().items()}
    save_file(state, tmp_path / "weights" / "seed-1.safetensors")
    case = few(data.split(1, clean=True), 1, (0, 1, 2))
    scratch = few_labels.prepare_training(None, STUDY, case, 1)[0].network
    started = few_labels.prepare_training(TransferMethod(Transfer("scratch"), tmp_path), STUDY, case, 1)[0].network
    pairs = zip(scratch.state_dict().values(), started.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("techniques", [(InputNoise(), Mixup()), (Mixup(), InputNoise())], ids=repr)
def test_images_are_augmented_first_and_then_techniques_act_in_the_order_of_the_list(data, pretext, techniques):
    study = replace(STUDY, settings=replace(SETTINGS, regularizers=techniques))
    case = few(data.split(0, clean=True), 1, (0, 1, 2))
    for method in (None, TransferMethod(Transfer("scratch"), pretext)):
        augmented, *others = few_labels.prepare_training(method, study, case, 0)[0].regularizers
        assert isinstance(augmented, few_labels.Augmented) and tuple(others) == techniques
    unaugmented = TransferMethod(Transfer("scratch", augment=False), pretext)
    assert tuple(few_labels.prepare_training(unaugmented, study, case, 0)[0].regularizers) == techniques


def published(data, pretext, root, entry, **more):
    about = About(
        "transfer",
        "masked_tuned",
        ["masked_tuned"],
        {"name": "blobs", "fingerprint": "x"},
        {"masked_tuned": {}},
        [0, 1],
    )
    few_labels.run(
        TransferMethod(entry, pretext), replace(STUDY, **more), data, Stage(about, root / "runs", processes=1)
    )
    return root / "runs" / "transfer" / "masked_tuned"


def test_the_record_has_every_number_of_labels_and_their_mean_and_the_same_bytes_twice(
    data, pretext, tmp_path, monkeypatch
):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    folder = published(data, pretext, tmp_path, Transfer("masked"))
    first = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    content = json.loads(first["record.json"])
    predicted = load_file(folder / "predictions.safetensors")
    for seed in (0, 1):
        metrics = content["seeds"][str(seed)]["metrics"]
        for number in (1, 3):
            right = predicted[f"test_predictions@{number}"][seed].argmax(1) == predicted[f"test_labels@{number}"][seed]
            assert metrics[f"test_accuracy@{number}"] == pytest.approx(right.double().mean().item())
        assert metrics["test_accuracy"] == pytest.approx(np.mean([metrics[f"test_accuracy@{n}"] for n in (1, 3)]))
    for number in (1, 3):
        brier = np.mean([content["seeds"][seed]["metrics"][f"test_brier@{number}"] for seed in "01"])
        parts = [content["summary"][f"{name}@{number}"]["mean"] for name in ("bias_squared", "variance")]
        shared = np.intersect1d(*predicted[f"test_indices@{number}"].numpy())
        assert len(shared) and sum(parts) >= 0 and brier > 0
    rows = list(csv.DictReader(first["curves.csv"].decode().splitlines()))
    assert [(row["seed"], row["epoch"]) for row in rows] == [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")]
    assert all(float(row[f"validation_accuracy@{number}"]) >= 0 for row in rows for number in (1, 3))
    expected = build(SETTINGS.model, (1, 4, 4), 3, 0).state_dict()
    published_weights = load_file(folder / "weights" / "seed-0.safetensors")
    assert {name: of.shape for name, of in published_weights.items()} == {
        name: of.shape for name, of in expected.items()
    }
    again = published(data, pretext, tmp_path, Transfer("masked"))
    assert {path.name: path.read_bytes() for path in again.rglob("*") if path.is_file()} == first


def test_with_some_classes_alone_the_record_is_of_these(data, pretext, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    settings = replace(SETTINGS, labels_per_class=(1,))
    state = {seed: load_file(pretext / "weights" / f"seed-{seed}.safetensors") for seed in (0, 1)}
    assert state[0].keys() == state[1].keys()
    folder = published(data, pretext, tmp_path, Transfer("masked", classes=(0, 2)), settings=settings, classes=(0, 2))
    assert load_file(folder / "predictions.safetensors")["test_predictions@1"].shape[2] == 2


def test_the_cost_counts_the_pretext(data, pretext, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    about = About("transfer", "x", ["x"], {"name": "blobs", "fingerprint": "x"}, {"x": {}}, [0, 1])
    method, stage = TransferMethod(Transfer("masked"), pretext), Stage(about, tmp_path / "runs", processes=1)
    plain = few_labels.run(method, STUDY, data, stage)
    assert plain["cost"]["relative_to_none"] == 1.0
    flops = plain["cost"]["flops"]
    cost = few_labels.run(method, STUDY, data, stage, pretraining_flops=flops)["cost"]
    assert cost == {"flops": flops, "pretraining_flops": flops, "relative_to_none": 2.0}


def test_a_diverged_training_marks_its_seed(data, pretext, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    wild = replace(SETTINGS, learning_rate=1e30)
    about = About("transfer", "x", ["x"], {"name": "blobs", "fingerprint": "x"}, {"x": {}}, [0])
    method = TransferMethod(Transfer("masked"), pretext)
    content = few_labels.run(method, replace(STUDY, settings=wild), data, Stage(about, tmp_path / "runs", processes=1))
    assert (
        content["seeds"]["0"]["status"] == "diverged"
        and "variant 1: the loss became" in content["seeds"]["0"]["reason"]
    )


def test_weights_that_the_last_step_made_infinite_are_a_divergence(data, pretext, tmp_path, monkeypatch):
    monkeypatch.setattr(few_labels, "fit", lambda learner, *_: broken(learner))
    outcome, _ = trained(TransferMethod(Transfer("masked"), pretext), data, tmp_path / "broken")
    assert outcome["status"] == "diverged" and "infinite" in outcome["reason"] and outcome["metrics"] == {}


def broken(learner) -> dict:
    """The outcome of a training that ended well but for its last step."""
    learner.network.head.weight.data.fill_(torch.nan)
    return {"status": "finished"}


def test_without_augmentation_the_policy_is_not_used(data, pretext, tmp_path):
    plain, none = (
        trained(
            TransferMethod(Transfer("masked", augment=False), pretext),
            data,
            tmp_path / name,
            replace(STUDY, policy=policy),
        )
        for name, policy in (("a", STUDY.policy), ("b", Policy()))
    )
    varied = trained(TransferMethod(Transfer("masked"), pretext), data, tmp_path / "c")
    assert all(np.array_equal(value, none[1][name]) for name, value in plain[1].items())
    assert not np.array_equal(varied[1]["weights/head.weight"], plain[1]["weights/head.weight"])


def problems(transfer, **sections):
    from reglab.config.cross_checks import check_representations
    from reglab.config.problems import Problems
    from reglab.experiments.pretraining.methods.scratch import Scratch
    from reglab.experiments.pretraining.methods.supervised_base_classes import SupervisedBaseClasses

    result = Problems("params.yaml")
    values = {
        "pretraining": {"scratch": Scratch(), "supervised_base_classes": SupervisedBaseClasses(classes=5)},
        "transfer": transfer,
    }
    check_representations(values | sections, result)
    return result.lines


def test_a_transfer_from_nothing_is_a_fault_that_names_the_key():
    [line] = problems({"from_scratch": Transfer("scratch"), "mine": Transfer("scrach")})
    assert line.startswith('params.yaml: transfer.mine.start: found "scrach"') and line.endswith(
        "did you mean scratch?"
    )


def test_a_transfer_to_classes_that_taught_the_pretext_is_a_fault():
    scratch = {"a": Transfer("scratch", classes=(4, 5))}
    [line] = problems(scratch | {"b": Transfer("supervised_base_classes", classes=(4, 5))})
    assert line.startswith("params.yaml: transfer.b.classes: found [4, 5]; allowed: classes from 5 on")
    scratch = {"a": Transfer("scratch", classes=(5, 6))}
    assert problems(scratch | {"b": Transfer("supervised_base_classes", classes=(5, 6))}) == []


def test_a_transfer_without_its_twin_from_scratch_is_a_fault():
    [line] = problems({"a": Transfer("scratch"), "b": Transfer("supervised_base_classes", classes=(5, 6))})
    assert "transfer.b" in line and "no entry that starts from scratch" in line


@pytest.mark.parametrize(("variants", "allowed"), [((2, 1), "numbers that rise"), ((1, 1), "numbers that rise")])
def test_variants_rise(variants, allowed):
    few_labels_section = replace(SETTINGS, labels_per_class=variants)
    [line] = problems({}, few_labels=few_labels_section)
    assert line.endswith(allowed)


def test_more_labels_than_there_are_is_a_fault_before_any_training(data, tmp_path, monkeypatch):
    from reglab.config import data_checks
    from reglab.data.splits import all_splits

    sizes = Data(name="blobs", train_size=12, validation_size=24, test_size=30)
    labels = data.tensors["labels"]
    drawn = all_splits(sizes, labels, 2)
    assert data_checks.few_labels_problems(sizes, replace(SETTINGS, labels_per_class=(1, 2)), labels, drawn) == []
    [line] = data_checks.few_labels_problems(sizes, replace(SETTINGS, labels_per_class=(1, 9)), labels, drawn)
    assert line.startswith("params.yaml: few_labels.labels_per_class: found 9; allowed: at most ")


def test_an_entry_names_one_method_alone():
    assert registry.names("pretraining") and "probes" not in registry.names("pretraining")


def test_the_published_weights_are_those_of_the_most_labels_and_the_cost_is_that_of_all_steps(
    data, pretext, tmp_path, monkeypatch
):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    settings, method = replace(SETTINGS, labels_per_class=(1, 2, 3)), TransferMethod(Transfer("masked"), pretext)
    folder = published(data, pretext, tmp_path, Transfer("masked"), settings=settings)
    for seed in (0, 1):
        _, most = trained(method, data, tmp_path / "alone", number=3, seed=seed)
        weights = load_file(folder / "weights" / f"seed-{seed}.safetensors")
        assert all(np.array_equal(most[f"weights/{name}"], value.numpy()) for name, value in weights.items())
    case = few(data.split(0, clean=True), 3, STUDY.classes)
    learner, batches, _ = few_labels.prepare_training(method, STUDY, case, 0)
    step = one_seed.flops_of_step(learner, next(iter(batches)))
    cost = json.loads((folder / "record.json").read_text())["cost"]
    assert cost == {"flops": 2 * 4 * step, "pretraining_flops": 0, "relative_to_none": 1.0} and step > 0


def test_an_image_is_shown_in_another_way_at_each_step_of_an_epoch(data):
    learner, batches, parts = few_labels.prepare_training(None, STUDY, few(data.split(0, clean=True), 3, (0, 1, 2)), 0)
    augmented, network, batch = learner.regularizers[0], learner.network, next(iter(batches))
    shown = []
    for moment in (Moment(0, 0, 1), Moment(0, 0, 2), Moment(0, 1, 2)):
        network.moment = moment
        shown.append(augmented.transform_batch(batch, network))
    one, other, later = (each.inputs for each in shown)
    assert not torch.equal(one, other) and torch.equal(other, later)
    assert torch.equal(shown[0].targets, batch.targets) and len(parts["labelled"].indices) == augmented.vary.examples
