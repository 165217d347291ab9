"""A stage that publishes one record: its inputs, its folder in the journal, and the publication."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reglab.core.plain import settings as plain
from reglab.data.prepared import Prepared
from reglab.runtime.processes import Progress, run_all
from reglab.tracking import checkout, journal, record
from reglab.tracking.record import About

if TYPE_CHECKING:
    from reglab.runtime.compute.elsewhere import Elsewhere
    from reglab.runtime.compute.spool import Spool


@dataclass(frozen=True)
class Stage:
    """The inputs of every stage with a record: what it is `about`, the folder `runs` of all records, how many processes
    it may use (None: one for each core), the `context` that the mirror needs, as in `journal.opened`, whether the record
    `grows`: whether it may get more seeds, so that the trained ones are kept, and what runs its trainings where these
    processes do not (`compute`).

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
    compute: "Elsewhere | Spool | None" = None

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
        self.end_if_collected()
        return run_all(jobs, processes=self.processes, progress=progress)

    def end_if_collected(self) -> None:
        """End the process where only the stage's trainings are wanted, by `reglab submit`."""
        if self.compute and self.compute.collects:
            self.compute.end()

    def train(
        self,
        calls: Sequence[tuple],
        folder: Path,
        joined: Callable[[Sequence[tuple], int | None], list[tuple]],
        progress: Progress | None = None,
    ) -> list:
        """Call every job as `run_all`, where `compute` of params.yaml says: they leave their files in
        `folder`, and read none there.

        `joined` makes fewer and larger jobs of them for so many processes or workers; the results are in its order.
        """
        if self.compute:
            return self.compute.run(calls, folder, joined, progress, self.processes)
        return self.run_all(joined(calls, self.processes), progress)

    def publish(self, entry: Path, content: dict, **files) -> dict:
        """Publish `runs/<family>/<name>` atomically and complete the journal's `entry`; returns the record's content.

        `files` are the further arguments of `record.write`.
        """
        self.end_if_collected()
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
    compute: "Elsewhere | Spool | None" = None

    def build(self, data: Prepared | None, techniques: dict, /, seeds: list[int] | None = None, **others) -> Stage:
        """The stage of these techniques by name, in order of application, on the prepared data, in every seed.

        `others` are the other settings that its results depend on; `seeds` are given where they are not those of the study.
        """
        dataset = {"name": data.name, "fingerprint": data.fingerprint} if data else {}
        settings = plain(techniques) | plain(others)
        about = About(
            self.family, self.name, list(techniques), dataset, settings, self.seeds if seeds is None else seeds
        )
        return Stage(about, self.runs, self.processes, self.context, self.grows, self.compute)
