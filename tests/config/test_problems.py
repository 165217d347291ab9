"""Every problem is reported in words that a person can act on."""

from dataclasses import dataclass, fields
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Gt, Interval, Le, Lt, MinLen

from reglab.config.problems import Problems, checked, is_named, words
from reglab.core.wording import nearest, shown, unknown


@dataclass(frozen=True)
class Attack:
    radii: tuple[Annotated[float, Gt(0)], ...] = (0.1, 0.2)
    steps: Annotated[int, Ge(1)] = 5
    norm: Literal["linf", "l2"] = "linf"
    random_start: bool = True
    note: str | None = None


@dataclass(frozen=True)
class Required:
    steps: int


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Annotated[float, Ge(0), Le(1)], "a number from 0 to 1"),
        (Annotated[float, Ge(0), Lt(1)], "a number from 0 to below 1"),
        (Annotated[float, Interval(gt=0, lt=1)], "a number above 0 and below 1"),
        (Annotated[float, Gt(0), Le(2)], "a number above 0 and of at most 2"),
        (Annotated[int, Ge(2)], "a whole number of at least 2"),
        (Annotated[int, Lt(9)], "a whole number below 9"),
        (Annotated[str, MinLen(1)] | None, "text, not empty, or null"),
        (Annotated[dict[str, int], MinLen(2)], "a mapping of names to settings, at least 2 of them"),
        (tuple[int, int], "a list of 2, each item a whole number"),
        (tuple[Annotated[float, Gt(0)], ...], "a list, each item a number above 0"),
        (Literal["proximal", "subgradient"], "one of: proximal, subgradient"),
        (bool, "true or false"),
        (Required, "a mapping of steps"),
    ],
    ids=str,
)
def test_a_type_is_described_in_words(kind, expected):
    assert words(kind) == expected


def test_only_what_is_near_is_suggested():
    names = ["dropout", "mixup", "l1"]
    assert nearest("drpout", names) == nearest("Dropout", names) == "; did you mean dropout?"
    assert nearest("batch_normalization", names) == nearest(None, names) == nearest(17, names) == ""
    assert nearest(2, [1, 3]) == "" and nearest("1", [1, 3]) == "; did you mean 1?"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "null"), (True, "true"), (1.5, "1.5"), ("é", '"é"'), ("a\n", r'"a\n"'), ("\u2028", r'"\u2028"')],
)
def test_a_value_is_shown_as_one_would_write_it_in_one_line(value, expected):
    assert shown(value) == expected
    assert len(shown("x" * 1000)) == 60


def test_where_there_is_nothing_to_choose_from_the_line_says_so():
    problems = Problems("params.yaml")
    assert not is_named(("a",), "x", [], problems)
    assert problems.lines[0].endswith("; allowed: nothing, for there is nothing to choose from")
    assert str(unknown("params.yaml: profiles", "x", [])).endswith(
        "; allowed: nothing, for there is nothing to choose from"
    )


@pytest.mark.parametrize("given", [{"a": None}, {"a": 1}, {"a": []}])
def test_an_item_of_a_mapping_of_mappings_is_reported_at_its_key(given):
    problems = Problems("params.yaml")
    assert checked(dict[str, dict], given, ("profiles",), problems) is None
    [line] = problems.lines
    assert line.startswith("params.yaml: profiles.a: found ") and line.endswith(
        "a mapping of names to settings, {} where there are none"
    )


