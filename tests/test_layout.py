"""The shape of the house: what may import what, and that dvc.yaml tells the truth about it."""

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "reglab"

# Lowest first; a module may import its own layer and the layers before it.
LAYERS = [
    {"errors", "streams", "figures"},
    {"params", "data", "models", "losses", "penalties"},
    {"attacks"},
    {"regularizers", "baselines"},
    {"learners"},
    {"ensembles", "evaluation"},
    {"processes", "fitting", "training", "record", "journal", "tracking"},
    {"report"},
    {"repro", "cli"},
]
FOUND_BY_NAME = {"regularizers", "baselines", "theory", "models"}


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
    """Every file of this project that runs when this one does, packages' __init__ files apart when they hold no code."""
    found, waiting = set(), [path]
    while waiting:
        file = waiting.pop()
        if file not in found:
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
        else:
            assert part != "theory" and layer(part) <= layer(own), f"{path} imports {name}, which stands above it"


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
    allowed = {"base", "losses", "attacks", "models", "penalties", "data", "streams", "errors"}
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


@pytest.mark.parametrize("name", stages())
def test_a_stage_depends_on_the_code_it_runs_and_on_no_other(name):
    stage = stages()[name].get("do", stages()[name])
    script = ROOT / stage["cmd"].split()[-1]
    declared = {dep.replace("${key}", "*") for dep in stage["deps"] if dep.endswith(".py") or dep.startswith("src/")}
    found_by_name = {PACKAGE / part for part in FOUND_BY_NAME}

    def files(dep: str) -> set[Path]:
        return set((ROOT / dep).rglob("*.py")) if (ROOT / dep).is_dir() else set(ROOT.glob(dep))

    covered = set().union(*(files(dep) for dep in declared))
    runs = closure(script) - {PACKAGE / "params.py"}
    missing = {file for file in runs if file not in covered and file.parent not in found_by_name | {PACKAGE / "tracking"}}
    assert not missing, f"dvc.yaml: {name}: deps lacks {sorted(str(file.relative_to(ROOT)) for file in missing)}"
    idle = {dep for dep in declared if "*" not in dep and not files(dep) & closure(script) and Path(dep).name not in FOUND_BY_NAME}
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
