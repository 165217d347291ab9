"""The keys of every random stream are those that published records were drawn from: another key is another number."""

import ast
import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from reglab.core import streams
from reglab.core.streams import Moment
from reglab.core.tasks import Classification
from reglab.data import splits, text
from reglab.data.augmentation.policy import Policy
from reglab.data.augmentation.variation import Variation
from reglab.data.loader import Loader, PairedBatch, Repeated, whole, without_labels
from reglab.data.prepared import Split
from reglab.experiments.ensembles.base import stream
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.methods.boosting import Boosting
from reglab.experiments.few_labels.methods.autoencoder_classifier import AutoencoderClassifier
from reglab.experiments.few_labels.methods.mean_teacher import MeanTeacher
from reglab.experiments.few_labels.methods.pseudo_label import PseudoLabel
from reglab.experiments.multitask.methods.joint import Joint
from reglab.experiments.pretraining.base import Setting
from reglab.experiments.pretraining.methods.contrastive import Contrastive
from reglab.experiments.pretraining.methods.denoising import Denoising
from reglab.experiments.pretraining.methods.masked import Masked
from reglab.experiments.pretraining.methods.next_sentence import WordDropout
from reglab.experiments.pretraining.methods.orientation import Orientation
from reglab.models.mlp import MLP
from reglab.regularizers.adversarial_training import AdversarialTraining
from reglab.regularizers.affine import Affine
from reglab.regularizers.cutmix import CutMix
from reglab.regularizers.dropout import Dropout, MaskAverage
from reglab.regularizers.erasing import Erasing
from reglab.regularizers.hidden_noise import HiddenNoise
from reglab.regularizers.input_noise import InputNoise
from reglab.regularizers.mixup import Mixup
from reglab.regularizers.placebo import Placebo
from reglab.regularizers.trades import Trades
from reglab.training.network import build
from reglab.training.settings import Training
from reglab.training.supervised import Supervised

LABELS = np.arange(12) % 3
IMAGES = np.linspace(0, 1, 12 * 16, dtype=np.float32).reshape(12, 1, 4, 4)
BATCH = whole(IMAGES, LABELS, 3)
ALL = Policy(rotation=9, brightness=0.1, noise=0.1, erasing=0.1)
VARIED = [("geometry", 1), ("colour", 1), ("noise", 7), ("erasing", 1)]


@pytest.fixture
def keys(monkeypatch):
    """Those of all streams that were drawn from, in order."""
    result = []

    def blake2b(data: bytes, **settings):
        result.append(ast.literal_eval(data.decode()))
        return hashlib.blake2b(data, **settings)

    monkeypatch.setattr(streams, "hashlib", SimpleNamespace(blake2b=blake2b))
    return result


def network():
    return build(MLP(width=4, depth=2), (1, 4, 4), 3, seed=3)


def test_splits_wrong_labels_and_the_order_of_batches(keys):
    sizes = {"train_size": 3, "validation_size": 3, "test_size": 3}
    splits.split(LABELS, **sizes, seed=3)
    splits.split(LABELS, **sizes, seed=3, test_set="fixed")
    splits.add_label_noise(LABELS, classes=3, fraction=0.5, seed=3)
    text.split(np.arange(12), 3)
    for loader in (Loader(BATCH, 4, 3), Repeated(BATCH, 4, 3, steps=2), Repeated(BATCH, 4, 3, 2, "unlabelled_order")):
        loader.set_epoch(2)
        next(iter(loader))
    assert keys == [
        *(("split", 3), ("test_set",), ("split", 3), ("label_noise", 3), ("text_split", 3)),
        *((3, "batch_order", 2), (3, "batch_order", 2), (3, "unlabelled_order", 2)),
    ]


def test_initial_weights_and_members_of_an_ensemble(keys):
    network()
    Joint().network((3, 8, 8), 4, 3)
    Bagging().sample(LABELS, Classification(3), 3, 2, None)
    Boosting().sample(LABELS, Classification(3), 3, 2, np.zeros((1, 12), dtype=bool))
    stream(3, 0), stream(3, 2)
    assert keys == [
        (3, "initialization"),
        *((3, "initialization", part) for part in ("trunk", "segmentation", "depth")),
        *((3, "bootstrap", 2), (3, "boosting", 2), (3, "member", 2)),
    ]


