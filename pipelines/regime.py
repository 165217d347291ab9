"""Stages `regime@<name>`: a recipe in every cell of the map. By hand: python pipelines/regime.py dropout"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab import params, regimes
    from reglab.data import prepared
    from reglab.fitting import Recipe
    from reglab.record import About

    settings, data = params.load(), prepared.read(Path("data/study"))
    name, grid = stage.name(), params.settings(settings.regimes)
    regularizer = settings.entry("regularizers", name)
    axes = {axis: grid[axis] for axis in regimes.Cell._fields}
    about = About(
        family="regimes",
        name=name,
        technique=[name],
        dataset={"name": data.name, "fingerprint": data.fingerprint},
        settings={name: params.settings(regularizer), "regimes": axes} | settings.shared(),
        seeds=list(range(settings.seeds)),
    )
    recipe = Recipe((regularizer,), settings.model, settings.training, data.classes)
    options = {"processes": settings.processes, "context": stage.context(settings.tracking)}
    regimes.run(recipe, regimes.cells(**axes), about, data, Path("runs"), **options)


if __name__ == "__main__":
    stage.run(main)
