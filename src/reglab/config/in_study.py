"""Commands that work in the folder of a study, alone there: what `reglab repro` and `reglab submit` begin with."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, chdir
from pathlib import Path

from reglab.config import params, profiles
from reglab.config.compute_section import OVERRIDE, engine_of, overriding
from reglab.config.problems import Problems
from reglab.config.stage_code import training_stages
from reglab.config.targets import unused
from reglab.config.yaml_source import read
from reglab.core.errors import UserError
from reglab.core.outlines import outlines
from reglab.runtime import git, warm
from reglab.runtime.dvc_process import AHEAD
from reglab.runtime.exclusive import no_dvc, only_repro
from reglab.runtime.processes import exit_on_signals


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments that say where the study is and where its trainings run."""
    command.add_argument("--profile", metavar="NAME", help="the smaller study of this entry of `profiles`, kept apart")
    command.add_argument(
        "--only", metavar="ENTRY", nargs="+", default=[], help="the study of these entries, kept apart"
    )
    command.add_argument("--wait", action="store_true", help="while another repro is at work here, wait for its end")
    command.add_argument("--engine", metavar="NAME", help="where trainings run, in place of `compute` of params.yaml")
    command.add_argument("--address", metavar="URL", help="of that engine's scheduler, such as tcp://host:8786")


def in_study(given: argparse.Namespace, check: Callable[[argparse.Namespace], int], run: Callable[[Path], int]) -> int:
    """Check params.yaml and prepare the folder of the study, alone there; then what `run` returns of the folder."""
    from reglab.tracking.mirror.store import ENVIRONMENT

    exit_on_signals()
    override_compute(given.engine, given.address)
    if not Path("params.yaml").exists():
        return check(given)  # which says so
    folder, smaller = Path.cwd(), ["--profile", given.profile] * bool(given.profile)
    smaller += ["--only", *given.only] * bool(given.only)
    place = profiles.place(folder, given.profile, given.only) if smaller else folder
    with only_repro(place, wait=given.wait), warm.server(ENVIRONMENT) as address:
        with no_dvc(place):
            pass  # before anything is touched; again by `recover`, which mends what DVC writes
        os.environ.update(address)
        code = warm.hand_over([sys.modules[check.__module__].__file__, "check", *smaller, *["--suite"] * given.suite])
        code = check(given) if code is None else code
        if code == 0 and (note := git.prepare(Path.cwd())):
            print(note, file=sys.stderr, flush=True)
        if code == 0 and smaller:
            folder = profiles.prepare(folder, given.profile, given.only)
            os.environ.pop("MLFLOW_TRACKING_URI", None)  # the runs of the whole study are not to be mixed with these
        if code:
            return code
        reach_engine(folder)
        os.environ[AHEAD] = str(Path(__file__).with_name("train_ahead.py"))
        return run(folder)


def override_compute(engine: str | None, address: str | None) -> None:
    """Check --engine and --address, and have them take the place of the section `compute` in all processes of this one."""
    if engine is None and address is None:
        return
    if engine is None:
        raise UserError("--address: found it without --engine; allowed: both, such as --engine dask")
    problems, section = Problems("command line"), {"engine": engine} | ({"address": address} if address else {})
    if engine_of(section, problems) is None:
        raise UserError(*(line.replace("command line: compute.", "--") for line in problems.lines))
    os.environ[OVERRIDE] = json.dumps(section)


def reach_engine(folder: Path) -> None:
    """UserError before any work where the engine of the study in this folder does not answer.

    Only its section is read: `params.load` imports PyTorch, which this process needs for nothing else.
    """
    section = (read(folder / "params.yaml")[0] | overriding()).get("compute", {"engine": "local"})
    engine = engine_of(section, Problems("params.yaml"))  # the check before has reported its problems
    if engine and engine.name != "local":
        place = "--" if OVERRIDE in os.environ else "params.yaml: compute."
        try:
            with engine.executor(None):
                pass
        except UserError as error:
            raise UserError(*(line.replace("compute.", place, 1) for line in error.lines)) from None


def submit_study(folder: Path) -> int:
    """Train what the stale stages of the study in this folder need; the exit code."""
    from reglab.runtime.compute.submit import submit

    with chdir(folder), outlines():
        settings = params.load()
    with chdir(folder):
        idle = unused(read("params.yaml")[0])
        return submit(folder, settings.compute, settings.processes, idle, lambda: training_stages(folder), keep_out)


def keep_out(entry: Path, stage: str) -> AbstractContextManager:
    """Keep other processes out of a folder of the journal, in which a stage trains."""
    from reglab.tracking.checkout import locked

    return locked(entry.with_name(f".{entry.name}.lock"), stage)
