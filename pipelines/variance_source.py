"""Stages `variance_source@<name>`: one random stream varies at a time; by hand: python pipelines/variance_source.py none"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.data import prepared
    from reglab.experiments.variance_sources import run as variance_sources
    from reglab.tracking.stage import Stage
    from reglab.training.one_seed import Recipe
    from reglab.training.regularizer import name

    settings, data = params.load(), prepared.read(Path("data/study"))
    _, regularizers = settings.recipe(stage.name())
    techniques = {name(regularizer): regularizer for regularizer in regularizers}
    about = stage.about(settings, "variance_sources", data, techniques, **settings.shared())
    recipe = Recipe(regularizers, settings.model, settings.training, data.classes)
    variance_sources.run(recipe, data, Stage(about, **stage.options(settings)))


if __name__ == "__main__":
    stage.run(main)
