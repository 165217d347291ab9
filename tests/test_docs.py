"""README and docs/: generated pages are up to date, and every link, path, command, setting and module in them exists."""

import ast
import re
import runpy
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
WRITTEN = [page for page in PAGES if not page.is_relative_to(DOCS / "techniques")]
PARAMS = YAML(typ="safe").load(ROOT / "params.yaml")

# What a study, an installation or a reader makes: named in the text, and not in the repository.
MADE = ("runs", "data", ".dvc", "dvc.lock", "profiles", "mlflow.db", "mlartifacts", ".reglab", ".venv", "dvc_plots")
EXAMPLE = re.compile(r"\bmy|[<*…]|\.\.\.")  # names of what a reader adds, and patterns


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def spans(page: Path) -> list[str]:
    """What a page sets in `backticks` in its prose."""
    prose = re.sub(r"(?ms)^```.*?^```", "", page.read_text("utf-8"))
    prose = "\n".join(line for line in prose.splitlines() if not line.startswith("    "))
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def blocks(page: Path) -> list[str]:
    """Its blocks of code, indented or fenced."""
    text = page.read_text("utf-8")
    fenced = re.findall(r"(?ms)^```[a-z]*\n(.*?)^```", text)
    text = re.sub(r"(?ms)^```.*?^```", "", text)
    return fenced + re.findall(r"(?m)(?<=\n\n)(?:    .*\n|\n(?=    ))+", text)


def code(page: Path) -> list[str]:
    return [*spans(page), *(line for block in blocks(page) for line in block.splitlines())]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_method(call: ast.Call, name: str) -> bool:
    return getattr(call.func, "attr", "") == name


