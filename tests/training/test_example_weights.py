"""Weights of examples in a training: whole weights are repeated rows, equal ones change nothing, 0 takes a row out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from reglab.core.losses import weighted_mean
from reglab.core.registry import find, names
from reglab.core.streams import Moment
from reglab.core.tasks import Classification, Regression
from reglab.data import prepared
from reglab.data.inputs import UNBOUNDED
from reglab.data.loader import Batch, Loader, Repeated
from reglab.data.settings import Data
from reglab.experiments.baselines.base import fit_split, has_sample_weight
from reglab.experiments.baselines.methods.gradient_boosting import GradientBoosting
from reglab.experiments.baselines.methods.k_nearest_neighbours import KNearestNeighbours
from reglab.experiments.baselines.methods.logistic_regression import LogisticRegression
from reglab.experiments.baselines.methods.ridge_regression import RidgeRegression
from reglab.experiments.baselines.methods.support_vector_machine import SupportVectorMachine
from reglab.experiments.ensembles.member_cache import weights_for, with_labelled_rows
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.methods.boosting import Boosting, samme
from reglab.experiments.few_labels.run import few
from reglab.models.mlp import MLP
from reglab.regularizers.class_weighting import ClassWeighting
from reglab.regularizers.cutmix import CutMix
from reglab.regularizers.manifold_mixup import ManifoldMixup
from reglab.regularizers.mixup import Mixup
from reglab.regularizers.r_drop import RDrop
from reglab.regularizers.sharpness_aware import SharpnessAware
from reglab.regularizers.trades import Trades
from reglab.training.network import build
from reglab.training.one_seed import Recipe, examples_of, finished_seed, train_seed
from reglab.training.settings import Training
from reglab.training.supervised import Supervised

COUNT, WIDTH = 12, 5
TASKS = (Classification(3), Regression(2.0, 3.0))
COUNTS = torch.tensor([0, 1, 2, 3] * 3)  # whole weights, 0 among them
TOLERANCE = 1e-12  # of gradients in double precision


def batch(task, weights=None) -> Batch:
    """Twelve examples in double precision."""
    random = torch.Generator().manual_seed(0)
    inputs = torch.randn(COUNT, WIDTH, generator=random).double()
    labels = torch.arange(COUNT) % 3 if task.name == "classification" else torch.randn(COUNT, generator=random)
    return Batch(inputs, task.targets(labels).double(), torch.arange(COUNT), weights)


def repeated(examples: Batch, counts: torch.Tensor) -> Batch:
    rows = torch.repeat_interleave(torch.arange(len(counts)), counts)
    return Batch(examples.inputs[rows], examples.targets[rows], torch.arange(len(rows)))


def step(task, examples: Batch, *techniques) -> tuple[float, dict[str, torch.Tensor]]:
    """The loss of a training step and its gradients, by parameter."""
    network = build(MLP(width=7, depth=2), (WIDTH,), task, seed=0).double()
    network.bounds = UNBOUNDED
    learner = Supervised(network, techniques, Training(), seed=0)
    learner.prepare_training(examples)
    network.train()
    loss = learner.training_step(examples)
    loss.backward()
    return loss.item(), {name: weight.grad.clone() for name, weight in network.named_parameters()}


@pytest.fixture(autouse=True)
def fixed_moment(monkeypatch):
    """A step outside a Trainer, which would tell the epoch."""
    monkeypatch.setattr(Supervised, "moment", property(lambda self: Moment(0, 0, 0)), raising=False)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize(
    "techniques", [(), (SharpnessAware(0.1),), (RDrop(input_rate=0, hidden_rate=0),), (Trades(epsilon=0),)], ids=repr
)
def test_whole_weights_have_the_gradient_of_repeated_rows_and_0_that_of_a_row_less(task, techniques):
    if task.name == "regression" and any({"classes", "discrete"} & set(each.needs) for each in techniques):
        pytest.skip("needs classes")
    loss, gradients = step(task, batch(task, COUNTS.double()), *techniques)
    wanted, other = step(task, repeated(batch(task), COUNTS), *techniques)
    assert loss == pytest.approx(wanted, rel=TOLERANCE)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, other[name], rtol=0, atol=TOLERANCE)


def test_class_weights_multiply_those_of_examples():
    task, technique = TASKS[0], ClassWeighting()
    skewed = batch(task)._replace(targets=task.targets(torch.tensor([0] * 2 + [1] * 4 + [2] * 6)).double())
    loss, _ = step(task, skewed._replace(weights=COUNTS.double()), technique)
    outputs = build(MLP(width=7, depth=2), (WIDTH,), task, seed=0).double()(skewed.inputs)
    of_classes = torch.tensor([2.0, 1.0, 2 / 3]).double()[skewed.targets.argmax(1)]
    losses = of_classes * task.losses(outputs, skewed.targets)
    assert loss == pytest.approx(((COUNTS * losses).sum() / COUNTS.sum()).item(), rel=TOLERANCE)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_only_ratios_of_weights_matter_and_a_batch_of_weights_0_gives_no_gradient(task):
    random = torch.rand(COUNT, generator=torch.Generator().manual_seed(1)).double()
    one, other = (step(task, batch(task, scale * random))[1] for scale in (1.0, 1024.0))
    assert all(torch.equal(one[name], other[name]) for name in one)
    loss, gradients = step(task, batch(task, torch.zeros(COUNT).double()))
    assert loss == 0 and not any(gradient.any() for gradient in gradients.values())


@pytest.mark.parametrize("technique", [Mixup(), ManifoldMixup(), CutMix()], ids=repr)
def test_weights_are_mixed_as_targets_are(technique):
    """Weights that are a linear function of the targets stay that function."""
    network = build(MLP(width=4, depth=2), (1, 4, 4), 3, seed=0)
    network.moment = Moment(0, 0, 0)
    inputs, labels = torch.rand(COUNT, 1, 4, 4), torch.arange(COUNT) % 3
    of_classes, targets = torch.tensor([1.0, 5.0, 0.0]), Classification(3).targets(labels)
    technique.prepare_model(network)
    mixed = technique.transform_batch(Batch(inputs, targets, torch.arange(COUNT), targets @ of_classes), network)
    assert not torch.equal(mixed.targets, targets)
    torch.testing.assert_close(mixed.weights, mixed.targets @ of_classes)


@pytest.mark.parametrize("technique", [RDrop(strength=2.0), Trades(strength=2.0)], ids=repr)
def test_a_penalty_on_predictions_is_a_weighted_mean_too(technique):
    task = TASKS[0]
    some = torch.tensor([1.0] + [0.0] * (COUNT - 1)).double()
    weighted = step(task, batch(task, some), technique)[0] - step(task, batch(task, some))[0]
    plain = step(task, batch(task), technique)[0] - step(task, batch(task))[0]
    every = [
        step(task, batch(task, one), technique)[0] - step(task, batch(task, one))[0]
        for one in torch.eye(COUNT).double()
    ]
    assert weighted == pytest.approx(every[0], rel=1e-9) and plain == pytest.approx(np.mean(every), rel=1e-9)
    assert np.std(every) > 0.01 * np.mean(every)


@pytest.fixture
def data(tmp_path):
    """Prepared data whose examples have weights, or with `equal` all the same one."""

    def written(weights: np.ndarray | None, amounts: bool = False) -> prepared.Prepared:
        random = np.random.default_rng(0)
        inputs = random.normal(size=(90, WIDTH)).astype(np.float32)
        labels = inputs[:, 0].astype(np.float64) if amounts else (inputs[:, 0] > 0).astype(np.int64)
        sizes = Data("made", train_size=50, validation_size=20, test_size=20)
        prepared.write(tmp_path, sizes, inputs, labels, seeds=2, weights=weights)
        return prepared.read(tmp_path)

    return written


WEIGHTS = np.random.default_rng(1).integers(0, 5, 90).astype(np.float64)


def trained(folder, split) -> dict:
    folder.mkdir()
    recipe = Recipe((Mixup(),), MLP(width=4, depth=1), Training(epochs=2, batch_size=16))
    train_seed(recipe, split, 0, folder)
    return finished_seed(folder, 0)[1]


def test_equal_weights_change_no_bit_of_a_training_and_others_do(data, tmp_path):
    plain, equal, other = (data(each).split(0) for each in (None, np.full(90, 3.7), WEIGHTS))
    tensors = [trained(tmp_path / f"run-{number}", each) for number, each in enumerate((plain, equal, other))]
    assert all(np.array_equal(tensors[0][name], tensors[1][name]) for name in tensors[0])
    assert not np.array_equal(tensors[0]["predictions/test"], tensors[2]["predictions/test"])


def test_without_weights_nothing_of_the_prepared_data_changes(data):
    plain = data(None)
    assert plain.split(0).weights is None and prepared.WEIGHTS not in plain.tensors
    assert data(np.ones(90)).split(0).weights is None


def test_the_weights_of_a_split_are_those_of_its_training_rows_over_their_mean(data):
    split = data(WEIGHTS).split(1)
    chosen = WEIGHTS[split.rows["labelled"]]
    np.testing.assert_allclose(split.weights, chosen / chosen.mean(), rtol=1e-6)
    parts = {part: examples_of(split, part).weights for part in ("labelled", "validation", "test")}
    assert parts["validation"] is parts["test"] is None and len(parts["labelled"]) == 50
    smaller = data(WEIGHTS).resized(1, 20, 0.2)
    np.testing.assert_allclose(
        smaller.weights, WEIGHTS[smaller.rows["labelled"]] / WEIGHTS[smaller.rows["labelled"]].mean()
    )


@pytest.mark.parametrize("loader", [Loader, lambda *given: Repeated(*given, steps=4)])
def test_loaders_keep_every_weight_beside_its_example(loader):
    task = TASKS[1]
    examples = batch(task, torch.arange(COUNT).double())
    for each in loader(examples, 5, 0):
        for inputs, weight in zip(each.inputs, each.weights, strict=True):
            assert torch.equal(inputs, examples.inputs[int(weight)])


def test_samples_of_an_ensemble_and_few_labels_keep_the_weights_of_their_rows(data):
    split = data(WEIGHTS).split(0)
    rows = np.array([3, 3, 0])
    assert with_labelled_rows(split, rows).weights.tolist() == split.weights[rows].tolist()
    fewer = few(split, 2, (0, 1))
    where = {row: weight for row, weight in zip(split.rows["labelled"].tolist(), split.weights, strict=True)}
    assert fewer.weights.tolist() == [where[row] for row in fewer.rows["labelled"].tolist()]


def test_boosting_begins_with_the_weights_of_the_examples():
    """SAMME on whole weights is SAMME on repeated rows: the same votes, and weights that add up."""
    wrong, counts = np.random.default_rng(0).random((3, COUNT)) < 0.3, COUNTS.numpy()
    wrong[range(3), [3, 6, 7]] = True  # a member that is never wrong counts as wrong on half an example of their number
    weights, shares = samme(wrong, 3, first=counts)
    rows = np.repeat(np.arange(COUNT), counts)
    others, votes = samme(wrong[:, rows], 3)
    np.testing.assert_allclose(shares, votes, rtol=1e-12)
    np.testing.assert_allclose(weights, [np.bincount(rows, each, minlength=COUNT) for each in others], atol=1e-12)


def test_a_boosted_member_draws_by_the_weights_and_counts_them_once(data):
    split, boosting = data(WEIGHTS).split(0), Boosting()
    rows = boosting.sample(
        split.labels["labelled"], split.task, 0, 0, np.zeros((0, 50), bool), **weights_for(boosting.sample, split)
    )
    assert (split.weights[rows] > 0).all() and (split.weights == 0).any()
    assert boosting.member_split(split, 0).weights is None
    amounts = data(WEIGHTS, amounts=True).split(0)
    assert boosting.member_split(amounts, 1).weights is amounts.weights
    assert weights_for(Bagging().sample, split) == {} == weights_for(boosting.sample, replace(split, weights=None))


@pytest.mark.parametrize(
    ("baseline", "amounts"),
    [
        (GradientBoosting(), False),
        (LogisticRegression(), False),
        (RidgeRegression(), True),
        (SupportVectorMachine(), True),
    ],
    ids=repr,
)
def test_baselines_whose_scikit_learn_takes_weights_are_fitted_with_them(data, baseline, amounts):
    split = data(WEIGHTS, amounts).split(0)
    weighted, plain = (
        fit_split(baseline.estimator_for(each), each, {"test": each.inputs["test"]})["test"]
        for each in (split, replace(split, weights=None))
    )
    ours = baseline.estimator_for(split).fit(
        split.inputs["labelled"].astype(np.float64),
        split.task.targets(split.labels["labelled"])[:, 0].numpy() if amounts else split.labels["labelled"],
        sample_weight=split.weights.astype(np.float64),
    )
    theirs = ours.predict(split.inputs["test"].astype(np.float64))
    if amounts:
        np.testing.assert_allclose(weighted[:, 0], split.task.predictions(torch.as_tensor(theirs)).numpy(), rtol=1e-5)
    else:
        assert (weighted.argmax(1) == theirs).all()
    assert not np.array_equal(weighted, plain)


@pytest.mark.parametrize("name", names("baselines"))
def test_a_baseline_says_whether_its_estimators_take_weights(name):
    baseline = find("baselines", name)()
    of_targets = {"discrete": (baseline.estimator, baseline.label_estimator), "amounts": (baseline.regressor,)}
    made = [
        make for kind, makers in of_targets.items() if not baseline.needs or kind in baseline.needs for make in makers
    ]
    assert made and all(has_sample_weight(make()) == baseline.takes_weights for make in made)


def test_nearest_neighbours_take_no_weights(data):
    split = data(WEIGHTS).split(0)
    weighted, plain = (
        fit_split(KNearestNeighbours().estimator(), each, {"test": each.inputs["test"]})["test"]
        for each in (split, replace(split, weights=None))
    )
    assert np.array_equal(weighted, plain)


def test_the_weighted_mean_of_equal_weights_is_the_mean():
    values = torch.tensor([1.0, 2.0, 6.0])
    assert weighted_mean(values, torch.full((3,), 0.5)) == 3
    assert weighted_mean(values, torch.tensor([1.0, 0.0, 1.0])) == 3.5
    assert weighted_mean(values, torch.zeros(3)) == 0
