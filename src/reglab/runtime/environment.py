"""The environment of a study: the commit of its code, versions, and what of the machine changes results."""

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
)  # what determines a result, from the root


def describe_environment(here: Path) -> dict[str, dict[str, str]]:
    """Code, versions and machine, each by name: the same at every call on one machine, without times, hosts and paths.

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
    """The last commit that touched CODE, and whether CODE was edited since; "unknown" without a git history."""
    commit = git.run_git(here, "log", "-1", "--format=%H", "--", *CODE)
    edited = git.run_git(here, "status", "--porcelain", "--", *CODE)
    if not commit:
        return {"commit": "unknown: no git history here"}
    return {"commit": commit.decode().strip(), "edited since": "yes, and not committed" if edited else "no"}
