"""Stages `multitask@<name>`: one or several tasks on scenes, every seed. By hand: python pipelines/multitask.py joint"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab import multitasking, params
    from reglab.data import prepared
    from reglab.record import About

    settings, data, name = params.load(), prepared.read(Path("data/scenes")), stage.name()
    entry = settings.entry("multitask", name)
    about = About(
        family="multitask",
        name=name,
        technique=[name],
        dataset={"name": data.name, "fingerprint": data.fingerprint},
        settings={name: params.settings(entry), "few_scenes": params.settings(settings.few_scenes)},
        seeds=list(range(settings.seeds)),
    )
    accelerator, context = settings.training.accelerator, stage.context(settings.tracking)
    options = {"processes": settings.processes, "context": context}
    multitasking.run(entry, settings.few_scenes, accelerator, about, data, Path("runs"), **options)


if __name__ == "__main__":
    stage.run(main)
