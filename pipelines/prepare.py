"""Stage `prepare`: the data source, split for every seed, as safetensors with a fingerprint."""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.data import load_source, prepared

    settings = params.load()
    inputs, labels = load_source(settings.data.name)
    prepared.write(Path("data/study"), settings.data, inputs, labels, settings.seeds)


if __name__ == "__main__":
    stage.run(main)
