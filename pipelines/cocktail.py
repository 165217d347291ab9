"""Stages `cocktail@<name>`: which techniques to stack, how strongly, and which of them did it. By hand:
python pipelines/cocktail.py stacked"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.data import prepared
    from reglab.experiments.tuning import cocktail
    from reglab.tracking.stage import Stage
    from reglab.training.one_seed import Recipe

    settings, data, name = params.load(), prepared.read(Path("data/study")), stage.name()
    search = settings.entry("cocktails", name)
    techniques = {ingredient: settings.regularizers[ingredient] for ingredient in search.ingredients}
    others = {"cocktail": search, "tuning": settings.tuning} | settings.shared()
    about = stage.about(settings, "cocktails", data, techniques, **others)
    recipe = Recipe(tuple(techniques.values()), settings.model, settings.training, data.classes)
    cocktail.run(recipe, search, settings.tuning.seeds, data, Stage(about, **stage.options(settings)))


if __name__ == "__main__":
    stage.run(main)
