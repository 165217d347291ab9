"""A theory topic from its settings to its record: numbers, figure, and the exact checks of the techniques it explains."""

from dataclasses import asdict
from math import isfinite
from pathlib import Path

from reglab import figures, journal, record
from reglab.oracle import Check
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


def row(check: Check) -> dict:
    """The check in the record; a gap to two digits, for the last ones are rounding, and None where it is no number."""
    gap = float(f"{check.gap:.2g}") if isfinite(check.gap) else None
    return {"name": check.name, "gap": gap, "tolerance": check.tolerance, "passed": check.passed}
