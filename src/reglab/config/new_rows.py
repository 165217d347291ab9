"""What options of `reglab new` say of a table that names texts or images in one of its columns."""

from collections.abc import Sequence

from reglab.config.packaged import resolved
from reglab.core.errors import UserError
from reglab.core.wording import nearest, shown
from reglab.data.delimited import distinct_values


def named_columns(file: str, options: dict, content: str) -> tuple[dict[str, str], dict[str, int]]:
    """The settings of the source that name columns of the table, and of its other columns how many values differ.

    `content`: the option with the column of the texts or paths. UserError with a line for each option that names no column.
    """
    distinct, targets = distinct_values(resolved(file)), options.get("target") or []
    roles = {role: each for role in ("group", "time") if (each := options.get(role))}
    named = {content: options[content]} | ({"target": targets[0]} if targets else {}) | roles
    lines = [
        f"{file}: --{key}: found {shown(name)}; allowed: one of: {', '.join(distinct)}{nearest(name, distinct)}"
        for key, name in named.items()
        if name not in distinct
    ]
    if not targets:
        lines.append(
            f"{file}: --target: found nothing; allowed: the column of the classes, one of: {', '.join(distinct)}"
        )
    if len(targets) > 1 or len(set(named.values())) < len(named):
        allowed = "one column, and another one for each option"
        lines.append(f"{file}: found {shown(', '.join([*named.values(), *targets[1:]]))}; allowed: {allowed}")
    if lines:
        raise UserError(*lines)
    return {"file": file} | named, {name: count for name, count in distinct.items() if name not in named.values()}


def without_columns(path: str, options: dict, able: Sequence[str]) -> None:
    """UserError with a line for each option that only a table can have, for a folder with a folder for each class."""
    allowed = "a folder without it, whose folders are the classes; or a table, which has columns"
    if given := [key for key in able if options.get(key)]:
        raise UserError(*(f"{path}: --{key}: found an option of tables; allowed: {allowed}" for key in given))
