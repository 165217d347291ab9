"""Stages `attack@<family>`: the trained networks of a family under attack. By hand: python pipelines/attack.py ensembles"""

import stage


def main() -> None:
    import sys
    from dataclasses import replace
    from functools import partial
    from pathlib import Path

    from reglab.config import params
    from reglab.data import prepared
    from reglab.experiments.ensembles.ensemble_network import ensemble_network
    from reglab.experiments.robustness import run as attacking
    from reglab.tracking import record
    from reglab.tracking.stage import Stage
    from reglab.training.one_seed import Recipe
    from reglab.training.restore import recipe_network

    settings, data, family = params.load(), prepared.read(Path("data/study")), stage.name()
    attack = settings.entry("attacks", family)

    def recipe(name: str) -> Recipe:
        return Recipe(settings.recipe(name)[1], settings.model, settings.training, data.classes)

    def ensemble(name: str) -> partial:
        kind, plain = settings.ensembles[name], Recipe((), settings.model, settings.training, data.classes)
        chosen = record.read(Path("runs/ensembles") / name)["chosen"]
        return partial(ensemble_network, kind, kind.member_recipe(plain), [recipe(each) for each in chosen])

    def tuned(name: str) -> partial:
        few = settings.few_labels
        return partial(recipe_network, Recipe(few.regularizers, few.model, settings.training, data.classes))

    rebuilds = {"ensembles": ensemble, "transfer": tuned}
    rebuild = rebuilds.get(family, lambda name: partial(recipe_network, recipe(name)))
    names = list(getattr(settings, family))
    if family == "transfer":  # only those that tell all classes apart can be compared
        names = [name for name in names if settings.transfer[name].classes is None]
    about = stage.about(settings, "attacks", data, {}, **{family: attack}, **settings.shared())
    about = replace(about, seeds=[])  # those of the records it attacks
    networks = {name: rebuild(name) for name in names}
    content = attacking.run(attack, networks, data, Stage(about, **stage.options(settings)))
    for name, seeds in content["skipped"].items():
        print(f"{name}: not attacked, because it diverged in seed {', '.join(map(str, seeds))}", file=sys.stderr)
    for name, model in content["models"].items():
        for line in model["unreliable"]:
            print(f"{name}: robust accuracy unreliable; failed check: {line}", file=sys.stderr)


if __name__ == "__main__":
    stage.run(main)
