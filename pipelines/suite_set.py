"""Stage `set` of the suite: every recipe on one data set -> suite/runs/<data set>/<recipe>/.

By hand: python pipelines/suite_set.py set@segment
"""

import stage


def main() -> None:
    import sys
    from pathlib import Path

    from reglab.config import params, profiles, suite_sets
    from reglab.config.usable_examples import loaded
    from reglab.core.wording import unknown
    from reglab.experiments.suite.run import run_set
    from reglab.runtime.compute.of_stage import compute_of
    from reglab.tracking import checkout

    study, this, root = params.load(), name(), Path.cwd()
    suite = study.suite
    if this not in suite.sets:
        raise unknown("params.yaml: suite.sets", this, list(suite.sets))
    settings, code = suite_sets.load(root, this, suite), suite_sets.SetCode(root, this)
    data = suite_sets.data_as_written(root, this, settings)
    listing = code.whole(suite, root / "pipelines" / "suite_set.py")
    compute = compute_of(f"set@{this}", listing, study.compute, checkout.root())
    out, place = Path("suite/runs", this), profiles.where(root, this)
    failed = run_set(settings, suite, this, data, out, code.digest, place, compute, loaded)
    if failed:
        print(f"{this}: left out: {failed}", file=sys.stderr)


def name() -> str:
    """The data set of the stage that DVC runs, such as suite/dvc.yaml:set@segment, or of the one in the command."""
    import os
    import re
    import sys

    from reglab.core.errors import UserError

    given = os.environ.get("DVC_STAGE", " ".join(sys.argv[1:])).rpartition(":")[2]
    if not (found := re.fullmatch(r"set@([a-z0-9_]+)", given)):
        raise UserError(f"{sys.argv[0]}: found {given!r}; allowed: a data set of suite.sets, such as set@segment")
    return found[1]


if __name__ == "__main__":
    stage.run(main)
