"""`reglab repro` on a pipeline that takes seconds: kills, damaged files and second processes; it recovers by itself."""

import contextlib
import os
import pty
import random
import select
import signal
import sys
import time

import psutil
import pytest
from fire import COUNT, under_fire
from tiny_pipeline import TinyPipeline


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A pipeline, what an uninterrupted run leaves, and the seconds that it takes."""
    pipeline = TinyPipeline(tmp_path_factory.mktemp("tiny"), seconds=0.05)
    began = time.monotonic()
    code, output = pipeline.run()
    assert code == 0, output
    return pipeline, pipeline.lock.read_bytes(), pipeline.outputs(), time.monotonic() - began


def test_a_dry_run_before_the_first_one_ends_well_and_makes_nothing(tmp_path):
    pipeline = TinyPipeline(tmp_path)
    code, output = pipeline.run("--dry", "stage0")
    assert code == 0 and "Traceback" not in output, output
    assert not pipeline.lock.exists() and not pipeline.outputs()


@pytest.mark.parametrize("asks", ["input('go? ')", "open('/dev/tty').read()", "print('go?')"])
def test_what_asks_at_the_terminal_or_prints_there_does_not_stop_for_ever(asks):
    code = f"""
import os, sys, termios
from pathlib import Path
from reglab.runtime.dvc_repro import wait_for
terminal = termios.tcgetattr(1)
terminal[3] |= termios.TOSTOP  # a background process that prints is stopped
termios.tcsetattr(1, termios.TCSANOW, terminal)
sys.exit(wait_for([sys.executable, "-c", {asks!r}], Path.cwd(), dict(os.environ))[0])
"""
    process, terminal = pty.fork()
    if not process:
        os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
        os.execv(sys.executable, [sys.executable, "-c", code])
    deadline, ended = time.monotonic() + 30, (0, 0)
    while not ended[0] and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            with contextlib.suppress(OSError):  # the last process that had it open has ended
                os.read(terminal, 10_000)
        ended = os.waitpid(process, os.WNOHANG)
    if not ended[0]:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    os.close(terminal)
    assert ended[0] and os.waitstatus_to_exitcode(ended[1]) == (0 if asks.startswith("print") else 1)


def goes_on(pipeline, lock: bytes, outputs: dict) -> None:
    """The next repro ends well, and leaves what an uninterrupted one does."""
    code, output = pipeline.run()
    assert code == 0 and "Traceback" not in output, output
    assert pipeline.lock.read_bytes() == lock and pipeline.outputs() == outputs, output


def fire(pipeline, seconds: float, chance: random.Random) -> list[str]:
    """Start a repro, kill one of its processes at a random moment, sometimes with a second repro beside; what happened."""
    process = pipeline.start()
    time.sleep(chance.uniform(0.3, seconds))
    happened = []
    if chance.random() < 0.3 and process.poll() is None:
        beside = pipeline.start()
        said, _ = beside.communicate(timeout=60)
        if beside.returncode == 1:
            assert f"process {process.pid}" in said and len(said.splitlines()) == 1, said
            happened.append("a second one beside")
        else:  # the first had just ended
            assert beside.returncode == 0 and process.poll() is not None, said
    try:
        target = chance.choice([psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)])
        target.send_signal(chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        happened.append("killed")
    except psutil.NoSuchProcess:
        pass
    said, _ = process.communicate(timeout=60)
    assert "corrupted" not in said, said
    if chance.random() < 0.5 and pipeline.lock.exists():  # as a kill inside the writing leaves it
        os.truncate(pipeline.lock, chance.randrange(pipeline.lock.stat().st_size + 1))
        happened.append("torn")
    return happened


def bombard(done, kills: int, chance: random.Random) -> dict[str, int]:
    pipeline, lock, outputs, seconds = done
    counts: dict[str, int] = {}
    while counts.get("killed", 0) < kills:
        pipeline.reset()
        for _ in range(2):  # in a row
            for event in fire(pipeline, seconds, chance):
                counts[event] = counts.get(event, 0) + 1
        goes_on(pipeline, lock, outputs)
    return counts


def test_after_kills_in_a_row_repro_goes_on_by_itself_to_the_same_lock(done):
    bombard(done, 1, random.Random(0))


@under_fire
def test_after_many_kills_repro_goes_on_by_itself_to_the_same_lock(done, capsys):
    counts = bombard(done, COUNT, random.Random(1))
    with capsys.disabled():
        print(f"\nrepro: {counts}")


@under_fire
def test_a_lock_torn_at_any_byte_ends_as_that_of_an_uninterrupted_run(done):
    pipeline, lock, outputs, _ = done
    for number in range(COUNT):
        length = number * len(lock) // COUNT
        lines = lock[:length].count(b"\n")
        for cut in {length, len(b"".join(lock.splitlines(keepends=True)[:lines]))}:  # and at the end of the line before
            pipeline.lock.write_bytes(lock[:cut])
            (pipeline.folder / ".reglab" / "dvc.lock").unlink(missing_ok=True)
            goes_on(pipeline, lock, outputs)


@under_fire
def test_a_plain_dvc_at_work_is_named_and_not_disturbed(done):
    pipeline, *_ = done
    pipeline.reset()
    pipeline.seconds = 3.0
    dvc = pipeline.start(command=(sys.executable, "-m", "dvc", "repro", "stage0"))
    rwlock, deadline = pipeline.folder / ".dvc" / "tmp" / "rwlock", time.monotonic() + 60
    while not (rwlock.exists() and str(dvc.pid) in rwlock.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    pipeline.seconds = 0.05
    pipeline.lock.write_text("schema: '2.0'\nst")  # as if it were just being written
    code, output = pipeline.run()
    said, _ = dvc.communicate(timeout=60)
    assert (code, f"process {dvc.pid}" in output) in {(1, True), (0, False)}, output + said


@under_fire
@pytest.mark.parametrize("rest", ["object", "entry", "folder"])
def test_a_half_written_file_in_the_cache_is_not_taken_for_a_whole_one(done, rest):
    pipeline, lock, outputs, _ = done
    pipeline.reset()
    goes_on(pipeline, lock, outputs)
    cache = pipeline.folder / ".dvc" / "cache"
    for path in [path for path in (cache / ("files" if rest == "object" else "runs")).rglob("*") if path.is_file()]:
        half = path.read_text()[: path.stat().st_size // 2]
        if rest != "object":
            path.unlink()
        if rest == "folder":
            continue
        if rest == "entry":
            path = path.with_name("half.tmp")  # as DVC writes it, before it gives it the name
            path.touch()
        path.chmod(0o644)  # DVC takes the right to write away from what is whole
        path.write_text(half)
    pipeline.lock.unlink()
    goes_on(pipeline, lock, outputs)
