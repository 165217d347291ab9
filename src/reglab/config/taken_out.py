"""Which entries of params.yaml a profile takes out: those that are null there, and all of a section that is {} there."""

from reglab.config.problems import Key, dotted
from reglab.config.references import mapping
from reglab.core.errors import UserError
from reglab.core.families import BY_SECTION
from reglab.core.registry import BASES, names
from reglab.core.wording import nearest, one_of
from reglab.evaluation.metric_names import TRAINED

CHOSEN = (*TRAINED, "theory")  # sections whose entries are a study's
OF_CHOSEN = (
    *(section for section in BY_SECTION if section not in CHOSEN),
    "comparisons",
    "claims",
)  # what refers to these


def taken_out(whole: dict, profile: dict) -> list[Key]:
    """(section, entry) of every entry that the profile takes out of the plain params.

    In a section that lists recipes, null takes out a setting that params.yaml has.
    """
    keys: list[Key] = []
    for section in (*CHOSEN, *OF_CHOSEN):
        former, given = mapping(whole, section), mapping(profile, section)
        if profile.get(section) == {}:
            keys += [(section, entry) for entry in former if "recipes" not in former]
        else:
            listing = "recipes" in former or "recipes" in given
            null = [entry for entry, value in given.items() if value is None]
            keys += [(section, entry) for entry in null if not listing or entry in former]
    return keys


def check_taken_out(whole: dict, profile: dict, place: str) -> None:
    """UserError with a line for each entry that is null in the profile and that params.yaml does not have.

    A technique that there is may be null where params.yaml is without it. `place` begins the lines.
    """
    known = {(section,): list(mapping(whole, section)) for section in (*CHOSEN, *OF_CHOSEN)}
    known = {key: entries for key, entries in known.items() if not {"recipes"} & {*entries, *mapping(profile, *key)}}
    known[("suite", "baselines")] = list(mapping(whole, "suite", "baselines"))
    lines = []
    for key, entries in known.items():
        for name, value in mapping(profile, *key).items():
            if value is None and name not in entries and name not in files_of(key[-1]):
                found = "null for an entry that params.yaml does not have"
                lines.append(f"{place}{dotted((*key, name))}: found {found}; allowed: {one_of(entries)}")
                lines[-1] += nearest(name, entries)
    if lines:
        raise UserError(*lines)


def files_of(section: str) -> list[str]:
    """The names that there are files for, of entries of this section; none of entries that the user names."""
    return names(section) if section in BASES else []
