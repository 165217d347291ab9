"""DVC in a process of its own parses each text of params.yaml once."""

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
