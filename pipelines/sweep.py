"""Stages `sweep@<name>`: a grid over the settings of one technique. By hand: python pipelines/sweep.py dropout"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab import params, sweeping
    from reglab.data import prepared
    from reglab.fitting import Recipe
    from reglab.grids import points
    from reglab.record import About

    settings, data, name = params.load(), prepared.read(Path("data/study")), stage.name()
    technique, grid = settings.entry("regularizers", name), settings.entry("sweeps", name)
    about = About(
        family="sweeps",
        name=name,
        technique=[name],
        dataset={"name": data.name, "fingerprint": data.fingerprint},
        settings={name: params.settings(technique), "grid": grid, "tuning": params.settings(settings.tuning)}
        | settings.shared(),
        seeds=list(range(settings.seeds)),
    )
    recipe = Recipe((technique,), settings.model, settings.training, data.classes)
    options = {"processes": settings.processes, "context": stage.context(settings.tracking)}
    sweeping.run(recipe, points(grid), settings.tuning.seeds, about, data, Path("runs"), **options)


if __name__ == "__main__":
    stage.run(main)
