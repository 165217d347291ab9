"""What a study was made with and in: the commit of its code, versions, and what of the machine changes results."""

import platform
from importlib.metadata import version
from pathlib import Path

from reglab.runtime import git

PACKAGES = (
    "torch",
    "pytorch-lightning",
    "torchmetrics",
    "numpy",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "dvc",
    "mlflow",
)
CODE = (
    ":/src",
    ":/pipelines",
    ":/params.yaml",
    ":/dvc.yaml",
    ":/requirements.lock",
)  # what decides a result, from the root


def surroundings(here: Path) -> dict[str, dict[str, str]]:
    """By heading, name and value: the same at every call on one machine, and free of times, hosts and paths.

    `here` is any folder of the checkout.
    """
    import torch

    return {
        "Code": code(here),
        "Versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "Machine": {
            "processor": platform.machine(),
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "threads": str(torch.get_num_threads()),
        },
    }


def code(here: Path) -> dict[str, str]:
    """The last commit that touched CODE, and whether it has been edited since; said so where git does not know."""

    commit = git.ask(here, "log", "-1", "--format=%H", "--", *CODE)
    edited = git.ask(here, "status", "--porcelain", "--", *CODE)
    if not commit:
        return {"commit": "unknown: no git history here"}
    return {"commit": commit.decode().strip(), "edited since": "yes, and not committed" if edited else "no"}
