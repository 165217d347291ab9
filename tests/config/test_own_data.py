"""The files that a profile's data source reads lie below data/source/ of the profile's folder, and nothing else does."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from ruamel.yaml import YAML

from reglab.config import own_data, params, profiles
from reglab.core.errors import UserError
from reglab.data.source import Examples, Source

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Lines(Source):
    """Numbers, one a line, of the files that match a pattern; odd ones are of class 1."""

    paths: ClassVar[tuple[str, ...]] = ("files",)

    files: str
    factor: float = 1.0

    def load(self) -> Examples:
        numbers = [int(line) for file in sorted(Path().glob(self.files)) for line in file.read_text().split()]
        return Examples(inputs=self.factor * np.array(numbers, np.float32)[:, None], targets=np.array(numbers) % 2)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with the shipped params, a source `lines` with settings, and its data outside data/source/."""
    monkeypatch.setattr("reglab.config.data_section.sources", lambda: ["digits", "lines"])
    monkeypatch.setattr("reglab.config.data_section.find_source", lambda name: Lines if name == "lines" else None)
    files = {"params.yaml": (ROOT / "params.yaml").read_text(), "dvc.yaml": "stages: {}\n"}
    files |= {".gitignore": "/data/*\n/profiles/*/\n", "mine/a.txt": "1 2", "mine/deep/b.txt": "3", "mine/c.csv": "9"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def profile(root, **sections):
    YAML().dump(sections, root / "profiles" / "mine.yaml" if (root / "profiles").is_dir() else made(root))


def made(root):
    (root / "profiles").mkdir()
    return root / "profiles" / "mine.yaml"


def names(folder) -> list[str]:
    """The files below a folder, also those behind a link to a folder."""
    return sorted(
        str(Path(place, name).relative_to(folder))
        for place, _, files in os.walk(folder, followlinks=True)
        for name in files
    )


@pytest.mark.parametrize(
    ("path", "there", "localized"),
    [
        ("mine/a.txt", ["a.txt"], "data/source/files/a.txt"),
        ("mine/*.txt", ["a.txt"], "data/source/files/*.txt"),
        ("mine", ["mine/a.txt", "mine/c.csv", "mine/deep/b.txt"], "data/source/files/mine"),
        ("mine/**/*.txt", ["a.txt", "deep/b.txt"], "data/source/files/**/*.txt"),
    ],
)
def test_a_file_a_pattern_and_a_folder_are_brought_under_a_path_that_names_the_copies(checkout, path, there, localized):
    profile(checkout, data={"name": "lines", "files": path})
    folder = profiles.prepare(checkout, "mine")
    assert names(folder / "data" / "source" / "files") == there
    assert YAML(typ="safe").load(folder / "params.yaml")["data"]["files"] == localized
    assert names(folder / "data" / "source") == [f"files/{name}" for name in there]


def test_an_absolute_path_is_brought_too_and_what_is_no_longer_named_goes(checkout):
    profile(checkout, data={"name": "lines", "files": str(checkout / "mine" / "a.txt")})
    folder = profiles.prepare(checkout, "mine")
    assert names(folder / "data" / "source") == ["files/a.txt"]
    profile(checkout, data={"name": "lines", "files": "mine/c.csv"})
    profiles.prepare(checkout, "mine")
    assert names(folder / "data" / "source") == ["files/c.csv"]
    profile(checkout, data={"name": "digits"})
    profiles.prepare(checkout, "mine")
    assert names(folder / "data" / "source") == [] and (folder / "data" / "source").is_dir()


def test_a_file_is_not_there_twice_and_is_brought_anew_when_it_was_replaced(checkout):
    profile(checkout, data={"name": "lines", "files": "mine/a.txt"})
    copy = profiles.prepare(checkout, "mine") / "data" / "source" / "files" / "a.txt"
    assert os.path.samefile(copy, checkout / "mine" / "a.txt")
    (checkout / "mine" / "new").write_text("5 6")
    (checkout / "mine" / "new").replace(checkout / "mine" / "a.txt")
    profiles.prepare(checkout, "mine")
    assert copy.read_text() == "5 6"


def edited(file, how: str) -> None:
    """Another content for the file, written into it or put into its place, as editors do."""
    if how == "in place":
        with file.open("a") as content:
            content.write("0,1\n")
    else:
        (file.parent / "new").write_text("1,2\n0,1\n")
        (file.parent / "new").replace(file)


def with_stage(checkout, *command: str) -> None:
    """A pipeline of one stage, which depends on what `prepare` of the shipped dvc.yaml depends on."""
    shipped = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]["prepare"]["deps"]
    watched = [each for each in shipped if each.startswith("data/source")]
    stage = {"cmd": " ".join(command), "deps": watched, "outs": ["read.txt"]}
    YAML().dump({"stages": {"read": stage}}, checkout / "dvc.yaml")
    (checkout / ".dvc").mkdir()
    (checkout / ".dvc" / "config").write_text("[core]\n    analytics = false\n")


