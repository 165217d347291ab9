"""What every technique in regularizers/ must hold, whoever adds it."""

import pickle
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML

from reglab import params
from reglab.data.prepared import Split
from reglab.fitting import Recipe, cost_of_step, finished_seed, train_seed
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP

ROOT = Path(__file__).parent.parent
NAMES = params.names("regularizers")
ENTRIES = YAML(typ="safe").load(ROOT / "params.yaml")["regularizers"]
STRENGTHS = ("strength", "deviation", "smoothing", "rate", "input_rate", "hidden_rate", "epsilon", "decay", "share")
STRENGTHS += ("rotation", "translation", "scale", "shear")
ARCHITECTURES = {"mlp": MLP(width=8, depth=2), "convnet": ConvNet(width=4, depth=2)}


@pytest.fixture(scope="module")
def split():
    random = np.random.default_rng(0)
    parts = ("labelled", "unlabelled", "validation", "test")
    inputs = {part: random.random((32, 1, 8, 8), dtype=np.float32) for part in parts}
    labels = {part: random.integers(0, 4, 32) for part in parts}
    return Split(inputs, labels, {part: np.arange(32) for part in parts})


def train(folder, split, *techniques, architecture="mlp", epochs=1, every=0.0):
    """Two batches an epoch."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = SimpleNamespace(
        epochs=epochs, batch_size=16, optimizer="adam", learning_rate=0.01, momentum=0.0, accelerator="cpu"
    )
    train_seed(Recipe(techniques, ARCHITECTURES[architecture], settings, classes=4), split, 0, folder, every)
    return finished_seed(folder, 0)


def parameters(tensors: dict) -> dict:
    """The trained weights and biases, without what a technique keeps beside them."""
    names = [name for name in tensors if name.startswith(("weights/backbone.", "weights/head."))]
    return {name: tensors[name] for name in names if name.endswith((".weight", ".bias"))}


@pytest.mark.parametrize("name", NAMES)
def test_a_technique_is_a_frozen_dataclass_of_plain_documented_fields(name):
    kind = params.find("regularizers", name)
    assert is_dataclass(kind) and kind.__dataclass_params__.frozen and kind.__doc__
    technique = kind()
    assert pickle.loads(pickle.dumps(technique)) == technique
    assert all(isinstance(getattr(technique, field.name), (bool, int, float, str)) for field in fields(kind))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", NAMES)
def test_two_batches_can_be_trained(tmp_path, split, name, architecture):
    outcome, tensors = train(tmp_path, split, params.find("regularizers", name)(), architecture=architecture)
    assert outcome["status"] == "finished" and outcome["epochs"] == 1
    probabilities = tensors["probabilities/test"]
    assert np.isfinite(probabilities).all() and np.allclose(probabilities.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_strength_zero_is_no_technique_at_all_bit_for_bit(tmp_path, split, name):
    technique = params.find("regularizers", name)()
    zeros = {field.name: 0.0 for field in fields(technique) if field.name in STRENGTHS}
    if not zeros:
        pytest.skip(f"{name} has no strength")
    none, nothing = (
        train(tmp_path / which, split, *t)[1] for which, t in (("a", ()), ("b", (replace(technique, **zeros),)))
    )
    for key, value in parameters(none).items():
        assert np.array_equal(value, nothing[key]), key
    assert np.array_equal(none["probabilities/test"], nothing["probabilities/test"])


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_makes_the_round_trip(tmp_path, split, name, monkeypatch):
    technique = params.find("regularizers", name)()
    whole = train(tmp_path / "whole", split, technique, epochs=4)
    from reglab import fitting

    class Killed(RuntimeError):
        pass

    def die_in_the_third_epoch(self, trainer, learner):
        if trainer.current_epoch == 2:
            raise Killed

    folder = tmp_path / "parts"
    with monkeypatch.context() as patched:
        patched.setattr(fitting.Curves, "on_train_epoch_start", die_in_the_third_epoch)
        with pytest.raises(Killed):
            train(folder, split, technique, epochs=4)
    state = torch.load(folder / "seed-0.ckpt", weights_only=True)
    assert state["epoch"] == 1
    outcome, tensors = train(folder, split, technique, epochs=4)
    assert outcome == whole[0]
    for key, value in whole[1].items():
        assert np.array_equal(value, tensors[key]), key


@pytest.mark.parametrize("name", NAMES)
def test_the_cost_of_a_step_is_counted_and_never_below_that_of_none(split, name):
    settings = SimpleNamespace(batch_size=16, optimizer="adam", learning_rate=0.01, momentum=0.0, accelerator="cpu")
    technique = params.find("regularizers", name)()
    cost, plain = (
        cost_of_step(Recipe(techniques, ARCHITECTURES["mlp"], settings, classes=4), split)
        for techniques in ((technique,), ())
    )
    assert all(cost[key] >= plain[key] > 0 for key in plain)


@pytest.mark.parametrize("name", NAMES)
def test_params_yaml_has_the_technique_with_all_its_settings_and_a_comment(name):
    assert name in ENTRIES, f"params.yaml: regularizers: lacks {name}"
    wanted = {field.name for field in fields(params.find("regularizers", name))}
    assert set(ENTRIES[name]) == wanted
    lines = (ROOT / "params.yaml").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"  {name}:"))
    assert "#" in line, f"params.yaml: {name} has no comment"
