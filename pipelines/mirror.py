"""Stage `mirror`: records that MLflow lacks become runs there, verdicts and the report too. It may fail: nothing reads it.

It is the last stage, so at its end stands the answer.
"""

import stage


def main() -> None:
    import os
    import sys
    from pathlib import Path

    from reglab.config import params
    from reglab.core.errors import UserError
    from reglab.runtime.outcome import PRINTED_LATER, outcome
    from reglab.tracking import mirror

    try:
        print(mirror.sync_all(params.load()))
    except UserError as error:
        print(mirror.said_later(error), file=sys.stderr)
    if PRINTED_LATER not in os.environ:
        print(f"\n{outcome(Path())}")


if __name__ == "__main__":
    stage.run(main)
