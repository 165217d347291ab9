"""A small table of people, written as csv, for the tests of tables."""

from pathlib import Path

import numpy as np

HEADER = ("age", "sex", "smokes", "seen", "disease")


def rows(count: int = 60, seed: int = 0) -> list[list[str]]:
    """Rows under HEADER; every third age is a fraction."""
    random = np.random.default_rng(seed)
    return [
        [
            f"{random.integers(20, 90)}" + ".5" * (number % 3 == 0),
            ("f", "m", "other")[random.integers(3)],
            ("no", "yes")[random.integers(2)],
            f"2020-{random.integers(1, 13):02}-{random.integers(13, 29):02}",
            ("absent", "present")[number % 2],
        ]
        for number in range(count)
    ]


def text(rows: list[list[str]], header=HEADER, *, mark: str = ",", newline: str = "\n") -> str:
    """The table as the content of a file."""
    return newline.join(mark.join(row) for row in [header, *rows]) + newline


def write(path: Path, rows: list[list[str]], header=HEADER, *, mark: str = ",", newline: str = "\n") -> str:
    """Write the table; the path as text."""
    path.write_text(text(rows, header, mark=mark, newline=newline), encoding="utf-8", newline="")
    return str(path)
