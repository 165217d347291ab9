"""Points out columns whose names are those of groups, times or weights."""

import re
from collections.abc import Sequence

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
