"""Stage `check`: params.yaml is right, as far as can be told before any work, and the data can be split as it asks."""

import stage


def main() -> None:
    import sys
    from pathlib import Path

    from reglab import params
    from reglab.data import feasible
    from reglab.evaluation.enough import too_few_seeds

    settings = params.load()
    feasible.check(settings)
    for warning in too_few_seeds(settings):
        print(warning, file=sys.stderr)
    Path("data").mkdir(exist_ok=True)
    Path("data/checked.txt").write_text(
        "params.yaml has been checked\n"
    )  # always the same: later stages stay as they are


if __name__ == "__main__":
    stage.run(main)
