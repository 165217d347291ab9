"""Tunes a pretext with the budget that every pretext has, by the linear probe on validation examples."""

from dataclasses import replace
from pathlib import Path

from reglab.core.streams import seed_of
from reglab.evaluation.rounding import mean
from reglab.experiments.pretraining.base import Pretext
from reglab.experiments.pretraining.settings import PretextTuning
from reglab.experiments.tuning.ranges import shares, value_at
from reglab.tracking.journal import epochs_written
from reglab.training.one_seed import finished_seed
from reglab.training.variants import variant_folder

DECIDES = "validation_linear_probe"


def proposals(pretext: Pretext, tuning: PretextTuning) -> list[dict]:
    """The settings that are tried, evenly spread over the learning rates and the ranges of the pretext.

    They are the first points of Sobol's sequence, moved by shifts that are keyed by the names of what is varied, so that
    all pretexts are tried at the same learning rates.
    """
    varied = {"learning_rate": tuning.learning_rate} | pretext.search
    shifts = [seed_of("pretext", setting) / 2**32 for setting in varied]
    return [
        {
            setting: value_at(share, values, whole=type(getattr(pretext, setting)) is int)
            for (setting, values), share in zip(varied.items(), point, strict=True)
        }
        for point in shares(len(varied), tuning.settings, shifts)
    ]


class PretextSearch:
    """What is tried of a pretext on the first seeds of a study, each in a folder of the journal's `entry`."""

    def __init__(self, pretext: Pretext, tuning: PretextTuning, seeds: list[int], entry: Path) -> None:
        self.settings = proposals(pretext, tuning)
        self.tried = [replace(pretext, **settings) for settings in self.settings]
        self.folders = [variant_folder(entry, number) for number in range(len(self.tried))]
        self.seeds = seeds[: tuning.seeds]

    def outcomes(self, number: int) -> list[dict]:
        return [finished_seed(self.folders[number], seed)[0] for seed in self.seeds]

    def score(self, number: int) -> float:
        """The mean of the probe that decides; below all others where a seed diverged."""
        scores = [outcome["metrics"].get(DECIDES) for outcome in self.outcomes(number)]
        return float("-inf") if None in scores else mean(scores)

    @property
    def best(self) -> int:
        """The number of the settings with the best probe, of equals the first."""
        return max(range(len(self.tried)), key=self.score)

    def content(self) -> dict:
        """What the record has of the search: the settings with their probes, the choice, and what was spent."""
        outcomes = [self.outcomes(number) for number in range(len(self.tried))]
        flops = [[outcome["flops"] for outcome in of_settings] for of_settings in outcomes]
        best = self.best
        return {
            "search_seeds": self.seeds,
            "chosen": {"number": best, "settings": self.settings[best]},
            "tries": [
                {"settings": settings, DECIDES: [outcome["metrics"].get(DECIDES) for outcome in of_settings]}
                for settings, of_settings in zip(self.settings, outcomes, strict=True)
            ],
            "budget": {
                "trainings": sum(map(len, outcomes)),
                "diverged": sum(outcome["status"] != "finished" for each in outcomes for outcome in each),
                "epochs": sum(epochs_written(folder, *self.seeds) for folder in self.folders),
                "flops": round(sum(map(sum, flops))),
            },
        }
