"""A stage that publishes one record: its inputs, its folder in the journal, and the publication."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from reglab.runtime.processes import Progress, run_all
from reglab.tracking import journal, record
from reglab.tracking.record import About


@dataclass(frozen=True)
class Stage:
    """The inputs of every stage with a record: what it is `about`, the folder `runs` of all records, how many processes
    it may use (None: one for each core) and the `context` that the mirror needs, as in `journal.opened`.

    A family's `run` works between the two:

        with stage.journal() as entry:
            ...
            return stage.publish(entry, {"seeds": ...}, curves=...)
    """

    about: About
    runs: Path
    processes: int | None = None
    context: dict | None = None

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def seeds(self) -> list[int]:
        return self.about.seeds

    def journal(self) -> AbstractContextManager[Path]:
        """The stage's folder in the journal, locked against other processes; a run that was killed resumes there."""
        return journal.opened(self.about, self.context)

    def run_all(self, jobs: Iterable[tuple], progress: Progress | None = None) -> list:
        """Call every job (function, *arguments) in the stage's processes; the results in the jobs' order."""
        return run_all(jobs, processes=self.processes, progress=progress)

    def publish(self, entry: Path, content: dict, **files) -> dict:
        """Publish `runs/<family>/<name>` atomically and complete the journal's `entry`; returns the record's content.

        `files` are the further arguments of `record.write`.
        """
        content = asdict(self.about) | content
        path = record.write(record.folder(self.runs, self.about), content, **files)
        journal.complete(entry, path)
        return content
