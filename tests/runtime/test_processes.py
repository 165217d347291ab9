import io
import os
import signal
import subprocess
import sys
import time

import pytest

from reglab.core.errors import WorkError
from reglab.runtime.processes import Progress, run_all


def double(x):
    return 2 * x


def fail():
    raise ValueError("on purpose")


def vanish():
    os.kill(os.getpid(), signal.SIGKILL)


def sleep():
    time.sleep(60)


def threads():
    import torch

    return torch.get_num_threads()


def test_results_come_in_the_order_of_the_jobs():
    assert run_all([(double, x) for x in range(7)], processes=2) == [0, 2, 4, 6, 8, 10, 12]


def test_a_worker_has_one_thread():
    assert run_all([(threads,)], processes=1) == [1]


@pytest.mark.parametrize("fault", [fail, vanish])
def test_one_failure_ends_all_without_waiting_for_the_others(fault):
    began = time.monotonic()
    with pytest.raises(Exception):  # noqa: B017 - a ValueError, or what the pool makes of a killed worker
        run_all([(sleep,), (fault,)], processes=2)
    assert time.monotonic() - began < 30  # half of what the sleeper would take


def test_a_process_that_was_killed_is_one_line():
    with pytest.raises(WorkError, match="was killed"):
        run_all([(vanish,)], processes=1)


def test_a_process_whose_parent_has_ended_before_it_could_ask_ends_too():
    source = (
        "import os; from reglab.runtime.processes import die_with_parent; die_with_parent(parent={}); print('lives')"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    for parent, code, output in (("os.getppid()", 0, b"lives\n"), ("1999999999", 128 + signal.SIGKILL, b"")):
        child = subprocess.run([sys.executable, "-c", source.format(parent)], env=environment, stdout=subprocess.PIPE)
        assert (child.returncode, child.stdout) == (code, output)


PARENT = """
import sys, time
sys.path.insert(0, {path!r})
from reglab.runtime.processes import exit_on_signals, run_all
from test_processes import sleep
exit_on_signals()
import multiprocessing, threading
threading.Timer(1.0, lambda: print(*[w.pid for w in multiprocessing.active_children()], flush=True)).start()
run_all([(sleep,), (sleep,)], processes=2)
"""


@pytest.mark.parametrize(("done", "shown"), [(2, "2/3"), (7, "3/3")])
def test_a_progress_bar_shows_what_is_done_and_never_more_than_all(monkeypatch, done, shown):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress("mixup", "seed", 3, lambda: done, lambda: "1 of 3 left").bar() as update:
        update()
    assert "mixup" in terminal.getvalue() and shown in terminal.getvalue() and "1 of 3 left" in terminal.getvalue()


def test_nothing_is_counted_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    counted = []
    with Progress("mixup", "seed", 3, lambda: counted.append(1) or 0).bar() as update:
        update()
    assert not counted and not sys.stderr.getvalue()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_workers_go_when_their_parent_is_told_to(number, code):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    source = PARENT.format(path=os.path.dirname(__file__))
    parent = subprocess.Popen([sys.executable, "-c", source], env=environment, stdout=subprocess.PIPE, text=True)
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2
    parent.send_signal(number)
    assert parent.wait(timeout=20) == code
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in workers)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
