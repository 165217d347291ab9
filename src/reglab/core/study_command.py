"""How a smaller study is named: its folder in profiles/, the first line of its params.yaml, and the command that runs it."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

ONLY = "only"  # the end of the folder's name where some entries alone run


def folder_name(profile: str | None, only: Collection[str]) -> str:
    return "-".join([profile] * bool(profile) + [ONLY] * bool(only))


def first_line(file: str, made_of: Iterable[str]) -> str:
    """Of the params.yaml of a smaller study: from which file it was made, and how."""
    return f"# {file} with {' and '.join(made_of)}, made anew by each repro: edit that one\n"


def entries_alone(only: Iterable[str]) -> str:
    """How `first_line` says that some entries alone run."""
    return f"{', '.join(only)} alone"


def repro_command(folder: Path) -> str:
    """The command that runs the study in a folder, which may be that of a smaller study."""
    if folder.parent.name != "profiles" or not (folder / "params.yaml").exists():
        return "make repro"
    with open(folder / "params.yaml", encoding="utf-8") as text:
        only = re.match(r"# \S+ with (?:.* merged into it and )?(.+) alone, made anew", text.readline())
    profile = folder.name.removesuffix(ONLY).removesuffix("-") if only else folder.name
    entries = f'ONLY="{only[1].replace(",", "")}"' if only else ""
    return " ".join(filter(None, ("make repro", f"PROFILE={profile}" if profile else "", entries)))
