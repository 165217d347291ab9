"""Stages `augment@<study|scenes>`: what the policy makes of the images. By hand: python pipelines/augment.py scenes"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.core import plain
    from reglab.data import prepared
    from reglab.experiments.augmentation import run as augmenting
    from reglab.tracking.record import About
    from reglab.tracking.stage import Stage

    settings, name = params.load(), stage.name()
    data, policy = prepared.read(Path("data") / name), settings.entry("augmentation", name)
    dataset = {"name": data.name, "fingerprint": data.fingerprint}
    about = About("augmentation", name, [], dataset, {name: plain.settings(policy)}, [])
    augmenting.run(policy, data, Stage(about, **stage.options(settings)))


if __name__ == "__main__":
    stage.run(main)
