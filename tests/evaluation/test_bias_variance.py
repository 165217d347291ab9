"""The split is an identity; its parts are the known bias and variance of simulated models."""

import numpy as np
import pytest
import torch

from reglab.evaluation.bias_variance import ErrorSplit, resampled_split
from reglab.evaluation.classification import classification
from reglab.experiments.ensembles import ensemble_size_curve
from reglab.tracking.record import summary

CLASSES = 4


def simulated(models: int, examples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    centres = random.dirichlet(np.ones(CLASSES), examples)
    probabilities = np.stack([[random.dirichlet(1 + 5 * row) for row in centres] for _ in range(models)])
    return probabilities, random.integers(0, CLASSES, examples)


def brier_split(probabilities: np.ndarray, labels: np.ndarray, unbiased: bool = False) -> ErrorSplit:
    """The plain case: all models (models, examples, classes) predict the same examples, with labels (examples,)."""
    models, examples, _ = probabilities.shape
    everywhere = (np.tile(row, (models, 1)) for row in (labels, np.arange(examples)))
    return resampled_split(probabilities, *everywhere, unbiased)


def resampled(models: int, pool: int, tested: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Models with random test examples out of a pool: probabilities, labels, indices."""
    random = np.random.default_rng(1)
    everywhere, labels = simulated(models, pool)
    indices = np.stack([random.permutation(pool)[:tested] for _ in range(models)])
    return np.take_along_axis(everywhere, indices[..., None], axis=1), labels[indices], indices


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("models", [2, 3, 10])
def test_bias_squared_plus_variance_is_the_mean_brier_score(models, unbiased):
    probabilities, labels = simulated(models, examples=60)
    split = brier_split(probabilities.astype(np.float32), labels, unbiased)
    scores = [classification(torch.tensor(p), torch.tensor(labels))["brier"] for p in probabilities]
    assert split.bias_squared + split.variance == pytest.approx(np.mean(scores), abs=1e-6)
    assert split.squared_error == pytest.approx(np.mean(scores), abs=1e-6)
    assert split.predictions == models * 60


def test_the_parts_are_those_of_the_definition():
    probabilities, labels = simulated(models=5, examples=30)
    mean, target = probabilities.mean(0), np.eye(CLASSES)[labels]
    split = brier_split(probabilities, labels)
    assert split.bias_squared == pytest.approx(np.square(mean - target).sum(1).mean(), abs=1e-12)
    assert split.variance == pytest.approx(probabilities.var(0).sum(1).mean(), abs=1e-12)


@pytest.mark.parametrize("unbiased", [False, True])
def test_the_identity_holds_over_the_shared_examples_of_resampled_splits(unbiased):
    probabilities, labels, indices = resampled(models=6, pool=90, tested=20)
    split = resampled_split(probabilities, labels, indices, unbiased)
    briers = np.square(probabilities - np.eye(CLASSES)[labels]).sum(2)
    shared = np.bincount(indices.ravel())[indices] >= 2
    assert 0 < split.predictions == shared.sum() < indices.size
    assert split.bias_squared + split.variance == pytest.approx(briers[shared].mean(), abs=1e-12)


def test_an_example_weighs_as_much_as_its_predictions():
    """Example 0 seen by three models, 1 by two, 2 and 3 by one: each shared one split by itself, weights 3 and 2."""
    probabilities, _ = simulated(models=3, examples=2)
    indices = np.array([[0, 1], [1, 0], [0, 3]])
    labels = np.array([[2, 1], [1, 2], [2, 0]])
    first = brier_split(probabilities[[0, 1, 2], [0, 1, 0]][:, None], np.array([2]))
    second = brier_split(probabilities[[0, 1], [1, 0]][:, None], np.array([1]))
    split = resampled_split(probabilities, labels, indices)
    assert split.predictions == 5
    assert split.variance == pytest.approx((3 * first.variance + 2 * second.variance) / 5, abs=1e-12)
    assert split.bias_squared == pytest.approx((3 * first.bias_squared + 2 * second.bias_squared) / 5, abs=1e-12)


def test_splits_that_agree_on_their_examples_are_the_plain_case_in_any_order():
    probabilities, labels = simulated(models=4, examples=25)
    order = np.stack([np.random.default_rng(m).permutation(25) for m in range(4)])
    shuffled = np.take_along_axis(probabilities, order[..., None], axis=1)
    assert resampled_split(shuffled, labels[order], 100 + order) == pytest.approx(brier_split(probabilities, labels))


def test_unbiased_parts_do_not_depend_on_the_number_of_models():
    """Dirichlet(1 + 5 c) predictions have a known mean m and variance m (1 - m) / (k + 5 + 1) in every class."""
    examples, k = 4_000, CLASSES
    probabilities, labels = simulated(models=2, examples=examples)
    centres = np.random.default_rng(0).dirichlet(np.ones(k), examples)
    mean = (1 + 5 * centres) / (k + 5)
    variance = (mean * (1 - mean)).sum(1).mean() / (k + 6)
    bias_squared = np.square(mean - np.eye(k)[labels]).sum(1).mean()

    corrected, plain = brier_split(probabilities, labels, unbiased=True), brier_split(probabilities, labels)
    assert corrected.variance == pytest.approx(variance, rel=0.05)
    assert corrected.bias_squared == pytest.approx(bias_squared, rel=0.05)
    assert plain.variance == pytest.approx(variance / 2, rel=0.05)  # (m-1)/m of it, for m = 2
    assert plain.bias_squared == pytest.approx(bias_squared + variance / 2, rel=0.05)


def test_equal_models_have_no_variance():
    probabilities, labels = simulated(models=1, examples=20)
    assert brier_split(np.repeat(probabilities, 3, axis=0), labels).variance == pytest.approx(0, abs=1e-15)


def test_a_diverged_model_is_left_out_as_a_whole():
    probabilities, labels, indices = resampled(models=6, pool=40, tested=20)
    without = resampled_split(probabilities[1:], labels[1:], indices[1:])
    probabilities[0, 3] = np.nan
    assert resampled_split(probabilities, labels, indices) == without


def test_nothing_shared_is_not_a_number():
    probabilities, labels = simulated(models=1, examples=20)
    split = brier_split(probabilities, labels)
    assert split.predictions == 0
    assert np.isnan([split.bias_squared, split.variance, split.squared_error]).all()


def test_two_labels_for_one_example_are_refused():
    probabilities, _ = simulated(models=2, examples=1)
    with pytest.raises(ValueError, match="different labels"):
        resampled_split(probabilities, np.array([[0], [1]]), np.array([[7], [7]]))


# What is published: two seeds that say (0.8, 0.2) and (0.6, 0.4) of an example of class 0 differ by (0.2, -0.2), so the
# variance is half the squared distance, 0.04. Their mean (0.7, 0.3) misses (1, 0) by 0.18, of which half of 0.04 is chance.
PAIR, VARIANCE, BIAS_SQUARED = np.array([[[0.8, 0.2]], [[0.6, 0.4]]]), 0.04, 0.16
PLACES = np.zeros((2, 1), dtype=np.int64)  # both labels are 0, and both indices


def test_a_record_says_bias_and_variance_without_the_bias_of_few_seeds():
    seeds = {str(seed): {"status": "finished", "metrics": {"test_accuracy": 1.0}} for seed in range(2)}
    parts = {"predictions": PAIR, "labels": PLACES, "indices": PLACES}
    turned = parts | {"predictions": PAIR[..., ::-1]}  # both wrong: the variance stays
    predicted = {f"test_{name}": values for name, values in parts.items()}
    predicted |= {f"test_{name}@5": values for name, values in turned.items()}
    result = summary(seeds, predicted)
    assert result["test_accuracy"] == {"mean": 1.0}
    assert result["variance"]["mean"] == pytest.approx(VARIANCE, abs=1e-12)
    assert result["bias_squared"]["mean"] == pytest.approx(BIAS_SQUARED, abs=1e-12)
    assert result["variance@5"]["mean"] == pytest.approx(VARIANCE, abs=1e-12)
    assert result["bias_squared@5"]["mean"] == pytest.approx(2 * 0.7**2 - 0.02, abs=1e-12)


def test_an_ensemble_says_them_so_for_each_number_of_members():
    """With one member those of the pair; with two, whose means are (0.6, 0.4) and (0.5, 0.5), a quarter of the variance."""
    both = PAIR + np.array([[[-0.2, 0.2]], [[-0.1, 0.1]]])
    tests = [np.stack([one, two]) for one, two in zip(PAIR, both, strict=True)]
    curves = [ensemble_size_curve.SizeCurve({"average": test}, {}) for test in tests]
    result = ensemble_size_curve.all_splits(curves, PLACES, PLACES)["average"]
    assert result["variance"] == pytest.approx([VARIANCE, VARIANCE / 4], abs=1e-12)
    assert result["bias_squared"] == pytest.approx([BIAS_SQUARED, 2 * 0.45**2 - VARIANCE / 8], abs=1e-12)


def test_single_precision_is_summed_in_double():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), (4, 50)).astype(np.float32)
    labels = np.arange(50) % 3
    assert brier_split(probabilities, labels) == brier_split(probabilities.astype(np.float64), labels)
