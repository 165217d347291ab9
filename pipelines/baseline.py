"""Stages `baseline@<name>`: a classical method on every seed's split. By hand: python pipelines/baseline.py <name>"""

import stage


def main() -> None:
    from dataclasses import asdict
    from pathlib import Path

    from reglab import journal, params, record
    from reglab.baselines.base import fit_predict
    from reglab.data import prepared

    settings, data, name = params.load(), prepared.read(Path("data/study")), stage.name()
    baseline = settings.entry("baselines", name)
    about = stage.about(settings, "baselines", data, {name: baseline}, data=settings.data)
    splits = {seed: data.split(seed) for seed in about.seeds}
    with journal.opened(about, stage.context(settings.tracking)) as entry:
        probabilities = {}
        for seed, split in splits.items():
            parts = {part: split.inputs[part] for part in ("labelled", "validation", "test")}
            training = split.inputs["labelled"], split.labels["labelled"]
            probabilities[seed] = fit_predict(baseline.estimator(), *training, parts, data.classes)
        seeds = {
            str(seed): {"status": "finished", "metrics": record.seed_metrics(split, probabilities[seed])}
            for seed, split in splits.items()
        }
        path = record.write(
            record.folder(Path("runs"), about),
            asdict(about) | {"seeds": seeds},
            predicted=record.predictions(splits.values(), [probabilities[seed]["test"] for seed in splits]),
        )
        journal.complete(entry, path)


if __name__ == "__main__":
    stage.run(main)
