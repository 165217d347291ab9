"""What `reglab new` understands of a table, column by column, and how its profile has it: the schema that is frozen."""

import re
from collections import Counter
from collections.abc import Sequence

from reglab.config.candidates import candidates
from reglab.config.new_kind import IMAGES
from reglab.config.new_study import NewStudy, aligned, declared_split, listed, scalar, setting_lines, told_apart, usable
from reglab.config.packaged import resolved
from reglab.config.split_columns import with_split_columns
from reglab.config.target_lines import LabelCounts, Targets
from reglab.core.errors import UserError
from reglab.core.wording import nearest, shown
from reglab.data.tables.checked import column_values
from reglab.data.tables.features import check_feature
from reglab.data.tables.files import RawTable, delimiter_name, read
from reglab.data.tables.inference import AN_INPUT, Understood, infer, understood_labels, understood_target
from reglab.data.tables.settings import MISSING, MOST_LEVELS, USED, Column
from reglab.data.tables.table_problems import TableProblems
from reglab.data.tables.table_weights import row_weights
from reglab.data.tables.values import level_counts, numbers

OPTIONS = ("target", "group", "time", "weight", "delimiter", "decimal", "encoding", "missing", "kinds")
ROLES = ("target", "group", "time", "weight")  # of a column that is no input
SCHEMA = (
    "  # The schema: a file that does not fit it is an error. Kinds: numeric, boolean, date and categorical are inputs;",
    "  # text, identifier and constant are left out. missing: true where values may be missing.",
    "  columns:",
)
SENTENCE = 4  # spaces in an example of a column of texts
WHOLE, MANY = re.compile(r"[+-]?\d+(\.0*)?"), 10  # as many different whole numbers may be classes; more may be amounts
TARGET_KINDS = ("categorical", "boolean", "numeric")
KINDS = ("numeric", "boolean", "date", "categorical", "text", "identifier", "constant")


def understood(file: str, options: dict) -> NewStudy:
    """The table in a file, or in the files of a pattern; UserError with all that is not clear.

    options: target (columns, several separated by commas: labels, of which a row may have any number), group, time, weight,
    delimiter, decimal, encoding, missing, kinds.
    """
    missing = tuple(dict.fromkeys((*MISSING, *(options.get("missing") or ()))))
    encoding = options.get("encoding") or "utf-8"
    raw = read(resolved(file), delimiter=options.get("delimiter"), encoding=encoding, missing=missing)
    roles = {role: each for role in ROLES[1:] if (each := options.get(role))}
    if not options.get("target"):
        allowed = f"the column to predict: --target with one of {shown(', '.join(raw.columns))}"
        raise UserError(f"{file}: --target: found nothing; allowed: {allowed}")
    targets = target_columns(options["target"], raw)
    check_roles(file, raw, [*(("target", each) for each in targets), *roles.items()])
    kinds = parsed_kinds(options.get("kinds") or (), raw)
    decimal = options.get("decimal") or "."
    if weight := roles.get("weight"):
        problems = TableProblems(raw.file)
        row_weights(raw, weight, decimal, problems)
        problems.stop()
        kinds = {weight: "numeric"} | kinds  # also where they are all different, or all the same
    of_target = understood_targets(raw, targets, kinds, decimal)
    others = infer(raw.without(*targets), decimal=decimal, kinds=kinds)
    columns = sorted([*of_target, *others], key=lambda each: list(raw.columns).index(each.name))
    columns = with_split_columns(raw, columns, targets, roles, decimal)
    check_used(file, columns, {*targets, *roles.values()})
    check_declared(raw, {each.name: each.column for each in others if each.name in kinds}, roles, decimal)
    source = {
        "file": file,
        "target": targets[0] if len(targets) == 1 else targets,
        "delimiter": delimiter_name(raw.parts[0].delimiter or ","),
    }
    source |= {"decimal": decimal, "encoding": encoding} | roles
    if missing != MISSING:
        source["missing"] = list(missing)
    counted = counted_targets(raw, of_target, decimal)
    both = [raw.columns[roles[role]].to_pylist() for role in ("group", "time") if {"group", "time"} <= roles.keys()]
    taken = roles_of(source)
    summary, notes = described(file, raw, columns, source, counted)
    return NewStudy(
        name="table",
        settings=[
            *setting_lines(source),
            "  scaling: robust        # of the numbers: robust, standard, none; fitted on the training part of each seed",
        ],
        schema=[
            *SCHEMA,
            *(f"    {column_line(each)}" for each in columns),
        ],
        examples=len(raw),
        usable=usable(len(raw), *(both or (None, None))),
        targets=counted,
        columns=sum(each.column.kind in USED and each.name not in taken for each in columns),
        split=declared_split(roles),
        summary=summary,
        notes=notes,
    )


