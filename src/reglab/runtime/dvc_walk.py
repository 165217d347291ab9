"""Notes where DVC is in its walk from stage to stage, and begins the process that trains ahead of it (compute/ahead.py)."""

import contextlib
import os
import socket
import sys
import threading
from pathlib import Path

from reglab.runtime import warm
from reglab.runtime.compute.ahead_schedule import FOLDER, Schedule

FIRST = 2  # the entry that the other process begins with: an edit that makes a single one run needs none


class Walk:
    """One `dvc repro` of this process in the study `root`; `script` trains ahead, and takes the folder of the schedule."""

    def __init__(self, root: Path, script: str) -> None:
        self.root, self.script = root, script
        self.schedule = Schedule(root / ".reglab" / "ahead")
        self.stages: list[str] = []
        self.passed: list[str] = []
        self.entries = 0  # that have run
        self.connection: socket.socket | None = None  # to the other process, which ends with this one

    def note(self) -> None:
        """Have DVC call this object in its walk."""
        from dvc.repo import reproduce
        from dvc.stage import run

        walk, run_commands = reproduce._reproduce, run.cmd_run

        def walk_noting(stages, *given, repro_fn=reproduce._reproduce_stage, **options):
            self.stages, self.passed = [stage.addressing for stage in stages], []

            def repro_noting(stage, **more):
                ran = repro_fn(stage, **more)
                self.passes(stage.addressing)
                return ran

            return walk(stages, *given, repro_fn=repro_noting, **options)

        def run_noting(stage, dry=False, run_env=None):
            if not dry:
                self.runs(stage.addressing)
            run_commands(stage, dry=dry, run_env=run_env)

        reproduce._reproduce, run.cmd_run = walk_noting, run_noting

    def runs(self, stage: str) -> None:
        """A stage is about to run."""
        if "@" in stage and ":" not in stage:  # an entry, and not of another pipeline such as the suite
            self.entries += 1
            if self.entries == FIRST:
                self.begin()

    def passes(self, stage: str) -> None:
        """The outputs of a stage are what they will be."""
        self.passed.append(stage)
        if self.connection:
            try:
                self.schedule.passes(stage)
            except OSError:  # as on a full disk: end the other process, which would wait to be told
                self.connection.shutdown(socket.SHUT_RDWR)

    def begin(self) -> None:
        """Begin the other process, where there is a warm one to fork it from; stages will wait for it until it ends.

        It has the code of the study, as the stages have: that of this process is another one's in a copy or a profile.
        """
        argv, path = [self.script, str(self.schedule.folder)], [str(self.root / "src"), *sys.path]
        with contextlib.suppress(OSError):  # as on a full disk: then no stage waits
            self.schedule.begin(self.stages, self.passed)
            self.connection = warm.request_run(argv, self.root, [0, 1, 2], path=path)
        if self.connection:
            os.environ[FOLDER] = str(self.schedule.folder)
            threading.Thread(target=self.await_end, daemon=True).start()

    def await_end(self) -> None:
        try:
            self.connection.recv(1)
        finally:
            self.schedule.end()
