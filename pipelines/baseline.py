"""Stages `baseline@<name>`: a classical method on every seed's split. By hand: python pipelines/baseline.py <name>"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.data import prepared
    from reglab.experiments.baselines import run as baselining
    from reglab.tracking.stage import Stage

    settings, data, name = params.load(), prepared.read(Path("data/study")), stage.name()
    baseline = settings.entry("baselines", name)
    about = stage.about(settings, "baselines", data, {name: baseline}, data=settings.data)
    baselining.run(baseline, data, Stage(about, **stage.options(settings)))


if __name__ == "__main__":
    stage.run(main)
