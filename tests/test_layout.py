"""The shape of the house: what may import what, and that dvc.yaml tells the truth about it."""

import ast
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from inspect import signature
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reglab.config.stage_code import Code
from reglab.config.yaml_source import read
from reglab.core.families import BY_SECTION, FAMILIES
from reglab.core.registry import RUNNERS, runner

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "reglab"

CODE = Code(ROOT, read(ROOT / "params.yaml")[0])


def test_imports_keep_the_contracts_of_pyproject_toml():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_package_is_rooms_and_the_command_and_every_room_says_what_belongs_there():
    assert [path.name for path in PACKAGE.glob("*.py")] in (["__init__.py", "cli.py"], ["cli.py", "__init__.py"])
    for room in {path.parent for path in PACKAGE.rglob("*.py")}:
        text = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
        assert text and len(text) > 20, f"{room}/__init__.py does not say what belongs there"


TOPICS = PACKAGE / "experiments" / "theory" / "topics"
OF_EVERY_FAMILY = {"__init__", "base", "comparisons", "evaluate", "report", "run", "settings"}  # modules


def shared_names(named: Iterable[tuple[str, Path]]) -> dict[str, list[Path]]:
    """The names that several files have; a theory topic has that of the technique or ensemble that it explains."""
    files = defaultdict(list)
    for name, path in named:
        if path.parent != TOPICS:
            files[name].append(path)
    return {name: paths for name, paths in files.items() if len(paths) > 1}


