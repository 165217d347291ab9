"""Chooses what runs the trainings of a stage."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reglab.runtime.compute.ahead_schedule import FOLDER, Schedule
from reglab.runtime.compute.engine import SPOOL, Engine

if TYPE_CHECKING:
    from reglab.runtime.compute.elsewhere import Elsewhere
    from reglab.runtime.compute.spool import Spool


def compute_of(stage: str, code: str, engine: Engine, checkout: Path) -> "Elsewhere | Spool | None":
    """What runs the trainings of a stage: None for processes of this machine, which the engine local stands for.

    Where trainings are done ahead of DVC, those of the stage are awaited first. `code` is the stage's list of code as in
    data/code, `checkout` the main one.
    """
    if SPOOL not in os.environ and engine.name == "local":
        if FOLDER in os.environ:
            Schedule(Path(os.environ[FOLDER])).wait(stage)
        return None
    from reglab.runtime.compute.elsewhere import Elsewhere, JobBuilder
    from reglab.runtime.compute.spool import Spool

    study = JobBuilder(stage, code, checkout)
    return Spool.of(os.environ[SPOOL], study) if SPOOL in os.environ else Elsewhere(engine, study)
