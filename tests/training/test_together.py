"""Trainings in one stack: every file is that of a training alone, whatever the techniques, ends and kills."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from pytorch_lightning import Callback

from reglab.core import registry
from reglab.core.tasks import Multilabel, Regression
from reglab.data.prepared import Split
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.regularizers.input_noise import InputNoise
from reglab.regularizers.mixup import Mixup
from reglab.regularizers.weight_decay import WeightDecay
from reglab.training import stacked_linear, stacked_network, together
from reglab.training.one_seed import Recipe, finished_seed, train_seed
from reglab.training.regularizer import Regularizer
from reglab.training.settings import Training
from reglab.training.stacked_learner import StackedLearner
from reglab.training.together import SeedTraining, in_stacks, train_together

NETWORK, SETTINGS = MLP(width=32, depth=2), {"epochs": 3, "batch_size": 16, "learning_rate": 0.01}
SIZES = {"labelled": 48, "validation": 24, "test": 24}


def split_of(seed, task="classification"):
    """Images of 6x6 pixels in [0, 1], other ones for every seed."""
    random = np.random.default_rng(seed)
    labels = {part: np.arange(size) % 3 for part, size in SIZES.items()}
    inputs = {
        part: (random.uniform(size=(len(each), 1, 6, 6)) * (1 + each[:, None, None, None]) / 3).astype(np.float32)
        for part, each in labels.items()
    }
    rows = {part: np.arange(size) for part, size in SIZES.items()}
    if task == "regression":
        labels = {part: each.astype(float) for part, each in labels.items()}
        return Split(
            inputs, labels, rows, classes=None, target_scale=(labels["labelled"].mean(), labels["labelled"].std())
        )
    if task == "multilabel":
        labels = {part: np.eye(3, dtype=np.uint8)[each] | np.eye(3, dtype=np.uint8)[1] for part, each in labels.items()}
        return Split(inputs, labels, rows, classes=None, label_count=3)
    return Split(inputs, labels, rows, classes=3)


def recipe_of(*techniques, network=NETWORK, **settings):
    return Recipe(techniques, network, Training(**SETTINGS | settings))


def files(folder, seed):
    """The bytes of a finished seed, and its epochs without their times."""
    lines = [json.loads(line) for line in (folder / f"seed-{seed}.jsonl").read_text().splitlines()]
    return (folder / f"seed-{seed}.safetensors").read_bytes(), [(line["epoch"], line["metrics"]) for line in lines]


def alone_and_together(tmp_path, recipes, splits, **how):
    """The files of the trainings, seed by seed, one after another and in one process."""
    for name in ("alone", "together"):
        (tmp_path / name).mkdir()
    for seed, (recipe, split) in enumerate(zip(recipes, splits, strict=True)):
        train_seed(recipe, split, seed, tmp_path / "alone", every=0.0, **how)
    jobs = [
        (partial(train_seed, every=0.0, **how), recipe, split, seed, tmp_path / "together")
        for seed, (recipe, split) in enumerate(zip(recipes, splits, strict=True))
    ]
    for function, *arguments in in_stacks(jobs, 1):
        function(*arguments)
    return [[files(tmp_path / name, seed) for seed in range(len(recipes))] for name in ("alone", "together")]


@pytest.fixture
def stacked(monkeypatch):
    """The stacked learners of a test; a bit of difference is an error, not a reason to train alone."""
    learners = []
    begin = StackedLearner.__init__

    def noted(self, members):
        begin(self, members)
        learners.append(self)

    monkeypatch.setattr(StackedLearner, "__init__", noted)
    yield learners
    for learner in learners:
        assert learner.exact and all(learner.exact.values())


@pytest.mark.parametrize("name", registry.names("regularizers"))
def test_every_technique_leaves_the_files_that_it_leaves_alone(tmp_path, stacked, name):
    technique = registry.find("regularizers", name)()
    network = replace(NETWORK, residual=True) if "residual_blocks" in technique.needs else NETWORK
    recipe = recipe_of(technique, network=network)
    alone, together_ = alone_and_together(tmp_path, [recipe] * 3, [split_of(seed) for seed in range(3)])
    assert alone == together_
    assert len(stacked) == together.may_be_stacked(recipe)


def test_all_techniques_but_one_are_stacked():
    names = registry.names("regularizers")
    recipes = {name: recipe_of(registry.find("regularizers", name)()) for name in names}
    assert [name for name in names if not together.may_be_stacked(recipes[name])] == ["sharpness_aware"]


VARIETIES = {
    "batch normalization": recipe_of(Dropout(0.1, 0.3), network=replace(NETWORK, normalization="batch")),
    "layer normalization and shortcuts": recipe_of(network=MLP(32, 3, normalization="layer", residual=True)),
    "periodic embedding": recipe_of(network=replace(NETWORK, embedding="periodic", frequencies=4)),
    "no hidden layer": recipe_of(WeightDecay(0.1), network=MLP(depth=0)),
    "descent with momentum and a schedule": recipe_of(
        Mixup(0.4), optimizer="sgd", momentum=0.9, nesterov=True, schedule="cosine", warmup_epochs=0.5
    ),
    "sizes that no boundary in memory divides": recipe_of(
        *(registry.find("regularizers", name)() for name in ("r_drop", "elastic_net", "max_norm", "gradient_clipping")),
        network=MLP(width=27, depth=2),
        batch_size=32,
    ),
    "several techniques": recipe_of(Mixup(0.4), InputNoise(0.2), Dropout(0.2, 0.5), WeightDecay(0.01)),
}


@pytest.mark.parametrize("recipe", VARIETIES.values(), ids=VARIETIES)
def test_networks_and_settings_of_all_kinds(tmp_path, stacked, recipe):
    alone, together_ = alone_and_together(tmp_path, [recipe] * 3, [split_of(seed) for seed in range(3)])
    assert alone == together_ and len(stacked) == 1


@pytest.mark.parametrize("batch_size", [7, 13, 20, 40])
@pytest.mark.parametrize("width", [27, 50])
def test_batches_whose_places_in_memory_are_uneven(tmp_path, batch_size, width):
    recipe = recipe_of(WeightDecay(0.1), network=MLP(width=width, depth=2), batch_size=batch_size)
    alone, together_ = alone_and_together(tmp_path, [recipe] * 4, [split_of(seed) for seed in range(4)])
    assert alone == together_


@pytest.mark.parametrize("task", ["regression", "multilabel"])
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
def test_amounts_labels_and_weights_of_examples(tmp_path, stacked, task, weighted):
    splits = [split_of(seed, task) for seed in range(3)]
    if weighted:
        splits = [replace(split, weights=np.linspace(0.5, 2, 48, dtype=np.float32)) for split in splits]
    alone, together_ = alone_and_together(tmp_path, [recipe_of(InputNoise(0.1))] * 3, splits)
    assert alone == together_ and len(stacked) == 1
    assert splits[0].task.name == {"regression": Regression, "multilabel": Multilabel}[task].name


def test_members_may_have_other_techniques(tmp_path, stacked):
    recipes = [recipe_of(), recipe_of(Dropout()), recipe_of(WeightDecay(0.1), Mixup(0.4)), recipe_of(Dropout(0.0, 0.1))]
    alone, together_ = alone_and_together(tmp_path, recipes, [split_of(0)] * 4)
    assert alone == together_ and len(stacked) == 1


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_members_may_have_other_learning_rates(tmp_path, stacked, optimizer, schedule):
    """Decoupled decay shrinks the weights by the learning rate of its own member; the last one diverges."""
    rates = (0.01, 0.003, 0.01, 1e20)
    recipes = [
        recipe_of(WeightDecay(0.1, decoupled=True), learning_rate=rate, optimizer=optimizer, schedule=schedule)
        for rate in rates
    ]
    alone, together_ = alone_and_together(tmp_path, recipes, [split_of(0)] * len(rates))
    assert alone == together_ and len(stacked) == 1
    assert len({weights for weights, _ in alone}) == len(rates)


def test_without_curves_no_epoch_is_measured_and_the_weights_are_the_same(tmp_path, stacked):
    alone, together_ = alone_and_together(
        tmp_path, [recipe_of(Dropout())] * 2, [split_of(seed) for seed in range(2)], log_every_epoch=False
    )
    assert alone == together_ and "validation_nll" not in together_[0][1][0][1]


def test_without_curves_members_that_stop_early_are_measured_on_the_validation_part_and_the_others_not(
    tmp_path, stacked
):
    recipes = [recipe_of(technique, epochs=10) for technique in (EarlyStopping(2), Dropout(), EarlyStopping(10))]
    alone, together_ = alone_and_together(
        tmp_path, recipes, [split_of(seed) for seed in range(3)], log_every_epoch=False
    )
    assert alone == together_ and len(stacked) == 1
    measured = [{name for _, metrics in epochs for name in metrics if "_nll" in name} for _, epochs in together_]
    assert measured == [{"validation_nll"}, set(), {"validation_nll"}]


def test_members_that_stop_early_leave_the_others_as_they_are(tmp_path, stacked):
    recipes = [recipe_of(EarlyStopping(patience), epochs=30, learning_rate=0.05) for patience in (1, 3, 40, 1)]
    alone, together_ = alone_and_together(tmp_path, recipes, [split_of(seed) for seed in range(4)])
    assert alone == together_
    assert len({len(epochs) for _, epochs in together_}) >= 3


def with_infinite_loss(split, row):
    """The split with one infinite labelled example, whose loss is not finite."""
    inputs = split.inputs["labelled"].copy()
    inputs[row] = np.inf
    return replace(split, inputs=split.inputs | {"labelled": inputs})


@pytest.mark.parametrize("broken", [(1,), (0, 2), (0, 1, 2)], ids=str)
def test_members_that_diverge_leave_the_others_as_they_are(tmp_path, broken):
    splits = [with_infinite_loss(split_of(seed), 3) if seed in broken else split_of(seed) for seed in range(3)]
    alone, together_ = alone_and_together(tmp_path, [recipe_of(Dropout())] * 3, splits)
    assert alone == together_
    diverged = [finished_seed(tmp_path / "together", seed)[0]["status"] == "diverged" for seed in range(3)]
    assert diverged == [seed in broken for seed in range(3)]


class Interrupted(Exception):
    """A training was ended from outside."""


class Interruption(Regularizer):
    """Ends a training at the beginning of an epoch, as a kill would."""

    def __init__(self, epoch):
        self.epoch = epoch

    def callbacks(self):
        class Interrupt(Callback):
            def on_train_epoch_start(_, trainer, learner):
                if trainer.current_epoch == self.epoch:
                    raise Interrupted

        return [Interrupt()]


KILLED = {
    "dropout": [Dropout()] * 3,
    "averages": [registry.find("regularizers", "weight_averaging")()] * 3,
    "one has stopped": [EarlyStopping(1), EarlyStopping(40), EarlyStopping(40)],
}


@pytest.mark.parametrize("techniques", KILLED.values(), ids=KILLED)
def test_a_stack_that_was_killed_goes_on_with_the_same_bits(tmp_path, stacked, techniques):
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    for folder in (alone, killed):
        folder.mkdir()

    def trainings(*more):
        recipes = [recipe_of(each, *more, epochs=12, learning_rate=0.1) for each in techniques]
        return [SeedTraining(recipe, split_of(seed), seed, killed, 0.0) for seed, recipe in enumerate(recipes)]

    for epoch in (7, 9):
        with pytest.raises(Interrupted):
            train_together(trainings(Interruption(epoch)))
        assert len(list(killed.glob("*.ckpt"))) == 1 and not list(killed.glob("*.safetensors"))
    train_together(trainings())
    assert not list(killed.glob("*.ckpt"))
    for each in trainings():
        train_seed(each.recipe, each.split, each.seed, alone, every=0.0)
        assert files(alone, each.seed) == files(killed, each.seed)


def test_where_products_differ_by_a_bit_the_members_are_trained_alone(tmp_path, monkeypatch):
    exact = stacked_linear.LinearFunction.forward
    monkeypatch.setattr(
        stacked_linear.LinearFunction, "forward", staticmethod(lambda *given: exact(*given) * (1 + 1e-6))
    )
    monkeypatch.setattr(stacked_network, "products_agree", lambda *sizes: True)
    with pytest.warns(UserWarning, match="other bits together than alone"):
        alone, together_ = alone_and_together(tmp_path, [recipe_of()] * 2, [split_of(0), split_of(1)])
    assert alone == together_


def test_a_layer_whose_products_differ_by_a_bit_is_computed_one_by_one(tmp_path, stacked, monkeypatch):
    exact, tried = stacked_linear.LinearFunction.forward, stacked_linear.products_agree.__wrapped__
    monkeypatch.setattr(
        stacked_linear.LinearFunction, "forward", staticmethod(lambda *given: exact(*given) * (1 + 1e-6))
    )
    monkeypatch.setattr(stacked_network, "products_agree", tried)
    alone, together_ = alone_and_together(tmp_path, [recipe_of()] * 2, [split_of(0), split_of(1)])
    assert alone == together_ and len(stacked) == 1


class SecondDerivative(Regularizer):
    """The squared gradient of the outputs at the inputs, which a stack has not."""

    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs.clone().requires_grad_())

    def penalty(self, network, batch, logits):
        (slope,) = torch.autograd.grad(logits.sum(), batch.inputs, create_graph=True)
        return slope.square().sum()


@pytest.mark.filterwarnings("ignore:Networks give other bits")
def test_a_technique_that_the_stack_cannot_compute_is_trained_alone(tmp_path):
    recipe = recipe_of(SecondDerivative(), network=replace(NETWORK, embedding="periodic"))
    alone, together_ = alone_and_together(tmp_path, [recipe] * 2, [split_of(0), split_of(1)])
    assert alone == together_


def jobs(*recipes, seeds=11):
    return [(train_seed, recipe, split_of(0), seed, None) for recipe in recipes for seed in range(seeds)]


def sizes(given, processes):
    return [len(job[1]) if job[0] is train_together else 1 for job in in_stacks(given, processes)]


def test_seeds_are_divided_among_the_processes():
    assert sorted(sizes(jobs(recipe_of()), 2)) == [5, 6]
    assert sizes(jobs(recipe_of()), 20) == [1] * 11
    assert sizes(jobs(recipe_of(), seeds=40), 2) == [13, 14, 13]


def test_trainings_of_one_kind_share_a_stack_whatever_their_techniques():
    assert sizes(jobs(recipe_of(), recipe_of(Dropout()), seeds=3), 1) == [6]
    others = jobs(recipe_of(), recipe_of(epochs=2), recipe_of(network=MLP(width=8)), seeds=3)
    assert sizes(others, 1) == sizes(others, 2) == [3, 3, 3]


def test_other_jobs_stay_as_they_are():
    other = [(print, "one"), (print, "two")]
    convolutional = jobs(recipe_of(network=ConvNet(width=4)), seeds=2)
    given = [*other, *convolutional, (partial(train_seed, log_every_epoch=False), recipe_of(), split_of(0), 0, None)]
    kept = in_stacks(given, 2)
    assert kept[:4] == [*other, *convolutional]
    [(function, [training])] = kept[4:]
    assert function is train_together and not training.log_every_epoch
