"""Asks DVC which stages would run, and which of those it would restore from its cache without running them."""

import os
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Stale:
    """Stages by name: those that would `run` now, those that `wait` for one that runs, and those that DVC can `restore`."""

    run: list[str] = field(default_factory=list)
    wait: list[str] = field(default_factory=list)
    restore: list[str] = field(default_factory=list)


def preparations(root: Path) -> list[str]:
    """The stages that are no entry of a section and depend on none: what must be up to date before entries can be judged."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        stages, graph = pipeline(repo)
        return [
            name
            for name, stage in stages.items()
            if not any("@" in each.name for each in (stage, *needed(graph, stage)))
        ]


def stale(root: Path, names: Iterable[str]) -> Stale:
    """The state of these stages of the study in `root`, which must be the folder of this process."""
    from dvc.repo import Repo

    state, changed = Stale(), {}
    with Repo(str(root)) as repo, repo.lock:
        stages, graph = pipeline(repo)
        for name, stage in stages.items():
            changed[name] = stage.changed()
        for name in names:
            if any(changed[each.name] for each in needed(graph, stages[name])):
                state.wait.append(name)
            elif changed[name]:
                (state.restore if restorable(repo, stages[name]) else state.run).append(name)
    return state


class Staleness:
    """Asks while DVC works, without its locks: an answer on files that are being written may be wrong, and costs time."""

    def __init__(self, repo) -> None:
        from dvc import rwlock
        from dvc.lock import LockNoop

        rwlock.rwlock = lambda *_: nullcontext()
        repo.lock = LockNoop()
        repo.lock.lock()
        self.repo = repo
        self.stages, self.graph = pipeline(repo)

    def needed(self, name: str) -> set[str]:
        """The names of all stages on whose outputs a stage depends."""
        return {stage.name for stage in needed(self.graph, self.stages[name])}

    def would_run(self, name: str) -> bool:
        """Whether DVC would run the stage, once those that it needs have run; not one at which DVC stops, as it will say."""
        from dvc.exceptions import DvcException

        stage = self.stages[name]
        try:
            return stage.changed() and not restorable(self.repo, stage)
        except DvcException:
            return False


def pipeline(repo) -> tuple[dict, Any]:
    """The stages of dvc.yaml by name, and their graph: from each an edge to those that make what it needs.

    Those of other pipelines below the folder are left out.
    """
    from dvc.repo.graph import build_graph

    stages = repo.stage.load_all(os.path.join(repo.root_dir, "dvc.yaml"))
    return {stage.name: stage for stage in stages}, build_graph(stages)


def needed(graph, stage) -> set:
    """All stages on whose outputs a stage depends."""
    import networkx

    return networkx.descendants(graph, stage)


def restorable(repo, stage) -> bool:
    """Whether DVC has the outputs that the stage would have: those of its last run, or of an earlier one with the same
    dependencies, as after an edit that was taken back.
    """
    if not stage.changed_deps() and not stage.changed_stage():
        return stage.outs_cached()
    stage.save_deps()
    earlier = repo.stage_cache._load(stage)
    return bool(earlier) and repo.stage_cache._create_stage(earlier, wdir=stage.wdir).outs_cached()
