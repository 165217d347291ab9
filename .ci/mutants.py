"""`make mutants COUNT=200`: breaks the code in so many places, one at a time, and prints the share that the tests notice.

mutmut makes the mutants: a sign, a comparison, an argument, a constant or an assignment of one function is another. Those
that are tried are drawn at random, always the same for one SEED, from all mutants that some test runs. Exact checks of
techniques are left out, for they are tests themselves, and tests that start processes and take minutes are not run
(pyproject.toml, tool.mutmut), so the share is a lower bound.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

from scipy.stats import beta

EXACT_CHECK = re.compile(r"ǁchecks__mutmut_|\.augmentation\.checks\.")
CAUGHT, SURVIVED, UNTESTED = "caught", "survived", "without a test"
# A small module: its run makes the mutants of all modules and sees which test runs which function.
WARM_UP = "reglab.evaluation.enough*"


def mutmut(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    # It calls pytest twice in a process, which takes a second conftest.py for the first one moved.
    settings = {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "PY_IGNORE_IMPORTMISMATCH": "1"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=os.environ | settings)
    said = re.sub(r"^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏].*\n", "", done.stdout, flags=re.MULTILINE)  # its progress
    if done.returncode:
        sys.exit(f"mutmut {arguments[0]} failed:\n{said[-5000:]}\n{done.stderr[-3000:]}")
    return said


def outcomes() -> dict[str, int | None]:
    """mutant -> exit code of its tests; None where it was not tried."""
    found = {}
    for meta in sorted(Path("mutants/src").rglob("*.meta")):
        found |= json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def outcome(code: int) -> str:
    return {0: SURVIVED, 33: UNTESTED}.get(code, CAUGHT)


def main(count: int, seed: int) -> None:
    shutil.rmtree("mutants", ignore_errors=True)  # mutmut does not copy anew what it does not mutate, such as templates
    mutmut("run", "--max-children", "2", WARM_UP)
    tested = json.loads(Path("mutants/mutmut-stats.json").read_text(encoding="utf-8"))["tests_by_mangled_function_name"]
    mutants = [
        name for name in outcomes() if tested.get(name.partition("__mutmut_")[0]) and not EXACT_CHECK.search(name)
    ]
    sample = sorted(random.Random(seed).sample(mutants, min(count, len(mutants))))
    mutmut("run", "--max-children", "2", *sample)
    results = {name: outcome(code) for name, code in outcomes().items() if name in set(sample)}
    for name in (name for name in sample if results[name] != CAUGHT):
        print(mutmut("show", name))
    caught = sum(result == CAUGHT for result in results.values())
    low, high = beta.ppf([0.025, 0.975], [caught, caught + 1], [len(sample) - caught + 1, len(sample) - caught])
    print(
        f"{caught} of {len(sample)} mutants caught, {caught / len(sample):.1%} (95 % interval {low:.1%} to {high:.1%}); "
        f"{len(mutants):,} mutants that some test runs, of {len(outcomes()):,}"
    )


if __name__ == "__main__":
    main(int(os.environ.get("COUNT", "200")), int(os.environ.get("SEED", "0")))
