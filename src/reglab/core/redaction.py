"""Hides passwords and tokens in whatever this project prints or writes about addresses and exceptions."""

import base64
import html
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, TextIO
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"
_WORDS = r"password|passwd|passphrase|pwd|secret|token|signature|credential|api[_-]?key|access[_-]?key|account[_-]?key"
_VALUE = r"""("[^"\n]*"|'[^'\n]*'|[^\s&"'<>]+)"""
_ADDRESS = re.compile(r"""[^\s"'<>]+""")
_BEFORE_USER = re.compile(r"://(?!/)|%(?:25)*3A(?:%(?:25)*2F){2}(?!%)", re.IGNORECASE)
_AFTER_USER = re.compile(r"@|%(?:25)*40")
_NAMED = re.compile(rf"((?:(?:{_WORDS})s?|(?<=[?&;])(?:sig|auth|key|pass|jwt))(?:=|%(?:25)*3D)){_VALUE}", re.IGNORECASE)
_HEADER = re.compile(rf"(authorization\W{{1,4}}(?:basic|bearer)?\s*){_VALUE}", re.IGNORECASE)
_VARIABLE = re.compile(r"(PASSWORD|PASSWD|TOKEN|SECRET|SECRET_KEY|ACCESS_KEY|API_KEY)$", re.IGNORECASE)
_ALONE = 4  # characters: shorter secrets are not hidden, longer ones where they are a whole word, ...
_ANYWHERE = 8  # ... and from this length on also within other words


def redact(text: str) -> str:
    """The text without user names and passwords of URLs, values such as `token=...`, and the secrets of the environment.

    The secrets of the environment are found in every form that exceptions give them: percent-encoded, escaped, in base64,
    or the part of a password that was taken for a port.
    """
    if (known := _pattern(tuple(os.environ.items()))) is not None:
        text = known.sub(HIDDEN, text)
    if _BEFORE_USER.search(text):
        text = _ADDRESS.sub(_without_user, text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    return _HEADER.sub(rf"\1{HIDDEN}", text)


def _without_user(address: re.Match) -> str:
    """The address without the user's name and password, in one pass: a pattern that tries every :// takes quadratic time."""
    text = address[0]
    before = _BEFORE_USER.search(text)
    after = [match.start() for match in _AFTER_USER.finditer(text, before.end())] if before else []
    return f"{text[: before.end()]}{HIDDEN}{text[after[-1] :]}" if after else text


def has_secret(address: str) -> bool:
    """Whether the address holds a password or a token; before the host of a web address, a name may be one."""
    scheme, _, rest = address.rpartition("://")
    user, at, _ = rest.rpartition("@")
    inside = at and not rest.startswith("/") and (":" in user or scheme.lower().startswith("http"))
    return bool(inside or _NAMED.search(address))


@lru_cache(maxsize=2)
def _pattern(environment: tuple[tuple[str, str], ...]) -> re.Pattern | None:
    """A pattern that matches every secret of the environment; None if there is none."""
    secrets = {form for secret in _secrets(environment) for form in _forms(secret)}
    whole = [re.escape(form) for form in sorted(secrets, key=len, reverse=True) if len(form) >= _ANYWHERE]
    short = sorted((form for form in secrets if _ALONE <= len(form) < _ANYWHERE), key=len, reverse=True)
    whole += [rf"(?<!\w){re.escape(form)}(?!\w)" for form in short]
    return re.compile("|".join(whole), re.IGNORECASE) if whole else None


def _secrets(environment: Iterable[tuple[str, str]]) -> Iterator[str]:
    variables = dict(environment)
    user = variables.get("MLFLOW_TRACKING_USERNAME", "")
    for name, value in variables.items():
        if _VARIABLE.search(name):
            yield value
            yield _basic(user, value)
        for match in _NAMED.finditer(value):
            yield match[2].strip("\"'")
        _, separator, rest = value.partition("://")
        if (separator or name.endswith(("_URI", "_URL"))) and not rest.startswith("/"):
            yield from _secrets_of_address(rest or value)


def _secrets_of_address(rest: str) -> Iterator[str]:
    """The secrets after `scheme://`: a password, a token in place of the user name, and values after ?, & and #."""
    credentials, at, _ = rest.rpartition("@")
    user, colon, password = credentials.partition(":")
    if at and (not colon or len(user) >= 16):
        yield user
    if password and password != user:
        yield password
        yield _basic(user, password)
        yield _basic(unquote(user), unquote(password))
        yield from (part for part in re.split(r"[/?#@:\[\]\\\s]", password) if len(part) > _ALONE)
    for part in re.split("[?&#;]", rest)[1:]:
        value = part.rpartition("=")[2]
        if len(value) >= _ANYWHERE:
            yield value


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode(errors="surrogateescape")).decode()


def _forms(secret: str) -> set[str]:
    """The forms in which a text may show a secret; bytes that are not UTF-8 are surrogates, as in Python."""
    plain = {secret, unquote(secret), unquote_plus(secret)}
    odd = {"errors": "surrogateescape"}
    encoded = {form for one in plain for form in (quote(one, "", **odd), quote(one, **odd), quote_plus(one, **odd))}
    escaped = {json.dumps(one, ensure_ascii=only)[1:-1] for one in plain for only in (True, False)}
    escaped |= {form for one in plain for form in (repr(one)[1:-1], html.escape(one), ascii(one)[1:-1])}
    return plain | encoded | escaped | {quote(one, safe="") for one in encoded}


class _Redacted:
    """A text stream that redacts what is written to it."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def redact_output() -> None:
    """Redact what this process prints from now on; characters that the terminal cannot show are escaped."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
            setattr(sys, name, _Redacted(stream))
