"""Adding things: one file and one entry in params.yaml, then the stage runs and the report shows it.

The files are those of tests/adding/own/, by family; each test puts some into a copy of a small finished study.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import HALF_WRITTEN, ROOT, Checkout
from filelock import FileLock

from reglab.core.registry import FOLDERS, SOURCES
from reglab.runtime import warm

OWN = Path(__file__).parent / "own"
HOMES = {family: Path("src/reglab", folder) for family, folder in FOLDERS.items()}
HOMES |= {"sources": Path("src/reglab", SOURCES), "mypackage": Path("mypackage")}
TREE = shutil.ignore_patterns("__pycache__")


class Study(Checkout):
    """A small study by hand: the stages are scripts, without DVC."""

    def add(self, family: str, name: str, **settings) -> "Study":
        """As the README says: a file, or a package, and an entry with its settings."""
        self.place(family, name)
        self.edit(lambda all: all.setdefault(family, {}).update({name: settings}))
        return self

    def place(self, family: str, name: str) -> None:
        source, home = OWN / family / name, self.folder / HOMES[family]
        if source.is_dir():
            shutil.copytree(source, home / name, ignore=TREE)
        else:
            shutil.copyfile(source.with_suffix(".py"), home / f"{name}.py")

    def check(self) -> tuple[int, str]:
        """What `reglab check` finds, by the stage, which has a warm process."""
        return self.run(sys.executable, "pipelines/check.py")

    def stages(self, *stages: str) -> None:
        """Each stage is that of an entry, such as train@none, or the name of a script of its own."""
        code, output = self.check()
        assert code == 0, output
        for stage in stages:
            command = ("pipelines/experiment.py", stage) if "@" in stage else (f"pipelines/{stage}.py",)
            code, output = self.run(sys.executable, *command)
            assert code == 0, f"{stage}: {output}"

    def record(self, family: str, name: str) -> dict:
        return json.loads((self.folder / "runs" / family / name / "record.json").read_text("utf-8"))

    def page(self) -> str:
        """The whole report, after both of its stages."""
        self.stages("evaluate", "report")
        return "\n".join(path.read_text("utf-8") for path in sorted((self.folder / "reports").rglob("*.html")))


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adding")
    (folder / ".reglab").mkdir()
    # Copies share the journal of this one, as temporary workspaces do. Who holds the lock mirrors it to MLflow: nobody here.
    with warm.server() as address, FileLock(folder / ".reglab" / "follower.lock"):
        study = Study(folder, address | {"DVC_ROOT": str(folder)})
        study.edit(
            lambda all: all.update(
                data=all["data"] | {"train_size": 60, "validation_size": 40, "test_size": 60},
                model={"name": "mlp", "width": 16, "depth": 1},
                training=all["training"] | {"epochs": 1},
                baselines={},
                regularizers={"none": {}},
                augmentation={"study": {}},
                few_labels=all["few_labels"] | {"model": {"name": "mlp", "width": 16, "depth": 1}},
                pretraining={"scratch": {"source": "study"}},
                transfer={"from_scratch": {"start": "scratch"}},
            )
        )
        study.stages("prepare", "train@none", "augment@study", "pretraining@scratch", "transfer@from_scratch")
        yield study


@pytest.fixture
def study(finished, tmp_path):
    copy = Study.__new__(Study)
    copy.folder, copy.warm = tmp_path / "study", finished.warm
    shutil.copytree(finished.folder, copy.folder, symlinks=True, ignore=shutil.ignore_patterns(".git", ".reglab"))
    return copy


def test_a_regularizer_without_a_theory_topic_is_trained_checked_judged_and_shown(study):
    study.add("regularizers", "logit_squeezing", strength=0.2).stages("train@logit_squeezing")
    record = study.record("regularizers", "logit_squeezing")
    assert record["settings"]["logit_squeezing"] == {"strength": 0.2} and record["cost"]["forward_passes"] == 1
    [check] = record["checks"]
    assert check["passed"] and check["technique"] == "logit_squeezing"
    page = study.page()
    assert 'id="regularizers-logit_squeezing"' in page and "Other techniques" in page and check["name"] in page
    metrics = json.loads((study.folder / "reports/metrics.json").read_text("utf-8"))
    assert metrics["regularizers"]["logit_squeezing"]["verdict"] in (
        "helps",
        "hurts",
        "no relevant difference",
        "cannot tell",
    )


def test_a_regularizer_whose_check_fails_is_not_ranked(study):
    study.add("regularizers", "logit_squeezing")
    path = study.folder / HOMES["regularizers"] / "logit_squeezing.py"
    path.write_text(path.read_text("utf-8").replace("1e-12", "-1.0"), encoding="utf-8")
    study.stages("train@logit_squeezing", "evaluate")
    row = json.loads((study.folder / "reports/metrics.json").read_text("utf-8"))["regularizers"]["logit_squeezing"]
    assert row["verdict"] == "check failed" and row["failed_checks"] == ["strength/2 times the mean squared norm"]


def test_a_source_with_a_helper_module_and_a_data_file_is_learned_from(study):
    study.place("sources", "rings")
    sizes = {"name": "rings", "train_size": 60, "validation_size": 40, "test_size": 60}
    study.edit(lambda all: all.update(data=all["data"] | sizes, transfer={}, pretraining={}, augmentation={}))
    study.stages("prepare", "train@none", "code")
    assert study.record("regularizers", "none")["dataset"]["name"] == "rings"
    listed = (study.folder / "data/code/prepare.txt").read_text("utf-8")
    assert all(f"{HOMES['sources'].as_posix()}/rings/{file}" in listed for file in ("drawing.py", "radii.csv"))


def test_a_network_without_a_width_is_trained_and_what_would_vary_the_width_is_refused(study):
    study.place("models", "sine")
    study.edit(lambda all: all.update(model={"name": "sine", "frequency": 2.0}))
    study.stages("train@none")
    assert study.record("regularizers", "none")["settings"]["model"] == {"name": "sine", "frequency": 2.0}
    study.edit(lambda all: all.update(ensembles={"boosting": {}}))
    code, output = study.check()
    assert code == 2 and "ensembles.boosting.width: found a model without a width, sine" in output


def test_a_network_of_ones_own_is_named_by_its_dotted_path(study):
    shutil.copytree(OWN / "mypackage", study.folder / "mypackage", ignore=TREE)
    model = {"name": "mypackage.mynet.MyNet", "units": 9}
    study.edit(lambda all: all.update(model=model, few_labels=all["few_labels"] | {"model": dict(model)}))
    study.stages("train@none", "pretraining@scratch", "transfer@from_scratch", "code")
    assert study.record("regularizers", "none")["settings"]["model"] == model
    listed = (study.folder / "data/code/train/none.txt").read_text("utf-8")
    assert all(f"mypackage/{file}" in listed for file in ("mynet.py", "sizes.py"))
    assert "dropout.py" not in listed and "mypackage.mynet.MyNet" in study.page()


SIZES = {"train_size": 60, "validation_size": 40, "test_size": 60}


@pytest.mark.parametrize(
    "data", [{"name": "mypackage.mydata.load"}, {"name": "mypackage.mydata.Moons", "count": 200, "file": None}]
)
def test_a_source_of_ones_own_is_named_by_its_dotted_path(study, data):
    shutil.copytree(OWN / "mypackage", study.folder / "mypackage", ignore=TREE)
    study.edit(lambda all: all.update(data=data | SIZES, transfer={}, pretraining={}, augmentation={}))
    study.stages("prepare", "train@none", "code")
    assert study.record("regularizers", "none")["dataset"]["name"] == data["name"]
    for stage in ("prepare", "check", "train/none"):
        listed = (study.folder / f"data/code/{stage}.txt").read_text("utf-8")
        assert all(f"mypackage/{file}" in listed for file in ("mydata.py", "moons.py"))
        assert "mynet.py" not in listed and "sources/digits.py" not in listed


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"name": "mypackage.mydata.lod"}, "data.name: found nothing to import (AttributeError"),
        ({"name": "mypackage.mydate.load"}, "data.name: found nothing to import (ModuleNotFoundError"),
        (
            {"name": "mypackage.moons.np"},
            "data.name: found module; allowed: a function that returns inputs and targets",
        ),
        (
            {"name": "mypackage.mynet.MyNet"},
            "data.name: found type; allowed: a function that returns inputs and targets",
        ),
        ({"name": "mypackage.mydata.load", "count": 3}, "data.count: found an unknown setting; allowed: one of: name,"),
        ({"name": "mypackage.mydata.Moons", "count": "3"}, 'data.count: found "3"; allowed: a whole number'),
        ({"name": "mypackage.mydata.Moons"}, "data.count: found nothing; allowed: a whole number"),
        (
            {"name": "mypackage.mydata.nothing"},
            "mypackage.mydata.nothing(): found an error (TypeError: it returned NoneType)",
        ),
    ],
)
def test_a_source_of_ones_own_that_is_none_is_refused_before_any_work(study, data, found):
    shutil.copytree(OWN / "mypackage", study.folder / "mypackage", ignore=TREE)
    study.edit(lambda all: all.update(data=data | SIZES))
    code, output = study.check()
    assert code == 2 and found in output and "Traceback" not in output


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("mypackage.mynet.MyNot", "found nothing to import (AttributeError"),
        ("mypackge.mynet.MyNet", "found nothing to import (ModuleNotFoundError"),
        (
            "torch.nn.Linear",
            "found no network; allowed: a dataclass that derives from reglab.training.network.Architecture",
        ),
    ],
)
def test_a_dotted_path_that_leads_nowhere_is_refused_before_any_work(study, named, found):
    shutil.copytree(OWN / "mypackage", study.folder / "mypackage", ignore=TREE)
    study.edit(lambda all: all.update(model={"name": named}))
    code, output = study.check()
    assert code == 2 and f"params.yaml: model.name: {found}" in output and "Traceback" not in output


@pytest.mark.parametrize(
    ("family", "name", "stages", "shown"),
    [
        ("baselines", "decision_tree", ["baseline@decision_tree"], 'id="baselines-decision_tree"'),
        ("ensembles", "halves", ["members", "ensemble@halves"], 'id="ensembles-halves"'),
        ("pretraining", "ink", ["pretraining@ink"], "ink"),
        ("semi_supervised", "entropy", ["semi_supervised@entropy"], "entropy"),
        ("theory", "geometric_series", ["theory@geometric_series"], 'id="topic-geometric_series"'),
    ],
)
def test_a_file_and_an_entry_are_a_stage_a_record_and_a_place_in_the_report(study, family, name, stages, shown):
    study.add(family, name).stages(*stages)
    record = study.record(family, name)
    assert name in record["settings"] and all(check["passed"] for check in record["checks"])
    assert all(seed["status"] == "finished" for seed in record["seeds"].values()) and shown in study.page()


def test_a_metric_is_taken_of_the_records_that_are_there_and_may_be_claimed(study):
    before = study.record("regularizers", "none")
    study.add("metrics", "top_two_accuracy", k=10)
    claim = {"says": "All ten classes are named", "lecture": "regularization", "metric": "test_top_two_accuracy"}
    claim |= {"recipe": "none", "versus": 0.99, "direction": "higher"}
    study.edit(lambda all: all.update(claims={"all_ten": claim}))
    assert "All ten classes are named" in study.page()
    metrics = json.loads((study.folder / "reports/metrics.json").read_text("utf-8"))
    assert metrics["claims"]["all_ten"]["value"] == 1.0 and study.record("regularizers", "none") == before
    assert metrics["regularizers"]["none"]["metrics"]["test_top_two_accuracy"]["mean"] == 1.0


def test_a_section_of_the_report_has_a_page(study):
    study.add("report_sections", "costs", heading="Floating-point operations")
    page = study.page()
    flops = study.record("regularizers", "none")["cost"]["flops"]
    assert f"<p>Floating-point operations</p><ol><li>none: {flops}</li></ol>" in page and "What it costs" in page
    assert (study.folder / "reports/pages/further.html").exists()


def test_with_all_of_them_the_contracts_hold(study):
    """What the tests of the project ask of every file of a family, in the copy."""
    for family in FOLDERS:
        for path in sorted((OWN / family).glob("*.py")):
            study.add(family, path.stem) if family != "models" else study.place(family, path.stem)
    shutil.copytree(ROOT / "tests", study.folder / "tests", ignore=shutil.ignore_patterns("adding", HALF_WRITTEN))
    for name in ("params.yaml", "pyproject.toml", "README.md"):
        shutil.copyfile(ROOT / name, study.folder / name)
    text = (study.folder / "params.yaml").read_text("utf-8")
    entry = "regularizers:\n  logit_squeezing: {strength: 0.1}   # a comment\n"
    (study.folder / "params.yaml").write_text(text.replace("regularizers:\n", entry, 1), encoding="utf-8")
    contracts = ["tests/test_contract.py", "tests/models", "tests/core/test_outlines.py", "tests/config/test_params.py"]
    contracts += ["tests/regularizers/test_settings.py", "tests/report/test_report_chapter.py"]
    names = "logit_squeezing or sine or decision_tree or halves or ink or entropy or geometric_series"
    names += " or stands_where_its_file_says or law_for_every_setting or found_by_its_name"
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", names, *contracts]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    done = subprocess.run(command, cwd=study.folder, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout
