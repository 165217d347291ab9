"""What a run of the pipeline says at its end: the answer in a few lines, and where the report is."""

from pathlib import Path

SAID_LATER = "REGLAB_SAYS_OUTCOME"  # set by `reglab repro`, which says it itself when DVC has ended


def outcome(root: Path) -> str:
    """The answer as stage `report` has written it, and the path of the report."""
    reports = root.resolve() / "reports"
    if not (reports / "answer.txt").exists():
        return "There is no report yet; dvc repro makes it."
    answer = (reports / "answer.txt").read_text(encoding="utf-8")
    return f"{answer}The report: {reports / 'index.html'}   (open it in a browser)"
