"""Stage `code` of the suite: the code that each of its stages runs -> data/suite/code/<stage>.txt or set/<data set>.txt."""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.config import params
    from reglab.config.stage_code import Code
    from reglab.config.suite_sets import SetCode
    from reglab.config.yaml_source import read

    root, folder = Path.cwd(), Path("data/suite/code")
    suite, code = params.load().suite, Code(root, read("params.yaml")[0])
    (folder / "set").mkdir(parents=True, exist_ok=True)
    for name in ("check", "report", "mirror"):
        files = code.closure([code.pipelines / f"suite_{name}.py"])
        (folder / f"{name}.txt").write_text(code.lines(files), encoding="utf-8")
    for name in suite.sets:
        listing = SetCode(root, name).whole(suite, code.pipelines / "suite_set.py")
        (folder / "set" / f"{name}.txt").write_text(listing, encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
