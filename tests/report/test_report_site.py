"""The report as files: each page alone is whole, links lead to where things stand, the first is short, the others fold."""

import posixpath
import re
from collections import Counter

import pytest
from markupsafe import Markup
from test_report_page import Page as Parsed

from reglab.core.errors import UserError
from reglab.experiments.pages import PAGES, further_section
from reglab.report.site import Page, homes, linked
from reglab.report.study import FurtherSection, Section

READABLE = 500  # words in two minutes, at the 250 a minute of a reader of plain English


@pytest.fixture(params=["recipe_pages", "whole_pages"])
def pages(request):
    return request.getfixturevalue(request.param)


def prose(page: str) -> list[str]:
    """The words of a page outside the rows of tables, drawings and controls."""
    inside = re.search(r"<main.*</main>", page, re.DOTALL)[0]
    inside = re.sub(r"<(tbody|svg|select).*?</\1>", " ", inside, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", " ", inside).split()


def test_every_page_is_a_whole_document_with_ids_of_its_own(pages):
    result = Counter()
    for text in pages.values():
        page = Parsed(text)
        assert page.open == [] and page.unbalanced == [] and text.count("<h1>") == 1
        assert [id for id, count in Counter(page.ids).items() if count > 1] == []
        result.update(set(page.ids) - {"main"})
    assert [id for id, count in result.items() if count > 1] == []  # an anchor stands on one page


def test_every_link_leads_to_a_page_that_is_there_and_to_an_anchor_on_it(pages):
    ids = {path: set(Parsed(text).ids) for path, text in pages.items()}
    between = 0
    for path, text in pages.items():
        for address in re.findall(r'<a [^>]*?href="([^"]*)"', text):
            target, _, anchor = address.partition("#")
            file = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) if target else path
            assert file in pages, f"{path}: {address}"
            assert not anchor or anchor in ids[file], f"{path}: {address}"
            assert target or anchor in ids[path]
            between += bool(target and anchor)
    assert between > 30


def test_every_page_leads_to_every_other_and_says_which_it_is(pages):
    for path, text in pages.items():
        nav = re.search(r"<nav.*?</nav>", text, re.DOTALL)[0]
        targets = re.findall(r'href="([^"#]+)"', nav)
        reached = {posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) for target in targets}
        assert reached == set(pages) - {path} and nav.count('aria-current="page"') == 1


def test_a_page_brings_its_style_and_its_script_and_needs_no_other_file(pages):
    for text in pages.values():
        page = Parsed(text)
        assert page.tags["style"] == page.tags["script"] == 1 and "@import" not in text and "http" not in text
        assert re.findall(r'\ssrc="(?!data:)', text) == []
        assert re.findall(r'<(?:link|use|image)[^>]* href="(?!data:|#)', text) == []


def test_the_first_page_is_read_in_two_minutes_and_begins_with_the_answer(recipe_pages):
    page = recipe_pages["index.html"]
    assert len(prose(page)) < READABLE
    order = ["<h1>", 'class="lead"', 'class="points"', 'id="results"', 'id="more"']
    places = [page.index(mark) for mark in order]
    assert places == sorted(places) and "<details" not in page


def test_the_others_fold_all_but_their_first_section(pages):
    for path, text in pages.items():
        sections = re.findall(r'<section id="[^"]*" aria-label="[^"]*">\s*(<details class="fold"( open)?>)?', text)
        folded = [opened == " open" for details, opened in sections if details]
        if path != "index.html" and len(sections) > 1:
            assert folded == [True] + [False] * (len(sections) - 1)
        else:
            assert folded == []
    parts = re.findall(r'<article class="topic part" id="[^"]*">\s*<details class="fold">', pages["pages/chapter.html"])
    assert len(parts) == 20


def test_a_page_without_sections_is_not_made_and_nothing_leads_to_it(recipe_pages, whole_pages):
    assert "pages/few_labels.html" in whole_pages and "pages/few_labels.html" not in recipe_pages
    assert not [path for path, text in recipe_pages.items() if "few_labels.html" in text]
    assert set(whole_pages) <= {path for path, *_ in PAGES}


def test_on_paper_headings_repeat_with_their_names_and_folds_are_open(recipe_pages):
    for text in recipe_pages.values():
        printed = text.split("@media print {")[1].split("</style>")[0]
        assert "thead { display: table-header-group; break-inside: avoid; }" in printed
        assert "th button { display: contents; }" in printed  # a button would be printed on the first page alone
        assert "details.fold::details-content { content-visibility: visible" in printed and "beforeprint" in text


def test_what_may_be_wider_than_a_screen_lies_in_a_box_that_scrolls_and_shows_it(pages):
    for path, text in pages.items():
        style = text.split("<style>")[1].split("</style>")[0]
        assert ".frame, .figure, .formula { overflow-x: auto; }" in style and "var(--shadow)" in style
        body = re.search(r"<main.*</main>", text, re.DOTALL)[0]
        for table in re.finditer(r'<table class="(results|plain pairs|plain recipes|heat)', body):
            before = body[: table.start()].rstrip()
            assert re.search(r'<div class="frame"[^>]*>$', before), f"{path}: {table[0]}"


def page(path: str, *sections: Section) -> Page:
    return Page(path, path, "", sections)


def test_a_link_is_relative_to_the_page_it_stands_on():
    index, here, there = (page(path) for path in ("index.html", "pages/here.html", "pages/there.html"))
    assert index.to(here, "a") == "pages/here.html#a" and here.to(index, "a") == "../index.html#a"
    assert here.to(there, "a") == "there.html#a" and here.to(here, "a") == "#a" and here.to(there) == "there.html"


def test_only_links_to_what_stands_on_another_page_are_changed():
    body = Markup('<a href="#far">far</a> <a class="x" href="#near">near</a> <p id="near"><use href="#near"/>#far')
    one, other = page("index.html", Section("s", "S", body)), page("pages/p.html", Section("far", "F", Markup("<p>")))
    result = linked(body, one, homes([one, other]))
    assert result == str(body).replace('href="#far"', 'href="pages/p.html#far"')


def test_an_error_of_a_section_of_ones_own_is_one_line_that_names_its_file():
    class Untitled(FurtherSection):
        def body(self, study):
            return "text"

    class Broken(Untitled):
        title = "Broken"

        def body(self, study):
            return {}["costs"]

    for section, result in ((Untitled(), "AttributeError"), (Broken(), "KeyError: 'costs'")):
        with pytest.raises(UserError) as error:
            further_section("costs", section, study=None)
        [line] = error.value.lines
        assert line.startswith("src/reglab/report/further_sections/costs.py: found an error (") and result in line
