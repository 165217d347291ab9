"""A study of a table with entries that need images: they train nothing, and every result says why."""

import json
import re
import runpy
from contextlib import chdir
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reglab.config import params
from reglab.core.families import stage_name
from reglab.core.registry import runner
from reglab.experiments import applicability
from reglab.tracking import record
from reglab.tracking.stage import StageBuilder

ROOT = Path(__file__).parent.parent
WHY = "needs images; examples are rows of 30 numbers"
EMPTY = ("ensembles", "baselines", "semi_supervised", "multitask", "theory", "attacks", "profiles", "suite")


def small_study() -> dict:
    """Plain params: a network of four units, an epoch, two seeds."""
    whole = YAML(typ="safe").load(ROOT / "params.yaml")
    techniques = {name: whole["regularizers"][name] for name in ("none", "dropout", "cutmix", "affine")}
    claim = {"says": "Pasting helps.", "lecture": "data_augmentation", "recipe": "cutmix", "versus": "none"}
    nothing = {section: {} for section in EMPTY}
    few = whole["few_labels"] | {"labels_per_class": [1], "epochs": 1, "steps": 2}
    return whole | nothing | {
        "data": {"name": "sklearn", "dataset": "breast_cancer", "train_size": 60, "validation_size": 40, "test_size": 60},
        "seeds": 2,
        "model": {"name": "mlp", "width": 4, "depth": 1},
        "training": whole["training"] | {"epochs": 1},
        "regularizers": techniques,
        "combinations": {"pasted_and_dropped": [{"dropout": {}}, {"cutmix": {}}]},
        "augmentation": {"study": {"noise": 0.1}},
        "few_labels": few | {"model": {"name": "mlp", "width": 4, "depth": 1}},
        "pretraining": {"scratch": {"source": "study"}, "orientation": {"source": "study", "epochs": 1}},
        "transfer": {"from_scratch": {"start": "scratch"}, "turned": {"start": "orientation"}},
        "tuning": {"seeds": 1, "settings": 2},
        "tuned": {"none": {}, "affine": {"rotation": [5, 10]}, "dropout": {"hidden_rate": [0.1, 0.2]}},
        "sweeps": {"affine": {"rotation": [5, 10]}, "dropout": {"hidden_rate": [0.1, 0.2]}},
        "cocktails": {
            "mixed": {"trials": 2, "ingredients": {"none": {}, "dropout": {"hidden_rate": [0.1, 0.3]}, "cutmix": {}}},
            "pasted": {"trials": 2, "ingredients": {"dropout": {"hidden_rate": [0.1, 0.3]}, "cutmix": {}}},
        },
        "regimes": whole["regimes"] | {"recipes": []},
        "variance_sources": {"recipes": []},
        "random_split": {"recipes": []},
        "tuned_clean": {"recipes": []},
        "tuned_other_network": {"recipes": []},
        "comparisons": {"moved": {"recipe": "dropout", "versus": "affine"}, "plain": {"recipe": "dropout", "versus": "none"}},
        "claims": {"pasting": claim | {"direction": "higher"}},
    }  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Its folder, after all stages; what each entry that was not run said."""
    folder, said = tmp_path_factory.mktemp("table"), {}
    YAML().dump(small_study(), folder / "params.yaml")
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "pipelines")
        patch.delenv("DVC_ROOT", raising=False)
        stages = {
            name: runpy.run_path(str(ROOT / f"pipelines/{name}.py"))["main"]
            for name in ("prepare", "evaluate", "report")
        }
        settings = params.load()
        stages["prepare"]()
        for family, name in settings.expected():
            built = StageBuilder(family, name, [0, 1], Path("runs"), 1)
            said[family, name] = applicability.run(
                settings, built, runner(stage_name(family, name))[1], Path("data/study")
            )
        stages["evaluate"]()
        stages["report"]()
    return folder, {key: why for key, why in said.items() if why}


@pytest.fixture(scope="module")
def metrics(study):
    return json.loads((study[0] / "reports/metrics.json").read_text())


def test_what_needs_images_and_what_is_made_of_it_is_not_run(study):
    assert study[1] == {
        ("regularizers", "cutmix"): WHY,
        ("regularizers", "affine"): WHY,
        ("combinations", "pasted_and_dropped"): f"cutmix {WHY}",
        ("pretraining", "orientation"): WHY,
        ("transfer", "turned"): f"orientation {WHY}",
        ("tuned", "affine"): WHY,
        ("sweeps", "affine"): WHY,
        ("cocktails", "pasted"): f"cutmix {WHY}",
    }


def test_a_cocktail_is_searched_without_what_is_not_applicable_and_record_and_report_say_so(study, metrics):
    content = record.read(study[0] / "runs/cocktails/mixed")
    assert content["not_applicable_ingredients"] == {"cutmix": WHY} and content["technique"] == ["none", "dropout"]
    assert set(content["best"]["settings"]) | set(content["left_out"]) == {"none", "dropout"}
    assert "cutmix" in content["settings"]["cocktail"]["ingredients"]  # as params.yaml has it
    assert metrics["cocktails"]["mixed"]["not_applicable_ingredients"] == {"cutmix": WHY}
    page = (study[0] / "reports/pages/tuning.html").read_text()
    assert f"Not searched, because it is not applicable: cutmix ({WHY})." in page


def test_its_record_says_so_and_holds_nothing_else(study):
    folder, said = study
    for (family, name), why in said.items():
        path = folder / "runs" / family / name
        assert [file.name for file in path.iterdir()] == ["record.json"]
        content = record.read(path)
        assert content["not_applicable"] == why and content["seeds"] == content["summary"] == {}
        assert content["settings"] and content["dataset"]["fingerprint"].startswith("sha256:")


def test_its_row_has_the_reason_and_no_verdict_and_pairs_and_claims_about_it_too(study, metrics):
    rows = {
        (section, name): row
        for section, named in metrics.items()
        if isinstance(named, dict)
        for name, row in named.items()
    }
    result = {key: row["not_applicable"] for key, row in rows.items() if "not_applicable" in row}
    assert result == study[1] | {("comparisons", "moved"): f"affine {WHY}", ("claims", "pasting"): f"cutmix {WHY}"}
    assert all("verdict" not in rows[key] for key in result)
    assert json.loads((study[0] / "reports/summary/regularizers/cutmix.json").read_text()) == {
        "verdict": "not applicable"
    }


def test_it_counts_in_no_correction_and_in_no_number_of_seeds(metrics):
    """One comparison each of recipes, transfers, pairs, sweeps: Holm's correction leaves p as it is."""
    for row in (metrics["regularizers"]["dropout"], metrics["comparisons"]["plain"]):
        assert row["p_holm"] == row["p"] is not None
    assert any("too few for 1 comparison with none" in line for line in metrics["warnings"])
    assert not any("claim" in line for line in metrics["warnings"])


def test_the_pages_show_its_row_with_the_reason(study):
    pages = {path.name: path.read_text() for path in (study[0] / "reports").rglob("*.html")}
    shown = {
        "index.html": ("regularizers-cutmix", "regularizers-affine", "combinations-pasted_and_dropped", "pair-moved"),
        "few_labels.html": ("transfer-turned", "pretraining-orientation"),
        "tuning.html": ("sweeps-affine",),
        "chapter.html": ("claim-pasting",),
        "ran.html": ("ran-regularizers-cutmix", "ran-transfer-turned", "ran-tuned-affine", "ran-sweeps-affine"),
    }
    for page, ids in shown.items():
        for each in ids:
            [row] = re.findall(rf'<tr[^>]*id="{each}".*?</tr>', pages[page], re.DOTALL)
            assert re.search(rf"not applicable: (\w+ )?{WHY}", row), row
    assert (
        "6 entries are not applicable" in pages["index.html"]
        and 'id="curves-regularizers-cutmix"' not in pages["recipes.html"]
    )


def test_the_answer_counts_it_apart(study):
    answer = (study[0] / "reports/answer.txt").read_text()
    assert "1 recipe against none: cannot tell 1; 3 not applicable." in answer and "claim" not in answer
