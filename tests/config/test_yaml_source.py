"""Only YAML that DVC, OmegaConf and people read alike is accepted; everything else is reported with its line."""

import pytest
from dvc.utils.serialize import parse_yaml

from reglab.config import yaml_source
from reglab.core.errors import UserError

TEXT = """\
seeds: 3

regularizers: {none: {}, l1: {strength: 0.1}}
tracking:
  experiment: mine
"""
DATA = {"seeds": 3, "regularizers": {"none": {}, "l1": {"strength": 0.1}}, "tracking": {"experiment": "mine"}}


def read(folder, text: str | bytes) -> tuple[dict, list[str]]:
    (folder / "params.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    data, problems = yaml_source.read(folder / "params.yaml")
    return data, problems.lines


@pytest.mark.parametrize("text", [TEXT, "\ufeff" + TEXT, TEXT.replace("\n", "\r\n"), "---\n" + TEXT + "...\n"])
def test_plain_yaml_is_read_as_it_stands(tmp_path, text):
    assert read(tmp_path, text) == (DATA, [])


NUMBERS = "0 -0 7 +7 -7 100 1.0 1. 0.5 .5 -0.5 +0.25 1e3 1e-3 1E-3 1.5e-3 1.5e+3 -2e5 0e0 1e300 123456789012345678"
WORDS = "~ null Null NULL true True TRUE false False FALSE adam none v1.2.3 1.2.3 2024-01 e5 .5e0 http://localhost:5000"
IN_QUOTES = """'010' "on" '2024-01-31' '1e-3' "12:30:45" 'null' '.nan' '' "=" "<<" """


@pytest.mark.parametrize("text", ["", *NUMBERS.split(), *WORDS.split(), *IN_QUOTES.split()])
def test_what_is_let_through_is_what_dvc_reads(tmp_path, text):
    data, lines = read(tmp_path, f"key: {text}\n")
    assert lines == [] and repr(data) == repr(parse_yaml(f"key: {text}\n", "params.yaml"))


def test_a_small_number_without_a_point_is_a_number(tmp_path):
    assert read(tmp_path, "rate: 1e-3\n") == ({"rate": 0.001}, [])


ANY = "a decimal number, true, false, null, or text in quotes"
DIFFERENT = "which readers of YAML take for different values"
DATE = "a date, at which every DVC command stops"
DOUBTFUL = "on Off OFF yes YES no No n y 010 -010 0o10 0x1F 0b11 1_000 12:30:45 -.5 = <<"
INFINITE = "which is not a finite number"
VALUES = [  # written, found, allowed
    *((text, f"{text}, {DIFFERENT}", ANY) for text in DOUBTFUL.split()),
    *((text, f"{text}, {DATE}", ANY) for text in ("2024-01-31", "2024-01-31 10:00:00", "2024-01-31T10:00:00Z")),
    *((text, f"{text}, {INFINITE}", "a finite number, or text in quotes") for text in (".nan", "-.INF", "1e999")),
    ("&a 3", "the anchor &a", "no anchors: DVC flattens them"),
    ("*a", "the alias *a", "the value itself, written out: DVC flattens aliases"),
    ("!!int 3", "the tag !!int", "no tags"),
    ("!env HOME", "the tag !env", "no tags"),
    ("! x", "the tag !", "no tags"),
    ("!!python/object/apply:os.system [ls]", "the tag !!python/object/apply:os.system", "no tags"),
    ("a${oc.env:HOME}", '"a${oc.env:HOME}", which DVC does not fill in', "the value itself, written out"),
    ("'${seeds}'", '"${seeds}", which DVC does not fill in', "the value itself, written out"),
    ("'???'", '"???", which OmegaConf takes for a missing value', "a value"),
    (r'"a\nb"', r'"a\nb", with characters that do not show', "text in one line"),
    (r'"\ud800"', r'"\ud800", with characters that do not show', "text in one line"),
]


@pytest.mark.parametrize(("written", "found", "allowed"), VALUES)
def test_a_value_that_readers_take_differently_is_reported_with_key_and_line(tmp_path, written, found, allowed):
    data, lines = read(tmp_path, TEXT.replace("mine", written))
    assert lines == [f"params.yaml: tracking.experiment: found {found}, in line 5; allowed: {allowed}"]
    assert data.keys() == DATA.keys()


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("<<: {l1: {}}", "<<, which DVC flattens"),
        ("3: {}", "3, which is not text"),
        ("1.5: {}", "1.5, which is not text"),
        ("true: {}", "true, which is not text"),
        (": {}", "null, which is not text"),
        ("on: {}", f"on, {DIFFERENT}"),
        ("1999-12-31: {}", f"1999-12-31, {DATE}"),
        ("[a, b]: {}", "that is a list, a mapping or an alias"),
        ("{a: b}: {}", "that is a list, a mapping or an alias"),
        ("*a : {}", "that is a list, a mapping or an alias"),
        ("&a l1: {}", "l1, with an anchor or a tag"),
        ("!!str l1: {}", "l1, with an anchor or a tag"),
        ("'${x}': {}", '"${x}", which DVC does not fill in'),
        (r'"\e": {}', r'"\u001b", with characters that do not show'),
    ],
)
def test_a_key_that_is_not_plain_text_is_reported_with_its_line(tmp_path, written, found):
    problem = (
        f"params.yaml: regularizers: found the key {found}, in line 3; allowed: keys that are text, each written out"
    )
    assert read(tmp_path, TEXT.replace("{none", "{" + written + ", none")) == (DATA, [problem])


