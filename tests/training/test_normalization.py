"""Normalization against its formulas, and what batch normalization must not disturb in a training."""

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

from reglab.attacks.base import evaluation_mode
from reglab.core.plain import entry_name
from reglab.core.registry import find, names
from reglab.core.streams import generator
from reglab.data.loader import whole
from reglab.data.prepared import Split
from reglab.models.mlp import MLP
from reglab.models.resnet import ResNet
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.regularizers.weight_averaging import WeightAveraging
from reglab.technique_checks.workbench import NORMALIZED, Interrupted, Interruption, Steps, examples
from reglab.tracking.journal import Journal
from reglab.tracking.record import starting_with
from reglab.training.network import Block, Network, build
from reglab.training.normalization import of_maps, of_units, running_averages_kept
from reglab.training.one_seed import Recipe, finished_seed, train_seed
from reglab.training.restore import recipe_network
from reglab.training.settings import Training
from reglab.training.weights import weights

EPS = 1e-5  # of torch's layers


def drawn(*shape):
    return 3 * torch.randn(shape, generator=generator("normalization"), dtype=torch.float64) + 2


def standardized(values, axes):
    mean, variance = values.mean(axes, keepdims=True), values.var(axes, keepdims=True)
    return (values - mean) / np.sqrt(variance + EPS)


@pytest.mark.parametrize(
    ("layers", "shape", "axes"),
    [
        (of_units("batch", 5), (7, 5), 0),
        (of_units("layer", 5), (7, 5), 1),
        (of_maps("batch", 3), (7, 3, 4, 5), (0, 2, 3)),
        (of_maps("layer", 3), (7, 3, 4, 5), (1, 2, 3)),
    ],
    ids=["units, batch", "units, layer", "maps, batch", "maps, layer"],
)
def test_each_kind_standardizes_over_its_axes(layers, shape, axes):
    [layer] = layers
    values = drawn(*shape)
    assert np.allclose(layer.double()(values).detach(), standardized(values.numpy(), axes), rtol=0, atol=1e-12)


def test_without_normalization_there_is_no_layer():
    assert of_units("none", 5) == of_maps("none", 5) == []


def test_running_averages_go_a_tenth_of_the_way_to_mean_and_unbiased_variance_of_a_batch():
    [layer] = of_units("batch", 5)
    values = drawn(7, 5)
    layer.double()(values)
    assert torch.allclose(layer.running_mean, 0.1 * values.mean(0), rtol=0, atol=1e-12)
    assert torch.allclose(layer.running_var, 0.9 + 0.1 * values.var(0), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("of", "shape"), [(of_units, (1, 5)), (of_maps, (1, 5, 1, 1))])
def test_a_batch_of_one_value_per_unit_is_normalized_by_the_running_averages_and_does_not_move_them(of, shape):
    [layer] = of("batch", 5)
    layer.double()(drawn(7, *shape[1:]))
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    alone = layer(drawn(*shape))
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    assert layer.training and torch.equal(alone, layer.eval()(drawn(*shape)))
    with pytest.raises(ValueError, match="more than 1 value"):
        nn.BatchNorm1d(5)(torch.zeros(1, 5))


def test_penalties_reach_no_gain_no_bias_and_no_frequency():
    class Wide(type(NORMALIZED)):
        def blocks(self, shape):
            return [Block(nn.LayerNorm(shape)), *super().blocks(shape)]

    networks = [
        build(model, (1, 8, 8), 3, 0) for model in (NORMALIZED, Wide(), ResNet(depth=1), MLP(embedding="periodic"))
    ]
    for network in networks:
        allowed = [
            f"{path}.weight" for path, module in network.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)
        ]
        assert list(weights(network)) == allowed
    assert networks[1].backbone[0][0].weight.ndim == 3


NORM_TECHNIQUES = ("weight_decay", "l1", "elastic_net", "max_norm", "norm_constraint")


@pytest.mark.parametrize("name", [name for name in names("regularizers") if name in NORM_TECHNIQUES])
@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_a_technique_on_norms_leaves_gains_and_biases_and_running_averages_to_the_loss(name, normalization):
    """On a batch whose loss has no gradient: weights move by the technique alone, the rest stays."""
    technique = find("regularizers", name)()
    learner = Steps(technique, architecture=MLP(width=6, depth=2, normalization=normalization))
    network, batch = learner.network, examples()
    with torch.no_grad():
        for weight in weights(network).values():
            weight.mul_(100)
    before = {key: value.detach().clone() for key, value in network.named_parameters()}
    loss = technique.penalty(network, batch, network(batch.inputs))
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    if loss is not None and loss.requires_grad:
        loss.backward()
    technique.transform_gradients(network)
    learner.optimizer.step()
    technique.after_step(network, 0.1)
    technique.penalty(network, batch, network(batch.inputs))
    moved = {key for key, value in network.named_parameters() if not torch.equal(value, before[key])}
    assert moved <= set(weights(network)), entry_name(technique)


