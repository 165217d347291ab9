"""`reglab new` takes a column of groups or times only where it can say how rows are split."""

from pathlib import Path

import numpy as np
import pytest
import tables_of_people as people

from reglab.config import data_checks, profiles
from reglab.config.new_profile import create
from reglab.core.errors import UserError
from reglab.data import load_examples

ROOT = Path(__file__).parent.parent.parent


def new(checkout: Path, values, **options) -> str:
    """`reglab new` of a table of people with one more column, named visit."""
    rows = [[*row, str(value)] for row, value in zip(people.rows(), values, strict=True)]
    people.write(checkout / "people.csv", rows, (*people.HEADER, "visit"))
    return create(checkout, "people.csv", "disease", **options)


@pytest.mark.parametrize(
    ("option", "values", "line"),
    [
        ("time", ["spring", "autumn"] * 30, "column visit: found a time of the kind categorical; allowed: kind: date"),
        ("time", ["spring"] * 60, "column visit: found a time of the kind constant; allowed: kind: date"),
        ("time", [f"v{number}" for number in range(60)], "column visit: found a time of the kind identifier; allowed:"),
        (
            "time",
            ["2020-01-01", "", *["2020-02-03"] * 58],
            "column visit, line 3: found nothing; allowed: a time in each",
        ),
        ("group", ["a", "", *["b", "c"] * 29], "column visit, line 3: found nothing; allowed: a group in each row"),
    ],
)
def test_what_cannot_split_the_rows_is_refused_before_a_profile_is_written(checkout, option, values, line):
    with pytest.raises(UserError) as error:
        new(checkout, values, **{option: "visit"})
    [only] = error.value.lines
    assert only.startswith(f"people.csv: {line}")
    assert not (checkout / "profiles").exists()


def test_a_time_of_whole_numbers_that_are_all_different_is_numeric_and_passes_the_checks(checkout):
    assert "another whole number" in new(checkout, range(100, 160))  # of which an input would be an identifier
    text = new(checkout, range(100, 160), time="visit", force=True)
    assert "another whole number" not in text
    settings = profiles.load(checkout, "people")
    assert settings.data.source.columns["visit"].kind == "numeric"
    assert np.array_equal(load_examples(settings.data).times, np.arange(100.0, 160.0))
    data_checks.check(settings)


def test_where_only_texts_are_left_the_line_names_the_source_that_reads_them(checkout):
    rows = [f"{number} words of {number * 7919 % 60} people,{'ab'[number % 2]}" for number in range(60)]
    Path("notes.csv").write_text("\n".join(["note,topic", *rows, rows[0]]) + "\n")
    with pytest.raises(UserError, match='--text "note", which takes its words for the inputs'):
        create(checkout, "notes.csv", "topic")


def test_a_kind_of_an_unknown_column_is_answered_with_the_columns(checkout):
    with pytest.raises(UserError) as error:
        new(checkout, ["a", "b"] * 30, kinds=["visits=date"])
    columns = "age, sex, smokes, seen, disease, visit"
    line = f'--kind: found "visits=date"; allowed: COLUMN=KIND with a column of "{columns}"; did you mean visit?'
    assert error.value.lines == (line,)


def panel(checkout: Path, times: int) -> str:
    """`reglab new` of 720 rows: people who come at so many times each, all at the same times."""
    random = np.random.default_rng(0)
    lines = [
        f"{person},{2000 + year},{random.normal():.3f},{('ill', 'well')[person * year % 2]}"
        for person in range(720 // times)
        for year in range(times)
    ]
    (checkout / "panel.csv").write_text("\n".join(["person,year,height,state", *lines]) + "\n")
    return create(checkout, "panel.csv", "state", group="person", time="year", kinds=["person=categorical"])


def test_groups_that_last_over_several_times_have_parts_of_a_size_that_can_be_met(checkout):
    panel(checkout, times=12)
    settings = profiles.load(checkout, "panel")
    assert (settings.data.train_size, settings.data.validation_size, settings.data.test_size) == (144, 48, 48)
    data_checks.check(settings)
    text = (checkout / "profiles/panel.yaml").read_text().replace("size: 48", "size: 144")
    (checkout / "profiles/panel.yaml").write_text(text.replace("train_size: 144 ", "train_size: 432 "))
    with pytest.raises(UserError, match="sizes that can be met to within a half"):  # as large as of other splits
        data_checks.check(profiles.load(checkout, "panel"))
