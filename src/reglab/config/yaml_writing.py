"""Writes plain data as YAML that every reader of params.yaml takes for the same values."""

import io

from ruamel.yaml import YAML
from ruamel.yaml.resolver import implicit_resolvers
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from reglab.core.wording import Plain


def to_yaml(data: Plain) -> str:
    """The data as YAML; a text such as "no" or "12:30", which some versions of YAML take for another value, is in quotes."""
    out = io.StringIO()
    YAML().dump(quoted(data), out)
    return out.getvalue()


def quoted(data: Plain) -> Plain:
    """The data with every text in quotes, keys included, that some version of YAML takes for something else."""
    if isinstance(data, dict):
        return {quoted(key): quoted(value) for key, value in data.items()}
    if isinstance(data, list):
        return [quoted(value) for value in data]
    is_ambiguous = isinstance(data, str) and any(pattern.match(data) for _, _, pattern, _ in implicit_resolvers)
    return DoubleQuotedScalarString(data) if is_ambiguous else data
