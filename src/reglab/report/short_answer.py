"""The answer in a few lines of plain text, for the end of a run."""

from collections import Counter
from collections.abc import Iterable

from markupsafe import Markup

from reglab.core.wording import many
from reglab.report import applicable, tuned_answer
from reglab.report.answer import candidates, headline, points_to_know
from reglab.report.collect import Entry
from reglab.report.measure import deciding
from reglab.report.tables import rows

VERDICTS = ("helps", "hurts", "no relevant difference", "cannot tell", "diverged", "check failed")
CLAIM_VERDICTS = ("supported", "contradicted", "cannot tell")


def short_answer(entries: list[Entry], metrics: dict, settings: dict) -> str:
    """The headline, how many recipes and claims have which verdict, and what should worry; a line each.

    Its arguments are those of `page.render`.
    """
    entries, metrics, left_out = applicable.split(entries, metrics)
    table = rows(entries, metrics, deciding(settings))
    recipes = [row.verdict for row in candidates(table)]
    claims = [claim["verdict"] for claim in metrics.get("claims", {}).values()]
    lines = [headline(table, settings)]
    if table_of_tuned := tuned_answer.rows(entries, metrics, deciding(settings)):
        verdicts = [row.verdict for row in candidates(table_of_tuned)]
        counts = f"{many(len(verdicts), 'recipe')} tuned, against none tuned: {counted(verdicts, VERDICTS)}."
        lines = [tuned_answer.answer(table_of_tuned, settings), counts, Markup("As configured: {}").format(lines[0])]
        lines[1:1] = [each.answer for each in tuned_answer.tuned_again(entries, metrics, settings, deciding(settings))]
    if counts := [each for each in (counted(recipes, VERDICTS), applicable.counted(left_out)) if each]:
        lines.append(f"{many(len(recipes), 'recipe')} against none: {'; '.join(counts)}.")
    if claims:
        lines.append(f"{many(len(claims), 'declared claim')}: {counted(claims, CLAIM_VERDICTS)}.")
    worries = [point for point in points_to_know(table, settings, metrics) if point.alarming]
    lines += [Markup("{}: {}").format(point.about, point.text) for point in worries]
    return "".join(f"{plain(line)}\n" for line in lines)


def counted(verdicts: list[str], order: Iterable[str]) -> str:
    """Each verdict and how many have it, in this order, others behind."""
    counts = Counter(verdicts)
    return ", ".join(f"{verdict} {counts[verdict]}" for verdict in dict.fromkeys((*order, *counts)) if counts[verdict])


def plain(line: str) -> str:
    """Without markup, and with spaces that a search in a terminal finds."""
    return Markup(line).striptags().replace("\u00a0", " ")
