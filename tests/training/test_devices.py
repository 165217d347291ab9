"""Every training computes where its data lie: no tensor of the processor reaches a network on another device.

The other device is torch's `meta`, which every machine has: its tensors have a shape and a type but no values, and an
operation that mixes them with tensors of the processor is refused. Random numbers for it come from a generator of the
processor, and whatever asks for a value gets 1.
"""

import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.fx.experimental import _config

from reglab.attacks import strong as strong_attack
from reglab.attacks.fast_gradient import fast_gradient
from reglab.attacks.projected_gradient import projected_gradient
from reglab.attacks.square import square
from reglab.attacks.strong import strong
from reglab.core import registry, streams
from reglab.data import text
from reglab.data.augmentation.policy import Policy
from reglab.data.sources.scenes import render
from reglab.experiments.few_labels.run import FewLabelsStudy, prepare_training
from reglab.experiments.few_labels.settings import FewLabels
from reglab.experiments.multitask.base import whole
from reglab.experiments.pretraining.base import Setting
from reglab.runtime.processes import run_all
from reglab.technique_checks.workbench import (
    CLASSES,
    CONVOLUTIONAL,
    NORMALIZED,
    Steps,
    examples,
    parts,
    recipe,
    trained,
)
from reglab.training.learner import device_of
from reglab.training.network import build
from reglab.training.one_seed import finished_seed, train_seed
from reglab.training.settings import Training

DEVICE = "meta"


