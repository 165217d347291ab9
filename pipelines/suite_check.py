"""Stage `check` of the suite: its problems, all at once; what the records of each data set depend on -> data/suite/sets/."""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params, suite_checks, suite_digests
    from reglab.config.suite_sets import depends_on, written

    folder, suite = Path("data/suite/sets"), params.load().suite
    suite_digests.check_listed(Path.cwd(), suite.sets)
    sets = suite_checks.check(Path.cwd(), suite)
    folder.mkdir(parents=True, exist_ok=True)
    for name, settings in sets.items():
        (folder / f"{name}.json").write_text(written(depends_on(Path.cwd(), name, settings, suite)), encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
