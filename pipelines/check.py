"""Stage `check`: checks params.yaml before any work, and that the data can be split as it asks."""

import stage


def main() -> None:
    import json
    import sys
    from pathlib import Path

    from reglab.config import data_checks, params
    from reglab.core import plain

    settings = params.load()
    for warning in data_checks.check(settings):
        print(warning, file=sys.stderr)
    recipes = Path("data/recipes")  # what a stage depends on that cannot tell the section of its recipe
    recipes.mkdir(parents=True, exist_ok=True)
    for name in (*settings.regularizers, *settings.combinations):
        techniques = plain.settings(settings.recipe(name)[1])
        (recipes / f"{name}.json").write_text(json.dumps(techniques, indent=2) + "\n", encoding="utf-8")
    Path("data/checked.txt").write_text(
        "params.yaml has been checked\n", encoding="utf-8"
    )  # always the same: later stages stay as they are


if __name__ == "__main__":
    stage.run(main)
