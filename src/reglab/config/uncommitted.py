"""Lists files of entries that git does not know, which queued experiments (`dvc exp run --queue`) would lack."""

import subprocess
from pathlib import Path


def untracked(root: Path) -> list[str]:
    """A warning for each Python file of the package below `root` that is not in git's index; none without git."""
    command = ["git", "ls-files", "-z", "--others", "--exclude-standard", "--", "src/reglab/*.py", "pipelines/*.py"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.CalledProcessError):
        return []
    return [
        f"{file}: git does not know this file, and queued experiments would lack it; say git add {file} first"
        for file in listed.split("\0")
        if file
    ]
