"""Tuning of pretexts: the same budget for each, chosen on validation examples alone, and nothing is trained twice."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler

from reglab.config.pretext_checks import check_pretext_searches, extremes
from reglab.config.problems import Problems
from reglab.core import registry
from reglab.core.streams import Moment
from reglab.data import load_source, prepared
from reglab.data.augmentation.policy import Policy
from reglab.data.settings import Data
from reglab.experiments.pretraining import run as pretraining
from reglab.experiments.pretraining.base import Setting
from reglab.experiments.pretraining.methods.contrastive import Contrastive
from reglab.experiments.pretraining.methods.denoising import Denoising
from reglab.experiments.pretraining.methods.masked import Masked
from reglab.experiments.pretraining.methods.orientation import Orientation
from reglab.experiments.pretraining.methods.raw_inputs import RawInputs
from reglab.experiments.pretraining.methods.scratch import Scratch
from reglab.experiments.pretraining.pretext_search import DECIDES, proposals
from reglab.experiments.pretraining.settings import PretextTuning
from reglab.models.convnet import ConvNet
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training.one_seed import finished_seed

SETTING = Setting(ConvNet(width=4, depth=1), Policy(rotation=10))
TUNING = PretextTuning(settings=3, seeds=2, learning_rate=(0.001, 0.02))
PRETEXT = Denoising(epochs=1, batch_size=64, restores="original", search={"std": (0.1, 1.0)})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    inputs, labels = load_source("digits")
    sizes = Data(name="digits", train_size=120, validation_size=60, test_size=60)
    prepared.write(folder, sizes, inputs[:300], labels[:300], seeds=3)
    return prepared.read(folder)


def published(data, root, pretext=PRETEXT, tuning=TUNING):
    about = About("pretraining", "denoising", ["denoising"], {"name": "digits", "fingerprint": "x"}, {}, [0, 1, 2])
    content = pretraining.run(pretext, SETTING, data, data, Stage(about, root / "runs", processes=1), tuning)
    return content, root / "runs" / "pretraining" / "denoising"


@pytest.fixture
def journal(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path


def test_all_pretexts_try_as_many_settings_at_the_same_learning_rates_within_their_ranges():
    pretexts = [
        Masked(search={"mask_ratio": (0.1, 0.75)}),
        Contrastive(search={"temperature": (0.05, 0.5), "projection": (16, 64)}),
        Orientation(search={}),
    ]
    tried = [proposals(pretext, replace(TUNING, settings=8)) for pretext in pretexts]
    rates = [[settings["learning_rate"] for settings in each] for each in tried]
    assert rates[0] == rates[1] == rates[2] and len(set(rates[0])) == 8
    assert all(0.001 <= rate <= 0.02 for rate in rates[0])
    assert all(0.1 <= settings["mask_ratio"] <= 0.75 for settings in tried[0])
    assert all(type(settings["projection"]) is int and 16 <= settings["projection"] <= 64 for settings in tried[1])
    shares = np.sort([np.log(rate / 0.001) / np.log(20) for rate in rates[0]])
    assert np.array_equal(np.floor(8 * shares), np.arange(8)), "one in each eighth of the logarithmic scale"


def test_the_choice_is_the_best_mean_of_the_linear_probe_on_validation_examples(data, journal):
    content, _ = published(data, journal)
    means = [np.mean(each[DECIDES]) for each in content["tries"]]
    number = content["chosen"]["number"]
    assert means[number] == max(means) and content["chosen"]["settings"] == content["tries"][number]["settings"]
    assert content["search_seeds"] == [0, 1] and list(content["seeds"]) == ["0", "1", "2"]
    scored = [content["seeds"][str(seed)]["metrics"][DECIDES] for seed in content["search_seeds"]]
    assert scored == content["tries"][number][DECIDES]
    budget = content["budget"]
    assert (budget["trainings"], budget["epochs"], budget["diverged"]) == (6, 6, 0) and budget["flops"] > 0


def test_the_record_is_that_of_the_chosen_settings_learned_without_a_search(
    data, journal, tmp_path_factory, monkeypatch
):
    content, folder = published(data, journal)
    chosen = replace(PRETEXT, search=None, **content["chosen"]["settings"])
    other = tmp_path_factory.mktemp("other")
    monkeypatch.setenv("DVC_ROOT", str(other))
    alone, twin = published(data, other, chosen, None)
    assert alone["seeds"] == content["seeds"] and alone["cost"] == content["cost"] and "tries" not in alone
    assert (folder / "curves.csv").read_bytes() == (twin / "curves.csv").read_bytes()
    for seed in range(3):
        ours, theirs = (load_file(of / "weights" / f"seed-{seed}.safetensors") for of in (folder, twin))
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_no_search_sees_a_test_example(data, journal, monkeypatch):
    """With the labels and inputs of the test part exchanged for noise, choice and weights are the same to the bit."""
    content, folder = published(data, journal)
    weights = [(folder / "weights" / f"seed-{seed}.safetensors").read_bytes() for seed in range(3)]
    split = prepared.Prepared.split

    def spoiled(of, seed, **options):
        parts = split(of, seed, **options)
        noise = np.random.default_rng(seed).random(parts.inputs["test"].shape).astype(np.float32)
        changes = parts.inputs | {"test": noise}, parts.labels | {"test": parts.labels["test"][::-1].copy()}
        return replace(parts, inputs=changes[0], labels=changes[1])

    monkeypatch.setattr(prepared.Prepared, "split", spoiled)
    again, folder = published(data, journal)
    assert again["chosen"] == content["chosen"] and again["tries"] == content["tries"]
    assert [(folder / "weights" / f"seed-{seed}.safetensors").read_bytes() for seed in range(3)] == weights
    assert again["seeds"]["0"]["metrics"]["test_linear_probe"] != content["seeds"]["0"]["metrics"]["test_linear_probe"]


def test_what_is_tried_is_measured_on_validation_examples_alone(data, tmp_path):
    split = data.split(0, clean=True)
    pretraining.pretrain_seed(PRETEXT, SETTING, split, split, 0, tmp_path, False)
    metrics = finished_seed(tmp_path, 0)[0]["metrics"]
    assert DECIDES in metrics and all(name.startswith("validation_") for name in metrics)


def test_what_was_trained_in_the_search_is_not_trained_again(data, journal, monkeypatch):
    trained, train = [], Stage.train

    def recorded(stage, calls, *rest):
        trained.append([call[5] for call in calls])
        return train(stage, calls, *rest)

    monkeypatch.setattr(Stage, "train", recorded)
    published(data, journal)
    assert trained == [[0, 1] * 3, [2]]


def test_settings_that_diverge_are_not_chosen(data, journal, monkeypatch):
    wild = replace(TUNING, settings=2, learning_rate=(0.001, 1e30))
    content, _ = published(data, journal, tuning=wild)
    assert content["budget"]["diverged"] == 2 and [None, None] in [each[DECIDES] for each in content["tries"]]
    assert None not in content["tries"][content["chosen"]["number"]][DECIDES]


def test_raw_inputs_are_probed_as_they_are(data, tmp_path):
    """The linear probe of the pixels against scikit-learn's ridge regression on standardized pixels, of equal strength."""
    split = data.split(0, clean=True)
    pretraining.pretrain_seed(RawInputs(), SETTING, split, split, 0, tmp_path)
    outcome, _ = finished_seed(tmp_path, 0)
    fitted, asked = (split.inputs[part].reshape(len(split.inputs[part]), -1) for part in ("labelled", "test"))
    scaler = StandardScaler().fit(fitted)
    kept = scaler.var_ > 0
    theirs = RidgeClassifier(alpha=0.1 * len(fitted))
    theirs.fit(scaler.transform(fitted)[:, kept], split.labels["labelled"])
    right = theirs.predict(scaler.transform(asked)[:, kept]) == split.labels["test"]
    assert outcome["flops"] == 0
    assert outcome["metrics"]["test_linear_probe"] == pytest.approx(right.mean(), abs=1.5 / len(right))


