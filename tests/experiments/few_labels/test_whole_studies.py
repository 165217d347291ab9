"""A study of amounts and one of labels with all families of few labels: records, verdicts and pages."""

import json
import re
import runpy
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
from fire import some_of
from ruamel.yaml import YAML

from reglab.config import data_checks, params
from reglab.core.families import stage_name
from reglab.core.registry import runner
from reglab.experiments import applicability
from reglab.tracking import record
from reglab.tracking.stage import StageBuilder

ROOT = Path(__file__).parents[3]
EMPTY = (
    "baselines",
    "combinations",
    "ensembles",
    "multitask",
    "theory",
    "profiles",
    "sweeps",
    "cocktails",
    "comparisons",
    "claims",
    "tuned",
    "suite",
)
NUMBERS = [10, 20]
DECIDES = {"amounts": "r2", "labels": "multilabel_auroc"}


def network() -> dict:
    return {"name": "mlp", "width": 8, "depth": 1}


def small_study(kind: str) -> dict:
    """Plain params: networks of eight units, few steps, two seeds, and every entry with few labels that applies."""
    whole = YAML(typ="safe").load(ROOT / "params.yaml")
    few = whole["few_labels"] | {"labels_per_class": NUMBERS, "epochs": 1, "steps": 4, "model": network()}
    pretexts = {
        name: whole["pretraining"][name] for name in ("masked", "denoising", "contrastive", "supervised_base_classes")
    }
    attack = {"transfer": {"epsilons": [0.1], "examples": 10, "seeds": 1}} if kind == "amounts" else {}
    transfers = {name: entry for name, entry in whole["transfer"].items() if entry["start"] in ("scratch", *pretexts)}
    listing = ("variance_sources", "random_split", "tuned_clean", "tuned_other_network")
    recipes = {name: {"recipes": []} for name in listing}
    return whole | {name: {} for name in EMPTY} | recipes | {
        "data": {"name": "arrays", "file": "rows.npz", "inputs": "x", "targets": "goal", "train_size": 40,
                 "validation_size": 30, "test_size": 40, "label_noise": 0.0},
        "seeds": 2,
        "model": network(),
        "training": whole["training"] | {"epochs": 1},
        "evaluation": {"metric": DECIDES[kind]},
        "regularizers": {"none": {}},
        "tuning": {"seeds": 1},
        "regimes": whole["regimes"] | {"recipes": []},
        "augmentation": {"study": {"noise": 0.1, "swap": 0.2}},
        "few_labels": few | {"regularizers": [{"weight_averaging": {"decay": 0.9}}]},
        "pretraining": {"scratch": {"source": "study"}} | {name: each | {"epochs": 1} for name, each in pretexts.items()},
        "transfer": transfers,
        "attacks": attack,
    }  # fmt: skip


def write_rows(kind: str) -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(150, 4)).astype(np.float32)
    scores = inputs[:, :3] + 0.1 * random.normal(size=(150, 3))
    np.savez("rows.npz", x=inputs, goal=100 + scores[:, 0] if kind == "amounts" else (scores > 0).astype(np.uint8))


@pytest.fixture(scope="module", params=some_of(DECIDES, 1))
def study(request, tmp_path_factory):
    """The kind of the targets, its folder after all stages, and what each entry that was not run said."""
    kind, folder, said = request.param, tmp_path_factory.mktemp(request.param), {}
    YAML().dump(small_study(kind), folder / "params.yaml")
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        write_rows(kind)
        patch.syspath_prepend(ROOT / "pipelines")
        patch.delenv("DVC_ROOT", raising=False)
        stages = {
            name: runpy.run_path(str(ROOT / f"pipelines/{name}.py"))["main"]
            for name in ("prepare", "evaluate", "report")
        }
        settings = params.load()
        data_checks.check(settings)
        stages["prepare"]()
        for family, name in settings.expected():
            built = StageBuilder(family, name, [0, 1], Path("runs"), 1)
            run_entry = runner(stage_name(family, name))[1]
            said[family, name] = applicability.run(settings, built, run_entry, Path("data/study"))
        stages["evaluate"]()
        stages["report"]()
    return kind, folder, {key: why for key, why in said.items() if why}


def test_all_but_what_counts_classes_or_asks_for_confidence_has_run(study):
    kind, _, said = study
    unsure = {"label_spreading", "pseudo_label"} if kind == "amounts" else set()
    new = {"new_classes_from_scratch", "new_classes_tuned", "new_classes_frozen"}
    assert {name for _, name in said} == {"supervised_base_classes", "contrastive_propagated"} | new | unsure


def test_the_records_have_the_metric_that_decides_at_each_number_and_their_mean(study):
    kind, folder, said = study
    metric = f"test_{DECIDES[kind]}"
    for family in ("transfer", "semi_supervised"):
        for path in (folder / "runs" / family).iterdir():
            if (family, path.name) not in said:
                measured = record.read(path)["seeds"]["0"]["metrics"]
                values = [measured[f"{metric}@{number}"] for number in NUMBERS]
                assert measured[metric] == pytest.approx(np.mean(values)) and values[0] != values[1]


def test_each_is_compared_with_training_from_scratch_by_that_metric_and_pretexts_by_their_probes(study):
    kind, folder, _ = study
    metrics = json.loads((folder / "reports/metrics.json").read_text())
    metric = f"test_{DECIDES[kind]}"
    row = metrics["semi_supervised"]["mean_teacher"]["comparisons"][f"{metric}@10"]
    assert row["reference"] == "from_scratch" and row["verdict"] == "cannot tell"
    probes = metrics["pretraining"]["masked"]["comparisons"]
    assert set(probes) == {"test_linear_probe", "test_neighbour_probe"}


def test_the_networks_that_are_attacked_have_the_error_that_their_records_have(study):
    kind, folder, _ = study
    if kind == "labels":
        pytest.skip("attacks are not applicable to several labels")
    numbers = record.read(folder / "runs/attacks/transfer")["numbers"]
    for name in ("masked_tuned", "contrastive_frozen"):
        published = record.read(folder / "runs/transfer" / name)["seeds"]["0"]["metrics"]["test_rmse@20"]
        assert numbers[f"{name}/clean_rmse"] == pytest.approx(published, rel=1e-6)
        assert numbers[f"{name}/robust_rmse@0.1"] > published


def test_the_page_counts_examples_and_names_the_scores_of_the_targets(study):
    kind, folder, _ = study
    page = re.sub(r"\s+", " ", (folder / "reports/pages/few_labels.html").read_text())
    for number in NUMBERS:
        assert f"{number} labelled examples" in page
    assert "labels per class" not in page and "a class</" not in page
    assert "are numbers of labelled examples" in page
    fitted = "a linear regression and the mean" if kind == "amounts" else "a logistic regression a label and the vote"
    score = "R² of probes" if kind == "amounts" else "mean AUROC of probes"
    assert fitted in page and score in page
    assert "needs classes; the targets are" in page
