"""Stage `members`: which trained recipes are members of which ensemble -> data/members/<ensemble>.json."""

import stage


def main() -> None:
    import json
    from pathlib import Path

    from reglab.config import params
    from reglab.experiments.ensembles.base import Ensemble

    settings, folder = params.load(), Path("data/members")
    ensembles: dict[str, Ensemble] = settings.ensembles
    recipes = {name: Path("runs/regularizers") / name for name in settings.regularizers}
    folder.mkdir(parents=True, exist_ok=True)
    for name, ensemble in ensembles.items():
        chosen = ensemble.choose(recipes, settings.evaluation.metric)
        (folder / f"{name}.json").write_text(json.dumps(chosen, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
