"""Stages `theory@<topic>`: a closed form of the lecture, checked and drawn. By hand: python pipelines/theory.py lasso"""

import stage


def main() -> None:
    import sys

    from reglab.config import params
    from reglab.core import plain, registry
    from reglab.experiments.theory import run as checking
    from reglab.tracking.record import About
    from reglab.tracking.stage import Stage

    settings, name = params.load(), stage.name()
    topic = settings.entry("theory", name)
    about = About("theory", name, [], {}, {name: plain.settings(topic)}, [])
    techniques = {name: registry.find("regularizers", name) for name in registry.names("regularizers")}
    content = checking.run(topic, techniques, Stage(about, **stage.options(settings)))
    for check in content["checks"]:
        if not check["passed"]:
            print(f"{name}: failed: {check['name']}: {check['gap']:g} > {check['tolerance']:g}", file=sys.stderr)


if __name__ == "__main__":
    stage.run(main)
