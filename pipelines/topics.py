"""Stage `topics`: the English prose that CPython ships, as a plain text file."""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.data.text import topics_text

    Path("data/topics.txt").write_text(topics_text(), encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
