"""Stage `code`: the code that each stage runs, every file with its hash -> data/code/<stage>.txt or <stage>/<entry>.txt.

The list of a recipe that has got more seeds ends with their number, so that its stage runs again, and no other does.
"""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params, seed_counts
    from reglab.config.stage_code import Code
    from reglab.config.yaml_source import read

    given = read("params.yaml")[0]
    looks = isinstance(given.get("seeds"), dict)
    code, more = Code(Path.cwd(), given), seed_counts.by_stage(Path.cwd(), params.load()) if looks else {}
    for name in code.stages():
        file = Path("data/code", *name.split("@")).with_suffix(".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        seeds = f"{more[name]} seeds\n" if name in more else ""
        file.write_text(code.listing(name) + seeds, encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
