"""Stages `train@<name>` and `combine@<name>`: every seed of one recipe. By hand: python pipelines/train.py dropout"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab import params, training
    from reglab.data import prepared
    from reglab.fitting import Recipe
    from reglab.record import About
    from reglab.regularizers.base import name

    settings, data = params.load(), prepared.read(Path("data/study"))
    family, regularizers = settings.recipe(stage.name())
    techniques = {name(regularizer): params.settings(regularizer) for regularizer in regularizers}
    about = About(
        family=family,
        name=stage.name(),
        technique=list(techniques),
        dataset={"name": data.name, "fingerprint": data.fingerprint},
        settings=techniques | settings.shared(),
        seeds=list(range(settings.seeds)),
    )
    recipe = Recipe(regularizers, settings.model, settings.training, data.classes)
    context = stage.context(settings.tracking)
    training.run(recipe, about, data, Path("runs"), processes=settings.processes, context=context)


if __name__ == "__main__":
    stage.run(main)
