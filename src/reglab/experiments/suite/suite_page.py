"""The page of the suite, reports/suite.html, made of reports/suite.json; the same bytes for the same input."""

from dataclasses import dataclass
from math import log10

from markupsafe import Markup

from reglab.core.figures import COLORS
from reglab.core.wording import many
from reglab.evaluation.metric_table import DECIDING
from reglab.experiments.suite.settings import Suite
from reglab.report.formats import capital, listed, missing, points, prefixed
from reglab.report.study import TEMPLATES

STRONGEST = 0.3  # an effect from which on the colour of a cell is the strongest
AXES = {"train_size": "training examples", "inputs": "inputs", "classes": "classes", "gap": "gap of none, %"}
SHOWN = 6  # recipes whose pictures are open
GENERAL = ("helps in general", "helps on average", "hurts in general", "hurts on average")


def share(x: float | None, digits: int = 0) -> str:
    """A relative error reduction in signed percent; as many digits as it takes for a small one."""
    return points(x, digits) if missing(x) or round(100 * x, digits) else "0"


def ends(row: dict, digits: int = 0) -> str:
    """The interval; no more than all errors can be taken away, though a symmetric interval may reach beyond."""
    return f"{share(row['low'], digits)} to {share(min(row['high'], 1.0), digits)}"


@dataclass(frozen=True)
class MatrixCell:
    """A recipe on a data set, as the matrix shows it."""

    row: dict

    @property
    def known(self) -> bool:
        return "effect" in self.row

    @property
    def css(self) -> str:
        return self.row["verdict"].replace(" ", "-") if self.known else self.row["status"].replace(" ", "-")

    @property
    def opacity(self) -> str:
        """Of the colour: weak where nothing is shown, so that the eye goes to what is."""
        strength = min(abs(self.row["effect"]) / STRONGEST, 1)
        shown = self.row["verdict"] in ("helps", "hurts")
        return f"{(0.25 + 0.6 * strength) if shown else 0.22 * strength:.2f}"

    @property
    def side(self) -> str:
        return "better" if self.row["effect"] > 0 else "worse"

    @property
    def text(self) -> str:
        return share(self.row["effect"]) if self.known else {"not-applicable": "n/a"}.get(self.css, self.css)

    @property
    def interval(self) -> str:
        return ends(self.row)

    @property
    def title(self) -> str:
        if not self.known:
            return f"{self.row['status']}: {self.row['reason']}"
        return f"{share(self.row['effect'], 1)} % ({ends(self.row, 1)}): {self.row['verdict']}"


def label(recipe: str) -> Markup:
    return Markup("_<wbr>").join(recipe.split("_"))


