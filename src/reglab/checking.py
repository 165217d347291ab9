"""A theory topic from its settings to its record: numbers, figure, and the exact checks of the techniques it explains."""

from dataclasses import asdict
from pathlib import Path

from reglab import figures, journal, record
from reglab.oracle import row
from reglab.record import About
from reglab.regularizers.base import Regularizer
from reglab.theory.base import Topic


def run(
    topic: Topic, about: About, techniques: dict[str, type[Regularizer]], runs: Path, *, context: dict | None = None
) -> dict:
    """Publish `runs/theory/<name>`; returns the record's content. `techniques` are all there are, by name.

    `context` is as in `journal.opened`.
    """
    with journal.opened(about, context) as entry:
        finding = topic.run()
        checks = [row(check) for check in finding.checks]
        for name, technique in techniques.items():
            if technique.topic == about.name:
                checks += [row(check) | {"technique": name} for check in technique.checks()]
        numbers = {name: float(f"{value:.7g}") for name, value in finding.numbers.items()}
        content = asdict(about) | {"seeds": {}, "numbers": numbers, "checks": checks}
        journal.complete(entry, record.write(record.folder(runs, about), content, figure=figures.svg(finding.figure)))
    return content
