"""Metrics that params.yaml adds: taken of published predictions, seed by seed and by number of labels."""

from dataclasses import dataclass

import numpy as np
import pytest

from reglab.evaluation.metric_names import metric_names
from reglab.evaluation.metrics import Metric, add_metrics


@dataclass(frozen=True)
class FirstClassAccuracy(Metric):
    """The mean probability of class 0, where the label is 0."""

    def value(self, probabilities, labels):
        return probabilities[labels == 0, 0].double().mean().item()


def arrays(ending, *firsts):
    """Of a seed for each number, which is the probability of the first of two classes in both examples."""
    probabilities = np.array([[[p, 1 - p]] * 2 for p in firsts], np.float32)
    return {f"test_predictions{ending}": probabilities, f"test_labels{ending}": np.array([[0, 1]] * len(firsts))}


def record(*statuses):
    return {
        "seeds": {str(seed): {"status": status, "metrics": {"test_nll": 1.0}} for seed, status in enumerate(statuses)}
    }


METRICS = {"first_class_accuracy": FirstClassAccuracy()}


def test_each_finished_seed_gets_the_metric_of_its_own_predictions():
    records = {"regularizers": {"none": record("finished", "diverged", "finished")}, "theory": {"gabor": record()}}
    add_metrics(records, METRICS, lambda family, name: arrays("", 0.25, 0.5, 0.75))
    result = [seed["metrics"] for seed in records["regularizers"]["none"]["seeds"].values()]
    assert result[0] == {"test_nll": 1.0, "test_first_class_accuracy": 0.25} and result[1] == {"test_nll": 1.0}
    assert result[2]["test_first_class_accuracy"] == 0.75 and records["theory"] == {"gabor": record()}


def test_predictions_for_several_numbers_of_labels_give_each_and_their_mean():
    records = {"transfer": {"from_scratch": record("finished")}}
    add_metrics(records, METRICS, lambda family, name: arrays("@1", 0.25) | arrays("@5", 0.75))
    metrics = records["transfer"]["from_scratch"]["seeds"]["0"]["metrics"]
    added = {name: metrics[name] for name in metrics if name != "test_nll"}
    name = "test_first_class_accuracy"
    assert added == {name: 0.5, f"{name}@1": 0.25, f"{name}@5": 0.75}


def test_without_metrics_no_predictions_are_read():
    add_metrics({"regularizers": {"none": record("finished")}}, {}, lambda family, name: pytest.fail("read"))


def test_pairs_and_claims_may_name_it_where_records_hold_predictions():
    values = {"metrics": METRICS, "regularizers": {"none": None}, "pretraining": {"masked": None}}
    result = metric_names(values)
    assert "test_first_class_accuracy" in result["none"][1] and "test_first_class_accuracy" not in result["masked"][1]
