"""`dvc repro` for people: what a kill broke is mended first, and at the end it says where to look."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from reglab.runtime import disk_space
from reglab.runtime.outcome import SAID_LATER, outcome
from reglab.runtime.processes import die_with_parent, on_signals
from reglab.runtime.recovery import keep, recover

INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


def wait_for(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, int]:
    """Run a command to its end, which an interrupt or a termination of this process asks it for; its exit code, and what
    signal asked (0: none).

    It has a process group of its own, so that it hears of an interrupt at the terminal once, and dies with this process.
    So it is none that may ask at the terminal, which would stop it for ever: its input is empty, and it prints all the same.
    """
    told, parent = 0, os.getpid()

    def pass_on(number: int, frame) -> None:
        nonlocal told
        told = number
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)

    def begin() -> None:
        for number in (signal.SIGTTIN, signal.SIGTTOU):
            signal.signal(number, signal.SIG_IGN)
        die_with_parent(signal.SIGTERM, parent)

    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=begin,
    )
    with on_signals(pass_on):
        return process.wait(), told


def repro(root: Path, arguments: list[str], still_going: Callable[[Path], str] = lambda root: "") -> int:
    """Recover, run `dvc repro`, and say where the results are; 0 done, 1 a stage failed.

    `still_going` says, after a failure, what goes on by itself.
    """
    for line in recover(root):
        print(line, flush=True)
    more = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", SAID_LATER: "yes"}
    command = [sys.executable, "-P", "-m", "reglab.runtime.dvc_process", "repro", *arguments]
    code, told = wait_for(command, root, os.environ | more)
    if not told and code in INTERRUPTED:
        told = code - 128
    if told:
        print("\nInterrupted. What is finished is kept: make repro goes on from there.")
    elif code and (full := disk_space.full(root)):
        print("\n" + disk_space.said(full))
    elif code:
        print("\nA stage failed; what it said stands above. What is finished is kept: make repro goes on from there.")
    if told or code:
        print(still_going(root), end="", flush=True)
        return 128 + told if told else 1
    keep(root)
    print(f"\n{outcome(root)}")
    profile = f" PROFILE={root.name}" if root.parent.name == "profiles" else ""
    print(f"The runs in MLflow: make ui{profile}   (it says what to open)")
    return 0
