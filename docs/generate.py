"""Writes docs/techniques/: a page for each technique, from its docstrings, its settings and its exact checks.

    make docs

What a page says stands in the file of the technique alone. tests/test_docs.py fails where a page is out of date.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from math import inf
from pathlib import Path
from sys import maxsize

from reglab.config.problems import hints, words
from reglab.core import registry
from reglab.core.outlines import outlines

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "techniques"
PACKAGE = "src/reglab"

# Family: the title on the index page, and what stands under it.
FAMILIES = {
    "regularizers": ("Regularizers", "entries of `regularizers`, `combinations` and `few_labels.regularizers`"),
    "ensembles": ("Ensembles", "entries of `ensembles`"),
    "baselines": ("Baselines", "classical methods, entries of `baselines`"),
    "pretraining": ("Pretext tasks", "entries of `pretraining`, from which `transfer` starts"),
    "semi_supervised": ("Semi-supervised methods", "entries of `semi_supervised`"),
    "multitask": ("Several tasks", "entries of `multitask`"),
    "theory": ("Theory topics", "entries of `theory`"),
    "models": ("Networks", "values of `model.name`"),
}


def pages() -> dict[str, str]:
    """The text of every page by its path below docs/techniques/."""
    with outlines():
        documents = {
            f"{family}/{name}.md": page(family, name) for family in FAMILIES for name in registry.names(family)
        }
    return {"index.md": index()} | documents


def index() -> str:
    lines = [
        "# Techniques",
        "",
        "There is a page for each technique. `make docs` writes it from the file of the technique, so edit the file and not"
        " the page.",
        "A default applies where `params.yaml` leaves a setting out; what the study uses is in `params.yaml`.",
        "",
    ]
    for family, (title, place) in FAMILIES.items():
        lines += [f"## {title}", "", f"In `params.yaml`: {place}.", ""]
        for name in registry.names(family):
            sentence = paragraphs(ast.get_docstring(parsed(family, name)) or "")[0]
            lines.append(f"* [{name}]({family}/{name}.md): {escaped(first_sentence(sentence))}")
        lines.append("")
    return "\n".join(lines)


def page(family: str, name: str) -> str:
    """Title, summary, formula, settings, reference and exact checks of one technique."""
    kind, tree = registry.find(family, name), parsed(family, name)
    text = paragraphs(ast.get_docstring(tree) or "")
    body = paragraphs(ast.get_docstring(class_of(tree, kind.__name__)) or "")
    sources = [each for each in (*body, *text) if is_source(each)]
    parts = [f"# {name}", *(formatted(each) for each in text if not is_source(each))]
    parts += ["## What it does", *(formatted(each) for each in body if not is_source(each))]
    parts += ["## Settings", settings(kind)]
    parts += notes(family, kind)
    if sources:
        parts += ["## Reference", *(formatted(re.sub(r"^Sources?: ", "", each)) for each in sources)]
    if claims := list(checks(tree)):
        parts += ["## Exact checks", "\n".join(f"* {escaped(claim)}" for claim in claims)]
    title, _ = FAMILIES[family]
    parts.append(
        f"---\n\nMade by `make docs` from [{PACKAGE}/{registry.FOLDERS[family]}/{name}.py]"
        f"(../../../{PACKAGE}/{registry.FOLDERS[family]}/{name}.py). All pages: [{title}](../index.md)."
    )
    return "\n\n".join(parts) + "\n"


def settings(kind: type) -> str:
    """A table of the settings: name, allowed values, default."""
    if not fields(kind):
        return "None: its entry is `{}`."
    rows = ["| setting | allowed | default |", "|---|---|---|"]
    for field in fields(kind):
        allowed, default = words(hints(kind)[field.name]), "none" if field.default is MISSING else plain(field.default)
        rows.append(f"| `{field.name}` | {allowed} | {default} |")
    return "\n".join(rows)


def plain(value: object) -> str:
    """A value as params.yaml has it."""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def notes(family: str, kind: type) -> Iterator[str]:
    """What the class declares beside its settings."""
    off, needs = getattr(kind, "off", None), getattr(kind, "needs", ())
    if off:  # none and placebo have nothing to switch off
        values = (
            f"`{name}` without limit" if value in (inf, maxsize) else f"`{name}: {value}`"
            for name, value in off.items()
        )
        yield f"Switched off, bit for bit the training of `none`: {', '.join(values)}."
    if "images" in needs and family == "models":
        yield "It needs inputs that are images; `reglab check` refuses it on other data."
    elif "images" in needs:
        yield "It needs inputs that are images; on other data it is not applicable, and the report says so."
    if "classes" in needs:
        yield "It needs targets that are classes; with other targets it is not applicable, and the report says so."
    if "amounts" in needs:
        yield "It needs targets that are real numbers; with classes it is not applicable, and the report says so."
    if "residual_blocks" in needs:
        yield "It needs a network with residual blocks; in others it is not applicable, and the report says so."
    if "unit_range" in needs:
        yield "It stands before techniques that move inputs out of their box; data that lie beyond [0, 1] have no box."
    if family == "regularizers" and kind.topic:
        yield f"Theory: [{kind.topic}](../theory/{kind.topic}.md)."


def checks(tree: ast.Module) -> Iterator[str]:
    """The claims of the exact checks, in the order of the file; what varies in a claim is written as an ellipsis."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Check")
    for call in sorted(calls, key=lambda call: call.lineno):
        claim = call.args[0]
        parts = claim.values if isinstance(claim, ast.JoinedStr) else [claim]
        text = "".join(part.value if isinstance(part, ast.Constant) else "…" for part in parts)
        if re.search(r"\w", text):
            yield text


def parsed(family: str, name: str) -> ast.Module:
    path = ROOT / PACKAGE / registry.FOLDERS[family] / f"{name}.py"
    return ast.parse(path.read_text(encoding="utf-8"))


def class_of(tree: ast.Module, name: str) -> ast.ClassDef:
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def paragraphs(text: str) -> list[str]:
    return re.split(r"\n\n+", text.strip())


def is_source(paragraph: str) -> bool:
    return bool(re.match("Sources?: ", paragraph))


def first_sentence(paragraph: str) -> str:
    return re.split(r"(?<=[.!?])\s+(?=[A-Z])", " ".join(paragraph.split()), maxsplit=1)[0]


def formatted(paragraph: str) -> str:
    """A paragraph of a docstring as Markdown: indented lines are a block of code, in others signs are escaped."""
    indented = [line.startswith("    ") for line in paragraph.split("\n")]
    if any(indented):
        parts, lines = [], paragraph.split("\n")
        for line, is_code in zip(lines, indented, strict=True):
            parts.append(line if is_code else escaped(line))
        return "\n".join(parts)
    return escaped(" ".join(paragraph.split()))


def escaped(text: str) -> str:
    """Without Markdown's own meaning of * _ < outside of `code`."""
    return "".join(
        part if part.startswith("`") else re.sub(r"[*_<]", r"\\\g<0>", part) for part in re.split(r"(`[^`]*`)", text)
    )


def main() -> None:
    """Write every page and remove those of techniques that are gone."""
    made = {PAGES / path: text for path, text in pages().items()}
    for path in set(PAGES.rglob("*.md")) - set(made):
        path.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"docs/techniques: {len(made)} pages")


if __name__ == "__main__":
    main()
