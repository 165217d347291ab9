"""The folder by which DVC's process, the one that trains ahead of it, and the stages know of each other."""

import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from reglab.runtime.processes import Progress
from reglab.runtime.recovery import replace

FOLDER = "REGLAB_AHEAD"  # the variable with the folder, for the stages of one run of DVC
POLL_SECONDS = 0.05


class Schedule:
    """The stages of a run in DVC's order, those that it has passed, and which need not wait for their trainings.

    The file `stages` is there while anything can be done ahead: to remove it needs no room on a full disk.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stages, self._passed = folder / "stages", folder / "passed"

    def begin(self, stages: Iterable[str], passed: Iterable[str]) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._stages.write_text("".join(f"{stage}\n" for stage in stages), encoding="utf-8")
        for stage in passed:
            self.passes(stage)

    def stages(self) -> list[str]:
        """In DVC's order; none once nothing more will be done."""
        return lines(self._stages)

    def passes(self, stage: str) -> None:
        """DVC has run or left out the stage, so that its outputs are what they will be."""
        with self._passed.open("a", encoding="utf-8") as file:
            file.write(f"{stage}\n")

    def passed(self) -> set[str]:
        return {*lines(self._passed)}

    def report(self, stage: str, done: int, known: int) -> None:
        """So many jobs of a stage are done, of those that are known until now."""
        replace(self.folder / f"{stage}.jobs", json.dumps([done, known]).encode())

    def reported(self, stage: str) -> tuple[int, int]:
        file = self.folder / f"{stage}.jobs"
        done, known = json.loads(file.read_bytes()) if file.exists() else (0, 0)
        return done, known

    def leave(self, stage: str) -> None:
        """Nothing more will be done for the stage before it runs."""
        (self.folder / f"{stage}.left").touch()

    def end(self) -> None:
        """Nothing more will be done for any stage."""
        self._stages.unlink(missing_ok=True)

    def is_left(self, stage: str) -> bool:
        return not self._stages.exists() or (self.folder / f"{stage}.left").exists()

    def is_awaited(self, stage: str) -> bool:
        """Whether DVC runs the stage, so that whatever it needs is there, also what DVC was not asked to bring up to date."""
        return (self.folder / f"{stage}.awaited").exists()

    def wait(self, stage: str) -> None:
        """Return when nothing more will be done for the stage before it runs; a bar shows its jobs meanwhile."""
        if stage not in self.stages():
            return
        (self.folder / f"{stage}.awaited").touch()
        while not self.is_left(stage):
            known = self.reported(stage)[1]
            with Progress(stage, "job", known, lambda: self.reported(stage)[0]).bar() as update:
                while not self.is_left(stage) and self.reported(stage)[1] == known:
                    update()
                    time.sleep(POLL_SECONDS)


def lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return []
