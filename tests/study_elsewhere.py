"""A study of one recipe whose trainings an engine does, and such an engine, for tests that compare with local records."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from blobs import blobs

from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.runtime.compute.elsewhere import Elsewhere, JobBuilder
from reglab.runtime.compute.engine import Engine
from reglab.runtime.compute.spool import Spool
from reglab.runtime.compute.worker import work_once
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training

DROPOUT = Dropout(input_rate=0.2)


@dataclass(frozen=True)
class Threads(Engine):
    """Hands jobs to threads, each of which does one in a process of its own, as a job of Slurm does."""

    work: ClassVar = staticmethod(work_once)

    @contextmanager
    def executor(self, processes):
        with ThreadPoolExecutor(2) as pool:
            yield pool

    def workers(self, executor):
        return 2


class StudyElsewhere:
    """The folder must be that of the process, and DVC_ROOT name it."""

    def __init__(self, folder: Path, seeds: int) -> None:
        self.folder, self.seeds = folder, list(range(seeds))
        self.data = blobs(folder / "data", seeds=seeds, train_size=60, validation_size=30, test_size=30)
        (folder / "params.yaml").write_text("{}\n")

    def run(
        self,
        name: str,
        engine: Engine | None = None,
        *,
        spool: Spool | None = None,
        technique=DROPOUT,
        epochs: int = 3,
        code: str = "",
    ) -> dict[str, bytes]:
        """Train the recipe and publish its record below `name`; its files by name."""
        training = Training(epochs=epochs, batch_size=16, learning_rate=0.01)
        about = About("regularizers", "dropout", ["dropout"], {"fingerprint": self.data.fingerprint}, {}, self.seeds)
        compute = Elsewhere(engine, JobBuilder("train@dropout", code, self.folder)) if engine else spool
        recipe = Recipe((technique,), MLP(width=8, depth=1), training)
        all_seeds.run(recipe, self.data, Stage(about, self.folder / name, processes=2, compute=compute))
        published = (self.folder / name).rglob("*")
        return {
            file.relative_to(self.folder / name).as_posix(): file.read_bytes() for file in published if file.is_file()
        }
