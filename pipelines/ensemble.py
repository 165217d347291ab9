"""Stages `ensemble@<name>`: every seed's ensemble. By hand: python pipelines/ensemble.py bagging"""

import stage


def main() -> None:
    import json
    from pathlib import Path

    from reglab.config import params
    from reglab.data import prepared
    from reglab.experiments.ensembles import run as ensembling
    from reglab.tracking.stage import Stage
    from reglab.training.one_seed import Recipe

    settings, data, name = params.load(), prepared.read(Path("data/study")), stage.name()
    ensemble = settings.entry("ensembles", name)
    about = stage.about(settings, "ensembles", data, {name: ensemble}, **settings.shared())

    def recipe(*regularizers) -> Recipe:
        return Recipe(regularizers, settings.model, settings.training, data.classes)

    members = json.loads(Path(f"data/members/{name}.json").read_text(encoding="utf-8"))
    chosen = {each["name"]: recipe(settings.regularizers[each["name"]]) for each in members}
    ensembling.run(ensemble, recipe(), data, Stage(about, **stage.options(settings)), chosen=chosen)


if __name__ == "__main__":
    stage.run(main)
