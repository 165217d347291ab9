"""`make mutants COUNT=200`: breaks the code in so many places, one at a time, and prints the share that the tests notice.

mutmut makes the mutants: a sign, a comparison, an argument, a constant or an assignment of one function is another. Those
that are tried are drawn at random, always the same for one SEED, from all mutants that some test runs. Exact checks of
techniques are left out, for they are tests themselves, and what only draws, for pictures are looked at. Tests that start
processes and take minutes are not run (pyproject.toml, tool.mutmut), so the share is a lower bound.

A mutant that the tests do not notice may change nothing. Three kinds of these are known by their text, and counted apart; of
the others docs/reliability.md says which they were.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from scipy.stats import beta

EXACT_CHECK = re.compile(r"ǁchecks__")
DRAWING = re.compile(r"ǁpicture__|\.x_(figure|pictures?|draw|drawn)__")
CHANGES_NOTHING = {
    "zip of what has one length, whether it checks that or not": re.compile(r",?\s*\bstrict=\w+"),
    "whether epochs are measured that nobody reads": re.compile(r",?\s*\blog_every_epoch=\w+"),
    "the device, where there is one alone": re.compile(r",?\s*(\bdevice=)?(\bNone\b|\b(\w+\.)*device\b)"),
}
CAUGHT, SURVIVED, UNTESTED, NOT_TRIED = "caught", "survived", "without a test", "not tried"
# A small module: its run makes the mutants of all modules and sees which test runs which function.
WARM_UP = "*.required_seeds.*"


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
    exit_codes = {}
    for meta in sorted(Path("mutants/src").rglob("*.meta")):
        exit_codes |= json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return exit_codes


def outcome(code: int) -> str:
    """A test that fails or takes far too long has noticed the mutant; where pytest itself fails, nothing is known."""
    return {0: SURVIVED, 33: UNTESTED, 5: UNTESTED, 255: NOT_TRIED}.get(code, CAUGHT)


def changes_nothing(diff: str) -> str | None:
    """Which of CHANGES_NOTHING is all that the diff is about; None where it is about anything else."""
    old, new = ("".join(re.findall(rf"^[{sign}](?![{sign}]).*$", diff, re.MULTILINE))[1:] for sign in "-+")
    plain = re.compile(r"[\s,]")
    return next(
        (
            reason
            for reason, own in CHANGES_NOTHING.items()
            if plain.sub("", own.sub("", old)) == plain.sub("", own.sub("", new))
        ),
        None,
    )


def main(count: int, seed: int) -> None:
    shutil.rmtree("mutants", ignore_errors=True)  # mutmut does not copy anew what it does not mutate, such as templates
    mutmut("run", "--max-children", "2", WARM_UP)
    tested = json.loads(Path("mutants/mutmut-stats.json").read_text(encoding="utf-8"))["tests_by_mangled_function_name"]
    mutants = [
        name
        for name in outcomes()
        if tested.get(name.partition("__mutmut_")[0]) and not EXACT_CHECK.search(name) and not DRAWING.search(name)
    ]
    sample = sorted(random.Random(seed).sample(mutants, min(count, len(mutants))))
    mutmut("run", "--max-children", "2", *sample)
    results = {name: outcome(code) for name, code in outcomes().items() if name in set(sample)}
    unnoticed, reasons = [name for name in sample if results[name] in (SURVIVED, UNTESTED)], Counter()
    for name in unnoticed:
        diff = mutmut("show", name)
        reason = changes_nothing(diff)
        reasons[reason] += 1
        print(diff if reason is None else f"{name}: {reason}")
    not_tried = [name for name in sample if results[name] == NOT_TRIED]
    print(*(f"{name}: pytest failed" for name in not_tried), sep="\n")
    tried, same = len(sample) - len(not_tried), len(unnoticed) - reasons[None]
    caught = tried - len(unnoticed)
    low, high = beta.ppf([0.025, 0.975], [caught, caught + 1], [tried - caught + 1, tried - caught])
    print(
        f"{caught} of {tried} mutants noticed, {caught / tried:.1%} (95 % interval {low:.1%} to {high:.1%}); without {same} "
        f"that change nothing by their text {caught / (tried - same):.1%}; {len(mutants):,} that some test runs, "
        f"of {len(outcomes()):,}"
    )


if __name__ == "__main__":
    main(int(os.environ.get("COUNT", "200")), int(os.environ.get("SEED", "0")))
