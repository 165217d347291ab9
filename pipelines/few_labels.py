"""Stages `transfer@<name>`, `semi_supervised@<name>`: few labels. By hand: python pipelines/few_labels.py <name>"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.data import prepared
    from reglab.experiments.few_labels import run as few_labels
    from reglab.tracking import record
    from reglab.tracking.stage import Stage

    settings, data, name = params.load(), prepared.read(Path("data/study")), stage.name()
    family = "transfer" if name in settings.transfer else "semi_supervised"
    entry = settings.entry(family, name)
    classes, flops = range(data.classes), 0
    if family == "transfer":
        classes = entry.classes or classes
        folder = Path("runs/pretraining") / entry.start
        flops = record.read(folder)["cost"]["flops"]
        method = few_labels.TransferMethod(entry, folder)
    else:
        method = entry
    study = few_labels.FewLabelsStudy(
        settings.few_labels, settings.augmentation["study"], settings.training.accelerator, tuple(classes)
    )
    others = {"few_labels": settings.few_labels, "augmentation": study.policy}
    about = stage.about(settings, family, data, {name: entry}, **others)
    few_labels.run(method, study, data, Stage(about, **stage.options(settings)), pretraining_flops=flops)


if __name__ == "__main__":
    stage.run(main)
