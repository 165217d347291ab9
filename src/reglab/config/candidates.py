"""Points out columns and arrays whose names are those of groups, times or weights."""

import re
from collections.abc import Collection, Mapping, Sequence

from reglab.core.wording import shown
from reglab.data.tables.inference import Understood

GROUP_LIKE = re.compile(
    r"patient|subject|person|user|customer|client|group|site|hospital|machine|device|family|household|writer|author|school",
    re.IGNORECASE,
)
WEIGHT_LIKE = re.compile(
    r"(sample|survey|case|design|person|household|freq\w*|prob\w*)[_ .-]?(weight|wt|wgt)s?$|^(fnlwgt|[fipa]weight)$",
    re.IGNORECASE,
)
TIME_LIKE = re.compile(r"(^|[_ .-])(year|date|time|timestamp|month|week)([_ .-]|$)", re.IGNORECASE)


def candidates(columns: Sequence[Understood], rows: int, roles: Mapping[str, str]) -> list[str]:
    """Columns that may hold groups, times or weights; they are pointed out, never assumed.

    `roles`: by column its role, of those that have one.
    """
    questions = []
    for each in columns:
        free = {"group", "time", "weight"} - set(roles.values())
        if each.column.kind != "numeric":
            free -= {"weight"}
        if each.name not in roles:
            dated = each.column.kind == "date"
            questions += asked(each.name, each.distinct, rows, free, one="a row", several="rows", dated=dated)
    return questions


def named_candidates(distinct: Mapping[str, int], rows: int, free: Collection[str]) -> list[str]:
    """As `candidates`, of arrays or columns of which nothing is known but the name and how many values differ.

    `free` are the options of their source that are not given.
    """
    return [question for name, count in distinct.items() for question in asked(name, count, rows, free)]


def asked(
    name: str,
    distinct: int,
    rows: int,
    free: Collection[str],
    *,
    one: str = "an example",
    several: str = "examples",
    dated: bool = False,
) -> list[str]:
    """What an array or a column of this name may be, each with its option."""
    questions = []
    if WEIGHT_LIKE.search(name) and "weight" in free:
        questions.append(f"does it say how much {one} counts? if so --weight")
    elif GROUP_LIKE.search(name) and 1 < distinct < rows / 1.5 and "group" in free:
        questions.append(f"do several {several} belong together? if so --group")
    if (dated or TIME_LIKE.search(name)) and "time" in free:
        questions.append("is the future to be predicted from the past? if so --time")
    return [f"{name}: {question} {shown(name)}" for question in questions]
