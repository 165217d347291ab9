"""Reads classes of settings from the text of their files: the fields without the methods, and without importing torch.

`reglab check` needs the settings alone. Importing the modules that implement them takes several seconds.
"""

import ast
import operator
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, reduce
from importlib import import_module
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent.parent
PLAIN = {"annotated_types", "dataclasses", "functools", "math", "pathlib", "sys", "typing"}  # quick to import
_in_use: ContextVar[bool] = ContextVar("outlines", default=False)


@contextmanager
def outlines() -> Iterator[None]:
    """Within the block settings are checked against outlines and become instances of them."""
    token = _in_use.set(True)
    try:
        yield
    finally:
        _in_use.reset(token)


def in_use() -> bool:
    return _in_use.get()


class Unreadable(Exception):
    """A name that only an import of its file can resolve."""


@cache
def outline(module: str) -> "Outline":
    """The outline of a module of this package; OSError, SyntaxError or ValueError where its file cannot be parsed."""
    return Outline(module)


def method(*_, **__) -> None:
    raise NotImplementedError("an outline has settings alone; import the class to use its methods")


class Outline:
    """The classes and constants that a module of this package defines or imports, each evaluated at its first use."""

    def __init__(self, module: str) -> None:
        self.module, self.known = module, {}
        path = PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
        self.classes: dict[str, ast.ClassDef] = {}
        self.constants: dict[str, ast.expr] = {}
        self.imports: dict[str, tuple[str, str | None]] = {}  # the module, and the name imported from it
        for node in ast.parse(path.read_bytes(), str(path)).body:
            if isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.constants[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                self.constants[node.target.id] = node.value
            elif isinstance(node, ast.Import):
                self.imports |= {name.asname or name.name: (name.name, None) for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                self.imports |= {name.asname or name.name: (node.module, name.name) for name in node.names}

    def get(self, name: str) -> Any:
        """The class or constant of this name; Unreadable if it cannot be evaluated from the text alone."""
        if name not in self.known:
            self.known[name] = self.read(name)
        return self.known[name]

    def read(self, name: str) -> Any:
        if name in self.classes:
            return self.class_of(self.classes[name])
        if name in self.constants:
            return self.value(self.constants[name], {})
        source, original = self.imports.get(name, ("", ""))
        if source in PLAIN:
            return getattr(import_module(source), original) if original else import_module(source)
        if source.startswith("reglab.") and original:
            return outline(source).get(original)
        raise Unreadable(f"{self.module}: {name}")

    def value(self, node: ast.expr, members: dict[str, Any]) -> Any:
        """Evaluate an expression with the `members` of a class and the names of the module."""
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        names = {}
        for name in used:
            if name in members:
                names[name] = members[name]
            elif name in self.classes or name in self.constants or name in self.imports:
                names[name] = self.get(name)
        try:
            return eval(compile(ast.Expression(node), self.module, "eval"), names)
        except Exception as error:
            raise Unreadable(f"{self.module}: {error}") from error

    def class_of(self, node: ast.ClassDef) -> type:
        """Build the class with its annotations, constants and bases; its methods are placeholders."""
        annotations, members = {}, {"__module__": self.module, "__doc__": ast.get_docstring(node)}
        for part in node.body:
            if isinstance(part, ast.FunctionDef):
                members[part.name] = method
            elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                annotations[part.target.id] = self.value(part.annotation, members)
                if part.value:
                    members[part.target.id] = self.value(part.value, members)
            elif isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
                members[part.targets[0].id] = self.value(part.value, members)
        bases = tuple(self.value(base, {}) for base in node.bases)
        outlined = type(node.name, bases, members | {"__annotations__": annotations})
        options = [self.options(decorator) for decorator in node.decorator_list]
        return dataclass(outlined, **reduce(operator.or_, options)) if options else outlined

    def options(self, decorator: ast.expr) -> dict[str, Any]:
        """The arguments of `@dataclass(...)`; Unreadable for another decorator."""
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if not isinstance(called, ast.Name) or self.get(called.id) is not dataclass:
            raise Unreadable(f"{self.module}: a decorator that is not @dataclass")
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        return {keyword.arg: self.value(keyword.value, {}) for keyword in keywords}


def find_subclass(module: str, base: str) -> type | None:
    """The first class of this module that derives from `base` (written module.Class); None if it cannot be read."""
    home, _, name = base.rpartition(".")
    try:
        source, parent = outline(module), outline(home).get(name)
    except (OSError, SyntaxError, ValueError, Unreadable):
        return None
    for class_name in source.classes:
        try:
            candidate = source.get(class_name)
        except Unreadable:
            continue
        if issubclass(candidate, parent):
            return candidate
    return None
