"""What every network in models/ must keep, whoever adds it: with the default settings, and with every choice and switch."""

import pickle
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import ClassVar, Literal, get_args, get_origin

import pytest
import torch

from reglab.attacks.base import evaluation_mode
from reglab.config.cross_checks import check_ensembles
from reglab.config.problems import Problems, hints, limits
from reglab.core import registry
from reglab.core.errors import UserError
from reglab.core.plain import entry_name
from reglab.core.streams import generator
from reglab.data.loader import whole
from reglab.experiments.applicability import has_residual_blocks
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.methods.boosting import Boosting
from reglab.models.mlp import MLP
from reglab.technique_checks.workbench import NORMALIZED, OWN
from reglab.training.network import Block, ResidualBlock, build
from reglab.training.settings import Training
from reglab.training.supervised import Supervised
from reglab.training.weights import weights

SHAPE, CLASSES = (1, 8, 8), 3
DEVICES = ["cpu", "meta", *(["cuda"] if torch.cuda.is_available() else [])]
NETWORKS = {name: registry.find("models", name)() for name in registry.names("models")} | {"without_width": OWN}


def variants(architecture):
    """The network with every other value of each of its settings that is a switch or a choice, one at a time."""
    for name, kind in hints(type(architecture)).items():
        choices = (False, True) if kind is bool else get_args(kind) if get_origin(kind) is Literal else ()
        for choice in choices:
            if choice != getattr(architecture, name):
                yield f"{name}={choice}", replace(architecture, **{name: choice})


VARIANTS = {f"{name}, {change}": other for name, each in NETWORKS.items() for change, other in variants(each)}
VARIANTS["mlp, normalized and residual"] = NORMALIZED
VARIANTS["mlp, residual, of one layer"] = MLP(depth=1, residual=True)


@pytest.fixture(params=NETWORKS | VARIANTS)
def architecture(request):
    return (NETWORKS | VARIANTS)[request.param]


def examples(count=5, shape=SHAPE):
    return torch.rand(count, *shape, generator=generator("contract"))


def state(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_it_is_a_frozen_dataclass_whose_settings_have_defaults_and_say_what_they_allow(architecture):
    kind = type(architecture)
    assert is_dataclass(kind) and kind.__dataclass_params__.frozen
    assert pickle.loads(pickle.dumps(architecture)) == architecture and kind() == kind()
    for field in fields(kind):
        hint = hints(kind)[field.name]
        assert hint is bool or not hasattr(hint, "__metadata__") or limits(hint.__metadata__), field.name


@pytest.mark.parametrize("classes", [2, CLASSES, 10])
@pytest.mark.parametrize("shape", [SHAPE, (3, 9, 7)])
def test_it_gives_a_score_for_each_class_of_each_example(architecture, shape, classes):
    scores = build(architecture, shape, classes, seed=0)(examples(5, shape))
    assert scores.shape == (5, classes) and scores.isfinite().all()


def test_rows_of_numbers_are_taken_unless_it_says_that_it_needs_images(architecture):
    try:
        scores = build(architecture, (6,), CLASSES, seed=0)(examples(5, (6,)))
    except (UserError, RuntimeError, ValueError, IndexError):
        assert "images" in architecture.needs
    else:
        assert scores.shape == (5, CLASSES) and "images" not in architecture.needs


def test_whether_it_has_residual_blocks_is_known_without_building_it(architecture):
    built = build(architecture, SHAPE, CLASSES, seed=0)
    assert has_residual_blocks(architecture) == any(isinstance(block, ResidualBlock) for block in built.hidden_layers)


def test_its_initial_weights_follow_from_the_seed_alone(architecture):
    first = state(build(architecture, SHAPE, CLASSES, seed=0))
    before = torch.get_rng_state()
    torch.rand(7)
    again = state(build(architecture, SHAPE, CLASSES, seed=0))
    torch.set_rng_state(before)
    assert same(first, again) and not same(first, state(build(architecture, SHAPE, CLASSES, seed=1)))
    build(architecture, SHAPE, CLASSES, seed=2)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_example_has_the_same_scores_alone_and_among_others(architecture):
    network = build(architecture, SHAPE, CLASSES, seed=0).double().eval()
    inputs = examples().double()
    alone = torch.cat([network(example[None]) for example in inputs])
    assert (network(inputs) - alone).abs().max() < 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("device", DEVICES)
def test_scores_keep_type_and_device_of_the_inputs(architecture, device, dtype):
    network = build(architecture, SHAPE, CLASSES, seed=0).to(dtype).to(device)
    scores = network(examples().to(dtype).to(device))
    assert scores.dtype == dtype and scores.device.type == device


def test_an_evaluated_network_repeats_itself_and_stays_as_it_is(architecture):
    network = build(architecture, SHAPE, CLASSES, seed=0)
    before = state(network)
    with torch.no_grad(), evaluation_mode(network):
        assert torch.equal(network(examples()), network(examples()))
    assert same(before, state(network)) and network.training


def test_its_hidden_layers_are_blocks_so_that_techniques_find_them(architecture):
    network = build(architecture, SHAPE, CLASSES, seed=0)
    assert all(isinstance(layer, Block) for layer in network.hidden_layers)
    units = examples()
    for layer in network.hidden_layers:
        units = layer(units)
    assert torch.equal(network.head(units.flatten(1)), network(examples()))


def test_it_has_weights_and_a_step_of_training_moves_every_parameter(architecture):
    network = build(architecture, SHAPE, CLASSES, seed=0)
    start = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    learner = Supervised(network, (), Training(optimizer="sgd", learning_rate=0.5), seed=0)
    optimizer = learner.configure_optimizers()
    batch = whole(examples(12), torch.arange(12) % CLASSES, CLASSES)
    for _ in range(3):
        optimizer.zero_grad()
        loss = learner.training_step(batch)
        loss.backward()
        optimizer.step()
    assert loss.isfinite() and len(weights(network)) >= 1
    still = [name for name, parameter in network.named_parameters() if torch.equal(parameter, start[name])]
    assert not still


@dataclass(frozen=True)
class Narrow(type(OWN)):
    """Its width and depth are constants, which no other value can replace."""

    width: ClassVar[int] = 6
    depth: ClassVar[int] = 1


@pytest.mark.parametrize("model", [OWN, Narrow()], ids=["without", "constant"])
def test_what_varies_the_width_of_a_network_without_that_setting_is_refused_before_any_work(model):
    problems = Problems("params.yaml")
    check_ensembles({"model": model, "ensembles": {"boosting": Boosting(), "bagging": Bagging()}}, problems)
    assert [line.partition(";")[0] for line in problems.lines] == [
        f"params.yaml: ensembles.boosting.{setting}: found a model without a {setting}, {entry_name(model)}"
        for setting in ("width", "depth")
    ]
    check_ensembles({"model": NETWORKS["mlp"], "ensembles": {"boosting": Boosting()}}, none := Problems("params.yaml"))
    assert none.lines == []
