"""The section on ensembles: the rows of members.csv that are shown, costs in passes, and what a kind knows of itself."""

from conftest import figure
from test_report_page import Page

from reglab.experiments.ensembles import report as ensembles
from reglab.report.collect import Entry
from reglab.report.page import body

SUMMARY = {"distinct_share": {"mean": 0.632}, "out_of_bag_accuracy": {"mean": 0.701}, "test_accuracy": {"mean": 0.9}}


def entry(members=6, passes=12, combine="average", chosen=(), rows=True) -> Entry:
    settings = {"bagging": {"members": members, "combine": combine}}
    record = {
        "family": "ensembles",
        "name": "bagging",
        "settings": settings,
        "summary": SUMMARY,
        "chosen": list(chosen),
    }
    record |= {"cost": {"prediction_passes": passes, "relative_to_none": 0.042}, "seeds": {"3": {"status": "diverged"}}}
    rows_by_size = [
        {"seed": seed, "combine": rule, "members": str(number)}
        | {name: "" if name == "variance" else str(number / 10) for name in ensembles.COLUMNS}
        for seed in ("0", "all")
        for rule in ("average", "vote")
        for number in range(1, members + 1)
    ]
    return Entry(record, {}, figure(), rows_by_size if rows else [])


def text(of: Entry) -> str:
    return body("ensembles.html", ensembles=ensembles.ensemble_entries([of]), columns=ensembles.COLUMNS)


def test_powers_of_two_and_all_members_are_shown_with_their_passes():
    [shown] = ensembles.ensemble_entries([entry()])
    assert [(row["members"], row["passes"]) for row in shown.rows] == [(1, 2), (2, 4), (4, 8), (6, 12)]
    assert [row["test_nll"] for row in shown.rows] == [0.1, 0.2, 0.4, 0.6]
    assert [row["members"] for row in ensembles.ensemble_entries([entry(members=1, passes=1)])[0].rows] == [1]


def test_the_rows_are_means_over_seeds_by_the_ensembles_own_rule():
    one, other = (ensembles.ensemble_entries([entry(combine=rule)])[0].rows for rule in ("average", "vote"))
    assert len(one) == len(other) == 4
    assert ensembles.ensemble_entries([entry(combine="geometric")])[0].rows == []


def test_what_a_kind_knows_of_itself_is_told_in_words():
    page = text(entry())
    assert "63.2 % of the labelled examples are in a member" in page and "70.1 % of those are classified" in page
    assert "AdaBoost" not in page and "Training takes 0.042 ×" in page


def test_the_section_is_balanced_html_and_a_missing_number_is_a_dash():
    page = Page(text(entry(chosen=("dropout", "trades"))))
    assert not page.unbalanced and not page.open and len(set(page.ids)) == len(page.ids)
    assert "members, the best on validation data first: dropout, trades" in text(entry(chosen=("dropout", "trades")))
    assert '<td class="n">–</td>' in text(entry())


def test_an_ensemble_that_diverged_says_in_which_seed():
    assert "A seed diverged: 3." in text(entry(rows=False))


def test_other_families_are_no_ensembles():
    assert ensembles.ensemble_entries([Entry({"family": "regularizers", "name": "none"}, {}, None)]) == []
