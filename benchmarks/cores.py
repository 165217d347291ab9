"""How much faster two cores are than one on a whole study: the small one of params.yaml, profiles.quick.

    python benchmarks/cores.py [FOLDER]

Five minutes on two free cores. The study of a clone of this checkout is run once, in two processes, and watched: how many of
its threads could run at each moment, and how much processor time they got. With c1 the seconds in which a single one could
run, c2 those in which several could, and i the seconds in which none could (a disk, a wait), one core takes c1 + c2 + i and
two take c1 + c2 / 2 + i. The wall times of two runs would say the same on a free machine and nothing on a busy one; these
seconds leave out that two cores share memory. With FOLDER, it watches the study that runs there already until it ends.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.ratios import save

CHECKOUT = Path(__file__).resolve().parent.parent
INTERVAL = 0.05  # seconds


class Watch:
    """The threads that work in a folder or below it: what they could do, and what they got, since the last look."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.got = str(folder.resolve()), {}
        self.seconds = {"one": 0.0, "several": 0.0, "none": 0.0}
        self.last = time.monotonic()

    def threads(self):
        """(process, thread, whether it runs or waits for a core, its seconds of processor time) of each."""
        for process in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError):  # it has ended, or belongs to somebody else
                if not f"{os.readlink(f'/proc/{process}/cwd')}/".startswith(f"{self.folder}/"):
                    continue
                for thread in os.listdir(f"/proc/{process}/task"):
                    state = Path(f"/proc/{process}/task/{thread}/stat").read_text().rpartition(")")[2].split()[0]
                    spent = Path(f"/proc/{process}/task/{thread}/schedstat").read_text().split()[0]
                    yield (process, thread), state == "R", int(spent) / 1e9

    def look(self) -> int:
        """Count what has passed since the last look; returns how many threads there are."""
        threads = list(self.threads())
        spent = sum(seconds - self.got.get(name, 0.0) for name, _, seconds in threads)
        self.got |= {name: seconds for name, _, seconds in threads}
        able, now = sum(could for _, could, _ in threads), time.monotonic()
        if spent or able:
            self.seconds["several" if able > 1 else "one"] += spent
        else:
            self.seconds["none"] += now - self.last
        self.last = now
        return len(threads)

    def until(self, ended: Callable[[], bool]) -> None:
        while not ended():
            self.look()
            time.sleep(INTERVAL)

    def ratio(self) -> float:
        one, several, none = self.seconds.values()
        return (one + several + none) / (one + several / 2 + none)


def main() -> None:
    name = "the small study"
    if sys.argv[1:]:
        name = "a study that was watched"
        watch = Watch(Path(sys.argv[1]))
        watch.until(lambda: not any(True for _ in watch.threads()))
    else:
        with TemporaryDirectory() as folder:
            study = Path(folder) / "study"
            subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(study)], check=True)
            environment = os.environ | {"PYTHONPATH": str(study / "src"), "OMP_NUM_THREADS": "1"}
            command = [sys.executable, "-m", "reglab.cli", "repro", "--profile", "quick", "--quiet"]
            with subprocess.Popen(command, cwd=study, env=environment) as process:
                watch = Watch(study)
                watch.until(lambda: process.poll() is not None)
            if process.returncode:
                sys.exit(process.returncode)
    ratio = round(watch.ratio(), 3)
    print(f"seconds in which one could run, several could, none could: {watch.seconds}; two cores against one: {ratio}")
    save({f"two cores against one, {name}": {"median": ratio, "lowest": ratio, "highest": ratio}})


if __name__ == "__main__":
    main()
