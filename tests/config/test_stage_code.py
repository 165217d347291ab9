"""The code that a stage runs: one list makes DVC run the stage again and a cached training unusable."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reglab.config import stage_code
from reglab.config.profiles import merged
from reglab.config.stage_code import Code
from reglab.config.yaml_source import read

ROOT = Path(__file__).parent.parent.parent
IGNORED = shutil.ignore_patterns("__pycache__", "*.egg-info")


class Project:
    """A copy of what decides about code: src, pipelines, dvc.yaml and params.yaml, the data source being `mine`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.package = folder, folder / "src" / "reglab"
        for name in ("src", "pipelines"):
            shutil.copytree(ROOT / name, folder / name, ignore=IGNORED)
        shutil.copyfile(ROOT / "dvc.yaml", folder / "dvc.yaml")
        settings = (ROOT / "params.yaml").read_text("utf-8")
        (folder / "params.yaml").write_text(settings.replace("  name: digits  ", "  name: mine  ", 1), encoding="utf-8")
        self.write("data/sources/mine.py", MINE)
        self.write("data/mine_table.py", TABLE)
        self.write("data/sources/mine.csv", "".join(f"{row % 7},{row % 5},{row % 2}\n" for row in range(1797)))

    def write(self, name: str, text: str) -> None:
        (self.package / name).parent.mkdir(exist_ok=True)
        (self.package / name).write_text(text, encoding="utf-8")

    def comment(self, name: str) -> None:
        self.write(name, (self.package / name).read_text("utf-8") + "# a comment\n")

    def lists(self) -> dict[str, str]:
        """They follow from the names and the contents of the files: most tests begin with the same ones."""
        digest = hashlib.sha256()
        for file in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            content = file.read_bytes()
            digest.update(f"{file.relative_to(self.folder)} {len(content)} ".encode() + content)
        if (key := digest.digest()) not in LISTED:
            code = Code(self.folder, read(self.folder / "params.yaml")[0])
            LISTED[key] = {stage: code.listing(stage) for stage in code.stages()}
        return LISTED[key]

    def run(self, *command: str) -> subprocess.CompletedProcess:
        environment = os.environ | {"PYTHONPATH": str(self.package.parent)}
        return subprocess.run(
            [sys.executable, *command], cwd=self.folder, env=environment, capture_output=True, encoding="utf-8"
        )


MINE = '''"""A table of my own."""

from pathlib import Path

from ..mine_table import table


def load():
    return table(Path(__file__).with_name("mine.csv"))
'''
TABLE = """import numpy as np


def table(file):
    rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
    return rows[:, :-1] / 7, rows[:, -1].astype(np.int64)
"""


LISTED = {}


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def stale(project):
    """The stages whose list of code an edit changes."""

    def stale(edit) -> set[str]:
        before = project.lists()
        edit()
        after = project.lists()
        return {stage for stage in before | after if before.get(stage) != after.get(stage)} - {"code"}

    return stale


TRAINED = {
    "train@dropout",
    "combine@dropout_and_max_norm",
    "ensemble@bagging",
    "transfer@masked_tuned",
    "tune@dropout",
    "sweep@dropout",
}


def test_a_comment_in_a_report_module_leaves_all_that_is_trained_alone(project, stale):
    assert stale(lambda: project.comment("report/tables.py")) == {"report"}


@pytest.mark.parametrize("name", ["data/sources/mine.py", "data/mine_table.py", "data/sources/mine.csv"])
def test_an_edit_of_a_source_its_helper_or_its_file_concerns_all_that_is_trained_on_it(name, project, stale):
    edited = stale(lambda: project.comment(name))
    assert edited >= TRAINED | {"check", "prepare", "baseline@k_nearest_neighbours"}
    assert not edited & {"scenes", "multitask@joint", "theory@lasso"}


KNOWN = ["core/families.py", "core/family.py", "experiments/recipes/__init__.py", "evaluation/metric_names.py"]


@pytest.mark.parametrize("name", [*KNOWN, "evaluation/metrics.py"])
def test_what_is_known_of_families_and_metrics_before_any_training_concerns_no_training(name, project, stale):
    assert "evaluate" in (edited := stale(lambda: project.comment(name)))
    assert edited <= {"check", "evaluate", "report"}


def test_a_new_row_of_a_family_changes_the_list_of_no_training(project, stale):
    row = (project.package / "experiments/regimes/__init__.py").read_text("utf-8").replace('"regime', '"fresh_regime')
    assert stale(lambda: project.write("experiments/fresh_regimes/__init__.py", row)) == {"check", "evaluate", "report"}


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("recipes/run", {"train", "combine"}),
        ("regimes/run", {"regime"}),
        ("tuning/sweep", {"sweep"}),
        ("tuning/tuned", {"tune", "tune_clean", "tune_other_network"}),
    ],
)
def test_an_edit_of_how_a_family_runs_concerns_its_own_stages_alone(module, stages, project, stale):
    edited = stale(lambda: project.comment(f"experiments/{module}.py"))
    assert {stage.partition("@")[0] for stage in edited} == stages


