"""The process that trains ahead of DVC: `python train_ahead.py FOLDER`, that of the schedule, in the folder of the study."""

import sys
from pathlib import Path

from reglab.config import params
from reglab.config.in_study import keep_out
from reglab.config.params import Params
from reglab.config.stage_code import training_stages
from reglab.runtime import dvc_process
from reglab.runtime.compute.ahead import Ahead
from reglab.runtime.compute.ahead_schedule import Schedule
from reglab.runtime.compute.stale import Staleness
from reglab.runtime.cores import usable_cores


def main(root: Path, folder: Path) -> None:
    from dvc.repo import Repo

    settings = params.load()
    processes = settings.training.side_by_side(settings.processes or usable_cores())
    if is_useful(settings, processes):
        dvc_process.parse_each_text_once()
        dvc_process.look_params_up()
        with Repo(str(root)) as repo:
            stages = training_stages(root), training_stages(root, "reglab.experiments.tuning.search")
            listed, staleness = code_lines(root), Staleness(repo)
            Ahead(Schedule(folder), staleness, settings.compute, processes, *stages, listed, keep_out).run()


def is_useful(settings: Params, processes: int) -> bool:
    """Whether several trainings run at once on the cores of this machine: on a GPU, and as ranks of one, they do not."""
    training = settings.training
    return settings.compute.name == "local" and training.accelerator == "cpu" and not training.trainer and processes > 1


def code_lines(root: Path) -> set[str]:
    """The lines of all lists of code that the stage `code` wrote, which is done before the modules of this process."""
    files = (root / "data" / "code").rglob("*.txt")
    return {line for file in files for line in file.read_text(encoding="utf-8").splitlines()}


if __name__ == "__main__":
    try:
        main(Path.cwd(), Path(sys.argv[1]))
    except Exception as error:
        print(f"No more is trained ahead of DVC: {type(error).__name__}: {error}", file=sys.stderr)
