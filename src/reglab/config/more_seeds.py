"""Runs the recipes of a study look by look: after each, those that are undecided get more seeds."""

from collections.abc import Callable
from pathlib import Path

from reglab.config import params, seed_counts
from reglab.config.references import mapping
from reglab.config.yaml_source import read
from reglab.core.families import BY_SECTION, stage_name


def run_looks(root: Path, run: Callable[[list[str]], int]) -> int:
    """Call `run` with the stages that train recipes, give more seeds to those that are undecided, and so on until none is
    or all have the most; the first exit code that is not 0. Does nothing in a study without `seeds.most`.

    The counts are in looks.yaml before the next look begins, so that a look that was killed is resumed.
    """
    if "most" not in mapping(read(root / "params.yaml")[0], "seeds"):
        return 0  # without `params.load`, which imports PyTorch
    from reglab.experiments.undecided import decide
    from reglab.report.collect import by_family, collect

    settings = params.load(root / "params.yaml")
    recipes = [(section, name) for section, name in settings.expected() if BY_SECTION[section].grows]
    stages = [stage_name(section, name) for section, name in recipes]
    counts = seed_counts.read(root, settings)
    while True:
        seed_counts.write(root, settings, counts)
        if code := run(stages):
            return code
        records = by_family(collect(root / "runs", recipes))
        decision = decide(settings, records, counts)
        print(decision.line, flush=True)
        if decision.counts == counts:
            return 0
        counts = decision.counts
