"""No leakage: which examples, and which of their labels, each training, probe and measurement may see.

The first pixel of every image is the number of its row, so that a batch tells where its examples come from.
"""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from reglab.data import prepared
from reglab.data.augmentation.policy import Policy
from reglab.data.loader import without_labels
from reglab.data.prepared import Prepared
from reglab.data.settings import Data
from reglab.data.sources.scenes import render
from reglab.experiments.few_labels import run as few_labels
from reglab.experiments.few_labels.base import SemiSupervised
from reglab.experiments.few_labels.settings import FewLabels
from reglab.experiments.multitask import run as multitasking
from reglab.experiments.multitask.methods.joint import Joint
from reglab.experiments.multitask.settings import FewScenes
from reglab.experiments.pretraining import run as pretraining
from reglab.experiments.pretraining.base import Setting
from reglab.experiments.pretraining.methods.contrastive import Contrastive
from reglab.experiments.pretraining.methods.denoising import Denoising
from reglab.experiments.pretraining.methods.masked import Masked
from reglab.experiments.pretraining.methods.orientation import Orientation
from reglab.experiments.pretraining.methods.scratch import Scratch
from reglab.experiments.pretraining.methods.supervised_base_classes import SupervisedBaseClasses
from reglab.experiments.pretraining.probes import linear_probe
from reglab.models.convnet import ConvNet
from reglab.tracking import record
from reglab.tracking.checkout import write_atomically
from reglab.tracking.record import About
from reglab.tracking.stage import Stage

SEEDS = (0, 1)
SIZES = Data(name="rows", train_size=48, validation_size=24, test_size=30, label_noise=0.5)
SETTING = Setting(ConvNet(width=4, depth=1), Policy())
PRETEXTS = [Scratch(), Masked(), Denoising(), Orientation(), Contrastive(), SupervisedBaseClasses(classes=2)]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Prepared:
    folder = tmp_path_factory.mktemp("data")
    inputs = np.random.default_rng(0).random((120, 1, 4, 4)).astype(np.float32)
    inputs[:, 0, 0, 0] = np.arange(120)
    prepared.write(folder, SIZES, inputs, np.tile(np.arange(3), 40), seeds=len(SEEDS))
    return prepared.read(folder)


@pytest.fixture(autouse=True)
def journal_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


def about(family: str, name: str) -> About:
    return About(family, name, [name], {"name": "rows", "fingerprint": "x"}, {name: {}}, list(SEEDS))


def rows_of(images) -> set[int]:
    return set(np.asarray(images)[:, 0, 0, 0].astype(int).tolist())


def named(value) -> str:
    return type(value).__name__


def inline(jobs, **_) -> list:
    """`run_all` in this process."""
    return [function(*arguments) for function, *arguments in jobs]


def test_whatever_the_training_size_no_test_or_validation_example_is_among_the_others(data):
    whole = data.split(0)
    for size in (3, 48, 60):
        rows = data.resized(0, size, 0.4).rows
        assert sorted(np.concatenate(list(rows.values()))) == list(range(120))
        assert all(np.array_equal(rows[part], whole.rows[part]) for part in ("validation", "test"))
        assert len(rows["labelled"]) == size


def test_what_a_search_sees_has_no_test_part(data):
    blind = data.split(0).without_test()
    held_back = set(data.split(0).rows["test"].tolist())
    for part, images in blind.inputs.items():
        assert part != "test" and not rows_of(images) & held_back
    assert "test" not in blind.labels and "test" not in blind.rows


