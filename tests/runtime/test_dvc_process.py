"""DVC in a process of its own parses each text of params.yaml once, and writes its lock piece by piece."""

from io import StringIO

import pytest
from dvc.exceptions import DvcException
from dvc.utils.serialize import _yaml, load_path

from reglab.runtime import dvc_process


@pytest.fixture
def parsed(monkeypatch):
    """The texts that were parsed, as DVC of the process reads files."""
    texts, parse = [], _yaml.parse_yaml
    monkeypatch.setattr(
        _yaml, "parse_yaml", lambda text, path, typ="safe": texts.append(text) or parse(text, path, typ)
    )
    dvc_process.parse_each_text_once()
    return texts


def read(file):
    from dvc.fs import LocalFileSystem

    return load_path(str(file), LocalFileSystem())


def test_a_text_is_parsed_once_until_it_changes(parsed, tmp_path):
    file = tmp_path / "params.yaml"
    for text, rate in (("dropout: {rate: 0.1}", 0.1), ("dropout: {rate: 0.2}", 0.2)):
        file.write_text(text)
        assert [read(file) for _ in range(3)] == [{"dropout": {"rate": rate}}] * 3
    assert parsed == ["dropout: {rate: 0.1}", "dropout: {rate: 0.2}"]


def test_what_a_reader_changes_no_other_reader_sees(parsed, tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text("dropout: {rate: 0.1}")
    read(file)["dropout"]["rate"] = 0.9
    assert read(file) == {"dropout": {"rate": 0.1}} and len(parsed) == 1


def test_a_text_that_is_no_yaml_is_an_error_each_time(parsed, tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text("dropout: {rate")
    for _ in range(2):
        with pytest.raises(DvcException, match="corrupted"):
            read(file)


def test_a_file_that_dvc_edits_keeps_its_comments(parsed):
    text = "dropout: 0.1  # a comment\n"
    assert _yaml.parse_yaml(text, "params.yaml") == {"dropout": 0.1}
    assert "dropout" in _yaml.parse_yaml_for_update(text, "params.yaml").ca.items


@pytest.fixture
def updates(monkeypatch):
    """The texts that were parsed to be changed, while the lock is kept."""
    texts, parse = [], _yaml.parse_yaml_for_update
    monkeypatch.setattr(_yaml, "parse_yaml_for_update", lambda text, path: texts.append(text) or parse(text, path))
    monkeypatch.setattr(_yaml, "_dump", _yaml._dump)
    dvc_process.keep_lock()
    return texts


def stage(number: int) -> dict:
    """A stage of the lock with what is quoted, folded or empty in YAML."""
    return {
        "cmd": "exec python pipelines/experiment.py " + "--option 'a: b' " * number,
        "deps": [{"path": f"data/{number}", "hash": "md5", "md5": f"{number:032d}", "size": number, "isexec": True}],
        "params": {
            "params.yaml": {"rate": 0.5 * number, "small": 1e-05, "none": None, "names": [], "yes": "no", "e": "1e5"}
        },
    }


def written_by_dvc(text: str) -> str:
    """The same lock as DVC writes it that parses all of it."""
    from ruamel.yaml import YAML

    stream, yaml = StringIO(), YAML()
    yaml.default_flow_style = False
    yaml.dump(YAML().load(text), stream)
    return stream.getvalue()


def change(file, name: str, content: dict) -> None:
    with _yaml.modify_yaml(str(file)) as data:
        data.setdefault("schema", "2.0")
        data.setdefault("stages", {}).update({name: content})


def test_a_lock_is_parsed_when_somebody_else_wrote_it_and_has_the_bytes_that_dvc_writes(updates, tmp_path):
    file = tmp_path / "dvc.lock"
    for number in range(6):
        change(file, f"tune@{number}", stage(number))
    change(file, "tune@2", stage(9))
    assert updates == [] and file.read_text() == written_by_dvc(file.read_text())
    assert _yaml.load_yaml(str(file))["stages"] == {f"tune@{n}": stage(9 if n == 2 else n) for n in range(6)}
    file.write_text(other := file.read_text().replace("000004", "000005"))
    change(file, "tune@0", stage(7))
    assert updates == [other] and "000004" not in file.read_text()
    assert file.read_text() == written_by_dvc(file.read_text())


def test_the_comments_of_a_lock_stay(updates, tmp_path):
    file = tmp_path / "dvc.lock"
    change(file, "check", stage(1))
    file.write_text("# mine\n" + file.read_text())
    for number in (2, 3):
        change(file, "check", stage(number))
        assert file.read_text().startswith("# mine\n") and f"data/{number}" in file.read_text()
