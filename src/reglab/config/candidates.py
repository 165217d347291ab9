"""Points out columns and arrays whose names are those of groups, times or weights."""

import re
from collections.abc import Mapping, Sequence

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


def named_candidates(distinct: Mapping[str, int], rows: int, roles: Mapping[str, str]) -> list[str]:
    """As `candidates`, of arrays or columns of which nothing is known but the name and how many values differ.

    `roles` are the options that are given, with the names that they have.
    """
    questions = []
    for name, count in distinct.items():
        if WEIGHT_LIKE.search(name) and "weight" not in roles:
            questions.append(f"{name}: does it say how much an example counts? if so --weight {shown(name)}")
        elif GROUP_LIKE.search(name) and 1 < count < rows / 1.5 and "group" not in roles:
            questions.append(f"{name}: do several examples belong together? if so --group {shown(name)}")
        elif TIME_LIKE.search(name) and "time" not in roles:
            questions.append(f"{name}: is the future to be predicted from the past? if so --time {shown(name)}")
    return questions


def candidates(columns: Sequence[Understood], rows: int, roles: dict[str, str]) -> list[str]:
    """Columns that may hold groups, times or weights; they are pointed out, never assumed."""
    questions = []
    for each in columns:
        if each.name in roles:
            continue
        if WEIGHT_LIKE.search(each.name) and each.column.kind == "numeric" and "weight" not in roles.values():
            questions.append(f"{each.name}: does it say how much a row counts? if so --weight {shown(each.name)}")
        elif GROUP_LIKE.search(each.name) and 1 < each.distinct < rows / 1.5 and "group" not in roles.values():
            questions.append(f"{each.name}: do several rows belong together? if so --group {shown(each.name)}")
        if (each.column.kind == "date" or TIME_LIKE.search(each.name)) and "time" not in roles.values():
            questions.append(
                f"{each.name}: is the future to be predicted from the past? if so --time {shown(each.name)}"
            )
    return questions
