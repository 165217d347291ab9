"""Marks on verdicts that change without one seed, and the least p-value, which is stated once."""

import pytest

from reglab.report.nearness import is_least, least_p, turned, turning


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ({}, ""),
        (None, ""),
        ({"3": "cannot tell"}, "cannot tell without seed 3"),
        ({"10": "helps", "2": "helps"}, "helps without seed 2 or 10"),
        (
            {"1": "helps", "4": "hurts", "5": "helps", "7": "helps"},
            "helps without seed 1, 5 or 7; hurts without seed 4",
        ),
    ],
)
def test_the_other_verdicts_are_given_in_words(seeds, words):
    row = {"turns_without": seeds, "p_holm": 0.0391}
    assert turned(row) == words
    assert ("‡" in turning(row)) == bool(words) and (f"p 0.039; {words}" in turning(row)) == bool(words)


def test_the_least_p_value_is_that_of_differences_with_one_sign_in_every_seed():
    floor, next_up = {"p": 2 / 2048, "p_holm": 29 / 1024}, {"p": 4 / 2048, "p_holm": 0.05}
    tied = {"p": 4 / 2048, "p_holm": 29 / 1024}  # less clear, and not lower after the correction
    least = least_p([next_up, tied, floor, {"p": None, "p_holm": None}, {}], seeds=11)
    assert least == 29 / 1024
    assert [is_least(row, least) for row in (floor, tied, next_up, {})] == [True, True, False, False]
    assert least_p([next_up], seeds=11) is None and not is_least(floor, None)
