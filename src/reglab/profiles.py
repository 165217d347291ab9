"""A smaller study beside the whole one: `reglab repro --profile quick` in a folder `profiles/quick/` of its own.

It holds the files of this checkout and params.yaml with the entry `profiles.quick` merged into it; DVC, MLflow and the
journal keep there what is theirs, so that nothing of it meets the whole study.
"""

import contextlib
import io
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from omegaconf import OmegaConf
from ruamel.yaml import YAML

from reglab import params
from reglab.errors import UserError
from reglab.faults import unknown
from reglab.params import Params
from reglab.yaml_source import read

NOT_NEEDED = ("tests", "benchmarks", "reports", "dvc.lock", "params.yaml", "README.md")  # or made anew
COPIED = ".reglab/copied"  # the list of what was copied, so that what went away goes there too


def load(root: Path, name: str) -> Params:
    """The settings of a profile; their faults are told at their place in `profiles`, to which they are due.

    To be called when params.yaml itself has no fault. Raises UserError, also for a profile that is not there.
    """
    text = merged(root / "params.yaml", name)
    with tempfile.TemporaryDirectory() as folder, told_of(name):
        path = Path(folder, "params.yaml")
        path.write_text(text, encoding="utf-8")
        return params.load(path)


@contextlib.contextmanager
def told_of(name: str) -> Iterator[None]:
    """Tell the faults of the block as those of a profile."""
    try:
        yield
    except UserError as error:
        place = "params.yaml: "
        raise UserError(*(line.replace(place, f"{place}profiles.{name}.", 1) for line in error.lines)) from None


def place(root: Path, name: str) -> Path:
    """The folder of a profile; raises UserError for one that is not there. Where `profiles` is no mapping, `root`."""
    named = read(root / "params.yaml")[0].get("profiles")
    if not isinstance(named, dict):
        return root  # as `reglab check` is to say
    if name not in named:
        raise unknown("params.yaml: profiles", name, list(named))
    return root / "profiles" / name


def merged(path: Path, name: str) -> str:
    """The text of params.yaml for a profile, without `profiles`; its tracking database is its own unless it names one."""
    whole = read(path)[0]
    profiles = whole["profiles"]
    if name not in profiles:
        raise unknown("params.yaml: profiles", name, list(profiles))
    whole = whole | {"profiles": {}, "tracking": whole["tracking"] | {"uri": None}}
    whole = OmegaConf.to_container(OmegaConf.merge(whole, profiles[name]))
    text = io.StringIO(f"# {path.name} with profiles.{name} merged into it, made anew by each repro: edit that one\n")
    text.seek(0, io.SEEK_END)
    YAML().dump(whole, text)
    return text.getvalue()


def prepare(root: Path, name: str) -> Path:
    """Bring the folder of a profile up to date with the files of the checkout as they are now; files left alone stay as
    they are, so that DVC runs what has changed.
    """
    folder = root / "profiles" / name
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True
    )
    if listed.returncode:
        raise UserError(
            f"{root}: a profile needs a git checkout, whose files are copied ({listed.stderr.decode().strip()})"
        )
    files = {file for file in listed.stdout.decode().split("\0") if file and file.split("/")[0] not in NOT_NEEDED}
    files = {file for file in files if (root / file).is_file()}
    copied = folder / COPIED
    former = set(copied.read_text(encoding="utf-8").split("\0")) if copied.exists() else set()
    for file in former - files:
        (folder / file).unlink(missing_ok=True)
    copied.parent.mkdir(parents=True, exist_ok=True)
    # Before the first copy: a kill may leave no file that is not listed.
    copied.write_text("\0".join(former | files), encoding="utf-8")
    for file in files:
        put(folder / file, (root / file).read_bytes())
    copied.write_text("\0".join(files), encoding="utf-8")
    put(folder / "params.yaml", merged(root / "params.yaml", name).encode())
    put(folder / ".dvc" / "config.local", b"[core]\n    no_scm = true\n")
    return folder


def put(path: Path, content: bytes) -> None:
    """Write a file unless it is so already."""
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
