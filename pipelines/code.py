"""Stage `code`: the code that each stage runs, every file with its hash -> data/code/<stage>.txt or <stage>/<entry>.txt."""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config.stage_code import Code
    from reglab.config.yaml_source import read

    code = Code(Path.cwd(), read("params.yaml")[0])
    for name in code.stages():
        file = Path("data/code", *name.split("@")).with_suffix(".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code.listing(name), encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
