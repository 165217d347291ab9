"""The journal: files that trainings write while they run, in the main checkout, outside DVC's outputs.

`.reglab/journal/<key>/` holds, for one recipe, `run.json` (what it is), `seed-<n>.jsonl` (an epoch a line), checkpoints and
finished seeds. A training that was killed resumes from them, and the mirror to MLflow reads them. The key is a digest of
settings, data and code, so another training never picks up these files.
"""

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from reglab.tracking.checkout import locked, root, write_atomically
from reglab.tracking.record import About


def place(root: Path, about: About, code: str) -> Path:
    """The folder of a run in the journal: named by a digest of what determines its outcome.

    `code` is the digest of the list of code by which DVC, too, tells that a stage is up to date (config/stage_code.py).
    """
    identity = [about.family, about.name, about.settings, about.dataset, about.seeds, code]
    digest = hashlib.blake2b(json.dumps(identity).encode(), digest_size=10)
    folder = root / ".reglab" / "journal" / digest.hexdigest()
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder


def kept_place(root: Path, about: About, code: str) -> Path:
    """The folder that keeps the finished seeds of a run whose record may grow, whatever seeds it has now."""
    return root / ".reglab" / "seeds" / place(root, replace(about, seeds=[]), code).name


def code_of(context: dict | None) -> str:
    return context["code"] if context else ""


@contextlib.contextmanager
def opened(about: About, context: dict | None = None, *, grows: bool = False) -> Iterator[Path]:
    """The run's folder in the journal, locked against other processes; a run begun before is resumed. Where the record
    `grows`, the seeds that `complete` has kept of a shorter one are there already.

    `context` is for the mirror, besides `about`: {"code", "tags", "tracking", "changed"}; without it
    nothing is mirrored. An entry that is complete and still waits to be mirrored is set aside, and the run starts anew.
    """
    from reglab.tracking import mirror

    entry = place(root(), about, code_of(context))
    with locked(entry.with_name(f".{entry.name}.lock"), about.name):
        if (entry / "record.json").exists():
            entry.rename(entry.with_name(f"{entry.name}-{time.time_ns()}"))
        entry.mkdir(exist_ok=True)
        if grows:
            link_seeds(kept_place(root(), about, code_of(context)), entry, about.seeds)
        if context:
            write_atomically(entry / "run.json", json.dumps({"key": entry.name} | asdict(about) | context).encode())
            mirror.start_follower(root())
        yield entry
        if not context:
            shutil.rmtree(entry)


def link_seeds(source: Path, target: Path, seeds: Sequence[int]) -> None:
    """Make the finished seeds in one folder, and in those of its variants, be in the other too, with their epochs."""
    for seed in seeds:
        for finished in source.glob(f"**/seed-{seed}.safetensors"):
            place = target / finished.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            for suffix in (".jsonl", ".safetensors"):  # the last one says that both are there
                if not (there := place.with_suffix(suffix)).exists() and finished.with_suffix(suffix).exists():
                    link(finished.with_suffix(suffix), there)


def link(source: Path, target: Path) -> None:
    """A second name of the file; a copy where the file system has no such names."""
    try:
        os.link(source, target)
    except OSError:
        write_atomically(target, source.read_bytes())


def complete(entry: Path, published: Path, kept: Path | None = None, seeds: Sequence[int] = ()) -> None:
    """Hand the published record to the mirror and delete what only a resume would need; `kept` is the folder in which
    these seeds are kept for a record with more of them.
    """
    if kept:
        link_seeds(entry, kept, seeds)
    for file in (*entry.glob("*.safetensors"), *entry.glob("*.ckpt")):
        file.unlink()
    for name in ("curves.csv", "figure.svg", "record.json"):  # record.json last: it says that the entry is complete
        if (published / name).exists():
            write_atomically(entry / name, (published / name).read_bytes())


def epochs_written(entry: Path, *seeds: int) -> int:
    """The number of completed epochs of these seeds together."""
    paths = [entry / f"seed-{seed}.jsonl" for seed in seeds]
    return sum(path.read_bytes().count(b"\n") for path in paths if path.exists())


class Journal:
    """One seed's epochs, appended line by line; an epoch that is there already is not written again.

    After a resume the repeated epochs are the same to the bit, so the first line stays, with its time. A line torn by
    a kill is cut off.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        whole = path.read_bytes()
        if not whole.endswith(b"\n") and whole:
            whole = whole[: whole.rfind(b"\n") + 1]
            write_atomically(path, whole)
        self.lines = [json.loads(line) for line in whole.splitlines()]

    def append(self, epoch: int, metrics: dict[str, float]) -> None:
        """Append an epoch, its numbers to seven digits: the precision of a float32."""
        if epoch < len(self.lines):
            return
        rounded = {name: float(f"{value:.7g}") for name, value in metrics.items()}
        self.lines.append({"epoch": epoch, "time": round(time.time(), 3), "metrics": rounded})
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(self.lines[-1]) + "\n")