def buffers(network: Network):
    return {name: value.clone() for name, value in network.named_buffers()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_building_a_network_leaves_its_running_averages_at_zero_and_one():
    network = build(NORMALIZED, (1, 8, 8), 3, seed=0)
    assert network.training and all(module.training for module in network.modules())
    for name, value in network.named_buffers():
        assert torch.equal(value, torch.full_like(value, name.endswith("var"))), name


def test_second_passes_of_a_step_leave_the_running_averages_alone():
    learner = Steps(architecture=NORMALIZED).take(examples())
    network, kept = learner.network, buffers(learner.network)
    with network.another_pass("second"):
        again = network(examples().inputs)
    with running_averages_kept(network):
        assert torch.equal(network(examples().inputs), again)
    with evaluation_mode(network):
        network(examples().inputs)
    assert same(buffers(network), kept)
    assert torch.equal(network(examples().inputs), again) and not same(buffers(network), kept)


def test_weight_averaging_averages_the_running_averages_of_the_same_steps_too():
    decay, technique = 0.6, WeightAveraging(0.6)
    learner = Steps(technique, architecture=NORMALIZED)
    norm = learner.network.backbone[0][2]
    mean, variance = norm.running_mean.clone(), norm.running_var.clone()
    for _ in range(4):
        learner.take(examples())
        mean = decay * mean + (1 - decay) * norm.running_mean
        variance = decay * variance + (1 - decay) * norm.running_var
    averaged = technique.evaluation_model(learner.network).backbone[0][2]
    assert torch.allclose(averaged.running_mean, mean, rtol=0, atol=1e-6)
    assert torch.allclose(averaged.running_var, variance, rtol=0, atol=1e-6)
    assert not torch.allclose(averaged.running_mean, norm.running_mean, rtol=0, atol=1e-3)


# Whole trainings: 13 labelled examples in batches of four, so that the last batch has one


@pytest.fixture(scope="module")
def split():
    sizes = {"labelled": 13, "unlabelled": 2, "validation": 8, "test": 8}
    parts = {part: examples(size) for part, size in sizes.items()}
    inputs, labels, rows = (
        {part: take(batch).numpy() for part, batch in parts.items()}
        for take in (lambda batch: batch.inputs, lambda batch: batch.targets.argmax(1), lambda batch: batch.indices)
    )
    return Split(inputs, labels, rows, classes=3)


def recipe(*techniques, model=NORMALIZED, **training):
    settings = {"epochs": 3, "batch_size": 4, "optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.5} | training
    return Recipe(techniques, model, Training(**settings))


MODELS = {"mlp": NORMALIZED, "resnet": ResNet(width=2, depth=1, stages=3)}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("techniques", [(), (WeightAveraging(0.5),), (EarlyStopping(1),)], ids=str)
def test_a_training_goes_on_after_a_kill_to_the_same_bits_and_its_published_network_is_the_evaluated_one(
    tmp_path, split, model, techniques
):
    whole_training, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole_training, killed):
        folder.mkdir()
    train_seed(recipe(*techniques, model=MODELS[model]), split, 0, whole_training, every=0.0)
    with pytest.raises(Interrupted):
        train_seed(recipe(*techniques, Interruption(1), model=MODELS[model]), split, 0, killed, every=0.0)
    train_seed(recipe(*techniques, model=MODELS[model]), split, 0, killed, every=0.0)
    (outcome, tensors), (again, resumed) = (finished_seed(folder, 0) for folder in (whole_training, killed))
    assert outcome == again and outcome["status"] == "finished"
    assert tensors.keys() == resumed.keys() and all(np.array_equal(tensors[name], resumed[name]) for name in tensors)
    curves, resumed_curves = (
        [(line["epoch"], line["metrics"]) for line in Journal(folder / "seed-0.jsonl").lines]
        for folder in (whole_training, killed)
    )
    assert curves == resumed_curves
    published = tmp_path / "published" / "weights"
    published.mkdir(parents=True)
    save_file(starting_with("weights/", tensors), published / "seed-0.safetensors")
    network = recipe_network(recipe(*techniques, model=MODELS[model]), published.parent, split, 0)
    with torch.no_grad():
        probabilities = network(torch.as_tensor(split.inputs["test"])).softmax(1)
    assert np.array_equal(probabilities.numpy(), tensors["predictions/test"])


def test_the_steps_of_a_training_move_the_running_averages_and_evaluations_do_not(tmp_path, split):
    """Twelve examples in three batches: three steps an epoch and no more are counted, though every epoch is evaluated."""
    twelve = Split(
        *({**part, "labelled": part["labelled"][:12]} for part in (split.inputs, split.labels, split.rows)), classes=3
    )
    train_seed(recipe(), twelve, 0, tmp_path)
    counts = {
        name: value for name, value in finished_seed(tmp_path, 0)[1].items() if name.endswith("num_batches_tracked")
    }
    assert len(counts) == 2 and all(value == 3 * 3 for value in counts.values())


def test_early_stopping_returns_the_running_averages_of_the_chosen_epoch(tmp_path, split):
    train_seed(recipe(EarlyStopping(1), epochs=30, learning_rate=1.5), split, 0, tmp_path)
    outcome, tensors = finished_seed(tmp_path, 0)
    assert outcome["best_epoch"] < outcome["epochs"] - 1
    steps = tensors["weights/backbone.0.2.num_batches_tracked"]
    assert steps == 3 * (outcome["best_epoch"] + 1)  # the fourth batch of an epoch has one example, and moves nothing


def test_a_variance_that_became_infinite_is_a_diverged_training_though_predictions_are_finite(tmp_path, split):
    train_seed(recipe(optimizer="adam", learning_rate=1e10), split, 0, tmp_path)
    outcome, tensors = finished_seed(tmp_path, 0)
    assert np.isfinite(tensors["predictions/test"]).all()
    assert outcome["reason"] == "weights/backbone.1.branch.1.running_var became infinite"
    assert outcome["status"] == "diverged"


def test_a_step_on_soft_targets_of_one_example_is_finite():
    learner = Steps(architecture=ResNet(width=2, depth=1, stages=4))
    one = whole(examples(1).inputs, [0], 3)
    assert all(value.isfinite().all() for value in learner.take(examples(), one).bits().values())
