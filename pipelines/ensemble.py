"""Stages `ensemble@<name>`: every seed's ensemble. By hand: python pipelines/ensemble.py bagging"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab import ensembling, params
    from reglab.data import prepared
    from reglab.fitting import Recipe
    from reglab.record import About

    settings, data, name = params.load(), prepared.read(Path("data/prepared")), stage.name()
    ensemble = settings.entry("ensembles", name)
    about = About(
        family="ensembles",
        name=name,
        technique=[name],
        dataset={"name": data.name, "fingerprint": data.fingerprint},
        settings={name: params.settings(ensemble)} | settings.shared(),
        seeds=list(range(settings.seeds)),
    )
    recipe = Recipe((), settings.model, settings.training, data.classes)
    context = stage.context(settings.tracking)
    ensembling.run(ensemble, recipe, about, data, Path("runs"), processes=settings.processes, context=context)


if __name__ == "__main__":
    stage.run(main)