def panel(recipe: str, axis: str, results: dict) -> Markup | None:
    """The effect of a recipe on every data set against a property of the data set, with intervals; no line is fitted."""
    sets, cells = results["sets"], results["matrix"][recipe]
    places = [(sets[name].get(axis), each, name) for name, each in cells.items() if "effect" in each]
    places = [(x, each, name) for x, each, name in places if x is not None]
    if len(places) < 2:
        return None
    logarithmic = axis in ("train_size", "inputs")

    def scaled(x: float) -> float:
        return log10(x) if logarithmic else x

    lowest, highest = (pick(scaled(x) for x, *_ in places) for pick in (min, max))
    top = max(0.05, min(1.0, 1.4 * max(abs(each["effect"]) for _, each, _ in places)))  # longer intervals are cut off
    width, height, left, upper = 220, 118, 30, 8

    def across(x: float) -> float:
        return left + 8 + (width - left - 18) * ((scaled(x) - lowest) / (highest - lowest) if highest > lowest else 0.5)

    def up(y: float) -> float:
        return upper + (height - upper - 24) * (1 - (max(min(y, top), -top) + top) / (2 * top))

    parts = [f'<line class="zero" x1="{left}" x2="{width - 4}" y1="{up(0):.1f}" y2="{up(0):.1f}"/>']
    for y in (-top, 0, top):
        parts.append(f'<text class="tick" x="{left - 4}" y="{up(y) + 3:.1f}" text-anchor="end">{share(y)}</text>')
    for x, each, name in sorted(places, key=lambda place: (place[0], place[2])):
        tip = f"{name}: {share(each['effect'], 1)} % ({ends(each, 1)})"
        at, kind = across(x), each["verdict"].replace(" ", "-")
        parts.append(
            f'<g class="point {kind}"><title>{tip}</title><line x1="{at:.1f}" x2="{at:.1f}" y1="{up(each["low"]):.1f}" '
            f'y2="{up(each["high"]):.1f}"/><circle cx="{at:.1f}" cy="{up(each["effect"]):.1f}" r="3"/></g>'
        )
    for x, anchor in ((min(place[0] for place in places), "start"), (max(place[0] for place in places), "end")):
        text = f"{100 * x:.0f}" if axis == "gap" else f"{x:,}"
        parts.append(f'<text class="tick" x="{across(x):.1f}" y="{height - 12}" text-anchor="{anchor}">{text}</text>')
    parts.append(
        f'<text class="tick" x="{(left + width) / 2:.0f}" y="{height - 1}" text-anchor="middle">{AXES[axis]}</text>'
    )
    about = f"effect of {recipe} against {AXES[axis]}"
    return Markup(f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{about}">{"".join(parts)}</svg>')


def pictures(results: dict) -> list[tuple[str, list[Markup]]]:
    """By recipe, its panels; first those with an effect that is shown on most data sets, then the largest mean effects."""
    networks = [recipe for recipe, about in results["recipes"].items() if about["kind"] != "classical"]
    general = results["general"]
    there = [recipe for recipe in networks if recipe != "none" and general[recipe]["sets"] > 1]
    there.sort(key=lambda name: (-general[name]["helps"] - general[name]["hurts"], -abs(general[name]["average"])))
    drawn = [(recipe, [each for axis in AXES if (each := panel(recipe, axis, results))]) for recipe in there]
    return [(recipe, panels) for recipe, panels in drawn if panels]


def in_general(results: dict) -> dict[str, list[str]]:
    """The recipes by their verdict over data sets."""
    by_verdict: dict[str, list[str]] = {}
    for recipe in results["recipes"]:
        verdict = results["general"].get(recipe, {}).get("verdict")
        if verdict:
            by_verdict.setdefault(verdict, []).append(recipe)
    return by_verdict


def left_out(results: dict) -> dict[str, str]:
    """The reason of each data set on which nothing can be compared: it failed, or tuned `none` did."""
    reasons = {name: row["failed"] for name, row in results["sets"].items() if row["failed"]}
    cells = results["matrix"]["none"]
    return reasons | {name: cells[name]["reason"] for name in cells if name not in reasons and "reason" in cells[name]}


def usable(results: dict) -> int:
    """The number of data sets on which recipes can be compared."""
    return len(results["sets"]) - len(left_out(results))


def headline(results: dict) -> Markup:
    """What helps and what hurts over the data sets, in a sentence or two."""
    count = many(usable(results), "data set")
    if usable(results) < results["fewest_sets"]:
        text = "{}: too few to say what holds in general, which needs {}. The matrix shows each of them."
        return Markup(text).format(count, results["fewest_sets"])
    by_verdict, parts = in_general(results), []
    for verdict in GENERAL:
        if names := by_verdict.get(verdict):
            parts.append(
                Markup("{} {}").format(
                    listed([Markup("<b>{}</b>").format(each) for each in names]), as_verb(verdict, names)
                )
            )
    first = (
        Markup("Over {}, ").format(count)
        + (Markup("; ").join(parts) if parts else "nothing is shown to help or to hurt in general")
        + "."
    )
    undecided = len(by_verdict.get("cannot tell", []))
    same = len(by_verdict.get("no relevant difference", []))
    count_all = many(sum(map(len, by_verdict.values())), "recipe")
    rest = [f"{same} of {count_all} make no relevant difference"] * bool(same)
    rest += [f"for {undecided}{'' if same else f' of {count_all}'} the data sets cannot tell"] * bool(undecided)
    return first + (f" {capital(' and '.join(rest))}." if rest else "")


def as_verb(verdict: str, names: list[str]) -> str:
    return verdict if len(names) == 1 else verdict.replace("helps", "help").replace("hurts", "hurt")


def answer(results: dict) -> str:
    """The answer in short, for the terminal."""
    lines = [str(headline(results).striptags())]
    lines += [f"{name} was left out: {reason}" for name, reason in left_out(results).items()]
    lines += [f"{claim['says']}: {claim['verdict']}" for claim in results["claims"].values()]
    return "\n".join(lines) + "\n"


def groups(results: dict) -> list[tuple[str, int]]:
    """What neighbouring data sets of the matrix are, and how many they are: the heads above their columns."""
    heads: list[tuple[str, int]] = []
    for row in results["sets"].values():
        words = "" if row["failed"] else row["kind"] + (", amounts" if row["task"] == "regression" else "")
        if heads and heads[-1][0] == words:
            heads[-1] = words, heads[-1][1] + 1
        else:
            heads.append((words, 1))
    return heads


def place_words(place: dict, words: str) -> str:
    return f"{place['below']} of the {place['of']} others have {words}"


def own_sentences(results: dict) -> dict[str, list[str]]:
    """For each data set of the user's own, how it compares with the others."""
    sentences = {}
    for name, row in results["own"].items():
        places = row["places"]
        words = {"train_size": "fewer training examples", "inputs": "fewer inputs", "gap": "a smaller gap of none"}
        text = (
            [f"{listed([place_words(places[key], words[key]) for key in words if key in places])}."] if places else []
        )
        if row["agreement"] is not None:
            same = row["agreement"]
            how = "much as" if same > 0.5 else "little as" if same > 0 else "unlike"
            text.append(
                f"The {row['recipes']} recipes rank here {how} they do on the others "
                f"(rank correlation with their mean effect there {same:.2f})."
            )
        if row["outside"]:
            text.append(f"Outside of everything seen on the others: {', '.join(row['outside'])}.")
        sentences |= {name: text} if text else {}
    return sentences


def total(results: dict) -> dict:
    costs = [row["cost"] for row in results["sets"].values() if "cost" in row]
    return {key: sum(each[key] for each in costs) for key in costs[0]} if costs else {}


def render(results: dict, suite: Suite) -> str:
    """The page."""
    cells = {
        recipe: {name: MatrixCell(each) for name, each in results["matrix"][recipe].items()}
        for recipe in results["recipes"]
        if recipe != "none"
    }
    drawn = pictures(results)
    few = [name for name in cells if not results["general"][name]["verdict"]]
    one_test_set = [name for name, row in results["sets"].items() if row.get("one_test_set")]
    return TEMPLATES.get_template("suite.html").render(
        results=results,
        suite=suite,
        colors=COLORS,
        cells=cells,
        headline=headline(results),
        share=share,
        ends=ends,
        label=label,
        pictures=drawn[:SHOWN],
        further=drawn[SHOWN:],
        own=own_sentences(results),
        groups=groups(results),
        left_out=left_out(results),
        usable=usable(results),
        many=many,
        few=listed(few) if few else "",
        one_test_set=listed(one_test_set) if one_test_set else "",
        total=total(results),
        metrics={name: about.title for name, about in DECIDING.items()},
        prefixed=prefixed,
    )
