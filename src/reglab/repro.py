"""`dvc repro` for people: what a kill broke is mended first, and at the end it says where to look."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML, YAMLError

from reglab.processes import die_with_parent, on_signals


def recover(root: Path) -> list[str]:
    """Mend the files that DVC writes in place, when a kill left them torn; returns what was done, a line each.

    dvc.lock comes back as the last successful repro left it, else as git has it; without either DVC starts over.
    """
    done = []
    lock, kept = root / "dvc.lock", root / ".reglab" / "dvc.lock"
    if lock.exists() and not _is_lock(lock.read_bytes()):
        committed = subprocess.run(["git", "show", "HEAD:./dvc.lock"], cwd=root, capture_output=True).stdout
        candidates = [kept.read_bytes() if kept.exists() else b"", committed]
        good = next((content for content in candidates if _is_lock(content)), None)
        lock.write_bytes(good) if good else lock.unlink()
        done.append("dvc.lock was torn by a kill; " + ("restored" if good else "removed, every stage runs again"))
    claims = root / ".dvc" / "tmp" / "rwlock"
    if claims.exists():
        try:
            json.loads(claims.read_text(encoding="utf-8"))
        except ValueError:
            claims.unlink()
            done.append(f"{claims.relative_to(root)} was torn by a kill; removed")
    return done


def _is_lock(content: bytes) -> bool:
    try:
        return isinstance(YAML(typ="safe").load(content)["stages"], dict)
    except (YAMLError, TypeError, KeyError, UnicodeDecodeError):
        return False


def wait_for(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, int]:
    """Run a command to its end, which an interrupt or a termination of this process asks it for; its exit code, and what
    signal asked (0: none).

    It has a process group of its own, so that it hears of an interrupt at the terminal once, and dies with this process.
    """
    told = 0

    def pass_on(number: int, frame) -> None:
        nonlocal told
        told = number
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)

    process = subprocess.Popen(
        command, cwd=folder, env=environment, process_group=0, preexec_fn=lambda: die_with_parent(signal.SIGTERM)
    )
    with on_signals(pass_on):
        return process.wait(), told


def repro(root: Path, arguments: list[str]) -> int:
    """Recover, run `dvc repro`, and say where the results are; 0 done, 1 a stage failed."""
    for line in recover(root):
        print(line)
    tools = Path(sys.executable).parent
    path = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    command = [str(tools / "dvc"), "repro", *arguments]
    code, told = wait_for(command, root, os.environ | path)
    if told:
        print("\nInterrupted. What is finished is kept: make repro goes on from there.")
        return 128 + told
    if code:
        print("\nA stage failed; what it said stands above. What is finished is kept: make repro goes on from there.")
        return 1
    (root / ".reglab").mkdir(exist_ok=True)
    shutil.copyfile(root / "dvc.lock", root / ".reglab" / "dvc.lock")
    print(f"\nThe report:         {root / 'reports' / 'index.html'}   (open it in a browser)")
    profile = f" PROFILE={root.name}" if root.parent.name == "profiles" else ""
    print(f"The runs in MLflow: make ui{profile}   (it says what to open)")
    return 0
