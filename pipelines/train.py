"""Stages `train@<name>` and `combine@<name>`: every seed of one recipe. By hand: python pipelines/train.py dropout"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.data import prepared
    from reglab.tracking.stage import Stage
    from reglab.training import all_seeds
    from reglab.training.one_seed import Recipe
    from reglab.training.regularizer import name

    settings, data = params.load(), prepared.read(Path("data/study"))
    family, regularizers = settings.recipe(stage.name())
    techniques = {name(regularizer): regularizer for regularizer in regularizers}
    about = stage.about(settings, family, data, techniques, **settings.shared())
    recipe = Recipe(regularizers, settings.model, settings.training, data.classes)
    all_seeds.run(recipe, data, Stage(about, **stage.options(settings)))


if __name__ == "__main__":
    stage.run(main)
