"""Runs a theory topic and publishes the record: numbers, figure, and the exact checks of the techniques it explains."""

import sys

from reglab.core import figures, registry
from reglab.core.checks import check_record
from reglab.experiments.theory.base import Topic
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.regularizer import Regularizer


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`. Says which checks failed."""
    topic = settings.entry("theory", stage.name)
    techniques = {name: registry.find("regularizers", name) for name in registry.names("regularizers")}
    content = run(topic, techniques, stage.build(None, {}, seeds=[], **{stage.name: topic}))
    for check in content["checks"]:
        if not check["passed"]:
            print(f"{stage.name}: failed: {check['name']}: {check['gap']:g} > {check['tolerance']:g}", file=sys.stderr)


def run(topic: Topic, techniques: dict[str, type[Regularizer]], stage: Stage) -> dict:
    """Publish the topic's record; returns its content. `techniques` are all there are, by name."""
    with stage.journal() as entry:
        finding = topic.run()
        checks = [check_record(check) for check in finding.checks]
        for name, technique in techniques.items():
            if technique.topic == stage.name:
                checks += [check_record(check) | {"technique": name} for check in technique.checks()]
        numbers = {name: float(f"{value:.7g}") for name, value in finding.numbers.items()}
        content = {"seeds": {}, "numbers": numbers, "checks": checks}
        return stage.publish(entry, content, figure=figures.svg(finding.figure))
