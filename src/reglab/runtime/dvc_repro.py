"""Runs `dvc repro`: repairs what a kill broke, and says at the end where the results are."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from reglab.runtime import disk_space
from reglab.runtime.outcome import PRINTED_LATER, outcome
from reglab.runtime.processes import die_with_parent, on_signals
from reglab.runtime.recovery import keep, recover

SUITE = "suite/dvc.yaml"  # the pipeline of the suite, as a target of dvc repro
INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


def wait_for(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, int]:
    """Run a command to its end; its exit code, and the signal that this process received meanwhile (0: none).

    An interrupt or a termination of this process interrupts the command. It runs in a process group of its own, so that
    an interrupt at the terminal reaches it once, and it ends with this process. A process outside the terminal's group is
    stopped when it reads from the terminal: so its input is empty, and it ignores the signals that would stop it.
    """
    received, parent = 0, os.getpid()

    def pass_on(number: int, frame) -> None:
        nonlocal received
        received = number
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
        return process.wait(), received


def run_dvc(root: Path, arguments: list[str]) -> tuple[int, int]:
    """Run `dvc repro` with the programs of this environment; its exit code, and the signal that ended it (0: none)."""
    more = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", PRINTED_LATER: "yes"}
    command = [sys.executable, "-P", "-m", "reglab.runtime.dvc_process", "repro", *arguments]
    code, received = wait_for(command, root, os.environ | more)
    if not received and code in INTERRUPTED:
        received = code - 128
    return code, received


def repro(
    root: Path, arguments: list[str], still_running: Callable[[Path], str] = lambda root: "", *, last: bool = True
) -> int:
    """Recover, run `dvc repro`, and say where the results are, if it is the `last` one; the exit code: 0 done, 1 a stage
    failed.

    `still_running` names the processes that go on after a failure.
    """
    for line in recover(root):
        print(line, flush=True)
    code, received = run_dvc(root, arguments)
    if received:
        print("\nInterrupted. What is finished is kept: the same command goes on from there.")
    elif code and (full := disk_space.full_folder(root)):
        print("\n" + disk_space.full_message(full))
    elif code:
        print(
            "\nA stage failed; its message stands above. What is finished is kept: the same command goes on from there."
        )
    if received or code:
        print(still_running(root), end="", flush=True)
        return 128 + received if received else 1
    keep(root)
    if not last:
        return 0
    suite = {"page": "suite.html", "text": "suite.txt"} if SUITE in arguments else {}
    print(f"\n{outcome(root, **suite)}")
    profile = f" PROFILE={root.name}" if root.parent.name == "profiles" else ""
    print(f"The runs in MLflow: make ui{profile}   (it prints the address to open)")
    return 0
