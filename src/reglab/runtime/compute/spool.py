"""Collects the trainings that many stages need, so that `reglab submit` can send them all at once.

A stage that runs with the variable SPOOL writes its jobs into a folder, where they are found by their number, and ends
without training. What it would do after its trainings is left to `dvc repro`, which finds them in the journal.
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NoReturn

from reglab.core.errors import WorkError
from reglab.runtime import warm
from reglab.runtime.compute.elsewhere import JobBuilder
from reglab.runtime.compute.engine import SPOOL
from reglab.runtime.compute.payload import Job
from reglab.runtime.recovery import replace


@dataclass(frozen=True)
class Spool:
    """Where the jobs of a stage are written, and for how many workers they are divided."""

    collects: ClassVar[bool] = True  # the stage ends where its trainings have been collected
    folder: Path
    workers: int
    study: JobBuilder

    @classmethod
    def of(cls, variable: str, study: JobBuilder) -> "Spool":
        given = json.loads(variable)
        return cls(Path(given["folder"]), given["workers"], study)

    def run(
        self, calls: Sequence[tuple], folder: Path, joined: Callable[[Sequence[tuple], int], list[tuple]], *_
    ) -> list:
        """Write the jobs that leave files, and end the process; go on where none are left, as once the trials of a search
        are there.
        """
        if not calls:
            return []
        jobs = filter(None, self.study.jobs(joined(calls, self.workers), folder))
        for number, job in enumerate(jobs, start=len(list(self.folder.iterdir()))):  # behind those of the stages before
            replace(self.folder / f"{number:06d}", job.dumps())
        self.end()

    def end(self) -> NoReturn:
        sys.exit(0)


def collect(root: Path, stages: Sequence[str], workers: int, *, quiet: bool = False) -> list[Job]:
    """The jobs of these stages of the study in `root`, which must be the folder of this process.

    `quiet` stages print nothing, and run in the warm process alone: where it has ended, so has what they are collected for.
    """
    with tempfile.TemporaryDirectory() as folder:
        for stage in stages:
            more = {
                SPOOL: json.dumps({"folder": folder, "workers": workers}),
                "DVC_STAGE": stage,
                "DVC_ROOT": str(root),
            }
            if code := run_pipeline(root, more, quiet=quiet):
                raise WorkError(f"{stage}: its trainings could not be collected (exit code {code})")
        return [pickle.loads(file.read_bytes()) for file in sorted(Path(folder).iterdir())]


def run_pipeline(root: Path, more: dict[str, str], *, quiet: bool = False) -> int:
    """Run pipelines/experiment.py with more variables, in the warm process if there is one; its exit code.

    Without one a `quiet` pipeline is not run, and 1 is returned.
    """
    folder = root / "pipelines"  # last, for its code.py is not that of Python
    argv, path = [str(folder / "experiment.py")], [str(root / "src"), *sys.path, str(folder)]
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        printed = [nothing.fileno()] * 2 if quiet else [1, 2]
        if connection := warm.request_run(argv, root, [0, *printed], path=path, more=more):
            with connection:
                return (connection.recv(1) or b"\1")[0]
        if quiet:
            return 1
        output, errors = printed
        ran = subprocess.run([sys.executable, *argv], cwd=root, env=os.environ | more, stdout=output, stderr=errors)
        return ran.returncode