def public_classes(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


def test_no_two_public_classes_share_a_name_save_a_topic_and_what_it_explains():
    assert shared_names((name, path) for path in PACKAGE.rglob("*.py") for name in public_classes(path)) == {}


def test_no_two_modules_share_a_name_save_those_of_every_family_and_a_topic_and_what_it_explains():
    assert shared_names((path.stem, path) for path in PACKAGE.rglob("*.py") if path.stem not in OF_EVERY_FAMILY) == {}


def test_a_topic_shares_a_name_only_with_a_technique_or_an_ensemble():
    explained = {PACKAGE / "regularizers", PACKAGE / "experiments" / "ensembles" / "methods"}
    others = [path for path in PACKAGE.rglob("*.py") if path.parent not in {TOPICS, *explained}]
    modules = {path.stem for path in others} - OF_EVERY_FAMILY
    classes = {name for path in others for name in public_classes(path)}
    for topic in set(TOPICS.glob("*.py")) - {TOPICS / "__init__.py"}:
        assert topic.stem not in modules and not classes & set(public_classes(topic)), topic


def test_nothing_imports_the_pipelines():
    for path in PACKAGE.rglob("*.py"):
        assert "stage" not in {name.split(".")[0] for name in CODE.imported(path)}


def test_a_stage_finds_pythons_own_modules_before_files_of_their_names(tmp_path):
    for name in ("stage.py", "code.py"):
        (tmp_path / name).write_bytes((ROOT / "pipelines" / name).read_bytes())
    (tmp_path / "probe.py").write_text("import stage\nimport code\nprint(code.InteractiveConsole.__name__)")
    options = {"env": os.environ | {"PYTHONPATH": str(ROOT / "src")}, "check": True, "capture_output": True}
    for folder, script in ((tmp_path, "probe.py"), (tmp_path.parent, f"{tmp_path.name}/probe.py")):
        done = subprocess.run([sys.executable, script], cwd=folder, **options)
        assert done.stdout == b"InteractiveConsole\n"


def stages() -> dict[str, dict]:
    return YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def of_template(name: str) -> dict:
    return stages()[name].get("do", stages()[name])


@pytest.mark.parametrize("name", sorted(set(stages()) - {"code"}))
def test_a_stage_depends_on_its_own_list_of_code_and_on_no_code_besides(name):
    entries = stages()[name].get("foreach", "")
    code_list = f"data/code/{name}{('/${item}' if 'recipes' in entries else '/${key}') * bool(entries)}.txt"
    code = [dep for dep in of_template(name)["deps"] if dep.startswith(("data/code", "src", "pipelines"))]
    assert code == [code_list], f"dvc.yaml: {name}: deps: found {code}; allowed: {code_list}"


def test_every_command_is_constant():
    for name, stage in stages().items():
        command = stage.get("do", stage)["cmd"]
        assert "$" not in command and command.startswith("exec python pipelines/"), f"dvc.yaml: {name}: {command}"


def test_the_pipeline_of_the_suite_has_constant_commands_and_makes_nothing_that_the_study_reads():
    suite = YAML(typ="safe").load(ROOT / "suite" / "dvc.yaml")["stages"]
    outs = set()
    for name, stage in suite.items():
        template = stage.get("do", stage)
        assert re.fullmatch(r"exec python pipelines/suite_\w+\.py", template["cmd"]), f"suite/dvc.yaml: {name}"
        assert template["wdir"] == ".."
        outs |= {out if isinstance(out, str) else next(iter(out)) for out in template.get("outs", ())}
    for name in stages():
        template = of_template(name)
        for part in ("deps", "outs"):
            for path in template.get(part, ()):
                path = path if isinstance(path, str) else next(iter(path))
                overlaps = [out for out in outs if f"{out}/".startswith(f"{path}/") or f"{path}/".startswith(f"{out}/")]
                assert not overlaps, f"dvc.yaml: {name}: {path} overlaps with {overlaps} of suite/dvc.yaml"


def test_the_stages_of_families_and_no_others_are_those_that_call_the_function_of_a_family():
    called = {name for name in stages() if of_template(name)["cmd"].endswith(" pipelines/experiment.py")}
    assert called == set(RUNNERS) and len({family.order for family in FAMILIES}) == len(FAMILIES)
    for stage in called:
        section, run_entry = runner(f"{stage}@none")
        assert BY_SECTION[section].stage == stage and list(signature(run_entry).parameters) == ["settings", "stage"]


def test_every_stage_says_what_it_does():
    for name, stage in stages().items():
        assert len(stage.get("do", stage)["desc"]) > 20, f"dvc.yaml: {name} has no desc"


def without_encoding(tree: ast.AST) -> list[int]:
    """The lines of calls that read or write text, or that of a child process, in the encoding of the locale."""
    lines = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        constants = [node.value for node in (*call.args, named.get("mode")) if isinstance(node, ast.Constant)]
        binary = any(isinstance(value, str) and re.fullmatch(r"[rwxa]?b\+?|[rwxa]\+?b", value) for value in constants)
        opens = (name == "read_text" and not call.args) or (name == "write_text" and len(call.args) < 2)
        opens = (
            opens or (name in ("open", "fdopen") and not binary) or bool({"text", "universal_newlines"} & set(named))
        )
        in_zip = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "archive"
        if opens and not in_zip and "encoding" not in named:  # members of a zip file are read as bytes
            lines.append(call.lineno)
    return lines


@pytest.mark.parametrize(
    ("source", "lacks"),
    [
        ("open(path)", True),
        ("open(path, 'a')", True),
        ("path.open(newline='')", True),
        ("path.read_text()", True),
        ("path.write_text(text)", True),
        ("subprocess.run(command, text=True)", True),
        ("open(path, 'rb')", False),
        ("path.open(mode='wb')", False),
        ("archive.open(member)", False),
        ("path.read_text('utf-8')", False),
        ("path.write_text(text, encoding='utf-8')", False),
    ],
)
def test_a_call_that_leaves_the_encoding_to_the_locale_is_found(source, lacks):
    assert without_encoding(ast.parse(source)) == [1] * lacks


def test_text_is_read_and_written_as_utf_8_whatever_the_locale():
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "pipelines").glob("*.py"), *(ROOT / ".ci").glob("*.py")]:
        lines = without_encoding(ast.parse(path.read_text(encoding="utf-8")))
        assert not lines, f"{path}, lines {lines}: say encoding='utf-8'"


def test_no_file_has_grown_beyond_one_subject():
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "pipelines").glob("*.py")]:
        assert len(path.read_text().splitlines()) <= 300, f"{path} is too long for one subject"


def test_what_reads_all_records_runs_again_when_an_entry_goes():
    for name in ("evaluate", "report"):
        assert "params.yaml" in stages()[name]["deps"], (
            f"dvc.yaml: {name}: deps lacks params.yaml, which names the entries"
        )
    assert "reports/pages" in stages()["mirror"]["deps"], "dvc.yaml: mirror: deps lacks the pages, which name them all"


def test_an_edit_of_the_confidence_trains_nothing():
    """No stage that trains names it, and what reads all of params.yaml is left alone by those that train."""
    for name, stage in stages().items():
        stage = stage.get("do", stage)
        named = {str(key) for key in stage.get("params", []) if str(key).startswith("evaluation")}
        assert named <= {"evaluation.metric"}, f"dvc.yaml: {name}"  # by which searches and ensembles choose
    whole = {name for name in stages() if "params.yaml" in of_template(name)["deps"]}
    assert whole == {"code", "check", "evaluate", "report"}