def dvc(folder, *command: str) -> str:
    done = subprocess.run([sys.executable, "-m", "dvc", *command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("how", ["in place", "by another file"])
def test_a_bare_dvc_status_in_the_folder_of_a_profile_sees_an_edit_of_a_csv_that_lies_elsewhere(
    checkout, tmp_path_factory, how
):
    csv = tmp_path_factory.mktemp("elsewhere") / "heart.csv"
    csv.write_text("1,2\n")
    with_stage(checkout, "cat data/source/files/heart.csv > read.txt")
    profile(checkout, data={"name": "lines", "files": str(csv)})
    folder = profiles.prepare(checkout, "mine")
    dvc(folder, "repro")
    assert "up to date" in dvc(folder, "status")
    edited(csv, how)
    assert "data/source" in dvc(folder, "status")
    dvc(folder, "repro")
    assert (folder / "read.txt").read_text() == "1,2\n0,1\n" and "up to date" in dvc(folder, "status")


def test_a_bare_dvc_repro_sees_files_that_are_added_edited_replaced_and_removed_in_a_folder_that_lies_elsewhere(
    checkout, tmp_path_factory
):
    images = tmp_path_factory.mktemp("elsewhere") / "birds"
    for name in ("owl/1.txt", "owl/2.txt", "wren/1.txt"):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).write_text(name)
    with_stage(checkout, "cat data/source/files/birds/*/* > read.txt")
    profile(checkout, data={"name": "lines", "files": str(images)})
    folder = profiles.prepare(checkout, "mine")
    dvc(folder, "repro")
    lock = (folder / "dvc.lock").read_text()
    changes = {
        "added": lambda: (images / "wren/2.txt").write_text("wren/2.txt"),
        "edited": lambda: (images / "owl/1.txt").write_text("a"),
        "replaced": lambda: [(images / "new").write_text("bc"), (images / "new").replace(images / "owl/2.txt")],
        "removed": lambda: (images / "wren/1.txt").unlink(),
        "in a new class": lambda: [(images / "heron").mkdir(), (images / "heron/1.txt").write_text("heron")],
    }
    for how, change in changes.items():
        assert "up to date" in dvc(folder, "status"), how
        change()
        assert "data/source_folder" in dvc(folder, "status"), how
        dvc(folder, "repro")
        assert (folder / "read.txt").read_text() == "".join(file.read_text() for file in sorted(images.glob("*/*"))), (
            how
        )
    (images / "heron/1.txt").unlink()
    (images / "heron").rmdir()
    for name in ("owl/1.txt", "owl/2.txt", "wren/1.txt"):
        (images / name).write_text(name)
    (images / "wren/2.txt").unlink()
    dvc(folder, "repro")
    assert (folder / "dvc.lock").read_text() == lock and str(images) not in lock  # the same files, wherever they lie


def test_nothing_is_written_through_a_link_to_a_folder(checkout):
    (checkout / "data/source/files/mine").mkdir(parents=True)
    (checkout / "data/source/files/mine/a.txt").write_text("of the checkout")
    (checkout / ".gitignore").write_text("/data/*\n!/data/source/\n!/data/source_folder\n/profiles/*/\n")
    (checkout / "data/source_folder").write_text("of the checkout")
    profile(checkout, data={"name": "lines", "files": "mine"})
    for _ in range(2):
        folder = profiles.prepare(checkout, "mine")
        assert os.path.samefile(folder / "data/source_folder", checkout / "mine")
    assert names(checkout / "mine") == ["a.txt", "c.csv", "deep/b.txt"]
    assert (checkout / "mine/a.txt").read_text() == "1 2"
    profile(checkout, data={"name": "lines", "files": "mine/a.txt"})
    profiles.prepare(checkout, "mine")
    assert (folder / "data/source_folder").read_text() == "of the checkout" and names(checkout / "mine")


def test_a_link_to_a_folder_takes_the_place_of_former_copies(checkout):
    copies = checkout / "profiles/mine/data/source/files/mine"
    for name in ("a.txt", "old/b.txt"):
        own_data.link(checkout / "mine/a.txt", copies / name)
    (checkout / "profiles/mine.yaml").write_text("data: {name: lines, files: mine}\n")
    profiles.prepare(checkout, "mine")
    assert copies.is_symlink() and names(copies) == ["a.txt", "c.csv", "deep/b.txt"]
    assert names(checkout / "mine") == ["a.txt", "c.csv", "deep/b.txt"]


def test_a_link_to_a_file_takes_the_place_of_a_former_copy_and_goes_with_the_file_that_it_names(checkout):
    profile(checkout, data={"name": "lines", "files": "mine/a.txt"})
    copy = profiles.prepare(checkout, "mine") / "data" / "source" / "files" / "a.txt"
    copy.unlink()
    copy.write_text("an earlier version")
    profiles.prepare(checkout, "mine")
    assert copy.is_symlink() and copy.read_text() == "1 2"
    (checkout / "mine" / "a.txt").unlink()
    profile(checkout, data={"name": "lines", "files": "mine/c.csv"})
    profiles.prepare(checkout, "mine")
    assert not copy.is_symlink() and names(copy.parent) == ["c.csv"]


def test_of_a_second_folder_the_files_are_hard_links(checkout, monkeypatch):
    monkeypatch.setattr(Lines, "paths", ("files", "others"))
    data = {"name": "lines", "files": "mine", "others": "mine/deep"}
    folder = checkout / "profiles/mine"
    own_data.bring(checkout, folder, data)
    assert (folder / "data/source/files/mine").is_symlink() and names(folder / "data/source/others") == ["deep/b.txt"]
    copy = folder / "data/source/others/deep/b.txt"
    assert not copy.parent.is_symlink() and os.path.samefile(copy, checkout / "mine/deep/b.txt")


def test_a_folder_on_another_file_system_is_copied(checkout, monkeypatch):
    def refuse(*_):
        raise OSError("another file system")

    monkeypatch.setattr(os, "link", refuse)
    own_data.link(checkout / "mine" / "a.txt", checkout / "there" / "a.txt")
    assert (checkout / "there" / "a.txt").read_text() == "1 2"
    assert not os.path.samefile(checkout / "there" / "a.txt", checkout / "mine" / "a.txt")


def test_the_settings_of_a_source_stand_beside_the_others_and_come_back_so(checkout):
    profile(checkout, data={"name": "lines", "files": "mine/a.txt", "factor": 2})
    settings = profiles.load(checkout, "mine")
    assert settings.data.source == Lines("mine/a.txt", 2.0) and settings.data.train_size == 900
    plain = params.settings(settings.data)
    assert plain["files"] == "mine/a.txt" and plain["factor"] == 2.0 and "source" not in plain


@pytest.mark.parametrize(
    ("data", "found", "allowed"),
    [
        ({"name": "lines"}, "data.files: found nothing", "text"),
        ({"name": "lines", "files": 3}, "data.files: found 3", "text"),
        ({"name": "lines", "files": "a", "fctor": 2}, "data.fctor: found an unknown setting", "did you mean factor?"),
        ({"name": "line"}, 'data.name: found "line"', "did you mean lines?"),
        ({"source": 1}, "data.source: found an unknown setting", "one of: name, train_size, "),
        ({"files": "a"}, "data.files: found an unknown setting", "one of: name, train_size, "),
    ],
)
def test_a_wrong_setting_of_a_source_is_one_line(checkout, data, found, allowed):
    profile(checkout, data=data)
    with pytest.raises(UserError) as error:
        profiles.load(checkout, "mine")
    [line] = error.value.lines
    assert line.startswith(f"profiles/mine.yaml: {found}; allowed: ") and allowed in line


@pytest.mark.parametrize(
    ("data", "title"),
    [
        ({"name": "digits"}, "digits"),
        ({"name": "lines", "files": "mine/a.txt"}, "a"),
        ({"name": "lines", "files": "mine"}, "mine"),
        ({"name": "lines", "files": "mine/*.txt"}, "lines"),
        ({"name": "lines", "files": "mine/a.csv.gz"}, "a"),
    ],
)
def test_the_report_calls_data_of_ones_own_by_the_file_or_the_folder_that_it_is_read_from(checkout, data, title):
    profile(checkout, data=data)
    assert profiles.load(checkout, "mine").data.title == title
