"""What a Python file says of other files: the modules that it imports, and the strings in it, which may name data files."""

import ast
import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple


class Parsed(NamedTuple):
    """What a file imports (relative imports with their dots), the strings in it, and whether it is more than a docstring."""

    imports: set[str]
    strings: set[str]
    code: bool = True


def parse(file: Path) -> Parsed:
    """Read a Python file; another file, and a text that is no Python, as its stage will report, is code without imports."""
    return parse_text(file.read_bytes()) if file.suffix == ".py" else Parsed(set(), set())


@lru_cache(maxsize=2000)
def parse_text(text: bytes) -> Parsed:
    """The text of a Python file, parsed once by this process and those that are forked from it."""
    parsed = Parsed(set(), set())
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return parsed
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            parsed.strings.add(node.value)
        elif isinstance(node, ast.Import):
            parsed.imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots, module = "." * node.level, node.module or ""
            parsed.imports.update(
                f"{dots}{module}.{alias.name}" if module else dots + alias.name for alias in node.names
            )
            parsed.imports.add(dots + module)
    return parsed._replace(code=len(tree.body) > (ast.get_docstring(tree) is not None))


def data_files(file: Path, strings: Iterable[str]) -> Iterator[Path]:
    """The files beside a Python file that a string in it names; of a folder without Python, all that lies in it."""
    beside = set(os.listdir(file.parent))  # so that the many strings that name no file need no look at the disk
    for name in strings:
        if name.partition("/")[0] in beside and re.fullmatch(r"\w[\w. -]*(/\w[\w. -]*)*", name):
            named = file.parent / name
            if named.is_file() and named.suffix != ".py":
                yield named
            elif named.is_dir() and not any(named.rglob("*.py")):
                yield from (inside for inside in named.rglob("*") if inside.is_file())