def test_a_repeated_key_is_reported_with_both_lines(tmp_path):
    data, lines = read(tmp_path, TEXT + "  experiment: other\nseeds: 4\n")
    assert data == DATA
    again = "found the key a second time"
    assert lines == [
        f"params.yaml: tracking.experiment: {again} (first in line 5), in line 6; allowed: each key once",
        f"params.yaml: seeds: {again} (first in line 1), in line 7; allowed: each key once",
    ]


@pytest.mark.parametrize(
    ("text", "found", "allowed"),
    [
        ("", "nothing: the file is empty", "a mapping of sections"),
        ("# nothing\n", "nothing: the file is empty", "a mapping of sections"),
        ("---\n", "nothing: the file is empty", "a mapping of sections"),
        ("- data\n", '["data"]', "a mapping of sections"),
        ("data", '"data"', "a mapping of sections"),
        (TEXT + "---\na: 1\n", "a second document (---), in line 6", "one document"),
        (TEXT.replace("tracking", "---\ntracking"), "a second document (---), in line 4", "one document"),
        (TEXT + "a: b: c\n", "what is not YAML in line 6 (mapping values are not allowed here)", "YAML 1.2"),
        (TEXT + "a:\n\t- b\n", "what is not YAML in line 7 (found character '\\t'", "YAML 1.2"),
        (TEXT + "a: [", "what is not YAML in line 6", "YAML 1.2"),
        (TEXT + "a: \0", "what is not YAML (unacceptable character #x0000", "YAML 1.2"),
        (r'"\UFFFFFFFF": 1', "what is not YAML (", "YAML 1.2"),
        ("a: " + "[" * 2_000, "one more list or mapping within others, in line 1", "20 within each other"),
        (TEXT.encode() + b"# caf\xe9\n", "the byte 0xe9 in line 6, which is not UTF-8", "a text file saved as UTF-8"),
        (TEXT.encode("utf-16"), "the byte 0xff in line 1, which is not UTF-8", "a text file saved as UTF-8"),
    ],
    ids=lambda part: repr(part)[-30:],
)
def test_a_file_without_any_settings_is_reported_in_one_line(tmp_path, text, found, allowed):
    with pytest.raises(UserError) as error:
        read(tmp_path, text)
    [line] = error.value.lines
    assert line.startswith(f"params.yaml: found {found}") and f"; allowed: {allowed}" in line


def test_a_directive_is_reported(tmp_path):
    data, lines = read(tmp_path, "%YAML 1.1\n---\n" + TEXT)
    assert data == DATA
    assert lines == ["params.yaml: found a directive (%YAML or %TAG), in line 2; allowed: none, YAML 1.2 as it is"]


def test_a_missing_file_and_a_folder_are_reported(tmp_path):
    for path, problem in ((tmp_path / "params.yaml", "no such file in"), (tmp_path, "a file that can not be read")):
        with pytest.raises(UserError) as error:
            yaml_source.read(path)
        assert str(error.value).startswith(f"{path}: found {problem}")


def test_an_alias_bomb_is_never_expanded(tmp_path):
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    data, lines = read(tmp_path, bomb + "a30: &a30 [*a30]\n")
    assert sum("the alias" in line for line in lines) == 29 * 9 + 1 and data["a29"] == [None] * 9


def test_the_same_text_is_parsed_once_and_each_reader_has_data_and_problems_of_its_own(tmp_path, monkeypatch):
    parsers, parser = [], yaml_source.YAML
    monkeypatch.setattr(yaml_source, "YAML", lambda **how: parsers.append(how) or parser(**how))
    text = TEXT + "# of this test alone\nmine: &anchor 1\n"
    first, lines = read(tmp_path, text)
    first["regularizers"]["l1"]["strength"] = 2
    assert read(tmp_path, text) == (DATA | {"mine": 1}, lines) and len(lines) == 1
    assert read(tmp_path, text.replace("seeds: 3", "seeds: 4"))[0]["seeds"] == 4
    assert len(parsers) == 2
