"""A training of the suite is kept by its content: settings, prepared data, seeds and code name its folder in .reglab/suite/.

DVC deletes the outputs of a stage before it runs. So the records of a data set are made here and copied there, and a stage
that runs again trains only what has changed. A training that was killed goes on here, too.
"""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reglab.runtime.compute import machine
from reglab.tracking import checkout, journal, record
from reglab.tracking.stage import Stage

KEPT = "record"  # the folder in that of a training which holds its record


@dataclass(frozen=True)
class CachedStage(Stage):
    """A stage whose record is published in the cache; `code` is the digest of the code that it runs."""

    code: str = field(default="", kw_only=True)

    @property
    def entry(self) -> Path:
        """The folder of the training."""
        return checkout.root() / ".reglab" / "suite" / journal.place(checkout.root(), self.about, self.code).name

    @property
    def done(self) -> bool:
        return (self.entry / KEPT / "record.json").exists()

    @contextlib.contextmanager
    def journal(self) -> Iterator[Path]:
        """The folder, locked against other processes; what it holds stays."""
        self.entry.parent.mkdir(parents=True, exist_ok=True)
        with checkout.locked(self.entry.with_name(f".{self.entry.name}.lock"), self.name):
            self.entry.mkdir(exist_ok=True)
            if not self.compute:
                machine.note_processors(self.entry, [machine.processor()])
            yield self.entry

    def publish(self, entry: Path, content: dict, **files) -> dict:
        """Keep the record and on which kinds of processor it was made, and remove what only a resume would need; returns
        the record's content.
        """
        content = vars(self.about) | content
        kinds = machine.noted_processors(entry) or [
            machine.processor()
        ]  # what fits classical methods is always this one
        record.write(entry / KEPT, content, **files)
        machine.note_processors(machine.of_record(checkout.root(), record.read_with_digest(entry / KEPT)[1]), kinds)
        for path in entry.iterdir():
            if path.name != KEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return content

    def copy_to(self, folder: Path) -> None:
        """Copy the record that is kept."""
        shutil.copytree(self.entry / KEPT, folder, dirs_exist_ok=True)
