"""What DVC cannot see of the suite's data sets, since profiles and files may lie anywhere: the file suite/digests.json.

`reglab repro --suite` writes it, and nothing else does. It belongs to the suite as suite/dvc.lock does: suite/dvc.yaml has a
stage for each data set that it lists, so that DVC can read the pipeline whether params.yaml has a suite or not, and the stage
`check` of the suite depends on it.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from reglab.config import profiles
from reglab.config.packaged import resolved_settings
from reglab.config.references import mapping
from reglab.config.suite_sets import digests, written
from reglab.config.yaml_source import read
from reglab.core.errors import UserError
from reglab.runtime.dvc_repro import SUITE
from reglab.runtime.recovery import replace

FILE = Path("suite", "digests.json")


def targets(root: Path) -> list[str]:
    """The target of `dvc repro` that is the suite, once the file has the digests of today; an equal one is left alone."""
    given = read(root / "params.yaml")[0]
    sets = mapping(given, "suite").get("sets") or []
    content = written({"sets": {name: digest(root, given, name) for name in sets}}).encode()
    path = root / FILE
    if not path.exists() or path.read_bytes() != content:
        replace(path, content)
    return [SUITE]


def check_listed(root: Path, sets: Sequence[str]) -> None:
    """UserError where the file lists other data sets than params.yaml: DVC has stages for those that it lists."""
    listed = json.loads((root / FILE).read_text(encoding="utf-8"))["sets"]
    if set(listed) != set(sets):
        found = f"{', '.join(listed) or 'none'}, where params.yaml has {', '.join(sets) or 'none'}"
        raise UserError(f"{FILE}: found {found}; allowed: the same data sets, which make suite writes there")


def digest(root: Path, given: dict, name: str) -> str:
    """The SHA-256 of a profile and of the files that it reads, as far as they can be read."""
    profile, files = profiles.read_profile(root, given, name), {}
    with suppress(UserError):
        files = dict(digests(root, resolved_settings(mapping(profile, "data"), f"profiles/{name}.yaml: ")))
    return hashlib.sha256(written({"profile": profile, "files": files}).encode()).hexdigest()
