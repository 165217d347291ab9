"""Stage `mirror` of the suite: its records -> runs of MLflow, in an experiment of their own. It may fail."""

import stage


def main() -> None:
    import json
    import sys
    from pathlib import Path

    from reglab.config import params
    from reglab.core.errors import UserError
    from reglab.tracking.mirror import said_later
    from reglab.tracking.mirror.suite_runs import sync_suite

    results = json.loads(Path("reports/suite.json").read_text(encoding="utf-8"))
    try:
        print(sync_suite(params.load().tracking, Path("suite/runs"), results))
    except UserError as error:
        print(said_later(error), file=sys.stderr)


if __name__ == "__main__":
    stage.run(main)
