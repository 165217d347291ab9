"""Figures in the page: their ids are their own, and none stands twice."""

import re

import numpy as np

from reglab.core.figures import canvas, svg
from reglab.report.embedding import embedded


def test_an_image_that_is_drawn_twice_leaves_no_id_twice_and_all_that_is_pointed_to_is_there():
    figure, both = canvas(4, 2, columns=2)
    for axes in both:
        axes.imshow(np.arange(16.0).reshape(4, 4))
        axes.plot([0, 3], [1, 2], marker="o")
    drawn = svg(figure)
    assert len(set(re.findall(r'<image[^>]* id="([^"]*)"', drawn))) == 1 and drawn.count("<image") == 2
    page = "".join(embedded(drawn, prefix, "a picture twice") for prefix in ("one", "other"))
    ids, pointed = (re.findall(pattern, page) for pattern in (r'\sid="([^"]*)"', r'(?:href="#|url\(#)([^")]*)'))
    assert len(ids) == len(set(ids)) and set(ids) == set(pointed) and pointed
    assert page.count("<image") == 4 and {result.partition("-")[0] for result in ids} == {"one", "other"}
