"""The learning rate of several tasks falls in a straight line, from that of the entry to zero, in every group."""

from types import SimpleNamespace

import numpy as np
import pytest
from pytorch_lightning import Callback, Trainer

from reglab.data.loader import Repeated
from reglab.data.sources.scenes import render
from reglab.experiments.few_labels.settings import FewLabels
from reglab.experiments.multitask.base import whole
from reglab.experiments.multitask.methods.joint import Joint
from reglab.experiments.multitask.methods.uncertainty_weighting import UncertaintyWeighting
from reglab.experiments.multitask.settings import FewScenes
from reglab.training.settings import Training
from reglab.training.trainer import silence_lightning

RENDERED = render(4, size=16)
SCENES = whole(RENDERED.images.astype(np.float32) / 255, RENDERED.masks, RENDERED.depth)


class Rates(Callback):
    """Notes the learning rate of every group with which each step is taken."""

    def __init__(self):
        self.seen = []

    def on_before_optimizer_step(self, trainer, learner, optimizer):
        self.seen.append([group["lr"] for group in optimizer.param_groups])


@pytest.mark.parametrize(
    ("entry", "rates"), [(Joint(), [0.03]), (UncertaintyWeighting(rate=0.2), [0.03, 0.2])], ids=repr
)
def test_step_t_of_n_is_taken_with_the_rate_times_one_minus_t_over_n(entry, rates):
    silence_lightning()
    learner = entry.learner((3, 16, 16), 4, 0, SimpleNamespace(learning_rate=0.03))
    noted, epochs, steps = Rates(), 2, 3
    trainer = Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[noted],
    )  # fmt: skip
    trainer.fit(learner, Repeated(SCENES, 2, 0, steps))
    expected = [[rate * (1 - step / 6) for rate in rates] for step in range(6)]
    assert np.allclose(noted.seen, expected, rtol=0, atol=1e-12) and noted.seen[-1][0] == pytest.approx(0.03 / 6)


@pytest.mark.parametrize(
    "section",
    [
        FewLabels(model=None, epochs=3, batch_size=7, learning_rate=0.04),
        FewScenes(epochs=3, batch_size=7, learning_rate=0.04),
    ],
    ids=["few_labels", "few_scenes"],
)
def test_the_settings_of_a_section_are_those_of_its_trainings(section):
    expected = Training(epochs=3, batch_size=7, optimizer="adam", learning_rate=0.04, accelerator="auto")
    assert section.training("auto") == expected
