"""Which code decides what a stage puts out: its imports, followed, for DVC does not follow them.

A stage depends on one small file that names the code it runs, each with its hash, instead of some thirty lines in dvc.yaml.
What is found by name is not imported: there a stage names the file of its entry, and what that file imports is told here.
"""

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

from reglab.entries import BASES, names

# What decides nothing in an output: messages, the reading of params.yaml (DVC compares the values), the mirror to MLflow,
# the process that a stage runs in.
IDLE = ("errors.py", "params.py", "entries.py", "grids.py", "sections.py", "faults.py", "yaml_source.py", "tracking")
IDLE += ("cores.py", "git.py", "outlines.py", "redaction.py", "warm.py", "dvc_process.py", "disk_space.py")
IDLE += ("changed_settings.py", "outcome.py")


class Code:
    """The code of the checkout at `root`: its `pipelines` and the `package` in src/."""

    def __init__(self, root: Path) -> None:
        self.root, self.pipelines, self.package = root, root / "pipelines", root / "src" / "reglab"
        self.idle = {self.package / name for name in IDLE}

    def imported(self, path: Path) -> set[str]:
        """The modules of this project that a file imports, at its top or inside functions, as dotted names."""
        found = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        return {name for name in found if name.split(".")[0] in ("reglab", "stage") and self.file_of(name)}

    def file_of(self, module: str) -> Path | None:
        base = (self.pipelines if module == "stage" else self.package.parent).joinpath(*module.split("."))
        candidates = (base.with_suffix(".py"), base / "__init__.py")
        return next((path for path in candidates if path.exists()), None)

    def closure(self, paths: Iterable[Path]) -> set[Path]:
        """These files and all that they import, without what decides nothing and __init__ files that hold no code."""
        found, waiting = set(), list(paths)
        while waiting:
            file = waiting.pop()
            if file not in found and not self.idle & {file, file.parent}:
                found.add(file)
                waiting += [self.file_of(name) for name in self.imported(file)]
        return {file for file in found if len(ast.parse(file.read_text("utf-8")).body) > 1}

    def run_by(self, path: Path) -> set[Path]:
        """The files that a stage's file runs, without the entries that are found by name, but with what these import."""
        found = self.closure([path])
        while True:
            entries = {entry for base, own in self.families().items() if base in found for entry in own}
            more = found | (self.closure(entries) - entries)
            if more == found:
                return found
            found = more

    def families(self) -> dict[Path, set[Path]]:
        """By the file of its base class, the files of a family that are found by name."""
        bases = {family: self.file_of(base.rpartition(".")[0]) for family, base in BASES.items()}
        return {base: {base.with_name(f"{name}.py") for name in names(family)} for family, base in bases.items()}

    def told(self, files: Iterable[Path]) -> str:
        """A line for each file, in order: the SHA-256 of its content and its path."""
        lines = [
            f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(self.root).as_posix()}"
            for file in sorted(files)
        ]
        return "\n".join(lines) + "\n"
