"""Stage `evaluate`: what the records say of every recipe, pair and claim -> metrics.json, in short summary/."""

import stage


def main() -> None:
    import json
    import shutil
    from functools import cache
    from pathlib import Path

    from safetensors.numpy import load_file

    from reglab.config import params
    from reglab.evaluation.metrics import add_metrics
    from reglab.experiments.verdicts import summary, verdicts
    from reglab.report.collect import by_family, collect

    settings, runs = params.load(), Path("runs")

    @cache
    def predicted(family: str, name: str) -> dict:
        path = runs / family / name / "predictions.safetensors"
        return load_file(path) if path.exists() else {}

    dataset = json.loads(Path("data/study/dataset.json").read_text(encoding="utf-8"))
    records = by_family(collect(runs, settings.expected()))
    add_metrics(records, settings.metrics, predicted)
    results = verdicts(settings, records, predicted, dataset["split"]["test_to_train"])
    Path("reports").mkdir(exist_ok=True)
    Path("reports/metrics.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    folder = Path("reports/summary")
    shutil.rmtree(folder, ignore_errors=True)  # as DVC does, for the stage by hand: no row of a removed entry stays
    for path, row in summary(results).items():
        file = folder / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(row, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