def calls_in(path: str) -> list[ast.Call]:
    """The calls in a file, from its first line to its last."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return sorted((node for node in ast.walk(tree) if isinstance(node, ast.Call)), key=lambda node: node.lineno)


def options() -> dict[str, set[str]]:
    """The commands of `reglab` and the options of each, read from the text of cli.py and of config/in_study.py."""
    result, current = {}, set()
    of_study = {
        call.args[0].value for call in calls_in("src/reglab/config/in_study.py") if is_method(call, "add_argument")
    }
    for call in calls_in("src/reglab/cli.py"):
        if is_method(call, "add_parser"):
            current = result[call.args[0].value] = set()
        elif is_method(call, "add_argument"):
            current.add(call.args[0].value)
        elif getattr(call.func, "id", "") == "add_arguments":
            current |= of_study
    return result


def defined(module: str) -> bool:
    """Whether this dotted name is a module of the package, or a name at the top of one."""
    base = ROOT / "src" / module.replace(".", "/")
    if base.with_suffix(".py").is_file() or base.is_dir():
        return True
    home, _, name = module.rpartition(".")
    file = ROOT / "src" / f"{home.replace('.', '/')}.py"
    file = file if file.is_file() else file.with_suffix("") / "__init__.py"
    if not file.is_file():
        return False
    names = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        names |= {node.name} if isinstance(node, ast.ClassDef | ast.FunctionDef) else set()
        names |= {alias.asname or alias.name for alias in getattr(node, "names", [])}
        for target in getattr(node, "targets", []):
            names |= {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}
    return name in names


def test_the_pages_of_techniques_say_what_the_code_says():
    """A technique that was added has no page before `make docs`, and needs none."""
    pages = runpy.run_path(str(DOCS / "generate.py"))["pages"]()
    for path in (DOCS / "techniques").glob("*/*.md"):
        name = path.relative_to(DOCS / "techniques").as_posix()
        assert path.read_text("utf-8") == pages.get(name), f"docs/techniques/{name}: run: make docs"
    listed = (DOCS / "techniques" / "index.md").read_text("utf-8").splitlines()
    assert set(listed) <= set(pages["index.md"].splitlines()), "docs/techniques/index.md: run: make docs"
    assert len(listed) > 60


@pytest.mark.parametrize("page", sorted((DOCS / "techniques").glob("*/*.md")), ids=named)
def test_a_page_of_a_technique_has_settings_and_a_reference(page):
    text = page.read_text("utf-8")
    assert "\n## Settings\n" in text
    assert "\n## Reference\n" in text or page.stem in ("none", "placebo"), (
        f"{named(page)}: no paragraph begins with Source:"
    )


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_link_leads_to_a_file_and_a_heading_that_are_there(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        path, _, anchor = link.partition("#")
        if not link.startswith(("http:", "https:")):
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), f"{named(page)}: {link}"
            assert not anchor or anchor in anchors(target), f"{named(page)}: {link}"


def made(path: str) -> bool:
    return path.split("/")[0] in MADE or path.startswith("suite/runs/")


def files() -> set[str]:
    """The names of all files of code, and those of a record, which may be named without a folder."""
    result = {path.name for folder in ("src", "pipelines", "tests") for path in (ROOT / folder).rglob("*.*")}
    return result | {"record.json", "curves.csv", "members.csv"}


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_a_path_in_backticks_is_that_of_a_file(page):
    known = files()
    for span in spans(page):
        is_path = re.fullmatch(r"[\w.@<>*-]+(/[\w.@<>*-]*)+", span)
        is_file = re.fullmatch(r"[\w.-]+\.(py|md|yaml|toml|json|csv|html|txt|lock)", span)
        if (is_path or is_file) and not EXAMPLE.search(span) and not made(span):
            there = any((place / span).exists() for place in (ROOT, ROOT / "src/reglab", page.parent))
            assert there or span in known, f"{named(page)}: {span}"


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_a_make_target_is_in_the_makefile(page):
    targets = re.search(r"\.PHONY: (.*)", (ROOT / "Makefile").read_text("utf-8"))[1].split()
    for line in code(page):
        for target in re.findall(r"(?:^|[\s$])make ([a-z][\w-]*)", line):
            assert target in targets, f"{named(page)}: make {target}"


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_a_command_of_reglab_has_these_options(page):
    known = options()
    for line in code(page):
        for command, rest in re.findall(r"(?:^|[\s$])reglab ([a-z][\w-]*)([^#|;]*)", line):
            assert command in known, f"{named(page)}: reglab {command}"
            for option in re.findall(r"--[\w-]+", rest):
                assert option in known[command] or command == "repro", f"{named(page)}: reglab {command} {option}"


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_a_setting_is_in_params_yaml(page):
    for line in code(page):
        keys = [line] if page.suffix and re.fullmatch(r"[a-z_]+(\.[a-z_0-9]+)+", line) else []
        for key in keys + re.findall(r"-S ([a-z_]+(?:\.[a-z_0-9]+)+)=", line):
            first, *rest = key.split(".")
            value = PARAMS.get(first)
            for part in rest if first in PARAMS else ():
                value = value.get(part, "missing") if isinstance(value, dict) else "missing"
                is_function = defined(f"reglab.evaluation.{key}")  # as `claims.bound`
                assert value != "missing" or EXAMPLE.search(key) or is_function, f"{named(page)}: {key}"


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_a_module_of_the_package_is_there(page):
    for line in code(page):
        names = set(re.findall(r"\breglab(?:\.\w+)+", line))
        if imported := re.match(r"\s*from (reglab[\w.]*) import (.+)", line):
            names |= {f"{imported[1]}.{name.split(' as ')[0].strip()}" for name in imported[2].split(",")}
        for name in names:
            assert EXAMPLE.search(name) or defined(name), f"{named(page)}: {name}"


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_a_block_of_python_can_be_parsed(page):
    for block in re.findall(r"(?ms)^```python\n(.*?)^```", page.read_text("utf-8")):
        ast.parse(block)


def test_the_tree_of_the_readme_has_every_room_and_nothing_that_is_not_there():
    tree = next(block for block in blocks(ROOT / "README.md") if "src/reglab/" in block)
    places = re.findall(r"(?m)^ {4}( *)([\w./]+?)/?(?= )", tree)
    rooms = {path.name for path in (ROOT / "src/reglab").iterdir() if not path.name.startswith("_")}
    assert {name for indent, name in places if indent} == rooms
    missing = [name for indent, name in places if not indent and not (ROOT / name).exists()]
    assert len(places) > len(rooms) and not missing


def test_an_edit_of_the_documentation_runs_no_stage_again():
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    deps = {dep for stage in stages.values() for dep in stage.get("do", stage).get("deps", [])}
    assert deps and not [dep for dep in deps if dep.startswith(("docs", "README"))]


def test_the_layers_are_drawn_in_the_order_of_the_contract():
    contract, *_ = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    drawing = next(block for block in blocks(DOCS / "architecture.md") if "technique_checks" in block)
    assert [line.split()[0] for line in drawing.splitlines()] == contract["layers"]


def test_the_readme_has_a_reason_for_every_dependency():
    table = (ROOT / "README.md").read_text("utf-8").partition("## Dependencies")[2]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for package in [*project["dependencies"], *chain(*project["optional-dependencies"].values())]:
        name = re.match(r"[\w.-]+", package)[0]
        assert re.search(rf"(?m)^\|[^|]*\b{re.escape(name)}\b[^|]*\|", table), f"README.md: Dependencies: lacks {name}"