def test_an_edit_of_another_network_concerns_what_is_tuned_with_it(project, stale):
    edited = stale(lambda: project.comment("models/convnet.py"))
    assert {f"tune_other_network@{name}" for name in ("none", "affine")} <= edited
    assert not edited & {"tune@none", "tune_clean@none", "train@none"}


def test_an_edit_of_how_an_ensemble_chooses_its_members_concerns_the_list_of_members(project, stale):
    assert "members" in stale(lambda: project.comment("experiments/ensembles/methods/heterogeneous.py"))
    assert "members" in stale(lambda: project.comment("tracking/record.py"))


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("report/tables.py", False),
        ("regularizers/dropout.py", False),  # members of bagging have no technique
        ("experiments/ensembles/methods/boosting.py", False),
        ("tracking/mirror/store.py", False),
        ("training/one_seed.py", True),
    ],
)
def test_members_are_trained_again_after_an_edit_of_what_their_ensemble_runs_alone(name, again, project, stale):
    assert ("ensemble@bagging" in stale(lambda: project.comment(name))) == again


def test_an_edit_of_the_settings_of_searches_concerns_the_sweeps(project, stale):
    edited = stale(lambda: project.comment("experiments/tuning/settings.py"))
    assert "sweep@dropout" in edited and not edited & {"train@dropout", "ensemble@bagging"}


@pytest.mark.parametrize("name", ["mydata.py", "mytable.py", "my.csv"])
def test_an_edit_of_a_source_by_its_dotted_path_its_helper_or_its_file_concerns_the_same(name, project, stale):
    code = MINE.replace("..mine_table", "mytable").replace("mine.csv", "my.csv")
    for file, content in {"mydata.py": code, "mytable.py": TABLE, "my.csv": "1,2,0\n"}.items():
        (project.folder / file).write_text(content, encoding="utf-8")
    params = project.folder / "params.yaml"
    params.write_text(params.read_text("utf-8").replace("name: mine", "name: mydata.load"), encoding="utf-8")
    edited = stale(lambda: (project.folder / name).open("a", encoding="utf-8").write("# a comment\n"))
    assert edited >= TRAINED | {"check", "prepare", "baseline@k_nearest_neighbours"}
    assert not edited & {"scenes", "multitask@joint", "theory@lasso"}


def test_an_edit_of_the_base_of_techniques_concerns_every_training(project, stale):
    assert stale(lambda: project.comment("training/regularizer.py")) >= TRAINED


def test_an_edit_of_a_technique_concerns_the_stages_that_name_or_import_it_and_the_topic_that_it_names(project, stale):
    edited = stale(lambda: project.comment("regularizers/dropout.py"))
    trained = {
        "train@dropout",
        "train@r_drop",
        "tune@dropout",
        "tune@r_drop",
        "tune_clean@dropout",
        "tune_clean@r_drop",
        "sweep@dropout",
        "regime@dropout",
        "variance_source@dropout",
        "cocktail@stacked",
    }
    stacked = {"combine@dropout_and_max_norm", "combine@dropout_and_input_noise"}
    attacked = {"attack@regularizers", "attack@combinations", "attack@ensembles"}
    assert edited == trained | stacked | attacked | {"ensemble@dropout_average", "theory@dropout"} | READ


READ = {"report", "members"}  # which read what entries say of themselves, and what their records say


def test_an_edit_of_what_a_technique_imports_concerns_its_stages_alone(project, stale):
    project.write(
        "regularizers/mixup.py", "from . import mixing\n" + (project.package / "regularizers/mixup.py").read_text()
    )
    project.write("regularizers/mixing.py", "SHARE = 0.5\n")
    edited = stale(lambda: project.write("regularizers/mixing.py", "SHARE = 0.25\n"))
    assert edited >= {"train@mixup", "sweep@mixup", "cocktail@stacked"} and not edited & {
        "train@l1",
        "ensemble@bagging",
    }


def test_a_file_that_no_entry_names_concerns_nothing(project, stale):
    copied = (project.package / "regularizers/k_sparse.py").read_text().replace('"matching_pursuit"', "None")
    assert not stale(lambda: project.write("regularizers/fresh.py", copied))
    assert not stale(
        lambda: project.write("experiments/ensembles/methods/fresh.py", "from reglab.report import tables\n")
    )


def test_a_data_file_is_one_that_a_string_names_or_lies_in_a_folder_that_it_names(project, stale):
    (project.package / "data" / "sources" / "pictures" / "cats").mkdir(parents=True)
    project.write("data/sources/mine.py", MINE.replace('"mine.csv"', '"pictures"'))
    assert "prepare" in stale(lambda: project.write("data/sources/pictures/cats/one.txt", "a cat"))
    assert "prepare" in stale(lambda: project.write("data/sources/pictures/cats/one.txt", "another cat"))
    assert "prepare" not in stale(lambda: project.comment("data/sources/mine.csv"))


def test_code_that_is_no_python_is_listed_all_the_same(project, stale):
    assert "train@l1" in stale(lambda: project.write("regularizers/l1.py", "def ("))
    assert "train@l1" in stale(lambda: project.write("regularizers/l1.py", "def (("))


