"""Stages `ensemble@<name>`: every seed's ensemble. By hand: python pipelines/ensemble.py bagging"""

import stage


def main() -> None:
    import json
    from pathlib import Path

    from reglab import ensembling, params
    from reglab.data import prepared
    from reglab.fitting import Recipe
    from reglab.record import About

    settings, data, name = params.load(), prepared.read(Path("data/study")), stage.name()
    ensemble = settings.entry("ensembles", name)
    about = About(
        family="ensembles",
        name=name,
        technique=[name],
        dataset={"name": data.name, "fingerprint": data.fingerprint},
        settings={name: params.settings(ensemble)} | settings.shared(),
        seeds=list(range(settings.seeds)),
    )

    def recipe(*regularizers) -> Recipe:
        return Recipe(regularizers, settings.model, settings.training, data.classes)

    members = json.loads(Path(f"data/members/{name}.json").read_text())
    chosen = {each["name"]: recipe(settings.regularizers[each["name"]]) for each in members}
    runs, context = Path("runs"), stage.context(settings.tracking)
    ensembling.run(ensemble, recipe(), about, data, runs, chosen=chosen, processes=settings.processes, context=context)


if __name__ == "__main__":
    stage.run(main)
