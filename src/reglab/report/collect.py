"""What the report is made of: the records that params.yaml names, and what lies beside them."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from reglab.core.errors import UserError
from reglab.core.families import stage_name
from reglab.tracking import record

Curves = dict[int, dict[str, np.ndarray]]  # seed -> column of curves.csv -> (epochs,), NaN where not measured


@dataclass(frozen=True)
class Entry:
    """A record, its curves (empty where nothing was trained in epochs) and its figure as SVG (None without one).

    `members` are the rows of members.csv, which an ensemble has.
    """

    record: dict
    curves: Curves
    figure: str | None
    members: list[dict[str, str]] = field(default_factory=list)

    @property
    def family(self) -> str:
        return self.record["family"]

    @property
    def name(self) -> str:
        return self.record["name"]

    def seeds(self, status: str) -> list[int]:
        """The seeds that ended so: finished or diverged."""
        return [int(seed) for seed, outcome in self.record["seeds"].items() if outcome["status"] == status]


@dataclass(frozen=True)
class Shown:
    """An entry as a part of the page shows it, under its name and an id that no other has."""

    entry: Entry

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def id(self) -> str:
        return f"{self.entry.family}-{self.name}"


def collect(runs: Path, expected: list[tuple[str, str]]) -> list[Entry]:
    """The entries (family, name) of params.yaml, in that order; other folders under `runs` are not looked at.

    Raises UserError with a line for each record that is missing or unreadable.
    """
    problems, entries = [], []
    for family, name in expected:
        folder = runs / family / name
        again = f"run: dvc repro {stage_name(family, name)}"
        try:
            content = record.read(folder)
            drawn, members = (read_if_there(folder / name) for name in ("figure.svg", "members.csv"))
            rows = list(csv.DictReader((members or "").splitlines()))
            entries.append(Entry(content, read_curves(folder), drawn, rows))
        except FileNotFoundError:
            problems.append(f"{folder}/record.json: there is no such record; {again}")
        except ValueError as error:
            problems.append(f"{folder}: not readable ({error}); {again}")
    if problems:
        raise UserError(*problems)
    return entries


def by_family(entries: list[Entry]) -> dict[str, dict[str, dict]]:
    """family -> name -> record."""
    records: dict[str, dict[str, dict]] = {}
    for entry in entries:
        records.setdefault(entry.family, {})[entry.name] = entry.record
    return records


def read_if_there(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def read_curves(folder: Path) -> Curves:
    """The curves of a record by seed and column."""
    return {
        seed: {column: np.array([np.nan if row[column] is None else row[column] for row in rows]) for column in rows[0]}
        for seed, rows in record.read_curves(folder).items()
    }
