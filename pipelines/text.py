"""Stage `text`: the sentences of a plain text file, split for every seed into blocks to learn from and to be tested on."""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.data import text

    settings = params.load()
    text.write(Path("data/text"), settings.text, settings.seeds)


if __name__ == "__main__":
    stage.run(main)
