"""Runs a theory topic and publishes the record: numbers, figure, and the exact checks of the techniques it explains."""

from reglab.core import figures
from reglab.core.checks import check_record
from reglab.experiments.theory.base import Topic
from reglab.tracking.stage import Stage
from reglab.training.regularizer import Regularizer


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
