"""The shape of the house: what may import what, and that dvc.yaml tells the truth about it."""

import ast
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "reglab"

# Lowest first; a module may import its own layer and the layers before it.
LAYERS = [
    {"errors", "streams", "figures", "oracle", "yaml_source", "faults", "sections", "measures"},
    {"params", "demands", "entries", "grids", "data", "models", "best_weights", "losses", "penalties", "augmentation"},
    {"attacks"},
    {"regularizers", "baselines"},
    {"learners"},
    {"pretexts", "semi_supervised", "multitask"},
    {"ensembles", "evaluation"},
    {"processes", "warm", "fitting", "training", "checking", "ensembling", "attacking", "record", "journal", "tracking"}
    | {"augmenting", "pretraining", "budgets", "few_labels", "multitasking", "restoring"}
    | {"regimes", "variance_sources", "searching", "sweeping", "cocktail", "surroundings"},
    {"report"},
    {"repro", "profiles", "cli"},
]
FOUND_BY_NAME = {"regularizers", "baselines", "theory", "models", "ensembles"}
FOUND_BY_NAME |= {"pretexts", "semi_supervised", "multitask"}
# What decides nothing in an output: messages, the reading of params.yaml (DVC compares the values), the mirror to MLflow,
# the process that a stage runs in.
IDLE = ("errors.py", "params.py", "entries.py", "grids.py", "sections.py", "faults.py", "yaml_source.py", "tracking")
WITHOUT_EFFECT = {PACKAGE / name for name in (*IDLE, "warm.py")}


def layer(part: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if part in parts)


def imported(path: Path) -> set[str]:
    """The modules of this project that a file imports, at its top or inside functions, as dotted names."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in ("reglab", "stage") and file_of(name)}


def file_of(module: str) -> Path | None:
    base = (ROOT / "pipelines" if module == "stage" else ROOT / "src").joinpath(*module.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.exists()), None)


def closure(path: Path) -> set[Path]:
    """Every file that decides what this one puts out; packages' __init__ files apart when they hold no code."""
    found, waiting = set(), [path]
    while waiting:
        file = waiting.pop()
        if file not in found and not WITHOUT_EFFECT & {file, file.parent}:
            found.add(file)
            waiting += [file_of(name) for name in imported(file)]
    return {file for file in found if len(ast.parse(file.read_text()).body) > 1}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    for name in imported(path):
        part = name.split(".")[1] if "." in name else "errors"
        if own == "__init__" or part == own:
            continue
        if own == "theory":
            assert layer(part) <= layer("data"), f"{path}: theory stands beside and imports nothing above data: {name}"
        elif part == "theory":
            assert own in ("params", "checking"), f"{path}: theory stands beside, only its own stage runs it: {name}"
        else:
            assert layer(part) <= layer(own), f"{path} imports {name}, which stands above it"


def test_one_module_alone_imports_mlflow():
    importers = [
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mlflow")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "mlflow" for alias in node.names))
    ]
    assert set(importers) == {"tracking"}


def test_a_regularizer_imports_only_what_lies_below_it():
    allowed = {
        "base",
        "losses",
        "attacks",
        "models",
        "penalties",
        "augmentation",
        "data",
        "streams",
        "errors",
        "oracle",
        "best_weights",
    }
    for path in (PACKAGE / "regularizers").glob("*.py"):
        for name in imported(path):
            part = name.split(".")[1] if "." in name else "errors"
            part = name.split(".")[2] if part == "regularizers" and name.count(".") > 1 else part
            assert part in allowed | {"regularizers"}, f"{path.name} imports {name}"


def test_nothing_imports_the_pipelines():
    for path in PACKAGE.rglob("*.py"):
        assert "stage" not in {name.split(".")[0] for name in imported(path)}


def stages() -> dict[str, dict]:
    return YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def of_template(name: str) -> dict:
    return stages()[name].get("do", stages()[name])


def covered_by(dep: str) -> set[Path]:
    """The code that a line of `deps` stands for: a file, a folder, or the files that an entry may name."""
    settings = YAML(typ="safe").load(ROOT / "params.yaml")

    def value(key: re.Match) -> str:
        at = settings
        for part in key[1].split("."):
            at = "*" if part in ("key", "item") else at[part]
        return at

    path = ROOT / re.sub(r"\$\{([a-z_.]+)\}", value, dep)
    return set(path.rglob("*.py")) if path.is_dir() else set(ROOT.glob(str(path.relative_to(ROOT))))


@pytest.mark.parametrize("name", stages())
def test_a_stage_depends_on_the_code_it_runs_and_on_no_other(name):
    stage = of_template(name)
    named = [dep for dep in stage["deps"] if dep.startswith(("src/", "pipelines/"))]
    found_by_name = {path for family in FOUND_BY_NAME for path in (PACKAGE / family).glob("*.py")}
    runs = closure(ROOT / stage["cmd"].split()[-1])
    for dep in named:  # files that are found by their names run what they import
        if "${" in dep or (ROOT / dep).is_dir():
            runs |= set().union(*map(closure, covered_by(dep)))
    covered = set().union(*map(covered_by, named))
    missing = runs - covered - {path for path in found_by_name if path.name not in ("base.py", "__init__.py")}
    assert not missing, f"dvc.yaml: {name}: deps lacks {sorted(str(file.relative_to(ROOT)) for file in missing)}"
    idle = [dep for dep in named if not covered_by(dep) & (runs | found_by_name)]
    assert not idle, f"dvc.yaml: {name}: deps names code that it does not run: {idle}"


def test_every_command_is_constant():
    for name, stage in stages().items():
        command = stage.get("do", stage)["cmd"]
        assert "$" not in command and command.startswith("exec python pipelines/"), f"dvc.yaml: {name}: {command}"


def test_every_stage_says_what_it_does():
    for name, stage in stages().items():
        assert len(stage.get("do", stage)["desc"]) > 20, f"dvc.yaml: {name} has no desc"


def test_no_file_has_grown_beyond_one_subject():
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "pipelines").glob("*.py")]:
        assert len(path.read_text().splitlines()) <= 300, f"{path} is too long for one subject"


def test_what_reads_all_records_runs_again_when_an_entry_goes():
    settings = YAML(typ="safe").load(ROOT / "params.yaml")
    kept = {name for name, stage in stages().items() if "foreach" in stage}
    families = {stages()[name]["foreach"].strip("${}").partition(".")[0] for name in kept}
    assert families <= settings.keys()
    for name in ("evaluate", "mirror"):
        assert families <= set(stages()[name]["params"]), f"dvc.yaml: {name}: params lacks a section of entries"
