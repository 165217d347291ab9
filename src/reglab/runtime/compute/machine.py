"""What of a machine decides the bits of a training: versions of packages, which must agree, and the kind of processor."""

import os
import platform
import socket
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "pytorch-lightning", "torchmetrics", "numpy", "scipy", "scikit-learn", "safetensors")


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that train, by name; "missing" for one that is not installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def processor() -> str:
    """The kind of processor, such as "x86_64 AuthenticAMD AVX2": on one kind a training leaves the same bytes."""
    import torch

    vendor = ""
    if (table := Path("/proc/cpuinfo")).exists():
        lines = (line.partition(":") for line in table.read_text(encoding="utf-8", errors="replace").splitlines())
        vendor = next((value.strip() for key, _, value in lines if key.strip() == "vendor_id"), "")
    return " ".join(filter(None, (platform.machine(), vendor, torch.backends.cpu.get_cpu_capability())))


def name() -> str:
    """The host and the process, for messages."""
    return f"{socket.gethostname()}, process {os.getpid()}"
