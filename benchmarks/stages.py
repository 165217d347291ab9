"""What an unchanged `make repro` costs, relative to `dvc status` of as many bare stages.

    python benchmarks/stages.py [STAGES]

Five minutes, most of which is the first run. Stages without work take turns: `reglab.runtime.dvc_process repro`, as
`reglab repro` calls it, and `dvc status`. Each counts in seconds of processor time with its child processes.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from tools.ratios import cpu_seconds, save, spread

TURNS, STAGES = 5, 100
PIPELINE = """\
stages:
  bare:
    foreach: ${entries}
    do:
      cmd: exec cp code.txt ${key}.txt
      params: ["entries.${key}"]
      deps: [code.txt]
      outs: ["${key}.txt"]
"""


def main() -> None:
    stages = int(sys.argv[1]) if sys.argv[1:] else STAGES
    python = [sys.executable, "-m"]
    with TemporaryDirectory() as folder:

        def run(*module: str) -> None:
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
            subprocess.run([*python, *module], cwd=folder, check=True, capture_output=True, env=environment)

        Path(folder, "dvc.yaml").write_text(PIPELINE)
        Path(folder, "code.txt").write_text("code\n")
        Path(folder, "params.yaml").write_text(
            json.dumps({"entries": {f"entry_{i}": {"size": i} for i in range(stages)}})
        )
        run("dvc", "init", "--no-scm")
        repro = ["reglab.runtime.dvc_process", "repro"]
        run(*repro)
        turns = [(cpu_seconds(lambda: run(*repro)), cpu_seconds(lambda: run("dvc", "status"))) for _ in range(TURNS)]
    ratio = spread(turns)
    print(f"{stages} stages: repro {turns[-1][0]:.1f} s, status {turns[-1][1]:.1f} s: {ratio['median']:.2f}")
    save({f"unchanged repro of {stages} stages, against dvc status": ratio})


if __name__ == "__main__":
    main()
