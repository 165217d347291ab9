"""Stages `cocktail@<name>`: which techniques to stack, how strongly, and which of them did it. By hand:
python pipelines/cocktail.py stacked"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab import cocktail, params
    from reglab.data import prepared
    from reglab.fitting import Recipe

    settings, data, name = params.load(), prepared.read(Path("data/study")), stage.name()
    search = settings.entry("cocktails", name)
    techniques = {ingredient: settings.regularizers[ingredient] for ingredient in search.ingredients}
    others = {"cocktail": search, "tuning": settings.tuning} | settings.shared()
    about = stage.about(settings, "cocktails", data, techniques, **others)
    recipe = Recipe(tuple(techniques.values()), settings.model, settings.training, data.classes)
    seeds, options = settings.tuning.seeds, stage.options(settings)
    cocktail.run(recipe, search, seeds, about, data, Path("runs"), **options)


if __name__ == "__main__":
    stage.run(main)
