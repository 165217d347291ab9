"""Files that installed packages ship: package:river/datasets/segment.csv.zip is that file of the package river."""

from importlib.util import find_spec

from reglab.core.errors import UserError
from reglab.core.wording import Plain, shown

PREFIX = "package:"
TO_DO = "; pip install 'reglab[datasets]' installs those of the shipped profiles, as make does"


def resolved(path: str) -> str:
    """The path below the folder of its package, which is not imported; any other path as it is.

    UserError where the package is not installed.
    """
    if not path.startswith(PREFIX):
        return path
    package, _, inside = path.removeprefix(PREFIX).partition("/")
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or spec.submodule_search_locations is None:
        raise UserError(f"{path}: found no package {shown(package)}; allowed: an installed package{TO_DO}")
    files = spec.loader.get_resource_reader(package).files()  # as importlib.resources finds them, which would import it
    return str(files / inside)


def resolved_settings(data: Plain, place: str) -> Plain:
    """A plain section `data` with its paths resolved; UserError for all that cannot be. `place` begins their lines."""
    if not isinstance(data, dict):
        return data
    result, lines = {}, []
    for key, value in data.items():
        try:
            result[key] = resolved(value) if isinstance(value, str) else value
        except UserError as error:
            lines += [f"{place}data.{key}: {line}" for line in error.lines]
    if lines:
        raise UserError(*lines)
    return result
