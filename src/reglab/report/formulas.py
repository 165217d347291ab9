"""Formulas as MathML, which browsers set without any library: from as much of TeX's notation as the lecture needs."""

import re

from markupsafe import Markup, escape

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
LETTERS = {
    "alpha": "α", "beta": "β", "epsilon": "ε", "eta": "η", "theta": "θ", "lambda": "λ", "mu": "μ", "sigma": "σ", "tau": "τ",
    "Omega": "Ω",
}  # fmt: skip
OPERATORS = {
    "approx": "≈", "ge": "≥", "in": "∈", "le": "≤", "leftarrow": "←", "lVert": "‖", "mid": "|", "nabla": "∇", "ne": "≠",
    "prod": "∏", "propto": "∝", "quad": "\u2003", "rVert": "‖", "sim": "∼", "sum": "∑", "to": "→", "{": "{", "}": "}",
}  # fmt: skip
NAMED = ("argmin", "exp", "lim", "log", "max", "min", "sign", "E", "Var")
ACCENTS = {"bar": "¯", "hat": "ˆ", "tilde": "~"}
BELOW = {"∑", "∏", "min", "max", "lim", "argmin"}  # limits stand under these, not beside
FENCES = set("()[]{}|‖")


def mathml(tex: str) -> Markup:
    r"""A displayed formula; the TeX stays with it as an annotation.

    Known are letters, numbers, `^ _ { }`, \, \frac, \sqrt[n], \tilde, \hat, \bar, \mathbf, \text, and the names in NAMED,
    LETTERS and OPERATORS. Raises ValueError for what is not.
    """
    tokens = [token for token in TOKEN.findall(tex) if not token.isspace()]
    inner = sequence(tokens, None, iter(re.findall(r"\\text\{([^}]*)\}", tex)))
    note = Markup('<annotation encoding="application/x-tex">{}</annotation>').format(tex)
    return Markup('<math display="block"><semantics>{}{}</semantics></math>').format(row(inner), note)


def row(parts: list[Markup]) -> Markup:
    return parts[0] if len(parts) == 1 else tag("mrow", *parts)


def tag(name: str, *parts: Markup | str, **attributes: str) -> Markup:
    given = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return Markup(f"<{name}{given}>{''.join(escape(part) for part in parts)}</{name}>")


def sequence(tokens: list[str], end: str | None, texts) -> list[Markup]:
    """Everything up to the token `end`, which is taken too; None: to the end of the formula."""
    parts: list[Markup] = []
    while tokens and tokens[0] != end:
        if tokens[0] in "^_":
            parts.append(scripted(parts.pop(), tokens, texts))
        else:
            parts.append(atom(tokens, texts))
    if end is not None:
        if not tokens:
            raise ValueError(f"no {end} in a formula")
        tokens.pop(0)
    return parts


def scripted(base: Markup, tokens: list[str], texts) -> Markup:
    """The base with what stands below and above it."""
    found: dict[str, Markup] = {}
    while tokens and tokens[0] in ("^", "_"):
        place = tokens.pop(0)
        found[place] = atom(tokens, texts)
    beside = base.striptags() not in BELOW
    names = ("msub", "msup", "msubsup") if beside else ("munder", "mover", "munderover")
    name = names[2] if len(found) == 2 else names["^" in found]
    return tag(name, base, *(found[key] for key in "_^" if key in found))


def atom(tokens: list[str], texts) -> Markup:
    """One thing: a symbol, a group in braces, or a command with what it takes."""
    if not tokens:
        raise ValueError("a formula that ends too early")
    token = tokens.pop(0)
    if token == "{":
        return row(sequence(tokens, "}", texts))
    if token.startswith("\\"):
        return command(token[1:], tokens, texts)
    if token[0].isdigit():
        return tag("mn", token)
    if token.isalpha():
        return tag("mi", token)
    return operator({"-": "−", "*": "∗", "'": "′"}.get(token, token))


def operator(sign: str) -> Markup:
    return tag("mo", sign, stretchy="false") if sign in FENCES else tag("mo", sign)


def command(name: str, tokens: list[str], texts) -> Markup:
    if name == "frac":
        return tag("mfrac", atom(tokens, texts), atom(tokens, texts))
    if name == "mathbf":
        return tag("mi", atom(tokens, texts).striptags(), **{"class": "bold"})
    if name in ACCENTS:
        return tag("mover", atom(tokens, texts), tag("mo", ACCENTS[name]), accent="true")
    if name == "sqrt":
        degree = None
        if tokens[0] == "[":
            tokens.pop(0)
            degree = row(sequence(tokens, "]", texts))
        inner = atom(tokens, texts)
        return tag("mroot", inner, degree) if degree else tag("msqrt", inner)
    if name == "text":
        while tokens.pop(0) != "}":
            pass
        return tag("mtext", next(texts).replace(" ", "\u00a0"))
    if name == ",":
        return tag("mspace", width="0.17em")
    if name in NAMED:
        return tag("mi", name, mathvariant="normal") if len(name) == 1 else tag("mi", name)
    if name in LETTERS:
        return tag("mi", LETTERS[name])
    if name not in OPERATORS:
        raise ValueError(f"\\{name}: not known in a formula")
    return operator(OPERATORS[name])
