"""Lines of the report on the data: a number, or several, and the sentence about it."""

from collections.abc import Iterable

from reglab.core.wording import shown

Line = tuple[str, str]
NAMED = 10  # names in a sentence; a count stands for the others
SINGULAR = {"are": "is", "have": "has"}


def line(count: int, noun: str, verb: str, rest: str) -> Line:
    """The count, and a sentence that agrees with it: ("1", "example is ..."), ("2", "classes are ...")."""
    if count == 1:
        return "1", f"{noun} {SINGULAR[verb]} {rest}"
    return f"{count:,}", f"{noun}{'es' if noun.endswith('s') else 's'} {verb} {rest}"


def listed(names: Iterable[str]) -> str:
    """The first `NAMED` of the names in quotation marks, and how many more there are."""
    names = list(names)
    more = [f"and {len(names) - NAMED:,} more"] if len(names) > NAMED else []
    return ", ".join([*map(shown, names[:NAMED]), *more])
