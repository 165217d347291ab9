"""Writes the profile of a table: what `reglab new` understood of its columns, frozen, where a person edits it."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from reglab.config import params
from reglab.config.candidates import candidates
from reglab.config.packaged import resolved
from reglab.config.split_columns import LASTING, usable_rows, with_split_columns
from reglab.config.table_sections import sections
from reglab.config.target_lines import LabelCounts, Targets, fewest_examples, profile_lines, summary_line
from reglab.core.errors import UserError
from reglab.core.wording import nearest, shown
from reglab.data.tables.files import RawTable, delimiter_name, read
from reglab.data.tables.inference import AN_INPUT, Understood, infer, understood_labels, understood_target
from reglab.data.tables.settings import MISSING, USED
from reglab.data.tables.table_problems import TableProblems
from reglab.data.tables.table_weights import row_weights
from reglab.data.tables.values import level_counts, numbers

ROLES = ("target", "group", "time", "weight")  # of a column that is no input
WEIGHT_NOTE = "   # of each row in the loss of a training; metrics and verdicts count every row once"
KINDS = ("numeric", "boolean", "date", "categorical", "text", "identifier", "constant")
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}


def create(
    root: Path, file: str, target: str | Sequence[str], *, name: str | None = None, force: bool = False, **options
) -> str:
    """Read the file, write profiles/<name>.yaml below `root`, and return what was understood, for people.

    `target`: a column, several separated by commas, or a list of these; several are labels, of which a row may have any
    number. `options`: group, time, weight, delimiter, decimal, encoding, missing, kinds. Raises UserError with all that is
    not clear.
    """
    name = name or re.sub(r"[^a-z0-9_]+", "_", Path(file).name.split(".")[0].lower()).strip("_")
    settings = params.load(root / "params.yaml")
    path = root / "profiles" / f"{name}.yaml"
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", name) or name == "only":
        allowed = "a name of small letters, digits, - and _ that begins with a letter: --name NAME"
        raise UserError(f"--name: found {shown(name)}; allowed: {allowed}")
    if name in settings.profiles:
        raise UserError(f"--name: found {shown(name)}, a profile of params.yaml; allowed: another name")
    if path.exists() and not force:
        raise UserError(f"{path.relative_to(root)}: found a profile of this name; allowed: another --name, or --force")
    missing = tuple(dict.fromkeys((*MISSING, *(options.get("missing") or ()))))
    encoding = options.get("encoding") or "utf-8"
    raw = read(resolved(file), delimiter=options.get("delimiter"), encoding=encoding, missing=missing)
    roles = {role: each for role in ROLES[1:] if (each := options.get(role))}
    targets = target_columns([target] if isinstance(target, str) else target, raw)
    check_roles(file, raw, [*(("target", each) for each in targets), *roles.items()])
    kinds = parsed_kinds(options.get("kinds") or (), raw)
    decimal = options.get("decimal") or "."
    if weight := roles.get("weight"):
        problems = TableProblems(raw.file)
        row_weights(raw, weight, decimal, problems)
        problems.stop()
        kinds = {weight: "numeric"} | kinds  # also where they are all different, or all the same
    understood = understood_targets(raw, targets, kinds, decimal)
    others = infer(raw.without(*targets), decimal=decimal, kinds=kinds)
    columns = sorted([*understood, *others], key=lambda each: list(raw.columns).index(each.name))
    columns = with_split_columns(raw, columns, targets, roles, decimal)
    check_used(file, columns, {*targets, *roles.values()})
    source = {
        "file": file,
        "target": targets[0] if len(targets) == 1 else targets,
        "delimiter": delimiter_name(raw.parts[0].delimiter or ","),
    }
    source |= {"decimal": decimal, "encoding": encoding} | roles
    if missing != MISSING:
        source["missing"] = list(missing)
    counted = counted_targets(raw, understood, decimal)
    text = profile(settings, name, source, columns, len(raw), counted, usable=usable_rows(raw, roles))
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return (
        f"{summary(file, raw, columns, source, counted)}\nwrote {path.relative_to(root)}: edit it where this is wrong\n"
        f"next: reglab check --profile {name}, then make repro PROFILE={name}"
    )


def target_columns(given: Sequence[str], raw: RawTable) -> list[str]:
    """The columns that options name: each one column, or several separated by commas where there is no such column."""
    several = [name for each in given for name in ([each] if each in raw.columns else each.split(","))]
    return [name if name in raw.columns else name.strip() for name in several]


def understood_targets(raw: RawTable, targets: list[str], kinds: dict[str, str], decimal: str) -> list[Understood]:
    """The column of the target, or those of labels where there are several; UserError where they are no targets."""
    if len(targets) == 1:
        return [understood_target(raw, targets[0], kind=kinds.get(targets[0]), decimal=decimal)]
    for name in targets:
        if kinds.get(name, "boolean") != "boolean":
            found = f"{shown(f'{name}={kinds[name]}')}, one of several targets"
            raise UserError(f"--kind: found {found}; allowed: boolean, for a label that a row has or lacks")
    return understood_labels(raw, targets)


def counted_targets(raw: RawTable, understood: list[Understood], decimal: str) -> Targets:
    """How many rows have each class or label, or the amounts."""
    if len(understood) > 1:
        having = {each.name: level_counts(raw.columns[each.name], 2)[1][each.column.levels[1]] for each in understood}
        return LabelCounts(having, len(raw))
    values = raw.columns[understood[0].name]
    amounts = understood[0].column.kind == "numeric"
    return numbers(values, decimal)[0] if amounts else Counter(values.to_pylist())


def check_roles(file: str, raw: RawTable, roles: list[tuple[str, str]]) -> None:
    """UserError for each option that names no column, or one that another option names; roles: option and column."""
    lines = [
        f"{file}: --{role}: found {shown(name)}; allowed: a column: {shown(', '.join(raw.columns))}"
        + nearest(name, list(raw.columns))
        for role, name in roles
        if name not in raw.columns
    ]
    for name, count in Counter(name for _, name in roles).items():
        if count > 1 and name in raw.columns:
            options = " and ".join(dict.fromkeys(f"--{role}" for role, each in roles if each == name))
            lines.append(f"{file}: {options}: found {shown(name)} more than once; allowed: a column for each")
    if lines:
        raise UserError(*lines)


def parsed_kinds(given: list[str], raw: RawTable) -> dict[str, str]:
    """{column: kind} of options such as age=numeric or seen=date:%d.%m.%Y."""
    kinds = {}
    for each in given:
        name, _, kind = each.partition("=")
        if name not in raw.columns:
            allowed = f"COLUMN=KIND with a column of {shown(', '.join(raw.columns))}{nearest(name, raw.columns)}"
            raise UserError(f"--kind: found {shown(each)}; allowed: {allowed}")
        if kind.partition(":")[0] not in KINDS:
            raise UserError(f"--kind: found {shown(each)}; allowed: COLUMN=KIND with a kind of {', '.join(KINDS)}")
        kinds[name] = kind
    return kinds


def check_used(file: str, columns: list[Understood], roles: set[str]) -> None:
    """UserError where no column is left for the network."""
    if not any(each.column.kind in USED for each in columns if each.name not in roles):
        others = ", ".join(f"{each.name} ({each.column.kind})" for each in columns if each.name not in roles)
        found = f"no column to learn from: {others}" if others else "no column beside those that the options name"
        texts = [each.name for each in columns if each.column.kind == "text" and each.name not in roles]
        hint = f"; a profile with data.name: texts and text: {scalar(texts[0])} reads the words" if texts else ""
        raise UserError(f"{file}: found {found}; allowed: one of the kinds {', '.join(USED)}{hint}")


def scalar(text: str) -> str:
    """The text as every reader of YAML takes it for text."""
    plain = PLAIN.fullmatch(text) and text.lower() not in YAML_WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


def profile(
    settings, name: str, source: dict, columns: list[Understood], rows: int, targets: Targets, *, usable: int
) -> str:
    """The text of the profile, with comments; the parts have the `usable` rows."""
    test = max(usable // 5, fewest_examples(targets))
    lines = [
        f"# A study of {source['file']}, written by `reglab new`; every setting that is not here is that of params.yaml.",
        "",
        "data:",
        "  name: table",
        *(f"  {key}: {listed(value)}{WEIGHT_NOTE if key == 'weight' else ''}" for key, value in source.items()),
        "  scaling: robust        # of the numbers: robust, standard, none; fitted on the training part of each seed",
        f"  train_size: {usable - 2 * test}        # of {rows:,} rows{LASTING * (usable < rows)}",
        f"  validation_size: {test}",
        f"  test_size: {test}",
        "  label_noise: 0.0",
    ]
    if chosen := next((role for role in ("time", "group") if role in source), None):
        lines.append(f"  split: {chosen}           # random, group, time, k_fold")
    lines += [
        "  # The schema: a file that does not fit it is an error. Kinds: numeric, boolean, date and categorical are inputs;",
        "  # text, identifier and constant are left out. missing: true where values may be missing.",
        "  columns:",
        *(f"    {column_line(each)}" for each in columns),
        "",
        f"seeds: {settings.seeds}                # each with its own split; more seeds show smaller differences",
        "model: {name: mlp, width: 256, depth: 2}",
        "",
    ]
    lines += profile_lines(targets, rows)
    taken = roles_of(source)
    used = [each for each in columns if each.column.kind in USED and each.name not in taken]
    sizes = {"train_size": usable - 2 * test, "test_size": test, "columns": len(used)}
    lines += sections(settings, targets, **sizes, structured=chosen is not None)
    return "\n".join(lines) + "\n"


def roles_of(source: dict) -> dict[str, str]:
    """By column its role, of those that are no inputs."""
    named = {role: source[role] for role in ROLES if role in source}
    return {name: role for role, given in named.items() for name in ([given] if isinstance(given, str) else given)}


def listed(value: str | list[str]) -> str:
    return scalar(value) if isinstance(value, str) else "[" + ", ".join(map(scalar, value)) + "]"


def column_line(understood: Understood) -> str:
    """name: {kind: ..., levels: [...], ...}"""
    column = understood.column
    settings = [f"kind: {column.kind}"]
    settings += [f"levels: {listed(list(column.levels))}"] * bool(column.levels)
    settings += [f"format: {scalar(column.format)}"] * bool(column.format)
    settings += ["missing: true"] * column.missing
    return f"{scalar(understood.name)}: {{{', '.join(settings)}}}"


def summary(file: str, raw: RawTable, columns: list[Understood], source: dict, targets: Targets) -> str:
    """What was understood: a line a column, then what to look at."""
    roles = roles_of(source)
    table = [("column", "kind", "used as", "missing", "different", "values")]
    for each in columns:
        use = roles.get(each.name) or ("input" if each.column.kind in USED else "left out")
        table.append((each.name, each.column.kind, use, f"{each.missing:,}", f"{each.distinct:,}", each.example))
    table = [[cell if len(cell) <= 36 else cell[:33] + "..." for cell in line] for line in table]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    lines = [f"{file}: {len(raw):,} rows, {len(columns)} columns; delimiter {source['delimiter']}", ""]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    lines += ["", summary_line(targets)]
    notes = [
        f"{each.name}: {note}"
        for each in columns
        for note in each.notes
        if not (each.name in roles and note.endswith(AN_INPUT))
    ]
    notes += candidates(columns, len(raw), roles)
    return "\n".join(lines + ["look at:"] * bool(notes) + [f"  {note}" for note in notes]) + "\n"
