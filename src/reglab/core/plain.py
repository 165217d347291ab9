"""Settings as plain values, and the name of a class that is found by its file."""

from dataclasses import fields, is_dataclass
from typing import Any


def settings(of: Any) -> Any:
    """Plain values of a settings object or of all `Params`, as they stand in params.yaml; a model with its `name`."""
    if isinstance(of, dict):
        return {key: settings(value) for key, value in of.items()}
    if isinstance(of, tuple):
        return [{own_name(item): settings(item)} if is_dataclass(item) else settings(item) for item in of]
    if not is_dataclass(of):
        return of
    plain = {field.name: settings(getattr(of, field.name)) for field in fields(of)}
    module = type(of).__module__
    is_model = module.startswith("reglab.models.") or not module.startswith("reglab.")
    return {"name": own_name(of)} | plain if is_model else plain


def own_name(of: Any) -> str:
    """The name of an entry in params.yaml: that of its file, or the dotted path of a class of the user's own."""
    module = type(of).__module__
    return module.rpartition(".")[2] if module.startswith("reglab.") else f"{module}.{type(of).__name__}"
