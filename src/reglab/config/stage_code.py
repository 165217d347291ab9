"""Lists the code that each stage runs (imports are followed) and hashes every file.

The list of a stage decides two things at once: whether DVC runs the stage again (it depends on the file that
pipelines/code.py writes, for DVC does not follow imports), and whether a training that was cached or interrupted is still
good (pipelines/experiment.py hands the digest of the same list to the journal).
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from reglab.config.parsed_code import Parsed, data_files, parse
from reglab.config.references import mapping
from reglab.config.yaml_source import read
from reglab.core.registry import BASES, FOLDERS, LOADER, RUNNERS, SOURCES
from reglab.core.wording import Plain

# Files and folders that cannot change an output: messages, the reading of params.yaml (DVC compares the values), the mirror
# to MLflow, the process that a stage runs in, and where its trainings run.
IDLE = (
    *("core/errors.py", "core/outlines.py", "core/redaction.py", "core/registry.py", "core/wording.py"),
    *("runtime/cores.py", "runtime/disk_space.py", "runtime/dvc_process.py", "runtime/git.py", "runtime/outcome.py"),
    *("runtime/compute", "runtime/engines", "config/compute_section.py"),
    *("runtime/warm.py", "tracking/mirror", "config/changed_settings.py", "config/entries.py", "config/params.py"),
    *("config/problems.py", "config/seed_counts.py", "config/stage_code.py", "config/yaml_source.py"),
)
FOLLOWED = ("data/study", "runs/")  # what another stage made with code that it found by name
FIND = "reglab.core.registry.find"  # a file that imports it reads what entries of any family say of themselves
FAMILIES = "reglab.core.families"  # the only one that reads the rows of families in experiments/*/__init__.py
MODULES = (
    "reglab.experiments.catalogue.modules"  # a file that imports it uses modules of families that its strings name
)


class Code:
    """The code of the checkout at `root` (`pipelines` and the package in src/), as dvc.yaml and the plain params use it."""

    def __init__(self, root: Path, params: dict[str, Plain]) -> None:
        self.root, self.pipelines, self.package = root, root / "pipelines", root / "src" / "reglab"
        self.params = params
        self.templates = mapping(YAML(typ="safe").load(root / "dvc.yaml"), "stages")
        self.items = {name: item for name, item in self._stages() if re.fullmatch(r"\w+(@[a-z0-9_]+)?", name)}
        self._parsed: dict[Path, Parsed] = {}
        self._files: dict[str, Path | None] = {}
        self._needs: dict[Path, set[Path]] = {}
        self._lines: dict[Path, str] = {}
        self._idle: dict[Path, bool] = {}
        self._closures: dict[Path, set[Path]] = {}
        self._words: dict[str, set[str]] = {}
        self._named: dict[str, list[tuple[Path, Path]]] = {}

    def _stages(self) -> Iterator[tuple[str, Any]]:
        for name, stage in self.templates.items():
            if "foreach" not in stage:
                yield name, None
                continue
            items = at(self.params, stage["foreach"].strip("${}"))
            for item in items if isinstance(items, list) else mapping(items):
                yield f"{name}@{item}", items[item] if isinstance(items, dict) else item

    def stages(self) -> list[str]:
        """The names of all stages as DVC has them, such as train@dropout."""
        return list(self.items)

    def pipeline(self, stage: str) -> Path:
        return self.root / self._template(stage)["cmd"].split()[-1]

    def _template(self, stage: str) -> dict:
        template = self.templates[stage.partition("@")[0]]
        return template.get("do", template)

    def _resolved(self, stage: str, key: str) -> list[str]:
        """A list of the stage in dvc.yaml, such as `deps`, with the values of this entry."""
        scope = self.params | {"key": stage.partition("@")[2], "item": self.items[stage]}
        lines = (line for line in self._template(stage).get(key, []) if isinstance(line, str))
        return [re.sub(r"\$\{([\w.]+)\}", lambda match: str(at(scope, match[1])), line) for line in lines]

    @cached_property
    def _outs(self) -> list[tuple[str, str]]:
        """Every output, as the beginning of the paths in it, with the stage that makes it."""
        return [(f"{out}/", stage) for stage in self.items for out in self._resolved(stage, "outs")]

    def words(self, stage: str) -> set[str]:
        """Every name in the settings that the stage depends on, those behind its data and records included."""
        if stage not in self._words:
            deps, entry = self._resolved(stage, "deps"), stage.partition("@")[2]
            settings = [at(self.params, key) for key in self._resolved(stage, "params")]
            settings += [self.params] * ("params.yaml" in deps)
            settings += [entry, *(section.get(entry) for section in map(mapping, self.params.values()))]
            names = set(words(settings))
            for dep in (f"{dep}/" for dep in deps):
                if dep.startswith(FOLLOWED):
                    for other in dict.fromkeys(maker for out, maker in self._outs if out.startswith(dep)):
                        names |= self.words(other)
            self._words[stage] = names
        return self._words[stage]

    def files(self, stage: str) -> set[Path]:
        """The files that a stage runs or that these read: imports followed, and what its settings find by name."""
        runner = self.file_of(RUNNERS.get(stage.partition("@")[0], ""))  # which pipelines/experiment.py imports by name
        starts, entries = {self.pipeline(stage), runner} - {None}, self.entries(self.words(stage))
        reached, more = set(), self.closure(starts)
        while more != reached:
            reached = more
            more = self.closure(starts.union(*(files for base, files in entries.items() if base in reached)))
        reads_entries = any(FIND in self.parsed(file).imports for file in reached)
        return reached.union(*entries.values()) if reads_entries else reached

    def entries(self, words: set[str]) -> dict[Path, set[Path]]:
        """By the file of a family's base class, those of its entries that have these names."""
        files_of = {}
        for word in words:
            for base, file in self.named(word):
                files_of.setdefault(base, set()).add(file)
        return files_of

    def named(self, word: str) -> list[tuple[Path, Path]]:
        """Of each entry of this name, found once for all stages, the file of its family's base class and its own."""
        if word not in self._named:
            families = {base.rpartition(".")[0]: FOLDERS[family] for family, base in BASES.items()} | {LOADER: SOURCES}
            named = []
            for base, folder in families.items():
                files = {self.file_of(f"reglab.{folder.replace('/', '.')}.{word}")}
                if "." in word and folder in (FOLDERS["models"], SOURCES):  # a network or a data source by its path
                    files |= {self.file_of(word.rpartition(".")[0])}
                if folder == FOLDERS["theory"]:  # a topic's stage runs the checks of the techniques that name it
                    topics = {file.stem for file in files - {None}}
                    techniques = (self.package / FOLDERS["regularizers"]).glob("*.py") if topics else ()
                    files |= {file for file in techniques if topics & self.parsed(file).strings}
                named += [(self.file_of(base), file) for file in files - {None}]
            self._named[word] = named
        return self._named[word]

    @cached_property
    def _rows(self) -> set[Path]:
        return set(self.package.glob("experiments/*/__init__.py"))  # the files with the rows of families

    def closure(self, files: Iterable[Path]) -> set[Path]:
        """These files and all that they need, except what cannot change an output and files without code."""
        return set().union(*map(self._reached, files))

    def _reached(self, start: Path) -> set[Path]:
        """The closure of one file, walked once for all stages."""
        if start not in self._closures:
            reached, waiting = set(), [start]
            while waiting:
                file = waiting.pop()
                if file not in reached and not self.is_idle(file):
                    reached.add(file)
                    waiting += self.needs(file)
            self._closures[start] = {file for file in reached if self.parsed(file).code}
        return self._closures[start]

    def is_idle(self, file: Path) -> bool:
        """Whether a file cannot change an output."""
        if file not in self._idle:
            path = file.relative_to(self.package) if file.is_relative_to(self.package) else Path()
            self._idle[file] = not {part.as_posix() for part in (path, *path.parents)}.isdisjoint(IDLE)
        return self._idle[file]

    def needs(self, file: Path) -> set[Path]:
        """The files of this project that a file imports, with their packages, and the data files that it names."""
        if file not in self._needs:
            modules = {module for name in self.imported(file) for module in (name, *parents(name))}
            data = data_files(file, self.parsed(file).strings)
            if MODULES in self.parsed(file).imports:
                data = {*data, *self.modules(self.parsed(file).strings)}
            needs = {self.file_of(module) for module in modules} - {None} | set(data)
            self._needs[file] = needs | self._rows if file == self.file_of(FAMILIES) else needs - self._rows
        return self._needs[file]

    def modules(self, names: Iterable[str]) -> Iterator[Path]:
        """The modules of these names of every family."""
        for folder in (self.package / "experiments").glob("*/"):
            yield from (file for name in names if name.isidentifier() and (file := folder / f"{name}.py").is_file())

    def parsed(self, file: Path) -> Parsed:
        if file not in self._parsed:
            self._parsed[file] = parse(file)
        return self._parsed[file]

    def imported(self, file: Path) -> set[str]:
        """The modules of this project that a file imports, at its top or inside functions, as dotted names."""
        names = {name for name in self.parsed(file).imports if not name.startswith(".")}
        home = self.package.parent if file.is_relative_to(self.package) else self.root
        package = file.parent.relative_to(home).parts
        for name in self.parsed(file).imports - names:
            with contextlib.suppress(ImportError):  # a relative import that leads out of the package
                names.add(resolve_name(name, ".".join(package)))
        return {name for name in names if self.file_of(name)}

    def file_of(self, module: str) -> Path | None:
        """The file of a module or package of this project: in src/reglab, pipelines/stage.py, or beside params.yaml."""
        if module not in self._files:
            homes = {"reglab": self.package.parent, "stage": self.pipelines}
            home = homes.get(module.split(".")[0], self.root)
            base = os.path.join(home, *filter(None, module.split(".")))  # of thousands of names most have no file
            found = (Path(path) for path in (f"{base}.py", f"{base}/__init__.py") if os.path.isfile(path))
            self._files[module] = next((path for path in found if path.is_relative_to(self.root)), None)
        return self._files[module]

    def listing(self, stage: str) -> str:
        """A line for each of the stage's files, in order: the SHA-256 of its content and its path."""
        return self.lines(self.files(stage))

    def lines(self, files: Iterable[Path]) -> str:
        """A line for each file, in order: the SHA-256 of its content and its path."""
        return "".join(map(self.line, sorted(files)))

    def line(self, file: Path) -> str:
        """The line of one file, written once for all stages."""
        if file not in self._lines:
            with open(file, "rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            self._lines[file] = f"{digest}  {file.relative_to(self.root).as_posix()}\n"
        return self._lines[file]


def training_stages(root: Path, module: str = "reglab.training.together") -> list[str]:
    """The stages of the study in `root` whose families import a `module`: unless one is given, those that train networks."""
    code = Code(root, read(root / "params.yaml")[0])
    runners = {stage: RUNNERS.get(stage.partition("@")[0]) for stage in code.stages()}
    files = {stage: code.file_of(runner) for stage, runner in runners.items() if runner}
    return [stage for stage, file in files.items() if file and code.file_of(module) in code.closure({file})]


def at(settings: Plain, key: str) -> Plain:
    """The value at a dotted key, None where there is none."""
    for part in key.split("."):
        settings = mapping(settings).get(part)
    return settings


def words(settings: Plain) -> Iterator[str]:
    """Every key and every text of plain settings that can be the name of a file or the dotted path of a class."""
    if isinstance(settings, dict):
        settings = [*settings, *settings.values()]
    if isinstance(settings, list):
        for value in settings:
            yield from words(value)
    elif isinstance(settings, str) and re.fullmatch(r"\w+(\.\w+)*", settings):
        yield settings


def parents(module: str) -> Iterator[str]:
    """The packages around a module, which are imported with it."""
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


@cache
def read_ahead(root: Path) -> None:
    """Parse the code of the study in `root` before stages are forked that would parse it (runtime/warm.py)."""
    for folder in ("src", "pipelines"):
        for file in (root / folder).rglob("*.py"):
            parse(file)
