"""Stage `prepare`: the data source, split for every seed, as safetensors with a fingerprint."""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.data import load_examples, prepared

    settings = params.load()
    examples = load_examples(settings.data)
    given = {"name": settings.data.title, "class_names": examples.classes, "weights": examples.weights}
    given |= examples.structure()
    prepared.write(Path("data/study"), settings.data, examples.inputs, examples.targets, settings.most_seeds, **given)


if __name__ == "__main__":
    stage.run(main)
