"""Stages `sweep@<name>`: a grid over the settings of one technique. By hand: python pipelines/sweep.py dropout"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.config.grids import points
    from reglab.data import prepared
    from reglab.experiments.tuning import sweep
    from reglab.tracking.stage import Stage
    from reglab.training.one_seed import Recipe

    settings, data, name = params.load(), prepared.read(Path("data/study")), stage.name()
    technique, grid = settings.entry("regularizers", name), settings.entry("sweeps", name)
    others = {"grid": grid, "tuning": settings.tuning} | settings.shared()
    about = stage.about(settings, "sweeps", data, {name: technique}, **others)
    recipe = Recipe((technique,), settings.model, settings.training, data.classes)
    sweep.run(recipe, points(grid), settings.tuning.seeds, data, Stage(about, **stage.options(settings)))


if __name__ == "__main__":
    stage.run(main)
