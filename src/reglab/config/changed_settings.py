"""What a DVC experiment has changed in params.yaml."""

import os
import tempfile
from pathlib import Path

from reglab.config.yaml_source import read
from reglab.core.errors import UserError
from reglab.runtime import git

BASELINE = "DVC_EXP_BASELINE_REV"  # DVC names the commit that an experiment starts from
MISSING = object()


def changed_settings() -> dict:
    """The settings that differ from the commit that the DVC experiment started from, as they are now and nested as there.

    None outside of an experiment, and where the former ones cannot be read.
    """
    if BASELINE not in os.environ:
        return {}
    committed = git.run_git(Path.cwd(), "show", f"{os.environ[BASELINE]}:./params.yaml")
    if committed is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        former = Path(folder, "params.yaml")
        former.write_bytes(committed)
        try:
            return differing(read(former)[0], read("params.yaml")[0])
        except UserError:
            return {}


def differing(before: dict, after: dict) -> dict:
    """The values of `after` that `before` has not, nested as they are."""
    changes = {}
    for key, value in after.items():
        former = before.get(key, MISSING)
        if isinstance(value, dict) and isinstance(former, dict):
            value = differing(former, value)
            if value:
                changes[key] = value
        elif value != former:
            changes[key] = value
    return changes