def test_a_python_file_beside_the_checkout_with_its_name_is_none_of_it(project):
    beside = project.folder.with_name(f"{project.folder.name}.py")
    before = project.lists()
    beside.write_text("x = 1\n")
    try:
        assert Code(project.folder, read(project.folder / "params.yaml")[0]).file_of("") is None
        assert project.lists() == before
    finally:
        beside.unlink()


def test_a_list_has_a_line_for_each_file_in_order_with_the_hash_of_its_content(project):
    lines = project.lists()["train@dropout"].splitlines()
    assert lines == sorted(lines, key=lambda line: line.split()[1])
    for line in lines:
        digest, file = line.split("  ")
        assert digest == hashlib.sha256((project.folder / file).read_bytes()).hexdigest()
    files = {line.split("/", 1)[1] for line in lines}
    inside = {
        "training/one_seed.py",
        "training/regularizer.py",
        "regularizers/dropout.py",
        "models/mlp.py",
        "data/mine_table.py",
    }
    assert {f"reglab/{name}" for name in inside} | {"stage.py", "experiment.py"} <= files
    outside = (
        "config/params.py",
        "config/stage_code.py",
        "tracking/mirror/store.py",
        "report/page.py",
        "regularizers/l1.py",
        "models/convnet.py",
    )
    assert not {f"reglab/{name}" for name in outside} & files


def test_names_that_lead_out_of_the_folder_of_lists_and_broken_params_are_left_to_the_check(project):
    given = read(project.folder / "params.yaml")[0] | {
        "regularizers": {"../out": {}, "l1": {}},
        "sweeps": 7,
        "model": [],
    }
    stages = Code(project.folder, given).stages()
    assert [stage for stage in stages if stage.startswith(("train", "sweep"))] == ["train@l1"]
    assert Code(project.folder, {}).listing("check")


SAY_CODE = """
import sys
sys.path.insert(0, "pipelines")
import experiment
print(experiment.code("{stage}"))
"""


def test_a_stage_by_hand_keeps_trainings_by_the_very_list_that_dvc_compares(project):
    assert project.run("pipelines/code.py").returncode == 0
    for stage in ("ensemble@bagging", "variance_source@dropout"):
        name, entry = stage.split("@")
        printed = project.run("-c", SAY_CODE.format(stage=stage))
        listing = project.folder / "data" / "code" / name / f"{entry}.txt"
        assert printed.stdout.rstrip("\n") == listing.read_text("utf-8").rstrip("\n"), printed.stderr
    project.comment("report/tables.py")
    assert project.run("-c", SAY_CODE.format(stage=stage)).stdout == printed.stdout
    project.comment("data/mine_table.py")
    assert project.run("-c", SAY_CODE.format(stage=stage)).stdout != printed.stdout


@pytest.mark.parametrize("package", [False, True])
def test_the_check_accepts_a_source_with_a_helper_and_a_data_file(package, project):
    if package:
        folder = project.package / "data" / "sources"
        (folder / "mine").mkdir()
        (project.package / "data" / "mine_table.py").rename(folder / "mine" / "mine_table.py")
        (folder / "mine.csv").rename(folder / "mine" / "mine.csv")
        (folder / "mine.py").unlink()
        project.write("data/sources/mine/__init__.py", MINE.replace("..mine_table", ".mine_table"))
    sources = project.run("-c", "from reglab.core.registry import sources; print(*sources())")
    names = set(sources.stdout.split())
    assert names >= {"digits", "mine", "scenes"} and "mine_table" not in names, sources.stderr
    alone = merged(project.folder / "params.yaml", None, ["none"])
    (project.folder / "params.yaml").write_text(alone, encoding="utf-8")
    checked = project.run("-m", "reglab.cli", "check")
    assert checked.returncode == 0, checked.stderr
    assert "data/sources/mine" in project.lists()["prepare"] and "mine_table.py" in project.lists()["prepare"]


def test_where_trainings_run_is_in_no_list_and_no_parameter_of_a_stage(project):
    before = project.lists()
    for file in (
        *(project.package / "runtime" / "engines").glob("*.py"),
        *(project.package / "runtime" / "compute").glob("*.py"),
    ):
        project.comment(file.relative_to(project.package).as_posix())
    project.comment("config/compute_section.py")
    settings = YAML(typ="safe").load(project.folder / "params.yaml")
    YAML().dump(
        settings | {"compute": {"engine": "dask", "address": "tcp://127.0.0.1:8786"}}, project.folder / "params.yaml"
    )
    assert project.lists() == before
    stages = YAML(typ="safe").load(project.folder / "dvc.yaml")["stages"].values()
    assert "compute" not in str([stage.get("do", stage).get("params") for stage in stages])


def test_the_stages_that_train_are_those_whose_families_call_a_training(project):
    stages = stage_code.training_stages(project.folder)
    families = {stage.partition("@")[0] for stage in stages}
    assert {"train", "combine", "ensemble", "pretraining", "transfer", "tune", "cocktail", "regime"} <= families
    assert not {"baseline", "theory", "attack", "augment", "code", "check", "evaluate", "report"} & families
