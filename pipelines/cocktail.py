"""Stages `cocktail@<name>`: which techniques to stack, how strongly, and which of them did it. By hand:
python pipelines/cocktail.py stacked"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab import cocktail, params
    from reglab.data import prepared
    from reglab.fitting import Recipe
    from reglab.record import About

    settings, data, name = params.load(), prepared.read(Path("data/study")), stage.name()
    search = settings.entry("cocktails", name)
    techniques = {ingredient: settings.regularizers[ingredient] for ingredient in search.ingredients}
    searched = {"cocktail": params.settings(search), "tuning": params.settings(settings.tuning)}
    about = About(
        family="cocktails",
        name=name,
        technique=list(techniques),
        dataset={"name": data.name, "fingerprint": data.fingerprint},
        settings=params.settings(techniques) | searched | settings.shared(),
        seeds=list(range(settings.seeds)),
    )
    recipe = Recipe(tuple(techniques.values()), settings.model, settings.training, data.classes)
    options = {"processes": settings.processes, "context": stage.context(settings.tracking)}
    cocktail.run(recipe, search, settings.tuning.seeds, about, data, Path("runs"), **options)


if __name__ == "__main__":
    stage.run(main)
