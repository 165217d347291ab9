"""Entries against their own references, metric by metric: pairs by seed, Holm within a metric, lower may be better."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from reglab.evaluation import statistics
from reglab.evaluation.metric_comparison import ComparisonPlan, compare_metrics
from reglab.evaluation.settings import Evaluation
from reglab.experiments.few_labels import comparisons as few_labels
from reglab.experiments.few_labels.settings import FewLabels, Transfer
from reglab.experiments.multitask import comparisons as multitask
from reglab.experiments.multitask.settings import FewScenes
from reglab.experiments.pretraining import comparisons as pretraining
from reglab.experiments.pretraining.methods.masked import Masked
from reglab.experiments.pretraining.methods.next_sentence import NextSentence
from reglab.experiments.pretraining.methods.raw_inputs import RawInputs
from reglab.experiments.pretraining.methods.scratch import Scratch

SEEDS = 11
RULE = {"confidence": 0.95, "relevant_difference": 0.005}
NOISE = np.random.default_rng(0).normal(0, 0.003, (6, SEEDS))


def record(**metrics):
    columns = {name: np.broadcast_to(values, SEEDS) for name, values in metrics.items()}
    seeds = {
        str(seed): {"status": "finished", "metrics": {name: float(values[seed]) for name, values in columns.items()}}
        for seed in range(SEEDS)
    }
    return {"seeds": seeds, "technique": ["x"]}


RECORDS = {
    "transfer": {
        "from_scratch": record(**{"test_accuracy@1": 0.6 + NOISE[0], "test_accuracy@5": 0.9 + NOISE[1]}),
        "better": record(**{"test_accuracy@1": 0.7 + NOISE[2], "test_accuracy@5": 0.9 + NOISE[1]}),
        "worse": record(**{"test_accuracy@1": 0.5 + NOISE[3], "test_accuracy@5": 0.8 + NOISE[4]}),
    },
    "semi_supervised": {
        "label_spreading": record(**{"test_accuracy@1": 0.65 + NOISE[5], "test_accuracy@5": 0.95 + NOISE[5]})
    },
}
METRICS = ("test_accuracy@1", "test_accuracy@5")
SCRATCH, SPREADING = ("transfer", "from_scratch"), ("semi_supervised", "label_spreading")
KEYS = [(family, name) for family, names in RECORDS.items() for name in names]
PLAN = ComparisonPlan(
    {key: dict.fromkeys(METRICS, SCRATCH) for key in KEYS}, {key: SPREADING for key in KEYS if key != SPREADING}
)


@pytest.fixture(scope="module")
def rows():
    return compare_metrics(RECORDS, PLAN, **RULE)


def test_a_row_is_the_paired_difference_to_its_reference_with_a_verdict(rows):
    row = rows["transfer"]["better"]["comparisons"]["test_accuracy@1"]
    difference = 0.1 + NOISE[2] - NOISE[0]
    low, high = statistics.difference_interval(difference, 0.95)
    assert row["difference"] == pytest.approx(difference.mean())
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((low, high), abs=1e-3)  # resampled
    assert row["reference"] == "from_scratch" and row["verdict"] == "helps"
    assert rows["transfer"]["worse"]["comparisons"]["test_accuracy@5"]["verdict"] == "hurts"
    assert rows["transfer"]["better"]["comparisons"]["test_accuracy@5"]["verdict"] == "no relevant difference"
    assert rows["transfer"]["from_scratch"]["comparisons"]["test_accuracy@1"]["verdict"] == "reference"


def test_holm_is_within_a_metric_over_all_entries_but_the_reference(rows):
    for metric in METRICS:
        result = [rows[family][name]["comparisons"][metric] for family, name in KEYS if (family, name) != SCRATCH]
        assert [row["p_holm"] for row in result] == pytest.approx(
            statistics.holm(np.array([row["p"] for row in result]))
        )


def test_of_three_entries_with_the_least_p_value_each_has_three_times_that(rows):
    """better, worse and label_spreading differ in all eleven seeds at one label: 3 x 2/2048."""
    result = [
        rows[family][name]["comparisons"]["test_accuracy@1"] for family, name in KEYS if (family, name) != SCRATCH
    ]
    assert [row["p"] for row in result] == [2 / 2048] * 3
    assert [row["p_holm"] for row in result] == pytest.approx([6 / 2048] * 3)


def test_several_tasks_are_corrected_over_the_entries_at_the_same_number_of_scenes():
    records = {"multitask": {"depth_only": record(test_depth_rmse=0.2)}}
    records["multitask"] |= {str(n): record(test_depth_rmse=0.1 + 0.01 * n + NOISE[0]) for n in range(4)}
    references = {
        ("multitask", name): {"test_depth_rmse": ("multitask", "depth_only")} for name in records["multitask"]
    }
    result = compare_metrics(records, ComparisonPlan(references, {}), **RULE)["multitask"]
    rows = [result[str(n)]["comparisons"]["test_depth_rmse"] for n in range(4)]
    assert [row["p_holm"] for row in rows] == pytest.approx([4 * 2 / 2048] * 4)


def test_the_lead_over_the_rival_is_paired(rows):
    lead = rows["transfer"]["better"]["comparisons"]["test_accuracy@1"]["over_rival"]
    assert lead["name"] == "label_spreading"
    assert lead["difference"] == pytest.approx((0.05 + NOISE[2] - NOISE[5]).mean()) and lead["low"] > 0
    assert lead["sign"] == 1
    assert "over_rival" not in rows["semi_supervised"]["label_spreading"]["comparisons"]["test_accuracy@1"]


def test_of_an_error_less_is_better():
    records = {
        "multitask": {"depth_only": record(test_depth_rmse=0.2), "joint": record(test_depth_rmse=0.1 + NOISE[0])}
    }
    references = {
        ("multitask", name): {"test_depth_rmse": ("multitask", "depth_only")} for name in records["multitask"]
    }
    plan = ComparisonPlan(references, {})
    row = compare_metrics(records, plan, **RULE)["multitask"]["joint"]["comparisons"]["test_depth_rmse"]
    assert row["difference"] < 0 and row["verdict"] == "helps"


def test_a_diverged_entry_has_no_numbers_and_no_verdict_but_that():
    diverged = record(**{metric: 0.9 for metric in METRICS})
    diverged["seeds"]["3"] = {"status": "diverged", "reason": "x", "metrics": {}}
    records = RECORDS | {"transfer": RECORDS["transfer"] | {"better": diverged}}
    result = compare_metrics(records, PLAN, **RULE)["transfer"]["better"]
    row = result["comparisons"]["test_accuracy@1"]
    assert result["diverged_seeds"] == [3] and row["verdict"] == "diverged" and row["mean"] is row["difference"] is None


SETTINGS = SimpleNamespace(
    transfer={
        "from_scratch": Transfer("scratch"),
        "frozen": Transfer("masked", "frozen"),
        "new_scratch": Transfer("scratch", classes=(1, 2)),
        "new": Transfer("supervised_base_classes", classes=(1, 2)),
    },
    semi_supervised={
        "mean_teacher": SimpleNamespace(classical=False),
        "label_spreading": SimpleNamespace(classical=True),
    },
    few_labels=FewLabels(model=None, labels_per_class=(1, 5)),
    few_scenes=FewScenes(labelled=(4, 8)),
    multitask=dict.fromkeys(("segmentation_only", "depth_only", "joint")),
    evaluation=Evaluation(),
)


def test_each_transfer_is_compared_with_scratch_on_the_same_classes_and_only_these_with_the_rival():
    plan = few_labels.plan(SETTINGS)
    assert plan.references["transfer", "frozen"]["test_accuracy@5"] == ("transfer", "from_scratch")
    assert plan.references["transfer", "new"]["test_accuracy@1"] == ("transfer", "new_scratch")
    assert plan.references["semi_supervised", "mean_teacher"]["test_accuracy"] == ("transfer", "from_scratch")
    rivalled = {name for _, name in plan.rivals}
    assert rivalled == {"from_scratch", "frozen", "mean_teacher"}


def test_several_tasks_are_compared_with_each_task_alone():
    references = multitask.plan(SETTINGS).references
    assert references["multitask", "joint"]["test_iou@4"] == ("multitask", "segmentation_only")
    assert references["multitask", "joint"]["test_depth_rmse@8"] == ("multitask", "depth_only")
    assert set(references["multitask", "depth_only"]) == {"test_depth_rmse", "test_depth_rmse@4", "test_depth_rmse@8"}


def test_pretexts_on_images_are_compared_with_the_untrained_network_by_either_probe():
    entries = {"scratch": Scratch(), "masked": Masked(), "next_sentence": NextSentence()}
    references = pretraining.plan(SimpleNamespace(pretraining=entries)).references
    probes = dict.fromkeys(("test_linear_probe", "test_neighbour_probe"), ("pretraining", "scratch"))
    assert references == {
        **{("pretraining", "scratch"): probes, ("pretraining", "masked"): probes},
        ("pretraining", "next_sentence"): {},
    }
    with_raw = pretraining.plan(SimpleNamespace(pretraining=entries | {"raw_inputs": RawInputs()}))
    assert with_raw.references["pretraining", "raw_inputs"] == {}, "it is no pretext, and in no family of tests"
    assert with_raw.rivals == {("pretraining", name): ("pretraining", "raw_inputs") for name in ("scratch", "masked")}
    del entries["scratch"]
    assert set(map(len, pretraining.plan(SimpleNamespace(pretraining=entries)).references.values())) == {0}


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_every_metric_of_the_record_has_its_interval_at_the_confidence_asked_for(confidence):
    """Also those that are compared with nothing."""
    rows = compare_metrics(RECORDS, PLAN._replace(references={SCRATCH: {}}), **RULE | {"confidence": confidence})
    result = rows["transfer"]["from_scratch"]["metrics"]
    assert result.keys() == set(METRICS)
    for metric, centre, noise in (("test_accuracy@1", 0.6, NOISE[0]), ("test_accuracy@5", 0.9, NOISE[1])):
        low, high = stats.ttest_1samp(centre + noise, 0).confidence_interval(confidence)
        assert result[metric]["mean"] == pytest.approx(centre + noise.mean(), abs=1e-12)
        assert (result[metric]["low"], result[metric]["high"]) == pytest.approx((low, high), abs=1e-12)
