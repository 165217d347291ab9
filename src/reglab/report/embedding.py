"""Figures that were drawn elsewhere, made fit to stand in one page."""

import re

from markupsafe import Markup, escape

NAMED = re.compile(r'\sid="([^"]*)"')
POINTED = re.compile(r'(?:href="#|url\(#)([^")]*)')
REFERENCE = re.compile(r'(\bid="|href="#|url\(#)')
UNWANTED = re.compile(r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->", re.DOTALL)
NAMESPACES = re.compile(r'\s(?:xmlns(?::\w+)?|version)="[^"]*"')
FONT = re.compile(r"font-family:[^;\"]*;\s*")
PLACED = re.compile(r'\s(?:d|x|y)="[^"]*"')
GAPS = re.compile(r">\s+<")


def embedded(svg: str, prefix: str, label: str) -> Markup:
    """matplotlib's `<svg>` in the page's font, its ids its own, all places to a hundredth of a point.

    Metadata and style rules, which would reach the whole page, are left out, and ids that nothing points to: an image that
    is drawn twice has the same twice.
    """
    svg = UNWANTED.sub("", svg[svg.index("<svg") :])
    svg = NAMESPACES.sub("", svg).replace("xlink:href", "href")
    svg = PLACED.sub(lambda place: re.sub(r"(\.\d\d)\d+", r"\1", place[0]), FONT.sub("", GAPS.sub("><", svg)))
    pointed = set(POINTED.findall(svg))
    svg = NAMED.sub(lambda match: match[0] if match[1] in pointed else "", svg)
    svg = REFERENCE.sub(rf"\g<1>{escape(prefix)}-", svg)
    opening = Markup('<svg role="img" aria-label="{}"').format(label)
    return Markup(svg.replace("<svg", opening, 1))
