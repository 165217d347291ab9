"""Stage `code`: for every stage's file, the code that it runs, each file with its hash -> data/code/<stage's file>.txt."""

import stage


def main() -> None:
    from pathlib import Path

    from reglab.imports import Code

    code, folder = Code(Path.cwd()), Path("data/code")
    folder.mkdir(parents=True, exist_ok=True)
    for path in code.pipelines.glob("*.py"):
        (folder / f"{path.stem}.txt").write_text(code.told(code.run_by(path)), encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
