"""Stages `pretraining@<pretext>`: every seed of one pretext. By hand: python pipelines/pretraining.py contrastive"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.data import prepared
    from reglab.experiments.pretraining import run as pretraining
    from reglab.experiments.pretraining.base import Setting
    from reglab.tracking.stage import Stage

    settings, name = params.load(), stage.name()
    pretext = settings.entry("pretraining", name)
    study, source = prepared.read(Path("data/study")), pretext.read(Path("data"))
    setting = Setting(
        settings.few_labels.model, settings.augmentation["study"], study.classes, settings.training.accelerator
    )
    about = stage.about(settings, "pretraining", source, {name: pretext}, model=setting.architecture)
    pretraining.run(pretext, setting, source, study, Stage(about, **stage.options(settings)))


if __name__ == "__main__":
    stage.run(main)
