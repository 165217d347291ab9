"""Converts settings to plain values, and names the entry that an object belongs to."""

from dataclasses import fields, is_dataclass
from typing import Any


def settings(value: Any) -> Any:
    """The plain values of a settings object or of all `Params`, as params.yaml has them; a model with its `name`, an engine
    with its `engine`.

    The settings in a field that is `flat` (in its metadata) stand beside the others; a field that is `derived` is none, and
    one that is `optional` is none where it is None.
    """
    if isinstance(value, dict):
        return {key: settings(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [{entry_name(item): settings(item)} if is_dataclass(item) else settings(item) for item in value]
    if not is_dataclass(value):
        return value
    left_out = {
        field.name for field in fields(value) if field.metadata.get("optional") and getattr(value, field.name) is None
    }
    plain = {
        field.name: settings(getattr(value, field.name))
        for field in fields(value)
        if not {"flat", "derived"} & set(field.metadata) and field.name not in left_out
    }
    for flat in (getattr(value, field.name) for field in fields(value) if field.metadata.get("flat")):
        plain |= {} if flat is None else {field.name: settings(getattr(flat, field.name)) for field in fields(flat)}
    module = type(value).__module__
    is_model = module.startswith("reglab.models.") or not module.startswith("reglab.")
    if module.startswith("reglab.runtime.engines."):
        return {"engine": entry_name(value)} | plain
    return {"name": entry_name(value)} | plain if is_model else plain


def entry_name(item: Any) -> str:
    """The name of an entry in params.yaml: that of its file, or the dotted path of a class of the user."""
    module = type(item).__module__
    return module.rpartition(".")[2] if module.startswith("reglab.") else f"{module}.{type(item).__name__}"


def has_setting(of: Any, name: str) -> bool:
    """Whether it is a field, which another value can replace; a constant of the class is not."""
    return name in {field.name for field in fields(of)}
