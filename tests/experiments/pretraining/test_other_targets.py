"""Pretexts of studies whose targets are amounts or sets of labels: the probes against scikit-learn's, and the pictures."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reglab.core.streams import generator
from reglab.data.augmentation.policy import Policy
from reglab.data.prepared import Split
from reglab.experiments.pretraining.base import Setting
from reglab.experiments.pretraining.methods.contrastive import Contrastive
from reglab.experiments.pretraining.methods.denoising import Denoising
from reglab.experiments.pretraining.methods.masked import Masked
from reglab.experiments.pretraining.methods.scratch import Scratch
from reglab.experiments.pretraining.pictures import alike, different, target_text
from reglab.experiments.pretraining.probes import RIDGE, linear_probe, neighbour_probe
from reglab.experiments.pretraining.run import evaluate
from reglab.models.mlp import MLP
from reglab.training.one_seed import fit

SETTING = Setting(MLP(width=16, depth=1), Policy(noise=0.05, swap=0.2))
FITTED, HELD_OUT = slice(0, 150), slice(150, 250)
FEATURES = 0.3 + torch.randn(250, 6, generator=generator("features"), dtype=torch.float64) * torch.arange(1, 7)
NOISE = torch.randn(250, 3, generator=generator("noise"), dtype=torch.float64)
AMOUNTS = 40 + 5 * (FEATURES[:, 0] + FEATURES[:, 1].square() / 4 + NOISE[:, 0])
LABELS = (FEATURES[:, :3] / torch.arange(1, 4) + NOISE > 0.2).byte()


def probed(probe, labels: torch.Tensor) -> float:
    return probe(FEATURES[FITTED], labels[FITTED], FEATURES[HELD_OUT], labels[HELD_OUT])


def test_the_linear_probe_of_amounts_is_scikit_learns_ridge_scored_by_r2():
    ridge = make_pipeline(StandardScaler(), Ridge(alpha=RIDGE * 150)).fit(FEATURES[FITTED], AMOUNTS[FITTED])
    expected = ridge.score(FEATURES[HELD_OUT].numpy(), AMOUNTS[HELD_OUT].numpy())
    assert probed(linear_probe, AMOUNTS) == pytest.approx(expected, abs=1e-12) and 0.1 < expected < 0.95


def test_the_linear_probe_of_labels_is_a_logistic_regression_a_label_scored_by_the_mean_auroc():
    areas = []
    for label in LABELS.numpy().T:
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(FEATURES[FITTED], label[FITTED])
        areas.append(roc_auc_score(label[HELD_OUT], model.predict_proba(FEATURES[HELD_OUT].numpy())[:, 1]))
    assert probed(linear_probe, LABELS) == pytest.approx(np.mean(areas), abs=1e-3) and min(areas) < max(areas)


def test_neighbours_predict_their_mean_amount_and_how_many_of_them_have_a_label():
    near = {"n_neighbors": 5, "metric": "cosine"}
    amounts = KNeighborsRegressor(**near).fit(FEATURES[FITTED], AMOUNTS[FITTED]).predict(FEATURES[HELD_OUT])
    assert probed(neighbour_probe, AMOUNTS) == pytest.approx(r2_score(AMOUNTS[HELD_OUT], amounts), abs=1e-12)
    areas = []
    for label in LABELS.numpy().T:
        votes = KNeighborsClassifier(**near).fit(FEATURES[FITTED], label[FITTED]).predict_proba(FEATURES[HELD_OUT])
        areas.append(roc_auc_score(label[HELD_OUT], votes[:, 1]))
    assert probed(neighbour_probe, LABELS) == pytest.approx(np.mean(areas), abs=1e-12)


def test_a_label_that_all_or_none_have_says_nothing_and_without_any_other_the_score_is_that_of_guessing():
    constant = torch.ones(250, 2, dtype=torch.uint8)
    together = torch.cat([LABELS, constant], 1)
    assert probed(linear_probe, together) == probed(linear_probe, LABELS)
    assert probed(linear_probe, constant) == probed(neighbour_probe, constant) == 0.5
    assert probed(linear_probe, torch.full((250,), 3.0, dtype=torch.float64)) == 0.0


def study(kind: str) -> Split:
    """Rows whose targets depend on the inputs, in parts of 100, 50, 50 and 50."""
    bounds = {"labelled": (0, 100), "unlabelled": (100, 150), "validation": (150, 200), "test": (200, 250)}
    parts = {part: slice(*ends) for part, ends in bounds.items()}
    arrays = FEATURES.numpy().astype(np.float32), (AMOUNTS if kind == "amounts" else LABELS).numpy(), np.arange(250)
    of = {"target_scale": (40.0, 8.0)} if kind == "amounts" else {"label_count": 3}
    return Split(*({part: each[rows] for part, rows in parts.items()} for each in arrays), classes=None, **of)


@pytest.mark.parametrize("kind", ["amounts", "labels"])
@pytest.mark.parametrize(
    "pretext", [Scratch(), Masked(epochs=1), Denoising(epochs=1), Contrastive(epochs=1)], ids=lambda p: type(p).__name__
)
def test_a_pretext_is_learned_probed_and_drawn_whatever_the_targets(kind, pretext, tmp_path):
    task = pretext.task(study(kind), study(kind), SETTING, 0)
    if pretext.epochs:
        outcome = fit(task.learner, task.training, [], tmp_path, pretext.training("cpu"))
        assert outcome["status"] == "finished"
    metrics = evaluate(task, trained=bool(pretext.epochs))
    guessing = 0.0 if kind == "amounts" else 0.5
    assert guessing < metrics["test_linear_probe"] < 1 and metrics["validation_neighbour_probe"] < 1
    assert pretext.picture(task).axes


def test_pictures_show_amounts_at_five_quantiles_and_the_smallest_sets_of_labels():
    amounts = torch.tensor([3.0, 1.0, 5.0, 2.0, 4.0, 0.0, 6.0, 8.0, 7.0, 9.0])
    assert amounts[different(amounts)].tolist() == [1, 3, 5, 7, 9]
    assert [target_text(label) for label in amounts[:2]] == ["3", "1"]
    assert alike(amounts, torch.tensor([0, 1, 2]), torch.tensor(3.9)).tolist() == [True, False, True]
    labels = torch.tensor([[1, 0], [0, 0], [1, 1], [1, 0]], dtype=torch.uint8)
    assert different(labels) == [1, 0, 2] and [target_text(labels[row]) for row in (1, 0, 2)] == ["none", "0", "0, 1"]
    assert alike(labels, torch.tensor([1, 3, 2]), labels[0]).tolist() == [False, True, False]
    assert different(torch.tensor([2, 0, 1, 0])) == [1, 2, 0]
    assert len(different(torch.zeros(10))) == 1