@pytest.mark.parametrize("pretext", PRETEXTS, ids=named)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_pretext_learns_from_the_training_images_and_is_measured_on_those_held_out(data, pretext, seed):
    source, study = data.split(seed), data.split(seed, clean=True)
    task = pretext.task(source, study, SETTING, seed)
    below = {part: set(rows[source.labels[part] < 2].tolist()) for part, rows in source.rows.items()}
    learned_from = set().union(*(rows_of(batch.inputs) for batch in task.training))
    if isinstance(pretext, SupervisedBaseClasses):
        assert learned_from == below["labelled"]
        assert (rows_of(task.validation.inputs), rows_of(task.test.inputs)) == (below["validation"], below["test"])
    else:
        assert learned_from == {*source.rows["labelled"].tolist(), *source.rows["unlabelled"].tolist()}
        assert rows_of(task.validation.inputs) == set(source.rows["validation"].tolist())
        assert rows_of(task.test.inputs) == set(source.rows["test"].tolist())
    for part, probe in zip(("validation", "test"), task.probes, strict=True):
        assert rows_of(probe.inputs) == set(study.rows["labelled"].tolist())
        assert rows_of(probe.held_out_inputs) == set(study.rows[part].tolist())
        for images, labels in ((probe.inputs, probe.labels), (probe.held_out_inputs, probe.held_out_labels)):
            assert (images[:, 0, 0, 0].long() % 3 == labels).all(), "labels of a probe are right"


@dataclass(frozen=True)
class Recording(Scratch):
    """Notes what it is given for each seed."""

    def task(self, source, study, setting, seed):
        TOLD[seed] = (source, study)
        return super().task(source, study, setting, seed)


TOLD: dict = {}


def test_every_seeds_pretext_has_the_data_of_that_seed_and_right_labels_for_its_probes(data, tmp_path, monkeypatch):
    TOLD.clear()
    monkeypatch.setattr("reglab.tracking.stage.run_all", inline)
    pretraining.run(Recording(), SETTING, data, data, Stage(about("pretraining", "recording"), tmp_path / "runs"))
    assert set(TOLD) == set(SEEDS)
    for seed, (source, study) in TOLD.items():
        for part, rows in data.split(seed).rows.items():
            assert np.array_equal(source.rows[part], rows) and np.array_equal(study.rows[part], rows)
        assert np.array_equal(study.labels["labelled"], study.rows["labelled"] % 3)


class PartsAndTheirNames(torch.nn.Module):
    """A learner whose every measurement is the number of the part that it was made on."""

    network = torch.nn.Identity()

    def metrics(self, batch):
        return {"loss": batch.inputs.mean()}

    def probed(self, probe):
        return {"linear_probe": probe}


def test_measurements_of_a_pretext_are_named_after_the_part_they_are_made_on():
    parts = {part: without_labels(torch.full((3, 1), value)) for part, value in (("validation", 1.0), ("test", 2.0))}
    task = SimpleNamespace(learner=PartsAndTheirNames(), **parts, probes=(10.0, 20.0))
    result = pretraining.evaluate(task, trained=True)
    assert result == {
        "validation_pretext_loss": 1.0,
        "validation_linear_probe": 10.0,
        "test_pretext_loss": 2.0,
        "test_linear_probe": 20.0,
    }


def test_a_linear_probe_standardises_by_what_it_is_fitted_on_so_that_held_out_examples_do_not_sway_each_other():
    random = torch.Generator().manual_seed(0)
    known, labels = torch.randn(40, 5, generator=random), torch.arange(40) % 3
    known += labels[:, None] * torch.eye(5)[0]
    asked, classes = 3 * torch.randn(20, 5, generator=random) + torch.linspace(0, 30, 20)[:, None], torch.arange(20) % 3
    alone = [linear_probe(known, labels, asked[i : i + 1], classes[i : i + 1]) for i in range(20)]
    assert linear_probe(known, labels, asked, classes) == pytest.approx(np.mean(alone), abs=1e-12)
    assert 0 < np.mean(alone) < 1


@dataclass(frozen=True)
class RecordingMethod(SemiSupervised):
    """A classical method that notes what it may learn from."""

    classical = True

    def predict(self, few, classes):
        CASES.append(few)
        return {
            part: np.full((len(few.inputs[part]), classes), 1 / classes) for part in ("labelled", "validation", "test")
        }


CASES: list = []


