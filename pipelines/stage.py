"""What every stage shares: this checkout's code, a name from DVC, one-line errors, clean ends."""

import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# An experiment in a temporary copy runs the copy's code; and code.py here does not take the place of Python's own module.
sys.path[:] = [str(HERE.parent / "src"), *(place for place in sys.path if Path(place).resolve() != HERE), str(HERE)]
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the number of threads changes the bits of a result

try:
    from reglab.core.errors import UserError, exit_codes
    from reglab.core.redaction import redact_output
    from reglab.runtime import disk_space, dvc_process, warm
    from reglab.runtime.processes import die_with_parent, exit_on_signals
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}; activate the environment (source .venv/bin/activate) or say: make repro")


def name() -> str:
    """The entry this stage is about: of `train@dropout` in DVC_STAGE, or of `python pipelines/train.py dropout`, dropout."""
    given = os.environ["DVC_STAGE"].partition("@")[2] if "DVC_STAGE" in os.environ else " ".join(sys.argv[1:])
    if not re.fullmatch(r"[a-z0-9_]+", given):
        raise UserError(f"{sys.argv[0]}: found {given!r}; allowed: the name of one entry of params.yaml, such as none")
    return given


def run(main) -> None:
    """Call `main` and end the process: 0 done, 1 the work failed, 2 the user's input is wrong, 130 or 143 interrupted."""
    redact_output()
    exit_on_signals()
    if "DVC_STAGE" in os.environ:
        parent = os.environ.get(dvc_process.PARENT)
        die_with_parent(parent=int(parent) if parent else None)
    code = warm.hand_over(sys.argv)
    if code is not None:
        sys.exit(code)
    with exit_codes(), disk_space.plain_errors(Path.cwd()):
        main()


def about(settings, family: str, data, techniques: dict, /, **others):
    """What the stage's run is, in every seed, as `record.About`: its techniques by name, in order of application, on the
    prepared `data`, and the `others` of the settings that it rests on.
    """
    from reglab.core.plain import settings as plain
    from reglab.tracking.record import About

    dataset, seeds = {"name": data.name, "fingerprint": data.fingerprint}, list(range(settings.seeds))
    return About(family, name(), list(techniques), dataset, plain(techniques) | plain(others), seeds)


def options(settings) -> dict:
    """What every `tracking.stage.Stage` is given besides what it is about: the folder of all records, the processes side by
    side, and what the journal needs to know.
    """
    return {"runs": Path("runs"), "processes": settings.processes, "context": context(settings.tracking)}


def code() -> str:
    """The digest of the list of code on which this stage depends (data/code), of the files as they are now."""
    import hashlib

    from reglab.config.stage_code import Code
    from reglab.config.yaml_source import read

    code = Code(HERE.parent, read("params.yaml")[0])
    listing = code.listing(code.stage_of(Path(sys.argv[0]).name, name()))
    return hashlib.sha256(listing.encode()).hexdigest()


def context(tracking) -> dict:
    """What the journal needs to know besides the run itself: the code, and what the mirror to MLflow needs.

    `tracking` is the section of params.yaml.
    """
    from dataclasses import asdict

    from reglab.config.changed_settings import changed_settings
    from reglab.runtime import git

    commit = git.run_git(Path.cwd(), "rev-parse", "HEAD") or b""
    tags = {"dvc_stage": os.environ.get("DVC_STAGE", "by hand"), "git_commit": commit.decode().strip()}
    tags |= {"dvc_experiment": os.environ.get("DVC_EXP_NAME", "")}
    return {"tags": tags, "tracking": asdict(tracking), "changed": changed_settings(), "code": code()}
