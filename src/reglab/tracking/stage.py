"""A stage that publishes one record: its inputs, its folder in the journal, and the publication."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from reglab.core.plain import settings as plain
from reglab.data.prepared import Prepared
from reglab.runtime.processes import Progress, run_all
from reglab.tracking import checkout, journal, record
from reglab.tracking.record import About


@dataclass(frozen=True)
class Stage:
    """The inputs of every stage with a record: what it is `about`, the folder `runs` of all records, how many processes
    it may use (None: one for each core), the `context` that the mirror needs, as in `journal.opened`, and whether the
    record `grows`: whether it may get more seeds, so that the trained ones are kept.

    A family's `run` works between the two:

        with stage.journal() as entry:
            ...
            return stage.publish(entry, {"seeds": ...}, curves=...)
    """

    about: About
    runs: Path
    processes: int | None = None
    context: dict | None = None
    grows: bool = False

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def seeds(self) -> list[int]:
        return self.about.seeds

    def journal(self) -> AbstractContextManager[Path]:
        """The stage's folder in the journal, locked against other processes; a run that was killed resumes there."""
        return journal.opened(self.about, self.context, grows=self.grows)

    def run_all(self, jobs: Iterable[tuple], progress: Progress | None = None) -> list:
        """Call every job (function, *arguments) in the stage's processes; the results in the jobs' order."""
        return run_all(jobs, processes=self.processes, progress=progress)

    def publish(self, entry: Path, content: dict, **files) -> dict:
        """Publish `runs/<family>/<name>` atomically and complete the journal's `entry`; returns the record's content.

        `files` are the further arguments of `record.write`.
        """
        content = asdict(self.about) | content
        path = record.write(record.folder(self.runs, self.about), content, **files)
        kept = None
        if self.grows:
            kept = journal.kept_place(checkout.root(), self.about, journal.code_of(self.context))
        journal.complete(entry, path, kept, self.seeds)
        return content


@dataclass(frozen=True)
class StageBuilder:
    """What is known of the stage of an entry of params.yaml before its family reads the data and the settings.

    `family` and `name` are those of the entry, `seeds` those that its record has now; the others are as in `Stage`.
    """

    family: str
    name: str
    seeds: list[int]
    runs: Path
    processes: int | None = None
    context: dict | None = None
    grows: bool = False

    def build(self, data: Prepared | None, techniques: dict, /, seeds: list[int] | None = None, **others) -> Stage:
        """The stage of these techniques by name, in order of application, on the prepared data, in every seed.

        `others` are the other settings that its results depend on; `seeds` are given where they are not those of the study.
        """
        dataset = {"name": data.name, "fingerprint": data.fingerprint} if data else {}
        settings = plain(techniques) | plain(others)
        about = About(
            self.family, self.name, list(techniques), dataset, settings, self.seeds if seeds is None else seeds
        )
        return Stage(about, self.runs, self.processes, self.context, self.grows)