@pytest.fixture(autouse=True)
def other_device(monkeypatch):
    """`device_of` names the other device, generators are those of the processor, and a tensor that is asked answers 1."""

    def answering(of_tensor, answer):
        return lambda tensor: answer if tensor.device.type == DEVICE else of_tensor(tensor)

    for name, answer in (("item", 1.0), ("__float__", 1.0), ("__bool__", True)):
        monkeypatch.setattr(Tensor, name, answering(getattr(Tensor, name), answer))
    of_processor, replaced = streams.generator, {"generator": streams.generator, "device_of": device_of}
    others = {"generator": lambda *keys, device="cpu": of_processor(*keys), "device_of": lambda accelerator: DEVICE}
    for module in [module for name, module in sys.modules.items() if name.startswith("reglab")]:
        for name, function in replaced.items():
            if getattr(module, name, None) is function:
                monkeypatch.setattr(module, name, others[name])
    with _config.patch(meta_nonzero_assume_all_nonzero=True):
        yield


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """What each pretext learns from: a split of images, or text."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "topics.txt").write_text(text.topics_text(), encoding="utf-8")
    text.write(folder / "text", SimpleNamespace(file=str(folder / "topics.txt")), 1)
    return lambda name: text.read(folder / "text").split(0) if name == "next_sentence" else parts()


def moved(batch):
    return type(batch)(*(part if part is None else part.to(DEVICE) for part in batch))


def all_on_device(tensors):
    return {tensor.device.type for tensor in tensors} == {DEVICE}


def step(learner, batch):
    """A training step of a learner without a trainer, forward and backward; whether all gradients are on the device."""
    learner.to(DEVICE)
    learner.training_step(batch).backward()
    return all_on_device(weight.grad for weight in learner.network.parameters() if weight.grad is not None)


def test_the_other_device_refuses_tensors_of_the_processor():
    with pytest.raises(RuntimeError, match="not on the expected device"):
        torch.ones(2, device=DEVICE) + torch.ones(2)


@pytest.mark.parametrize("architecture", [NORMALIZED, CONVOLUTIONAL], ids=["mlp", "convnet"])
@pytest.mark.parametrize("name", registry.names("regularizers"))
def test_every_technique_trains_and_predicts_on_the_device_of_its_network(name, architecture):
    technique = registry.find("regularizers", name)()
    if "residual_blocks" in technique.needs and architecture is CONVOLUTIONAL:
        pytest.skip("the network has no residual blocks")
    learner = Steps(technique, architecture=architecture)
    learner.network.to(DEVICE)
    learner.optimizer, learner.examples = learner.configure_optimizers(), moved(learner.examples)
    technique.prepare_training(learner.network, learner.examples)
    learner.take(
        moved(examples()), moved(examples())._replace(weights=torch.ones(len(examples().targets), device=DEVICE))
    )
    learner.curves()
    learner.after_training(moved(examples()))
    assert all_on_device([*learner.network.state_dict().values(), learner.predicted(moved(examples()).inputs)])


ATTACKS = {
    "fast_gradient": partial(fast_gradient, epsilon=0.1),
    "projected_gradient": partial(projected_gradient, epsilon=0.1, steps=2),
    "square": partial(square, epsilon=0.1, queries=2),
    "strong": partial(strong, epsilon=0.1),  # with the fast boundary attack
}


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_runs_on_the_device_of_its_inputs(monkeypatch, name, norm):
    few = {"adaptive_ascent": {"steps": 10}, "fast_boundary": {"steps": 3}}  # with a checkpoint of the step size
    for part, settings in few.items():
        monkeypatch.setattr(f"reglab.attacks.strong.{part}", partial(getattr(strong_attack, part), **settings))
    monkeypatch.setattr("reglab.attacks.strong.QUERIES", 3)
    network = build(CONVOLUTIONAL, (1, 8, 8), CLASSES, seed=0).to(DEVICE)
    shown = moved(examples())
    assert all_on_device([ATTACKS[name](network, shown.inputs, shown.targets.argmax(1), norm=norm)])


LEARNED = [name for name in registry.names("pretraining") if name not in ("scratch", "raw_inputs")]


@pytest.mark.parametrize("name", LEARNED)
def test_every_pretext_learns_and_is_measured_on_the_device(name, sources):
    pretext = registry.find("pretraining", name)()
    setting = Setting(CONVOLUTIONAL, Policy(rotation=10), "gpu")
    task = pretext.task(sources(name), parts(), setting, seed=0)
    assert step(task.learner, next(iter(task.training)))
    assert all_on_device(
        [task.learner.features(task.probes[0].inputs), *task.learner.metrics(task.validation).values()]
    )


FEW = FewLabels(model=CONVOLUTIONAL, epochs=1, steps=1, batch_size=4, learning_rate=0.01, regularizers=())


@pytest.mark.parametrize("name", registry.names("semi_supervised"))
def test_every_semi_supervised_method_learns_on_the_device(name):
    method = registry.find("semi_supervised", name)()
    if method.classical:
        pytest.skip("scikit-learn computes it, on the processor")
    study = FewLabelsStudy(FEW, Policy(rotation=20), "gpu", tuple(range(CLASSES)))
    learner, batches, of_parts = prepare_training(method, study, parts(), 0)
    assert step(learner, next(iter(batches)))
    assert all_on_device([learner.eval_network().eval()(of_parts["test"].inputs)])


@pytest.mark.parametrize("name", registry.names("multitask"))
def test_every_multitask_method_learns_on_the_device(name):
    rendered = render(4, size=16)
    scenes = whole(rendered.images.astype(np.float32) / 255, rendered.masks, rendered.depth, DEVICE)
    learner = registry.find("multitask", name)().learner((3, 16, 16), 4, 0, Training(epochs=1))
    assert step(learner, scenes) and all_on_device(learner.predict(scenes.inputs).values())


@pytest.mark.skipif(not torch.cuda.device_count(), reason="needs a GPU")
class TestGpu:
    """On a GPU: the numbers of the processor up to rounding, the same numbers again, and workers that reach the GPU."""

    @pytest.fixture(autouse=True)
    def other_device(self):
        """In the place of the stand-in: nothing is replaced."""

    @pytest.mark.parametrize("name", ["none", "weight_decay", "l1", "max_norm", "gradient_clipping", "sharpness_aware"])
    def test_a_technique_without_random_numbers_has_the_weights_of_the_processor(self, name):
        technique = registry.find("regularizers", name)()
        (_, on_gpu, _), (_, on_cpu, _) = trained(technique, accelerator="gpu"), trained(technique)
        for key, values in on_cpu.items():
            torch.testing.assert_close(on_gpu[key], values, rtol=1e-3, atol=1e-4)

    @pytest.mark.parametrize("name", registry.names("regularizers"))
    def test_a_technique_trains_to_the_same_numbers_again(self, name):
        technique = registry.find("regularizers", name)()
        (first, one, _), (second, other, _) = (trained(technique, accelerator="gpu") for _ in range(2))
        assert first["status"] == second["status"] == "finished"
        for key, values in one.items():
            torch.testing.assert_close(other[key], values, rtol=1e-4, atol=1e-5)

    def test_parallel_processes_train_on_it(self, tmp_path):
        training = recipe(registry.find("regularizers", "dropout")(), accelerator="gpu")
        assert device_of("auto") == "cuda"  # asked for in this process, before it forks
        run_all([(train_seed, training, parts(), seed, tmp_path) for seed in range(3)], processes=2)
        assert [finished_seed(tmp_path, seed)[0]["status"] for seed in range(3)] == ["finished"] * 3
