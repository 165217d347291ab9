"""The order of the suite, where what takes minutes begins first; one thread a process; a folder with the params.yaml."""

import os
import sys
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest

LONGEST = ("test_pipeline.py", "test_experiments.py", "test_adding.py", "test_contract.py", "test_extremes.py")

# Before NumPy and torch are imported, for whoever calls pytest without make: where two workers have two threads each, the
# threads wait for each other, and a test of linear algebra takes more than ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")


class CalledHere:
    """In the place of a pool of processes: calls every job at once."""

    def __init__(self, *arguments, **keywords) -> None:
        pass

    def __enter__(self) -> "CalledHere":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def submit(self, function, *arguments) -> Future:
        future = Future()
        future.set_result(function(*arguments))
        return future


if "MUTANT_UNDER_TEST" in os.environ:  # mutmut sees in its own process alone which functions a test runs
    from reglab.runtime import processes

    processes.ProcessPoolExecutor = CalledHere


def pytest_collection_modifyitems(items: list) -> None:
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Without a GPU, torch.manual_seed keeps for each kind of GPU the stack of its caller as text, in case one is used later:
    below the many calls of pytest that takes longer than the seed, and every small network is made with one."""
    for name in ("torch.cuda", "torch.xpu", "torch.mtia"):
        if name in sys.modules:
            sys.modules[name].traceback = SimpleNamespace(format_stack=list)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """An empty folder with the params.yaml of the project, as the current one."""
    (tmp_path / "params.yaml").write_bytes((Path(__file__).parent.parent / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path
