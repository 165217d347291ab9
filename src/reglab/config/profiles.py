"""Prepares a smaller study beside the whole one: `reglab repro --profile quick` runs in the folder `profiles/quick/`.

It holds the files of this checkout and params.yaml with a profile merged into it, or with some of its entries alone
(`--only none dropout`, in `profiles/only/`); DVC, MLflow and the journal keep their files there, so that it does not touch
the whole study. A profile is an entry of `profiles` in params.yaml or a file `profiles/<name>.yaml`.
"""

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from ruamel.yaml import YAML

from reglab.config import params, references, seed_counts
from reglab.config.data_section import of_another_source
from reglab.config.own_data import FOLDER, WATCHED, bring, bring_in_place, localized
from reglab.config.packaged import resolved_settings
from reglab.config.params import Params
from reglab.config.problems import Problems
from reglab.config.renamed import renamed
from reglab.config.setting_places import RECIPE, placed, renumbered
from reglab.config.suite_profiles import data_sets, over_suite, pruned_suite, with_its_suite, without_suite
from reglab.config.taken_out import CHOSEN, OF_CHOSEN, check_taken_out, taken_out
from reglab.config.yaml_source import read
from reglab.config.yaml_writing import to_yaml
from reglab.core.errors import UserError
from reglab.core.study_command import entries_alone, first_line, folder_name
from reglab.core.wording import Plain, shown, unknown
from reglab.runtime import git
from reglab.runtime.recovery import replace

NOT_NEEDED = ("tests", "profiles", "benchmarks", "reports", "README.md")
OWN = ("dvc.lock", "looks.yaml", "params.yaml")  # made anew
COPIED = ".reglab/copied"  # lists the copied files, so that a file removed from the checkout is removed there too


def load(root: Path, name: str | None, only: Collection[str] = ()) -> Params:
    """The settings of a smaller study; problems of a profile are reported at their place in `profiles`.

    To be called when params.yaml itself has no problem. Raises UserError, also for a profile or an entry that is not there.
    """
    given, _ = merged_settings(root / "params.yaml", name, only)
    with reported_as_profile(name, root, only):
        return params.settings_of(given, Problems("params.yaml"))


@contextlib.contextmanager
def reported_as_profile(name: str | None, root: Path | None = None, only: Collection[str] = ()) -> Iterator[None]:
    """Report the problems of the block at the places of their settings: in the profile, if there is one that has them."""
    try:
        yield
    except UserError as error:
        raise UserError(*at_their_places(error.lines, name, root, only)) from None


def at_their_places(
    lines: Iterable[str], name: str | None, root: Path | None = None, only: Collection[str] = ()
) -> list[str]:
    """Lines about merged settings with the place where each setting is written: the profile, or params.yaml."""
    lines, root = list(lines), root or Path.cwd()
    if not name or not any(line.startswith("params.yaml: ") for line in lines):
        return lines
    given = read(root / "params.yaml")[0]
    profile = read_profile(root, given, name)
    if any(map(RECIPE.search, lines)):
        merged, _ = merged_settings(root / "params.yaml", name, only)
        lines = [renumbered(line, given, profile, merged) for line in lines]
    return placed(lines, given, profile, where(root, name))


def file_of(root: Path, name: str) -> Path:
    """The file of a profile that is no entry of params.yaml."""
    return root / "profiles" / f"{name}.yaml"


def where(root: Path, name: str) -> str:
    """The beginning of a line about a setting of a profile."""
    return f"profiles/{name}.yaml: " if file_of(root, name).is_file() else f"params.yaml: profiles.{name}."


def names(root: Path, given: dict) -> list[str]:
    """The names of all profiles: entries of the plain params, and files."""
    return sorted({*references.mapping(given, "profiles"), *(file.stem for file in root.glob("profiles/*.yaml"))})


def read_profile(root: Path, given: dict, name: str) -> Plain:
    """What the profile says: from its entry in the plain params or from its file.

    Raises UserError for a profile that is not there, is there twice, or whose file has a problem or an unknown section.
    """
    entries = references.mapping(given, "profiles")
    if name not in names(root, given):
        raise unknown("params.yaml: profiles", name, names(root, given))
    if not file_of(root, name).is_file():
        return entries[name]
    if name in entries:
        found = f"params.yaml: profiles.{name}: found a profile that the file profiles/{name}.yaml defines too"
        raise UserError(f"{found}; allowed: one of the two")
    profile, problems = read(file_of(root, name), f"profiles/{name}.yaml")
    known = params.section_names()
    profile = renamed(params.known_sections(profile, known, problems), problems)
    if problems.lines:
        raise UserError(*problems.lines)
    return profile


def place(root: Path, name: str | None, only: Collection[str] = ()) -> Path:
    """The folder of a smaller study: profiles/quick, profiles/only or profiles/quick-only.

    Raises UserError for a profile that is not there. Where `profiles` is no mapping, `root`.
    """
    given = read(root / "params.yaml")[0]
    if name and not isinstance(given.get("profiles"), dict):
        return root  # as `reglab check` is to say
    if name and name not in names(root, given):
        raise unknown("params.yaml: profiles", name, names(root, given))
    return root / "profiles" / folder_name(name, only)


def merged(path: Path, name: str | None, only: Collection[str] = ()) -> str:
    """The text of params.yaml with a profile merged in and of some entries alone, without `profiles`."""
    whole, made_of = merged_settings(path, name, only)
    return first_line(path.name, made_of) + to_yaml(whole)


