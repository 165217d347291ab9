"""Stages `multitask@<name>`: one or several tasks on scenes, every seed. By hand: python pipelines/multitask.py joint"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.data import prepared
    from reglab.experiments.multitask import run as multitasking
    from reglab.tracking.stage import Stage

    settings, data, name = params.load(), prepared.read(Path("data/scenes")), stage.name()
    entry = settings.entry("multitask", name)
    about = stage.about(settings, "multitask", data, {name: entry}, few_scenes=settings.few_scenes)
    this = Stage(about, **stage.options(settings))
    multitasking.run(entry, settings.few_scenes, settings.training.accelerator, data, this)


if __name__ == "__main__":
    stage.run(main)