@dataclass(frozen=True)
class Network:
    attacks: Annotated[dict[str, Attack], MinLen(2)]
    size: tuple[Annotated[int, Ge(1)], Annotated[int, Ge(1)]] | None = None


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"steps": "5"}, 'attacks.b.steps: found "5"; allowed: a whole number of at least 1'),
        ({"radii": [1, -1]}, "attacks.b.radii: found [1, -1]; allowed: a list, each item a number above 0"),
        ({"norm": "l_2"}, 'attacks.b.norm: found "l_2"; allowed: one of: linf, l2; did you mean l2?'),
        (
            {"radi": [1]},
            "attacks.b.radi: found an unknown setting; allowed: one of: radii, steps, norm, random_start, note; "
            "did you mean radii?",
        ),
        (None, "attacks.b: found null; allowed: a mapping of radii, steps, norm, random_start, note"),
    ],
)
def test_a_setting_of_an_item_of_a_mapping_is_reported_at_its_own_key(change, line):
    problems = Problems("params.yaml")
    assert checked(Network, {"attacks": {"a": {}, "b": change}}, (), problems) is None
    assert problems.lines == [f"params.yaml: {line}"]


@pytest.mark.parametrize("size", [[16], [16, 16, 16]])
def test_a_list_of_another_length_is_shown_whole(size):
    problems = Problems("params.yaml")
    assert checked(Network, {"attacks": {"a": {}, "b": {}}, "size": size}, (), problems) is None
    allowed = "a list of 2, each item a whole number of at least 1, or null"
    assert problems.lines == [f"params.yaml: size: found {size}; allowed: {allowed}"]


def test_too_few_items_of_a_mapping_are_counted():
    problems = Problems("params.yaml")
    assert checked(Network, {"attacks": {"a": {}}}, (), problems) is None
    assert problems.lines == [
        'params.yaml: attacks: found {"a": {}}; allowed: a mapping of names to settings, at least 2 of them'
    ]


def test_what_fits_is_completed_with_defaults_and_typed():
    problems = Problems("params.yaml")
    assert checked(Attack, {}, (), problems) == Attack()
    assert checked(Attack, {"radii": [1, 0.5], "norm": "l2"}, (), problems) == Attack(radii=(1.0, 0.5), norm="l2")
    assert checked(Annotated[int, Ge(1)] | None, None, (), problems) is None
    assert problems.lines == []


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"radii": [1, -1, "a"]}, 'attacks.x.radii: found [1, -1, "a"]; allowed: a list, each item a number above 0'),
        ({"radii": {}}, "attacks.x.radii: found {}; allowed: a list, each item a number above 0"),
        ({"steps": True}, "attacks.x.steps: found true; allowed: a whole number of at least 1"),
        ({"steps": 5.0}, "attacks.x.steps: found 5.0; allowed: a whole number of at least 1"),
        ({"steps": "5"}, 'attacks.x.steps: found "5"; allowed: a whole number of at least 1'),
        ({"random_start": 1}, "attacks.x.random_start: found 1; allowed: true or false"),
        ({"note": 1}, "attacks.x.note: found 1; allowed: text, or null"),
        ({"norm": "l_2"}, 'attacks.x.norm: found "l_2"; allowed: one of: linf, l2; did you mean l2?'),
        ([], "attacks.x: found []; allowed: a mapping of " + ", ".join(field.name for field in fields(Attack))),
    ],
)
def test_a_value_that_does_not_fit_is_reported_in_one_line(given, line):
    problems = Problems("params.yaml")
    assert checked(Attack, given, ("attacks", "x"), problems) is None
    assert problems.lines == [f"params.yaml: {line}"]


def test_a_setting_without_default_must_be_given():
    problems = Problems("params.yaml")
    assert checked(Required, {}, ("a", 0), problems) is None
    assert problems.lines == ["params.yaml: a[0].steps: found nothing; allowed: a whole number"]


def test_a_value_with_an_unreadable_part_is_not_checked_further():
    problems = Problems("params.yaml")
    problems.unreadable.add(("attacks", "x", "radii", 1))
    assert checked(Attack, {"radii": [1, None], "steps": 0}, ("attacks", "x"), problems) is None
    assert problems.lines == ["params.yaml: attacks.x.steps: found 0; allowed: a whole number of at least 1"]


def test_a_key_is_reported_once_and_always_in_one_line():
    problems = Problems("params.yaml")
    for result in ("x\ny", "z"):
        problems.add(("a",), result, "b")
    assert problems.lines == [r"params.yaml: a: found x\ny; allowed: b"]
