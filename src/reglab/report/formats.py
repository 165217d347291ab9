"""Numbers as people read them: 18,432, a minus and no hyphen, whole numbers whole; what is missing (None, NaN) a dash."""

import math
import re
from collections.abc import Iterable

from markupsafe import Markup

MISSING = "–"
SHARES = (
    "accuracy",
    "error",
    "gap",
    "iou",
    "probe",
    "share",
    "disagreement",
    "zero_weights",
    "idle_units",
)  # of metrics told in percent
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def missing(x: float | None) -> bool:
    return x is None or not math.isfinite(x)


def listed(parts: Iterable) -> Markup:
    """a, b and c."""
    *first, last = parts
    return Markup("{} and {}").format(Markup(", ").join(first), last) if first else Markup("{}").format(last)


def fixed(x: float | None, digits: int, sign: str = "-") -> str:
    """`digits` decimals; sign "+" writes it also before a gain. Never a signed zero."""
    if missing(x):
        return MISSING
    rounded = round(x, digits) + 0.0
    return f"{rounded:{sign if rounded else '-'},.{digits}f}".replace("-", "−")


def percent(x: float | None, digits: int = 1) -> str:
    """A fraction in percent, without the sign."""
    return MISSING if missing(x) else fixed(100 * x, digits)


def points(x: float | None, digits: int = 1) -> str:
    """A difference of fractions in percentage points, signed."""
    return MISSING if missing(x) else fixed(100 * x, digits, sign="+")


def p_value(p: float | None) -> str:
    return "<0.001" if not missing(p) and p < 0.001 else fixed(p, 3)


def probability(p: float | None) -> str:
    """In whole percent; close to 0 or 1 as a bound, for nothing here is certain."""
    if missing(p):
        return MISSING
    return "<1\u00a0%" if p < 0.01 else ">99\u00a0%" if p > 0.99 else f"{percent(p, 0)}\u00a0%"


def is_share(metric: str) -> bool:
    return any(word in metric for word in SHARES)


def value(x: float | None, metric: str) -> str:
    """In the unit of its metric: percent of a share, else plain."""
    return f"{percent(x)}\u00a0%" if is_share(metric) and not missing(x) else significant(x)


def amount(x: float | None, metric: str) -> str:
    """A difference, signed, in the unit of its metric: points of a share, else plain."""
    if missing(x) or is_share(metric):
        return points(x)
    return ("+" if x > 0 else "") + significant(x)


def significant(x: float | int | None, digits: int = 3) -> str:
    """Significant digits, with a power of ten where plain decimals would be long; whole numbers stay whole."""
    if missing(x):
        return MISSING
    if isinstance(x, int) or (x == round(x) and abs(x) < 1e5):
        return f"{round(x):,}".replace("-", "−")
    return rounded(x, digits)


def rounded(x: float, digits: int) -> str:
    """Just so many significant digits."""
    if 1e-3 <= abs(x) < 1e5:
        return f"{float(f'{x:.{digits}g}'):,.{max(digits - 1 - exponent_of(x), 0)}f}".replace("-", "−")
    mantissa, exponent = f"{x:.{digits - 1}e}".split("e")
    return f"{mantissa.replace('-', '−')} × 10{str(int(exponent)).translate(SUPERSCRIPT)}"


def readable(text: str) -> str:
    """A text with numbers of a program in it, as people write them: 1e-05 is 10⁻⁵, -0.1 is −0.1."""
    text = re.sub(r"(?<![\w.])(-?[\d.]+)e([+-]\d+)", power_of_ten, text)
    return re.sub(r"(?<![\w.])-(?=[\d.])", "−", text)


def power_of_ten(number: re.Match) -> str:
    power = f"10{str(int(number[2])).translate(SUPERSCRIPT)}"
    return power if float(number[1]) == 1 else f"{number[1]} × {power}"


def exponent_of(x: float) -> int:
    return math.floor(math.log10(abs(x))) if x else 0


def prefixed(x: float | None) -> str:
    """Three digits and a metric prefix: 1.23 G."""
    if missing(x):
        return MISSING
    size, letter = next(((size, letter) for size, letter in PREFIXES if x >= size), (1.0, ""))
    return f"{rounded(x / size, 3)}\u00a0{letter}" if letter else significant(x)


def capital(words: str) -> str:
    """With a capital at the start, the rest as it is."""
    return words[:1].upper() + words[1:]


def setting(value: object) -> str:
    """A value of params.yaml in a line of text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {setting(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(setting, value)) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int | float):
        return readable(f"{value:,}" if isinstance(value, int) else str(value))
    return str(value)
