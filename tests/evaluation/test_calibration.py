"""The whole way from trainings to a verdict, where the truth is known: `none` against itself, and against `placebo`."""

import numpy as np
import pytest

from reglab.data import load_source, prepared
from reglab.data.settings import Data
from reglab.evaluation import comparison, statistics
from reglab.models.mlp import MLP
from reglab.regularizers.placebo import Placebo
from reglab.tracking.record import seed_metrics
from reglab.training.one_seed import Recipe, finished_seed, train_seed
from reglab.training.settings import Training

pytestmark = pytest.mark.stress

SEEDS, AGAIN = 6, 8  # splits, and trainings on each that differ in initialization and batch order
LEVEL, RELEVANT = 0.05, 0.005
DATA = Data("digits", train_size=100, validation_size=10, test_size=100, label_noise=0.2)


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    prepared.write(folder, DATA, *load_source("digits"), SEEDS)
    return [prepared.read(folder).split(seed) for seed in range(SEEDS)]


def accuracy(split, seed: int, folder, *techniques) -> float:
    recipe = Recipe(techniques, MLP(width=16, depth=1), Training(epochs=3, learning_rate=0.02))
    train_seed(recipe, split, seed, folder)
    outcome, tensors = finished_seed(folder, seed)
    assert outcome["status"] == "finished"
    probabilities = {part: tensors[f"predictions/{part}"] for part in ("labelled", "validation", "test")}
    return seed_metrics(split, probabilities)["test_accuracy"]


@pytest.fixture(scope="module")
def trained(splits, tmp_path_factory) -> np.ndarray:
    """Test accuracies (SEEDS, AGAIN) of `none`; the first of each split with the seed of the split."""
    folder = tmp_path_factory.mktemp("none")
    return np.array(
        [[accuracy(split, seed + SEEDS * n, folder) for n in range(AGAIN)] for seed, split in enumerate(splits)]
    )


def verdicts(comparisons: list[np.ndarray]) -> list[str]:
    rule = {"seeds": SEEDS, "relevant_difference": RELEVANT, "level": LEVEL}
    tested = zip(comparisons, statistics.sign_flips(comparisons), strict=True)
    return [statistics.verdict(*statistics.difference_interval(d, 1 - LEVEL), p, **rule) for d, p in tested]


def corrected(d: np.ndarray) -> str:
    error = statistics.standard_error(d, DATA.test_size / DATA.train_size)
    low, high = statistics.student_interval(d.mean(), error, 1 - LEVEL, SEEDS)
    p = statistics.student_test(d.mean(), error, SEEDS)
    return statistics.verdict(low, high, p, seeds=SEEDS, relevant_difference=RELEVANT, level=LEVEL)


def test_of_1000_comparisons_of_none_with_itself_at_most_five_percent_get_a_false_verdict(trained):
    """Each takes two of the trainings on every split, in random order: a difference is as likely as its negative.

    The exact test of six seeds errs in 2 of 64 cases; 1,000 of them exceed 50 errors in 1 of 2,000 studies.
    """
    random, differences = np.random.default_rng(0), []
    for _ in range(1_000):
        one, two = np.transpose([accuracies[random.permutation(AGAIN)[:2]] for accuracies in trained])
        differences.append(one - two)
    assert np.std(differences, axis=1).mean() > 0.01  # trainings differ by more than a test example
    false = sum(verdict in ("helps", "hurts") for verdict in verdicts(differences))
    on_new_data = sum(corrected(d) in ("helps", "hurts") for d in differences)
    assert 0 < false <= 50 and on_new_data <= 50
    effects = [one + 0.3 - two for one, two in zip(trained.T, trained.T[1:], strict=False)]
    assert verdicts(effects).count("helps") >= 5  # of seven: effects that exist are detected


def test_placebo_comes_out_as_no_difference(splits, trained, tmp_path):
    accuracies = [accuracy(split, seed, tmp_path, Placebo()) for seed, split in enumerate(splits)]

    def record(values) -> dict:
        seeds = {str(n): {"status": "finished", "metrics": {"test_accuracy": v}} for n, v in enumerate(values)}
        return {"technique": [], "checks": [], "seeds": seeds}

    recipes = {"none": record(trained[:, 0].tolist()), "placebo": record(accuracies)}
    rule = {"confidence": 1 - LEVEL, "relevant_difference": RELEVANT, "test_to_train": 1.0}
    row = comparison.compare({"regularizers": recipes}, **rule)["regularizers"]["placebo"]
    for answer in (row, row["distribution"]):
        assert answer["verdict"] == "no relevant difference"
        assert answer["probability"] == {"helps": 0.0, "same": 1.0, "hurts": 0.0}
