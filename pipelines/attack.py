"""Stages `attack@<family>`: all trained recipes of a family under attack. By hand: python pipelines/attack.py regularizers"""

import stage


def main() -> None:
    import sys
    from pathlib import Path

    from reglab import attacking, params
    from reglab.data import prepared
    from reglab.fitting import Recipe
    from reglab.record import About

    settings, data, family = params.load(), prepared.read(Path("data/prepared")), stage.name()
    attack = settings.entry("attacks", family)
    about = About(
        family="attacks",
        name=family,
        technique=[],
        dataset={"name": data.name, "fingerprint": data.fingerprint},
        settings={family: params.settings(attack)} | settings.shared(),
        seeds=[],
    )
    recipes = {
        name: Recipe(settings.recipe(name)[1], settings.model, settings.training, data.classes)
        for name in getattr(settings, family)
    }
    context = stage.context(settings.tracking)
    content = attacking.run(attack, recipes, about, data, Path("runs"), processes=settings.processes, context=context)
    for name, seeds in content["skipped"].items():
        print(f"{name}: not attacked, for it diverged in seed {', '.join(map(str, seeds))}", file=sys.stderr)
    for name, model in content["models"].items():
        for line in model["unreliable"]:
            print(f"{name}: robust accuracy unreliable; does not hold: {line}", file=sys.stderr)


if __name__ == "__main__":
    stage.run(main)