def merged_settings(path: Path, name: str | None, only: Collection[str] = ()) -> tuple[dict, list[str]]:
    """The plain params with a profile merged in and of some entries alone, without `profiles`; and what was done to them.

    Their tracking database is their own unless the profile names one.
    """
    given, problems = read(path)
    if problems.lines:
        raise UserError(*problems.lines)
    tracking, root = references.mapping(given, "tracking"), path.parent
    whole, made_of = given | {"profiles": {}, "tracking": tracking | {"uri": None}}, []
    if name:
        profile = read_profile(root, given, name)
        check_taken_out(given, profile, where(root, name))
        whole = with_profile(with_its_suite(whole, given, profile), profile, where(root, name))
        whole = pruned_suite(whole, profile)
        if "data" in whole:
            whole["data"] = resolved_settings(whole["data"], where(root, name))
        made_of.append(f"{where(root, name).rstrip('.: ').removeprefix('params.yaml: ')} merged into it")
    if only:
        whole = without_suite(whole)
        entries = [entry for section in CHOSEN for entry in references.mapping(whole, section)]
        if absent := [each for each in only if each not in entries]:
            raise UserError(*unknown("--only", absent[0], entries).lines)
        whole = references.only(whole, set(only))
        made_of.append(entries_alone(only))
    return whole, made_of


def with_profile(whole: dict, profile: Plain, place: str) -> dict:
    """The profile merged in; an entry that is null there is removed, together with what refers to it, and so are all entries
    of a section that is {} there. The settings of a data source are replaced by those of another one, and the claims
    about the data by those of the profile.

    `place` begins the lines about its settings. Raises UserError where the profile is no mapping, or has a mapping in place
    of a list, or a list in place of a mapping.
    """
    if not isinstance(profile, dict):
        allowed = "a mapping of settings, {} where there are none"
        raise UserError(f"{place.rstrip('.')}: found {shown(profile)}; allowed: {allowed}")
    removed = taken_out(whole, profile)
    for section in OF_CHOSEN:
        if profile.get(section) == {} and "recipes" in references.mapping(whole, section):
            profile = profile | {section: {"recipes": []}}
    if isinstance(profile.get("data"), dict) and isinstance(whole.get("data"), dict):
        name = profile["data"].get("name")
        claims = (
            {"claims": over_suite(whole)} if name not in (None, whole["data"].get("name")) and "claims" in whole else {}
        )
        whole = whole | {"data": of_another_source(whole["data"], name)} | claims
    for section, value in profile.items():
        # The section alone: to convert all of params.yaml for each would take most of the time of a check.
        former = {section: whole[section]} if section in whole else {}
        try:
            whole = whole | OmegaConf.to_container(OmegaConf.merge(former, {section: value}))
        except OmegaConfBaseException:
            found = f"{shown(value)}, a list for a mapping or a mapping for a list"
            raise UserError(f"{place}{section}: found {found}; allowed: the kind it replaces") from None
    before = whole
    for key in removed:
        whole = references.without(whole, key)
    unclear = {reference.place[0] for reference in references.dangling_references(before)}
    noise = references.mapping(whole, "data").get("label_noise")
    if "tuned_clean" in whole and not noise and "tuned_clean" not in unclear:  # `tuned` is the same then
        whole = whole | {"tuned_clean": {"recipes": []}}
    return references.pruned(whole, before) if removed else whole


def prepare(root: Path, name: str | None, only: Collection[str] = ()) -> Path:
    """Update the folder of a smaller study from the files of the checkout.

    Files that have not changed are not rewritten, so that DVC runs only what has changed.
    """
    folder = root / "profiles" / folder_name(name, only)
    text = merged(root / "params.yaml", name, only)
    given = YAML(typ="safe").load(text)
    without = (
        () if "suite" in given else ("suite",)
    )  # its pipeline, without whose section DVC could not read the folder
    files = {
        file
        for file in git.files(root)
        if file.split("/")[0] not in (*NOT_NEEDED, *OWN, *without)
        and not file.endswith("/dvc.lock")
        and not file.startswith((f"{FOLDER}/", WATCHED))  # `bring` makes these: a copy could be written through a link
        and (root / file).is_file()
    }
    copied = folder / COPIED
    former = set(os.fsdecode(copied.read_bytes()).split("\0")) if copied.exists() else set()
    for file in former - files:
        if not (folder / file).is_dir():  # an earlier version may have left an incomplete list
            (folder / file).unlink(missing_ok=True)
    copied.parent.mkdir(parents=True, exist_ok=True)
    # Written before the first copy, so that a kill never leaves a file that is not listed.
    replace(copied, os.fsencode("\0".join(sorted(former | files))))
    for file in files:
        put(folder / file, (root / file).read_bytes())
    replace(copied, os.fsencode("\0".join(sorted(files))))
    put(folder / "params.yaml", with_local_data(text).encode())
    if not (folder / seed_counts.FILE).exists():
        put(folder / seed_counts.FILE, seed_counts.NONE_YET)
    bring(root, folder, given.get("data"))
    for profile in [file for each in data_sets(given) if (file := file_of(root, each)).is_file()]:
        put(folder / profile.relative_to(root), profile.read_bytes())
        bring_in_place(root, folder, read(profile)[0].get("data"))
    put(folder / ".dvc" / "config.local", b"[core]\n    no_scm = true\n")
    return folder


def with_local_data(text: str) -> str:
    """The text of params.yaml with the paths of the data that `own_data.bring` brings into the folder."""
    given = YAML(typ="safe").load(text)
    if (data := localized(given.get("data"))) is given.get("data"):
        return text
    return text.splitlines(keepends=True)[0] + to_yaml(given | {"data": data})


def put(path: Path, content: bytes) -> None:
    """Write a file unless it has this content already."""
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
