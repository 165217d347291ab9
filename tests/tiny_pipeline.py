"""A pipeline of stages that do next to nothing, run as `reglab repro` runs one: it takes seconds, and is killed often."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

STAGES = 6
STAGE = """
import os, sys, time
from pathlib import Path
from reglab.runtime import disk_space, dvc_process
from reglab.core.errors import WorkError
from reglab.runtime.processes import die_with_parent, exit_on_signals
exit_on_signals()
die_with_parent(parent=int(os.environ.get(dvc_process.PARENT, os.getppid())))
number = int(os.environ["DVC_STAGE"].removeprefix("stage"))
time.sleep(float(os.environ.get("SECONDS_A_STAGE", 0)))
try:
    with disk_space.plain_errors(Path.cwd()):
        folder = Path("out", str(number))
        folder.mkdir(parents=True)
        for name in "ab":
            (folder / name).write_text(f"{name} of {number}")
except WorkError as error:
    sys.exit(str(error))
"""
REPRO = """
import sys
from pathlib import Path
from reglab.runtime import disk_space
from reglab.core.errors import WorkError
from reglab.runtime.exclusive import only_repro
from reglab.runtime.processes import exit_on_signals
from reglab.runtime.dvc_repro import repro
exit_on_signals()
try:
    with disk_space.plain_errors(Path.cwd()), only_repro(Path.cwd()):
        sys.exit(repro(Path.cwd(), sys.argv[1:]))
except WorkError as error:
    sys.exit(str(error))
"""


class TinyPipeline:
    def __init__(self, folder: Path, seconds: float = 0.0) -> None:
        self.folder, self.seconds = folder, seconds
        (folder / ".dvc").mkdir()
        (folder / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
        (folder / "stage.py").write_text(STAGE)
        (folder / "params.yaml").write_text("".join(f"number{n}: {n}\n" for n in range(STAGES)))
        text = "stages:\n"
        for n in range(STAGES):
            dep = f"    deps: [out/{n - 1}, stage.py]\n" if n else "    deps: [stage.py]\n"
            text += f"  stage{n}:\n    cmd: exec python stage.py\n{dep}    params: [number{n}]\n    outs: [out/{n}]\n"
        (folder / "dvc.yaml").write_text(text)

    def start(self, *arguments: str, command: tuple[str, ...] = (sys.executable, "-c", REPRO)) -> subprocess.Popen:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "REGLAB_"))}
        environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        environment |= {"PYTHONPATH": os.pathsep.join(sys.path), "SECONDS_A_STAGE": str(self.seconds)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "encoding": "utf-8"}
        return subprocess.Popen([*command, *arguments], cwd=self.folder, env=environment, **pipes)

    def run(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=300)
        return process.returncode, output

    @property
    def lock(self) -> Path:
        return self.folder / "dvc.lock"

    def outputs(self) -> dict[str, str]:
        return {str(path.relative_to(self.folder)): path.read_text() for path in (self.folder / "out").rglob("?/?")}

    def reset(self) -> None:
        """As it was before the first run."""
        for name in ("out", ".dvc/cache", ".dvc/tmp", ".reglab"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.lock.unlink(missing_ok=True)
