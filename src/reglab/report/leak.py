"""The price of the leak in a sentence: what random splits would have claimed where the data is split by group or in time."""

from markupsafe import Markup

from reglab.report.answer import Point
from reglab.report.measure import Measure

NEW = {"group": "new groups", "time": "later times"}


def claimed(row: dict[str, float], measure: Measure) -> str:
    """How much better or worse a recipe looked on random splits, or that chance is not ruled out.

    `row`: that of the metric that decides, as `experiments.random_split.evaluate` has it.
    """
    low, high = sorted(measure.sign * row[end] for end in ("difference_low", "difference_high"))
    size = measure.counted(measure.size(row["difference"]))
    if low > 0:
        return f"Random splits claim {size} too much."
    if high < 0:
        return f"Random splits claim {size} too little."
    return "The interval of the difference has zero in it, so no leak is shown."


def point(metrics: dict, split: str, measure: Measure) -> list[Point]:
    """The price for `none`, or else for the first recipe that was trained on random splits; nothing without one."""
    rows = {name: row[measure.metric] for name, row in metrics.get("random_split", {}).items() if measure.metric in row}
    if not rows:
        return []
    name = "none" if "none" in rows else next(iter(rows))
    row = rows[name]
    text = Markup('On random splits <b>{}</b> has {} {}, on {} {}. {} <a href="#random-split">Details</a>.')
    text = text.format(
        name,
        measure.title,
        measure.with_unit(row["random"]["mean"]),
        NEW[split],
        measure.with_unit(row["structured"]["mean"]),
        claimed(row, measure),
    )
    return [Point("Price of the leak", text)]
