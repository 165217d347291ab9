"""The page as a browser and a reader get it."""

import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from conftest import BASELINES, COMBINATIONS, REGULARIZERS, SETTINGS, joined, write_study

from reglab.core.errors import UserError
from reglab.experiments.pages import render
from reglab.report import formats
from reglab.report.collect import Entry, collect

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


class Page(HTMLParser):
    """Balance, ids, addresses, and the cells of the results table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.unbalanced, self.ids, self.addresses, self.tags = [], [], [], [], Counter()
        self.rows, self.row, self.cell = {}, None, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags[tag] += 1
        self.ids += [given["id"]] if "id" in given else []
        self.addresses += [given[key] for key in ("src", "href", "xlink:href", "action", "srcset") if key in given]
        if tag == "tr" and given.get("role") == "row" and "id" in given:
            assert given["id"] not in self.rows
            self.row = self.rows[given["id"]] = {}
        if tag in ("td", "th") and self.row is not None and "data-key" in given:
            self.cell = self.row[given["data-key"]] = {"value": given.get("data-value"), "text": ""}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data):
        if self.cell is not None:
            self.cell["text"] += data

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append((tag, self.getpos()))
        if tag in ("td", "th"):
            self.cell = None
        if tag == "tr":
            self.row = None


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    runs, expected, metrics = write_study(tmp_path_factory.mktemp("page") / "runs")
    return joined(render(collect(runs, expected), metrics, SETTINGS, "data: {name: digits}\n"))


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def ids() -> set[str]:
    families = {"baselines": BASELINES, "regularizers": REGULARIZERS, "combinations": COMBINATIONS}
    return {f"{family}-{name}" for family, names in families.items() for name in names}


def test_every_expected_recipe_has_one_row_and_one_drawing(page):
    assert page.rows.keys() == ids()
    drawn = {f"curves-{row}" for row in ids() if not row.startswith("baselines")}
    assert {result for result in page.ids if result.startswith("curves-")} == drawn


def test_a_folder_that_params_does_not_name_is_not_on_the_page(study):
    runs, expected, metrics = study
    kept = [(family, name) for family, name in expected if name != "mixup"]
    page = joined(render(collect(runs, kept), metrics, SETTINGS))
    assert (runs / "regularizers" / "mixup" / "record.json").exists() and "mixup" not in page


def test_the_numbers_in_the_table_are_those_of_metrics_json(page, study):
    *_, metrics = study
    read = 0
    for row_id, cells in page.rows.items():
        family, name = row_id.split("-")
        numbers = metrics[family][name]
        if numbers["verdict"] == "diverged":
            continue
        assert float(cells["accuracy"]["value"]) == numbers["test_accuracy"]
        assert float(cells["difference"]["value"]) == numbers["difference"]
        for side in ("test_nll", "test_ece"):
            assert float(cells[side]["value"]) == numbers["metrics"][side]["mean"]
        if name != "none":
            assert (
                float(cells["chance"]["value"]) == numbers["probability"]["helps"] and "70" in cells["chance"]["text"]
            )
        assert cells["cost"]["value"] == ("" if numbers["cost"] is None else repr(numbers["cost"]))
        assert (f"p {formats.p_value(numbers['p_holm'])}" in cells["verdict"]["text"]) == (name != "none")
        assert cells["accuracy"]["text"].split()[0] == f"{100 * numbers['test_accuracy']:.1f}"
        if name != "none":
            shown = [float(word.replace("−", "-")) for word in cells["difference"]["text"].replace(" to ", " ").split()]
            wanted = [100 * numbers[key] for key in ("difference", "low", "high")]
            assert shown == pytest.approx(wanted, abs=0.005 + 1e-9)
        read += 1
    assert read == len(ids()) - 1


def test_what_diverged_stands_last_and_has_no_numbers(page):
    assert list(page.rows)[-1] == "regularizers-clipping"
    assert page.rows["regularizers-clipping"].keys() == {"name"}


def test_rows_stand_in_the_order_of_accuracy(page):
    values = [float(cells["accuracy"]["value"]) for cells in page.rows.values() if "accuracy" in cells]
    assert values == sorted(values, reverse=True)


def test_the_html_is_balanced_and_its_ids_are_unique(page):
    assert page.open == [] and page.unbalanced == []
    assert [result for result, count in Counter(page.ids).items() if count > 1] == []


def test_every_link_leads_somewhere_on_the_page(page, text):
    inside = {address[1:] for address in page.addresses if address.startswith("#")}
    inside |= set(re.findall(r"url\(#([^)]*)\)", text.split("</style>")[1]))
    assert len(inside) > 30 and inside <= set(page.ids)


def test_a_search_has_its_section_its_record_and_a_link_from_the_chapter(study):
    from test_report_searches import SEARCH, sweep

    runs, expected, metrics = study
    swept, row, _ = sweep("dropout", {"hidden_rate": [0.1, 0.5]}, [[0.9, 0.91], [0.93, 0.94]], 1)
    swept.record.update(checks=[], technique=["dropout"], dataset={"fingerprint": "sha256:0"})
    text = joined(render([*collect(runs, expected), swept], metrics | {"sweeps": {"dropout": row}}, SETTINGS | SEARCH))
    page = Page(text)
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert '<tr id="ran-sweeps-dropout">' in text and page.unbalanced == []
    at_dropout = re.search(r'id="lecture-dropout".*?</article>', text, re.DOTALL)[0]
    assert 'href="#sweeps"' in at_dropout and "#ran-sweeps" not in at_dropout


def test_nothing_is_fetched_from_anywhere(page, text):
    assert [address for address in page.addresses if not address.startswith(("#", "data:"))] == []
    assert all(target.startswith("#") for target in re.findall(r"url\(\s*['\"]?([^)]*)\)", text))
    assert "@import" not in text and "http" not in text


def test_the_same_input_gives_the_same_bytes(study, text):
    runs, expected, metrics = study
    assert joined(render(collect(runs, expected), metrics, SETTINGS, "data: {name: digits}\n")) == text


def test_what_a_user_wrote_is_text_and_never_markup(study):
    runs, expected, metrics = study
    entries = collect(runs, expected)
    evil = "<script>alert('1')</script>"
    next(e for e in entries if e.name == "dropout").record["settings"]["dropout"] = {evil: evil}
    topic = next(e for e in entries if e.family == "theory")
    topic.record["checks"][0]["name"] = topic.record["numbers"][evil] = 1.0
    topic.record["checks"][0]["name"] = evil
    named = {section: SETTINGS[section] | {"name": evil} for section in ("data", "dataset")}
    settings = SETTINGS | named | {"model": {evil: evil}}
    text = joined(render(entries, metrics, settings, evil))
    assert Page(text).tags["script"] == 1 and evil not in text and text.count("&lt;script&gt;") >= 9


def test_the_page_stays_small_with_fifteen_recipes(text):
    assert len(text.encode()) < 500_000  # 60 epochs; more than 100 points are never drawn


def test_every_name_leads_to_its_record(study, text):
    _, expected, _ = study
    for family, name in expected:
        row = re.search(rf'<tr id="ran-{family}-{name}">.*?</tr>', text, re.DOTALL)[0]
        assert f"runs/{family}/{name}/record.json" in row
    for row in ids():
        assert f'href="#ran-{row}"' in text


def test_the_controls_offer_every_verdict_and_kind_and_are_hidden_until_the_script_is_there(text):
    [controls] = re.findall(r'<div class="filter".*?</div>', text, re.DOTALL)
    assert 'data-table="results" hidden' in controls and '<table class="results" id="results"' in text
    shown = {by: set(re.findall(rf'<tr role="row" id=[^>]*data-{by}="([^"]*)"', text)) for by in ("verdict", "kind")}
    for by, values in shown.items():
        offered = re.search(rf'<select data-by="{by}">(.*?)</select>', controls)[1]
        assert set(re.findall(r"<option>([^<]*)</option>", offered)) == values - {"reference", "no verdict"}
    assert "noise" in shown["kind"] and "classical" in shown["kind"] and "helps" in shown["verdict"]
    assert re.search(r"@media print \{.*\.filter.*display: none.*tr\[hidden\] \{ display: table-row", text, re.DOTALL)


def test_robustness_stands_in_the_table_where_a_family_was_attacked(study, page):
    from test_report_robustness import record

    assert "robust" not in page.rows["regularizers-dropout"]
    runs, expected, metrics = study
    models = record()["models"]
    attacked = record() | {
        "technique": [],
        "models": {"none": models["none"], "dropout": models["masked"] | {"transfer": {}}},
    }
    for model in attacked["models"].values():
        model["transfer"] = dict.fromkeys(attacked["models"], 0.5)
    text = joined(render([*collect(runs, expected), Entry(attacked, {}, None)], metrics, SETTINGS))
    rows = Page(text).rows
    assert rows["regularizers-dropout"]["robust"] == {"value": "0.8", "text": "80.0?+70.0"}
    assert rows["regularizers-none"]["robust"]["text"] == "10.0" and rows["regularizers-l1"]["robust"]["text"] == "–"


def test_both_questions_are_named_and_explained(text):
    assert (
        "On this data set</b>: Over new seeds." in text and "On this distribution</b>: Over new examples too." in text
    )
    assert "No critical-difference diagram" in text


def test_with_one_test_set_for_all_seeds_nothing_is_said_of_new_data(study):
    runs, expected, metrics = study
    for row in (row for family in ("regularizers", "baselines", "combinations") for row in metrics[family].values()):
        row["distribution"] = None
    cell = Page(joined(render(collect(runs, expected), metrics, SETTINGS))).rows["regularizers-dropout"]["new"]
    assert cell["value"] == "" and cell["text"] == "–"


def test_the_least_p_value_stands_once_below_the_table_and_a_verdict_that_one_seed_turns_is_marked(study):
    runs, expected, metrics = study
    recipes = metrics["regularizers"]
    for row in (row for family in ("regularizers", "combinations") for row in metrics[family].values()):
        row["p"] = None
    recipes["dropout"] |= {"p": 2.0**-9, "p_holm": 0.0234}
    recipes["input_noise"] |= {"p": 2.0**-8, "p_holm": 0.0234}
    recipes["mixup"] |= {"p": 0.01, "p_holm": 0.041, "turns_without": {"3": "cannot tell"}}
    text = joined(render(collect(runs, expected), metrics, SETTINGS))
    cells = {name: Page(text).rows[f"regularizers-{name}"]["verdict"]["text"] for name in recipes if name != "clipping"}
    assert {name for name, said in cells.items() if "p 0." not in said} == {"none", "dropout", "input_noise"}
    assert "p 0.041" in cells["mixup"] and [name for name, said in cells.items() if "‡" in said] == ["mixup"]
    assert text.count("Where no p stands it is 0.023") == 1 and 'title="p 0.041; cannot tell without seed 3"' in text


def test_the_first_page_says_what_a_random_split_would_have_claimed_where_groups_are_declared(study):
    runs, expected, metrics = study
    ends = {"low": 0.5, "high": 0.9}
    row = {"random": ends | {"mean": 0.81}, "structured": ends | {"mean": 0.605}, "p": 0.01}
    row |= {"difference": 0.205, "difference_low": 0.1, "difference_high": 0.3}
    leaking = metrics | {"random_split": {"none": {"test_accuracy": row}}}
    settings = SETTINGS | {"data": SETTINGS["data"] | {"split": "group"}}
    first = render(collect(runs, expected), leaking, settings)["index.html"]
    said = re.sub(r"<[^>]*>", "", first).replace("&nbsp;", " ").replace("\u00a0", " ")
    assert (
        "On random splits none has accuracy 81.0 %, on new groups 60.5 %. Random splits claim 20.5 points too much."
        in said
    )
    assert re.search(r'href="[^"]*#random-split"', first)
    assert "On random splits" not in render(collect(runs, expected), metrics, SETTINGS)["index.html"]


def test_declared_pairs_have_a_table(study):
    runs, expected, metrics = study
    row = {"recipe": "dropout", "versus": "mixup", "metric": "test_accuracy", "difference": 0.021, "low": 0.01}
    row |= {"high": 0.03, "p_holm": 0.004, "verdict": "helps", "seeds_needed": None}
    row |= {"probability": {"helps": 0.999, "same": 0.001, "hurts": 0.0}, "distribution": None}
    text = joined(render(collect(runs, expected), metrics | {"comparisons": {"two": row}}, SETTINGS))
    shown = re.search(r'<tr id="pair-two">.*?</tr>', text, re.DOTALL)[0]
    for words in (
        'href="#regularizers-dropout"',
        'href="#regularizers-mixup"',
        "+2.1",
        "+1.0 to +3.0",
        "0.004",
        "&gt;99",
    ):
        assert words in shown
    assert "‡" not in shown
    turned = metrics | {"comparisons": {"two": row | {"turns_without": {"0": "cannot tell"}}}}
    shown = re.search(
        r'<tr id="pair-two">.*?</tr>', joined(render(collect(runs, expected), turned, SETTINGS)), re.DOTALL
    )[0]
    assert "‡" in shown and "cannot tell without seed 0" in shown


def test_code_and_machine_are_told(study):
    runs, expected, metrics = study
    around = {"Code": {"commit": "abc123"}, "Machine": {"instructions": "AVX2", "threads": "1"}}
    text = joined(render(collect(runs, expected), metrics, SETTINGS, "", around))
    assert "<dt>commit</dt><dd>abc123</dd>" in text and "<dt>instructions</dt><dd>AVX2</dd>" in text


def test_a_check_that_failed_is_marked(text):
    assert len(re.findall(r'<tr class="failed"><th scope="row">minima fall</th>', text)) == 1


def test_metrics_that_lack_an_entry_are_the_users_error(study):
    runs, expected, metrics = study
    del metrics["regularizers"]["dropout"]
    with pytest.raises(UserError, match=r"regularizers\.dropout; run: dvc repro evaluate"):
        joined(render(collect(runs, expected), metrics, SETTINGS))


def test_a_study_of_none_alone_has_a_page(study):
    runs, _, metrics = study
    metrics["regularizers"]["none"]["best_baseline"] = None
    page = joined(render(collect(runs, [("regularizers", "none")]), metrics, SETTINGS))
    assert "Nothing to compare" in page and Page(page).unbalanced == []


def test_one_seed_of_one_epoch_has_a_page(study):
    runs, _, metrics = study
    for name in ("none", "dropout"):
        path = runs / "regularizers" / name / "curves.csv"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
        unknown = dict.fromkeys(("low", "high", "p_holm", "seeds_needed", "best_baseline", "beats_baselines"))
        metrics["regularizers"][name] |= unknown | {"verdict": "reference" if name == "none" else "cannot tell"}
    entries = collect(runs, [("regularizers", "none"), ("regularizers", "dropout")])
    for entry in entries:
        entry.record["seeds"] = {"0": entry.record["seeds"]["0"]}
    page = joined(render(entries, metrics, SETTINGS | {"seeds": 1}))
    assert "1 seed cannot tell whether anything helps" in page and "nan" not in page


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (formats.points(-0.0004), "0.0"),
        (formats.points(0.068), "+6.8"),
        (formats.points(-0.068), "−6.8"),
        (formats.percent(float("nan")), "–"),
        (formats.fixed(None, 2), "–"),
        (formats.p_value(0.0004), "<0.001"),
        (formats.significant(1.234e-7), "1.23 × 10⁻⁷"),
        (formats.significant(0.5), "0.500"),
        (formats.significant(9.999), "10.00"),
        (formats.significant(-12345.6), "−12,300"),
        (formats.significant(-12345.0), "−12,345"),
        (formats.significant(1234567), "1,234,567"),
        (formats.significant(9.0), "9"),
        (formats.significant(0.0), "0"),
        (formats.fixed(-18432.25, 1), "−18,432.2"),
        (formats.setting(18432), "18,432"),
        (formats.setting(-0.5), "−0.5"),
        (formats.setting(1e-05), "10⁻⁵"),
        (formats.readable("-0.14 against 2.5e+06, x^-1, 10-fold, e-3"), "−0.14 against 2.5 × 10⁶, x^−1, 10-fold, e-3"),
        (formats.prefixed(0), "0"),
        (formats.prefixed(950), "950"),
        (formats.prefixed(3.1e10), "31.0\u00a0G"),
        (formats.setting({"a": [1, True], "b": None}), "a [1, yes], b none"),
    ],
)
def test_numbers_are_written_for_people(shown, wanted):
    assert shown == wanted