def test_what_is_restored_is_the_view_or_the_original(data):
    split = data.split(0, clean=True)
    tasks = {kind: Denoising(restores=kind).task(split, split, SETTING, 0) for kind in ("view", "original")}
    batch = next(iter(tasks["view"].training))
    for kind, task in tasks.items():
        learner = task.learner
        loss = learner.training_step(batch).item()
        moment = Moment(0, 0, 0)
        view = learner.vary(batch, moment)
        wanted = view if kind == "view" else batch.inputs
        restored = learner.restored(learner.noisy(view, moment.generator("noise", view.device)))
        assert loss == pytest.approx((restored - wanted).square().mean().item(), rel=1e-6)
    assert not torch.equal(view, batch.inputs)


def problems(pretraining_section, **sections):
    found = Problems("params.yaml")
    values = {
        "pretraining": {
            name: registry.find("pretraining", name)(search={key: tuple(ends) for key, ends in given["search"].items()})
            for name, given in pretraining_section.items()
        }
    }
    check_pretext_searches({"pretraining": pretraining_section}, values | sections, found)
    return found.lines


@pytest.mark.parametrize(
    ("name", "search", "line"),
    [
        (
            "masked",
            {"mask_ratio": [0.7, 0.2]},
            "masked.search.mask_ratio: found [0.7, 0.2]; allowed: two numbers, the lower",
        ),
        (
            "masked",
            {"mask_ratio": [0.2, 1.0]},
            "masked.search.mask_ratio: found 1.0; allowed: a number above 0 and below 1",
        ),
        ("masked", {"mask_ration": [0.2, 0.5]}, 'masked.search.mask_ration: found "mask_ration"; allowed: '),
        ("masked", {"learning_rate": [0.1, 0.2]}, 'masked.search.learning_rate: found "learning_rate"; allowed: '),
        (
            "denoising",
            {"restores": ["view", "views"]},
            'denoising.search.restores: found "views"; allowed: one of: view, original',
        ),
        (
            "denoising",
            {"std": [0.1]},
            "denoising.search.std: found [0.1]; allowed: two numbers, the lower first, or words",
        ),
        ("scratch", {}, "scratch.search: found {}; allowed: no search, for this pretext learns nothing"),
    ],
)
def test_ranges_that_cannot_be_searched_are_one_line_each(name, search, line):
    [found] = problems({name: {"search": search}})
    assert found.startswith(f"params.yaml: pretraining.{line}")


def test_a_budget_that_cannot_be_is_one_line_each():
    lines = problems({}, seeds=2, pretext_tuning=PretextTuning(seeds=3, learning_rate=(0.1, 0.01)))
    assert lines == [
        "params.yaml: pretext_tuning.seeds: found 3; allowed: at most 2, the seeds that are trained",
        "params.yaml: pretext_tuning.learning_rate: found [0.1, 0.01]; allowed: two numbers, the lower first",
    ]


def test_the_ends_of_all_ranges_are_looked_at_before_any_training():
    pretext = Masked(search={"mask_ratio": (0.1, 0.75), "patch_size": (1, 2, 4)})
    assert {(each.mask_ratio, each.patch_size) for each in extremes(pretext)} == {
        (0.5, 2),
        (0.1, 1),
        (0.1, 4),
        (0.75, 1),
        (0.75, 4),
    }
    assert list(extremes(Scratch())) == [Scratch()]
