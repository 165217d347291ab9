"""A study of digits for benchmarks of whole stages: prepared once, with a stage of any family."""

from pathlib import Path

from reglab.data import prepared
from reglab.data.settings import Data
from reglab.data.sources.digits import load
from reglab.tracking.record import About
from reglab.tracking.stage import Stage

SIZES = {"train_size": 900, "validation_size": 300, "test_size": 500}


class DigitsStudy:
    """Digits that are split for so many seeds, as prepared `data` in the folder."""

    def __init__(self, folder: Path, seeds: int, sizes: dict[str, int] = SIZES) -> None:
        prepared.write(folder / "data", Data("digits", **sizes), *load(), seeds)
        self.data = prepared.read(folder / "data")

    def stage(self, family: str, name: str, seeds: int, runs: Path) -> Stage:
        """The stage of an entry without settings, whose record comes into the folder `runs`."""
        dataset = {"name": self.data.name, "fingerprint": self.data.fingerprint}
        return Stage(About(family, name, [name], dataset, {name: {}}, list(range(seeds))), runs)
