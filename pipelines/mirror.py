"""Stage `mirror`: records that MLflow lacks become runs there, verdicts and the report too. It may fail: nothing reads it."""

import stage


def main() -> None:
    import sys

    from reglab import params, tracking
    from reglab.errors import UserError

    try:
        print(tracking.sync_all(params.load()))
    except UserError as error:
        print(error, "The results are complete without it; later: reglab sync", sep="\n", file=sys.stderr)


if __name__ == "__main__":
    stage.run(main)
