"""An entry's record: from so many labelled scenes, measured on the parts that its metrics name."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from reglab.data import prepared
from reglab.data.settings import Scenes
from reglab.data.sources.scenes import render
from reglab.experiments.multitask import run as multitasking
from reglab.experiments.multitask.base import task_metrics
from reglab.experiments.multitask.methods.joint import Joint
from reglab.experiments.multitask.methods.segmentation_only import SegmentationOnly
from reglab.experiments.multitask.settings import FewScenes
from reglab.tracking import record
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training.one_seed import finished_seed

SETTINGS = FewScenes(labelled=(2, 6), epochs=2, steps=3, batch_size=2, learning_rate=0.03)
TRAINING = SETTINGS.training("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder, scenes = tmp_path_factory.mktemp("scenes"), render(40, size=16)
    images, sizes = scenes.images.astype(np.float32) / 255, Scenes(16, 12, 8, 10)
    prepared.write(folder, sizes, images, scenes.classes, 2, masks=scenes.masks, depth=scenes.depth)
    return prepared.read(folder)


def test_the_scenes_of_a_seed_are_its_first_labelled_ones_with_both_targets(data):
    scenes, split = multitasking.scenes_of(data, 1, 5), data.split(1)
    assert {part: len(arrays["inputs"]) for part, arrays in scenes.items()} == {
        "labelled": 5,
        "validation": 8,
        "test": 10,
    }
    for part, arrays in scenes.items():
        rows = split.rows[part][:5] if part == "labelled" else split.rows[part]
        assert arrays.keys() == {"inputs", "masks", "depth"}
        assert all(np.array_equal(values, data.tensors[name][rows]) for name, values in arrays.items())


def test_every_part_is_measured_under_its_own_name_by_the_network_of_the_last_step(data, tmp_path):
    scenes = multitasking.scenes_of(data, 1, 6)
    multitasking.train_scenes(Joint(), SETTINGS, TRAINING, scenes, 1, tmp_path)
    outcome, weights = finished_seed(tmp_path, 1)
    assert outcome["status"] == "finished" and outcome["epochs"] == 2
    learner = Joint().learner((3, 16, 16), 4, 1, TRAINING)
    learner.network.load_state_dict({name: torch.as_tensor(array) for name, array in weights.items()})
    expected = {}
    for part, name in (("labelled", "train"), ("validation", "validation"), ("test", "test")):
        images, masks, depth = (torch.as_tensor(scenes[part][of]) for of in ("inputs", "masks", "depth"))
        result = task_metrics(learner.predict(images), masks.long(), depth, 4)
        expected |= {f"{name}_{metric}": pytest.approx(value, abs=1e-6) for metric, value in result.items()}
    assert outcome["metrics"] == expected and len(expected) == 9


def test_the_record_has_every_number_of_scenes_the_weights_of_the_most_and_the_cost_of_a_training(
    data, tmp_path, monkeypatch
):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    dataset = {"name": data.name, "fingerprint": data.fingerprint}
    about = About("multitask", "joint", ["joint"], dataset, {"joint": {}}, [0, 1])
    content = multitasking.run(Joint(), SETTINGS, "cpu", data, Stage(about, tmp_path / "runs", processes=1))
    folder = tmp_path / "runs" / "multitask" / "joint"
    assert record.read(folder) == {"schema": 1, "checks": []} | json.loads(json.dumps(content)) | {
        "summary": record.read(folder)["summary"]
    }
    for number in SETTINGS.labelled:
        (tmp_path / str(number)).mkdir()
        scenes = multitasking.scenes_of(data, 1, number)
        multitasking.train_scenes(Joint(), SETTINGS, TRAINING, scenes, 1, tmp_path / str(number))
        outcome, weights = finished_seed(tmp_path / str(number), 1)
        for name, value in outcome["metrics"].items():
            assert content["seeds"]["1"]["metrics"][f"{name}@{number}"] == value
    published = load_file(folder / "weights" / "seed-1.safetensors")
    assert all(np.array_equal(published[name], array) for name, array in weights.items())
    header, *lines = (folder / "curves.csv").read_text().splitlines()
    assert {"segmentation_loss@2", "depth_loss@6", "validation_iou@6"} <= set(header.split(","))
    assert [line.split(",")[:2] for line in lines] == [["0", "0"], ["0", "1"], ["1", "0"], ["1", "1"]]
    assert "joint" in (folder / "figure.svg").read_text()
    once, scenes = replace(SETTINGS, epochs=1, steps=1), multitasking.scenes_of(data, 0, 1)
    step = multitasking.flops_of_training(Joint(), once, TRAINING, scenes, 0)
    assert content["cost"] == {"flops": 2 * 3 * step} and step > 0


def test_a_training_that_diverges_is_marked_and_measured_on_nothing(data, tmp_path):
    wild = replace(SETTINGS, learning_rate=1e30)
    scenes = multitasking.scenes_of(data, 0, 2)
    multitasking.train_scenes(SegmentationOnly(), wild, wild.training("cpu"), scenes, 0, tmp_path)
    outcome, _ = finished_seed(tmp_path, 0)
    assert outcome["status"] == "diverged" and outcome["metrics"] == {}
