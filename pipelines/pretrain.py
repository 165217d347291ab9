"""Stages `pretrain@<pretext>`: every seed of one pretext. By hand: python pipelines/pretrain.py contrastive"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab import params, pretraining
    from reglab.data import prepared
    from reglab.pretexts.base import Setting
    from reglab.record import About

    settings, name = params.load(), stage.name()
    pretext = settings.entry("pretraining", name)
    study, source = prepared.read(Path("data/study")), pretext.read(Path("data"))
    setting = Setting(
        settings.few_labels.model, settings.augmentation["study"], study.classes, settings.training.accelerator
    )
    about = About(
        family="pretraining",
        name=name,
        technique=[name],
        dataset={"name": source.name, "fingerprint": source.fingerprint},
        settings={name: params.settings(pretext), "model": params.settings(setting.architecture)},
        seeds=list(range(settings.seeds)),
    )
    context = stage.context(settings.tracking)
    runs = Path("runs")
    pretraining.run(pretext, setting, about, source, study, runs, processes=settings.processes, context=context)


if __name__ == "__main__":
    stage.run(main)