def test_few_labels_are_right_whatever_the_label_noise_and_the_unlabelled_are_training_examples(
    data, tmp_path, monkeypatch
):
    CASES.clear()
    monkeypatch.setattr("reglab.tracking.stage.run_all", inline)
    settings = FewLabels(model=SETTING.architecture, labels_per_class=(1, 4), epochs=1, steps=1, batch_size=8)
    study = few_labels.FewLabelsStudy(settings, Policy(), "cpu", (0, 1, 2))
    few_labels.run(RecordingMethod(), study, data, Stage(about("semi_supervised", "recording"), tmp_path / "runs"))
    assert len(CASES) == len(SEEDS) * 2
    for case, (seed, number) in zip(CASES, [(0, 1), (0, 4), (1, 1), (1, 4)], strict=True):
        split = data.split(seed)
        assert np.bincount(case.labels["labelled"]).tolist() == [number] * 3
        assert all(np.array_equal(case.labels[part], case.rows[part] % 3) for part in case.rows)
        training = {*split.rows["labelled"].tolist(), *split.rows["unlabelled"].tolist()}
        assert set(case.rows["unlabelled"].tolist()) == training
        assert np.array_equal(case.rows["test"], split.rows["test"])


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Prepared:
    """Rendered scenes whose first pixel is their row."""
    folder, rendered = tmp_path_factory.mktemp("scenes"), render(24, size=16)
    images = rendered.images.astype(np.float32) / 255
    images[:, 0, 0, 0] = np.arange(24)
    sizes = Data(name="scenes", train_size=10, validation_size=6, test_size=8, label_noise=0.0)
    labels = np.arange(24) % 4
    prepared.write(folder, sizes, images, labels, len(SEEDS), masks=rendered.masks, depth=rendered.depth)
    return prepared.read(folder)


@pytest.mark.parametrize("number", [4, 10])
def test_several_tasks_learn_from_that_many_labelled_scenes_and_are_measured_part_by_part(
    scenes, number, tmp_path, monkeypatch
):
    seen, fitted = {}, {}
    monkeypatch.setattr(multitasking, "finish", lambda folder, seed, outcome, tensors: seen.update(outcome["metrics"]))

    def fit(learner, batches, validation, *_):
        fitted["training"] = set().union(*(rows_of(batch.inputs) for batch in batches))
        [whole] = validation
        fitted["validation"] = rows_of(whole.examples.inputs)
        return {"status": "finished"}

    monkeypatch.setattr(multitasking, "fit", fit)
    monkeypatch.setattr(multitasking, "task_metrics", lambda predicted, masks, depth, classes: {"rows": masks})
    settings = FewScenes(labelled=(4, 10), epochs=1, steps=8, batch_size=4)
    few_scenes = multitasking.scenes_of(scenes, 1, number)
    multitasking.train_scenes(Joint(), settings, settings.training("cpu"), few_scenes, 1, tmp_path)
    rows = {part: scenes.tensors[f"seed-1/{part}"] for part in ("labelled", "validation", "test")}
    rows["labelled"] = rows["labelled"][:number]
    assert fitted == {"training": set(rows["labelled"].tolist()), "validation": set(rows["validation"].tolist())}
    for part, name in (("labelled", "train"), ("validation", "validation"), ("test", "test")):
        assert np.array_equal(seen[f"{name}_rows"].numpy(), scenes.tensors["masks"][rows[part]]), name


def test_a_record_that_cannot_be_finished_leaves_the_former_one_whole(tmp_path, monkeypatch):
    content = {"family": "a", "name": "b", "seeds": {}}
    path = record.write(tmp_path / "b", content, curves="one\n", weights={0: {"w": np.zeros(2)}})
    before = {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", fail)
    with pytest.raises(OSError, match="no space"):
        record.write(tmp_path / "b", content | {"name": "c"}, curves="two\n", weights={0: {"w": np.ones(2)}})
    assert {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()} == before


def test_a_file_of_the_journal_is_the_former_or_the_new_one_and_never_a_part(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    write_atomically(path, b"former")
    result = []

    def replaced(partial, final):
        result.append((path.read_bytes(), Path(partial).read_bytes()))
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", replaced)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"the new one")
    assert result == [(b"former", b"the new one")] and path.read_bytes() == b"former"