@pytest.mark.parametrize(
    ("technique", "drawn"),
    [
        (Mixup(), ["mixup"]),
        (CutMix(), ["cutmix"]),
        (InputNoise(), ["input_noise"]),
        (Placebo(), ["placebo"]),
        (Affine(), ["affine/geometry"]),
        (Erasing(), ["erasing/erasing"]),
        (AdversarialTraining(), ["adversarial_training"]),
        (Trades(), ["trades"]),
        (Dropout(), ["dropout/0", "dropout/1", "dropout/2"]),
        (HiddenNoise(), ["hidden_noise/1", "hidden_noise/2"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_technique_draws_it_draws_by_seed_name_and_step(keys, technique, drawn, monkeypatch):
    learner = Supervised(network(), [technique], Training(), seed=3)
    monkeypatch.setattr(Supervised, "moment", Moment(3, 1, 7))
    keys.clear()
    learner.training_step(BATCH)
    assert keys == [(3, name, 7) for name in drawn]


def test_the_masks_of_a_prediction_are_numbered(keys):
    judged = network()
    judged.moment = Moment(3, 1, 7)
    keys.clear()
    MaskAverage(judged, Dropout(masks=2))(BATCH.inputs)
    assert keys == [(3, "dropout/prediction", 0), (3, "dropout/prediction", 1)]


def test_augmentation_is_drawn_by_epoch_and_noise_by_step(keys):
    ALL(BATCH.inputs, Moment(3, 1, 7), BATCH.indices, 12)
    Variation(ALL, 12)(BATCH, Moment(3, 1, 7))
    WordDropout(0.5)(whole(np.ones((2, 2, 4)), [0, 1], 2), Moment(3, 1, 7))
    assert keys == 2 * [(3, f"augmentation/{kind}", at) for kind, at in VARIED] + [(3, "word_dropout", 7)]


@pytest.mark.parametrize(
    ("pretext", "drawn"),
    [
        (Masked(), [*((f"augmentation/{kind}", at) for kind, at in VARIED), ("masks", 7)]),
        (Denoising(), [*((f"augmentation/{kind}", at) for kind, at in VARIED), ("noise", 7)]),
        (Orientation(), [*((f"augmentation/{kind}", at) for kind, at in VARIED), ("pairs", 7)]),
        (Contrastive(), [(f"view/{view}/{kind}", at) for view in range(2) for kind, at in VARIED]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_pretext_draws_has_a_name_of_its_own(keys, pretext, drawn, monkeypatch):
    parts = ("labelled", "unlabelled", "validation", "test")
    study = Split(dict.fromkeys(parts, IMAGES), dict.fromkeys(parts, LABELS), {}, classes=3)
    task = pretext.task(study, study, Setting(MLP(width=4, depth=1), ALL), 3)
    assert keys == [(3, "initialization"), (3, "pretext_head")]
    monkeypatch.setattr(type(task.learner), "moment", Moment(3, 1, 7))
    keys.clear()
    task.learner.training_step(BATCH)
    assert keys == [(3, *key) for key in drawn]


@pytest.mark.parametrize(
    ("method", "views"),
    [
        (MeanTeacher(), ["teacher", "student"]),
        (PseudoLabel(), ["guess", "student"]),
        (AutoencoderClassifier(), ["images"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_semi_supervised_method_draws_is_apart_from_the_labelled_part(keys, method, views, monkeypatch):
    built, unlabelled, training = network(), without_labels(IMAGES), Training(batch_size=4)
    keys.clear()
    learner = method.learner(built, (), training, Variation(ALL, 12), 3)
    assert keys == [(3, "decoder")] * isinstance(method, AutoencoderClassifier)
    monkeypatch.setattr(type(learner), "moment", Moment(3, 1, 7))
    keys.clear()
    learner.training_step(PairedBatch(BATCH, unlabelled))
    at = 0  # a view is anew at each step: of a learner without a trainer, 0
    assert keys == [
        (3, f"unlabelled/{view}/{kind}", 7 if kind == "noise" else at) for view in views for kind, _ in VARIED
    ]
    keys.clear()
    next(iter(method.batches(BATCH, unlabelled, training, 2, 3)))
    assert keys == [(3, "batch_order", 0), (3, "unlabelled_order", 0)]
    assert torch.equal(unlabelled.inputs, BATCH.inputs)
