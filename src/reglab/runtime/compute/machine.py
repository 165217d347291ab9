"""What of a machine decides the bits of a training: versions of packages, which must agree, and the kind of processor."""

import os
import platform
import socket
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "pytorch-lightning", "torchmetrics", "numpy", "scipy", "scikit-learn", "safetensors")
VECTORS = ("avx512f", "avx2", "avx")  # instructions, the widest first: torch chooses its code by them
PROCESSORS = "processors.txt"  # in the journal, a line a kind: a record holds nothing of the machine


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


def name() -> str:
    """The host and the process, for messages."""
    return f"{socket.gethostname()}, process {os.getpid()}"