def target_columns(given: Sequence[str], raw: RawTable) -> list[str]:
    """The columns that options name: each one column, or several separated by commas where there is no such column."""
    several = [name for each in given for name in ([each] if each in raw.columns else each.split(","))]
    return [name if name in raw.columns else name.strip() for name in several]


def understood_targets(raw: RawTable, targets: list[str], kinds: dict[str, str], decimal: str) -> list[Understood]:
    """The column of the target, or those of labels where there are several; UserError where they are no targets."""
    if len(targets) == 1:
        kind = kinds.get(targets[0])
        if kind not in (None, *TARGET_KINDS):
            found = f"{shown(f'{targets[0]}={kind}')}, the target"
            raise UserError(
                f"--kind: found {found}; allowed: categorical or boolean, for classes; numeric, for amounts"
            )
        return [understood_target(raw, targets[0], kind=kind, decimal=decimal)]
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
        named = [name for name in raw.columns if each.startswith(f"{name}=")]
        name = max(named, key=len, default=each.partition("=")[0])  # a name may have a = in it, and a format too
        kind = each[len(name) + 1 :]
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
        hint = f"; --text {shown(texts[0])}, which takes its words for the inputs" if texts else ""
        raise UserError(f"{file}: found {found}; allowed: one of the kinds {', '.join(USED)}{hint}")


def check_declared(raw: RawTable, declared: dict[str, Column], roles: dict[str, str], decimal: str) -> None:
    """UserError for columns that --kind makes inputs and that can be none, or have a value that is not of the kind."""
    problems = TableProblems(raw.file)
    for name, column in declared.items():
        if name not in roles.values() and column.kind in USED:
            column_values(raw, name, column, decimal, problems)
            check_feature(raw, name, column, numbers(raw.columns[name], decimal)[0], problems)
    problems.stop()


def roles_of(source: dict) -> dict[str, str]:
    """By column its role, of those that are no inputs."""
    named = {role: source[role] for role in ROLES if role in source}
    return {name: role for role, given in named.items() for name in ([given] if isinstance(given, str) else given)}


def column_line(understood: Understood) -> str:
    """name: {kind: ..., levels: [...], ...}"""
    column = understood.column
    settings = [f"kind: {column.kind}"]
    settings += [f"levels: {listed(list(column.levels))}"] * bool(column.levels)
    settings += [f"format: {scalar(column.format)}"] * bool(column.format)
    settings += ["missing: true"] * column.missing
    return f"{scalar(understood.name)}: {{{', '.join(settings)}}}"


def described(
    file: str, raw: RawTable, columns: list[Understood], source: dict, targets: Targets
) -> tuple[list[str], list[str]]:
    """What was understood, a line a column, and what to look at."""
    roles = roles_of(source)
    table = [("column", "kind", "used as", "missing", "different", "values")]
    for each in columns:
        use = roles.get(each.name) or ("input" if each.column.kind in USED else "left out")
        values = first_values(raw, each)
        table.append((each.name, each.column.kind, use, f"{each.missing:,}", f"{each.distinct:,}", values))
    table = [[cell if len(cell) <= 36 else cell[:33] + "..." for cell in line] for line in table]
    lines = [f"{file}: {len(raw):,} rows, {len(columns)} columns; delimiter {source['delimiter']}", ""]
    lines += [*aligned(table), ""]
    notes = [
        f"{each.name}: {note}"
        for each in columns
        for note in each.notes
        if not (each.name in roles and note.endswith(AN_INPUT))
    ]
    notes += [
        f"{each.name}: --{option} {shown(each.name)} takes {what} for the inputs, in place of the columns"
        for each in columns
        if each.name not in roles
        for option, what in other_inputs(each)
    ]
    return lines, whole_numbers(source, targets) + notes + candidates(columns, len(raw), roles)


def first_values(raw: RawTable, understood: Understood) -> str:
    """The first values of a column; texts with a comma are in quotation marks, so that these are told apart."""
    if understood.example.count(",") < min(3, understood.distinct):  # those between the values, or none
        return understood.example
    values = list(level_counts(raw.columns[understood.name], MOST_LEVELS)[1])[:3]
    return ", ".join(map(told_apart, values or [understood.example]))


def whole_numbers(source: dict, targets: Targets) -> list[str]:
    """A note where the classes of the target are whole numbers, and so many that they may be amounts."""
    if not isinstance(targets, Counter) or len(targets) <= MANY or not all(map(WHOLE.fullmatch, targets)):
        return []
    name = source["target"]
    option = f"--kind {shown(f'{name}=numeric')}"
    return [f"{name}: {len(targets)} different whole numbers are classes; {option} if they are amounts"]


def other_inputs(understood: Understood) -> list[tuple[str, str]]:
    """The option of `reglab new` for a column that is left out and may hold all that a network can learn from."""
    if understood.column.kind not in ("text", "identifier"):
        return []
    if understood.example.lower().endswith(IMAGES):
        return [("path", "the images that it names")]
    return [("text", "its words")] if understood.example.count(" ") >= SENTENCE else []
