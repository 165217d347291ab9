"""Pretexts on rows of a table: what is hidden stays hidden, and each of them learns what its columns say of each other."""

import numpy as np
import pytest
import torch

from reglab.core.streams import generator
from reglab.data.augmentation.policy import Policy
from reglab.data.loader import Whole
from reglab.data.prepared import Split
from reglab.experiments.pretraining.base import Setting
from reglab.experiments.pretraining.methods.contrastive import Contrastive
from reglab.experiments.pretraining.methods.denoising import Denoising
from reglab.experiments.pretraining.methods.masked import Masked, hidden_features, masked_error
from reglab.experiments.pretraining.methods.scratch import Scratch
from reglab.experiments.pretraining.methods.supervised_base_classes import SupervisedBaseClasses
from reglab.experiments.pretraining.run import picture
from reglab.models.mlp import MLP
from reglab.training.one_seed import fit

TABLES = [Scratch(), Masked(epochs=15), Denoising(epochs=15), Contrastive(epochs=15), SupervisedBaseClasses(classes=2)]
SETTING = Setting(MLP(width=32, depth=2), Policy(noise=0.05, swap=0.2))


@pytest.fixture(scope="module")
def study():
    """Rows of twelve columns that three hidden numbers make; the class is that of the largest of these."""
    random = np.random.default_rng(0)
    hidden = random.normal(size=(900, 3))
    inputs = (hidden @ random.normal(size=(3, 12))).astype(np.float32)
    inputs /= inputs.std(0)
    bounds = {"labelled": (0, 500), "unlabelled": (500, 600), "validation": (600, 750), "test": (750, 900)}
    parts = {part: slice(*ends) for part, ends in bounds.items()}
    arrays = inputs, hidden.argmax(1), np.arange(900)
    return Split(*({part: of[rows] for part, rows in parts.items()} for of in arrays), classes=3)


def test_every_row_hides_its_share_of_features():
    hidden = hidden_features(torch.rand(50, 10, generator=generator("ranks")), 0.3)
    assert hidden.shape == (50, 10) and (hidden.sum(1) == 3).all() and len(hidden.unique(dim=0)) > 20


def test_what_the_network_sees_has_nothing_of_the_hidden_features_of_its_row(study):
    learner = Masked().task(study, study, SETTING, 0).learner
    rows = torch.as_tensor(study.inputs["test"][:8])
    hidden = learner.hide(rows, generator("hide"))
    seen = learner.obscured(rows, hidden)
    assert torch.equal(seen[~hidden.bool()], rows[~hidden.bool()])
    assert torch.equal(seen[hidden.bool()], rows.roll(1, 0)[hidden.bool()])
    assert hidden.sum() == 8 * 6


def test_the_masked_loss_is_the_mean_over_hidden_features():
    inputs, filled = torch.rand(2, 4, 6, generator=generator("rows"))
    hidden = hidden_features(torch.rand(4, 6, generator=generator("ranks")), 0.5)
    expected = np.mean([(filled[i, j] - inputs[i, j]).item() ** 2 for i, j in hidden.nonzero().tolist()])
    assert masked_error(filled, inputs, hidden).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("pretext", TABLES[1:4], ids=lambda pretext: type(pretext).__name__)
def test_a_pretext_learns_what_columns_say_of_each_other(study, tmp_path, pretext):
    task = pretext.task(study, study, SETTING, seed=0)
    with torch.no_grad():
        before = task.learner.eval().metrics(task.test)["loss"].item()
        task.learner.train()
    fit(task.learner, task.training, [Whole(task.validation)], tmp_path, pretext.training("cpu"))
    with torch.no_grad():
        after = task.learner.eval().metrics(task.test)
    assert after["loss"].item() < 0.7 * before
    if "chance" in after:
        assert after["accuracy"].item() > 20 * after["chance"].item()


@pytest.mark.parametrize("pretext", TABLES, ids=lambda pretext: type(pretext).__name__)
def test_a_pretext_draws_rows_of_a_table(study, pretext):
    weights = pretext.task(study, study, SETTING, 0).learner.network.state_dict()
    assert picture(pretext, SETTING, study, study, 0, weights).count("<image") >= 8
