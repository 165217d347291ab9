"""What `reglab new` has understood of a data set, whatever its source, and how a profile writes it."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reglab.config.target_lines import LabelCounts, Targets
from reglab.core.errors import UserError
from reglab.data.source import Examples

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}
WEIGHT_NOTE = "   # of each example in the loss of a training; metrics and verdicts count every one once"


@dataclass(frozen=True, kw_only=True)
class NewStudy:
    """The `settings` of the source `name` are lines of the section `data`; those of the `schema` end the section.

    `examples` are called `noun` ("rows", "images"), of which the parts have the `usable` ones. `columns` are the numbers of a
    row that a network gets; of images `size` is (height, width) and `columns` the numbers of an image. `split` is "group" or
    "time" where one is declared. `summary` are the lines for people, and `notes` what to look at.
    """

    name: str
    settings: Sequence[str]
    schema: Sequence[str] = ()
    noun: str = "rows"
    examples: int
    usable: int
    targets: Targets
    columns: int
    size: tuple[int, int] | None = None
    split: str | None = None
    summary: Sequence[str]
    notes: Sequence[str] = ()


def check_options(options: dict, allowed: Iterable[str], place: str, what: str) -> None:
    """UserError with a line for each option that is given and that no data of this kind takes; `place` is the path."""
    given = [key for key, value in options.items() if value and key not in allowed]
    takes = ", ".join(flag(key) for key in sorted(allowed))
    lines = [f"{flag(key)}: found an option that is not for {what}, as {place} is; allowed: {takes}" for key in given]
    if lines:
        raise UserError(*lines)


def flag(option: str) -> str:
    """The option as a command line has it: --targets-file of targets_file."""
    return "--" + {"kinds": "kind"}.get(option, option).replace("_", "-")


def setting_lines(settings: dict) -> list[str]:
    """The settings of a source as lines of the section `data`."""
    return [f"  {key}: {listed(value)}{WEIGHT_NOTE if key == 'weight' else ''}" for key, value in settings.items()]


def scalar(text: str) -> str:
    """The text as every reader of YAML takes it for text."""
    plain = PLAIN.fullmatch(text) and text.lower() not in YAML_WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


def told_apart(text: str) -> str:
    """The text of a list for people: in quotation marks where it has a comma."""
    return json.dumps(text, ensure_ascii=False) if "," in text else text


def targets_told_apart(targets: Targets) -> Targets:
    """The targets with the names of classes and labels as `told_apart` has them."""
    if isinstance(targets, Counter):
        return Counter({told_apart(str(name)): count for name, count in targets.items()})
    if isinstance(targets, LabelCounts):
        return replace(targets, having={told_apart(str(name)): count for name, count in targets.having.items()})
    return targets


def listed(value: object) -> str:
    """A value, or a list of values in one line, as YAML has it."""
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(listed, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def declared_split(roles: Collection[str]) -> str | None:
    """The split that the roles of arrays or columns ask for; None for a random one."""
    return next((role for role in ("time", "group") if role in roles), None)


def class_counts(examples: Examples) -> Counter:
    """How many examples have each class, by name."""
    counts = np.bincount(examples.targets, minlength=len(examples.classes)).tolist()
    return Counter(dict(zip(examples.classes, counts, strict=True)))


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """The rows of a table as lines whose columns begin below each other."""
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def usable(count: int, groups: Iterable | None, times: Iterable | None) -> int:
    """How many of `count` examples the parts may have: a third where groups last over several times, and both are named.

    A group is in the past, in the validation or in the test alone, and its examples of the other times are left out.
    """
    if groups is None or times is None:
        return count
    lasting = len(set(zip(groups, times, strict=True))) > len(set(groups))
    return count // 3 if lasting else count
