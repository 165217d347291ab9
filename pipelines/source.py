"""Stages `source@<name>`: where the spread over seeds comes from. By hand: python pipelines/source.py dropout"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab import params, variance_sources
    from reglab.data import prepared
    from reglab.fitting import Recipe
    from reglab.record import About
    from reglab.regularizers.base import name

    settings, data = params.load(), prepared.read(Path("data/study"))
    _, regularizers = settings.recipe(stage.name())
    techniques = {name(regularizer): params.settings(regularizer) for regularizer in regularizers}
    about = About(
        family="variance_sources",
        name=stage.name(),
        technique=list(techniques),
        dataset={"name": data.name, "fingerprint": data.fingerprint},
        settings=techniques | settings.shared(),
        seeds=list(range(settings.seeds)),
    )
    recipe = Recipe(regularizers, settings.model, settings.training, data.classes)
    options = {"processes": settings.processes, "context": stage.context(settings.tracking)}
    variance_sources.run(recipe, about, data, Path("runs"), **options)


if __name__ == "__main__":
    stage.run(main)
