"""DVC in a process of its own parses each text of params.yaml once, locks files once, and writes dvc.lock piece by piece."""

import json
import subprocess
import sys
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


SETTINGS = """
rate: 0.1
none: null
regularizers: {dropout: {rate: 0.5, "2": two, rates: [0.1, 0.2]}, 3: {rate: 1}, l1: {}}
2024-01-01: date
"""
KEYS = [
    "rate",
    "none",
    "regularizers",
    "regularizers.dropout",
    "regularizers.dropout.2",
    "regularizers.dropout.rates.1",
]
KEYS += [
    "regularizers.dropout.rates",
    "regularizers.l1",
    "regularizers.3.rate",
    "regularizers.*.rate",
    "rate.more",
    "absent",
]
KEYS += ["regularizers.absent.rate", "2024-01-01"]


@pytest.fixture
def look_up(monkeypatch):
    """Reads settings of a file as DVC does, and as DVC of the process does."""
    from dvc.dependency import param
    from dvc.fs import LocalFileSystem

    read = param.read_param_file
    monkeypatch.setattr(param, "read_param_file", read)
    dvc_process.look_params_up()

    def both(file, *given):
        return tuple(each(LocalFileSystem(), str(file), *given) for each in (read, param.read_param_file))

    return both


@pytest.mark.parametrize(
    "given", [([key], True) for key in KEYS[:9]] + [(KEYS[:9], True), (KEYS[:4], False), (None, True)]
)
def test_settings_that_are_looked_up_are_those_that_dvc_reads(look_up, tmp_path, given):
    file = tmp_path / "params.yaml"
    for text in (SETTINGS, SETTINGS.replace("0.5", "0.6")):
        file.write_text(text)
        wanted, found = look_up(file, *given)
        assert found == wanted and list(found) == list(wanted)


@pytest.mark.parametrize("key", KEYS[9:])
def test_a_key_that_is_no_setting_is_answered_as_dvc_answers(look_up, tmp_path, key):
    file, answers = tmp_path / "params.yaml", []
    file.write_text(SETTINGS)
    for place in range(2):
        try:
            answers.append(look_up(file, [key], True)[place])
        except Exception as error:
            answers.append((type(error), str(error)))
    assert answers[0] == answers[1]


def test_a_setting_that_a_reader_changes_no_other_reader_sees(look_up, tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text(SETTINGS)
    for _ in range(2):
        found = look_up(file, ["regularizers.dropout"], True)[1]
        assert found["regularizers.dropout"]["rate"] == 0.5
        found["regularizers.dropout"]["rate"] = 0.9


@pytest.fixture
def lock(monkeypatch, tmp_path):
    """Locks paths to be read and to be written as DVC of the process does; its `edits` are those of the file of locks."""
    from dvc import rwlock
    from dvc.fs import LocalFileSystem

    edit, files = rwlock._edit_rwlock, LocalFileSystem()
    monkeypatch.setattr(rwlock, "rwlock", rwlock.rwlock)
    dvc_process.lock_each_stage_once()

    def lock(read, write):
        return rwlock.rwlock(str(tmp_path), files, "repro", read, write, False)

    lock.edits = []
    monkeypatch.setattr(rwlock, "_edit_rwlock", lambda *given: lock.edits.append(given) or edit(*given))
    return lock


def locked_for(tmp_path, use: str) -> set[str]:
    return set(json.loads((tmp_path / "rwlock").read_text()).get(use, ()))


def test_files_that_are_locked_are_not_locked_again(lock, tmp_path):
    with lock(["in"], ["out"]):
        with lock(["in", "out"], []), lock(["in"], []), lock([], ["out"]):
            assert len(lock.edits) == 1
            assert locked_for(tmp_path, "read") == {"in"} and locked_for(tmp_path, "write") == {"out"}
        assert len(lock.edits) == 1, "what an outer lock holds is not released"
    assert len(lock.edits) == 2 and not locked_for(tmp_path, "read") and not locked_for(tmp_path, "write")


@pytest.mark.parametrize(("read", "write"), [(["other"], []), ([], ["in"]), ([], ["other"])])
def test_files_that_are_not_locked_for_that_are_and_only_while_they_are_used(lock, tmp_path, read, write):
    with lock(["in"], ["out"]):
        for _ in range(2):
            with lock(read, write):
                assert locked_for(tmp_path, "read") >= {*read} and locked_for(tmp_path, "write") == {"out", *write}
        assert len(lock.edits) == 5 and locked_for(tmp_path, "write") == {"out"}


def test_a_stage_that_fails_holds_nothing(lock, tmp_path):
    with pytest.raises(ValueError), lock(["in"], ["out"]):
        raise ValueError
    with lock(["in"], ["out"]):
        assert locked_for(tmp_path, "write") == {"out"}


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


def test_dvc_runs_with_all_three():
    code = """
import dvc.cli
from dvc import rwlock
from dvc.utils.serialize import _yaml
from reglab.runtime import dvc_process
dvc.cli.main = lambda given: print(*(f.__module__ for f in (rwlock.rwlock, _yaml.parse_yaml, _yaml._dump))) or 7
dvc_process.main()
"""
    ran = subprocess.run([sys.executable, "-c", code, "repro"], capture_output=True, text=True)
    assert (ran.stdout.split(), ran.returncode) == (["reglab.runtime.dvc_process"] * 3, 7), ran.stderr
