"""The last lines of a run of the pipeline: the answer in short, and where the report is."""

import os
from pathlib import Path

PRINTED_LATER = "REGLAB_SAYS_OUTCOME"  # set by `reglab repro`, which prints the outcome itself when DVC has ended


def outcome(root: Path, page: str = "index.html", text: str = "answer.txt") -> str:
    """The answer that stage `report` has written, its `text`, and where its `page` is."""
    reports = root.resolve() / "reports"
    if not (reports / text).exists():
        return "There is no report yet; dvc repro makes it."
    answer = (reports / text).read_text(encoding="utf-8")
    if Path(os.environ.get("DVC_ROOT", root)).resolve() != root.resolve():  # DVC deletes this workspace
        return (
            f"{answer}The report: dvc exp apply {os.environ.get('DVC_EXP_NAME', '<name>')} brings it into the checkout"
        )
    return f"{answer}The report: {reports / page}   (open it in a browser)"
