"""What of a machine decides the bits of a training: versions of packages, which must agree, and the kind of processor."""

import os
import platform
import socket
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from reglab.runtime.recovery import replace

PACKAGES = ("torch", "pytorch-lightning", "torchmetrics", "numpy", "scipy", "scikit-learn", "safetensors")
VECTORS = ("avx512f", "avx2", "avx")  # instructions, the widest first: torch chooses its code by them
PROCESSORS = "processors.txt"  # beside the files of trainings, a line a kind: a record holds nothing of the machine


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that train, by name; "missing" for one that is not installed."""
    installed = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            installed[name] = "missing"
    return installed


def processor(table: Path = Path("/proc/cpuinfo")) -> str:
    """The kind of processor, such as "x86_64 AuthenticAMD avx2": on one kind a training leaves the same bytes."""
    lines = table.read_text(encoding="utf-8", errors="replace").splitlines() if table.exists() else []
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    widest = next((level for level in VECTORS if level in facts.get("flags", "").split()), "")
    return " ".join(filter(None, (platform.machine(), facts.get("vendor_id", ""), widest)))


def note_processors(folder: Path, kinds: Iterable[str]) -> None:
    """Say beside the files of trainings on which kinds of processor they were made, too."""
    known = {*lines_of(folder / PROCESSORS)}
    if added := {*kinds} - known:
        folder.mkdir(parents=True, exist_ok=True)
        replace(folder / PROCESSORS, "".join(f"{kind}\n" for kind in sorted(known | added)).encode())


def noted_processors(folder: Path) -> list[str]:
    """The kinds of processor on which what lies in the folder, and below it, was made, as far as somebody has noted it."""
    return sorted({kind for path in folder.rglob(PROCESSORS) for kind in lines_of(path)})


def of_record(root: Path, digest: str) -> Path:
    """The folder that says on which kinds of processor the record with this digest was made."""
    return root / ".reglab" / "processors" / digest


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def name() -> str:
    """The host and the process, for messages."""
    return f"{socket.gethostname()}, process {os.getpid()}"
