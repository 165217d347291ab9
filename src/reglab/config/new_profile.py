"""Writes the profile of a data set: what `reglab new` understood of it, frozen, where a person edits it."""

import re
from collections.abc import Sequence
from pathlib import Path

from reglab.config import new_arrays, new_images, new_table, new_texts, params
from reglab.config.new_kind import kind_of
from reglab.config.new_study import NewStudy, check_options, targets_told_apart
from reglab.config.packaged import resolved
from reglab.config.split_columns import LASTING
from reglab.config.table_sections import sections
from reglab.config.target_lines import fewest_examples, profile_lines, summary_line
from reglab.core.errors import UserError
from reglab.core.wording import shown

SOURCES = {"table": new_table, "arrays": new_arrays, "images": new_images, "texts": new_texts}
CALLED = {"table": "tables", "arrays": "arrays", "images": "images", "texts": "texts"}


def create(
    root: Path,
    file: str,
    target: str | Sequence[str] | None = None,
    *,
    name: str | None = None,
    force: bool = False,
    **options,
) -> str:
    """Read the data at a path, write profiles/<name>.yaml below `root`, and return what was understood, for people.

    The path is a file of a table or of arrays, a pattern of files, or a folder of images or texts (`new_kind`). `target`: a
    column or an array, several columns separated by commas, or a list of these; several are labels, of which a row may have
    any number. `options` are those of the sources, as `OPTIONS` of their modules lists them. Raises UserError with all that
    is not clear.
    """
    name = name or re.sub(r"[^a-z0-9_]+", "_", Path(file).name.split(".")[0].lower()).strip("_")
    settings = params.load(root / "params.yaml")
    path = root / "profiles" / f"{name}.yaml"
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", name) or name == "only":
        allowed = "a name of small letters, digits, - and _ that begins with a letter: --name NAME"
        raise UserError(f"--name: found {shown(name)}; allowed: {allowed}")
    if name in settings.profiles:
        raise UserError(f"--name: found {shown(name)}, a profile of params.yaml; allowed: another name")
    if path.exists() and not force:
        raise UserError(f"{path.relative_to(root)}: found a profile of this name; allowed: another --name, or --force")
    options["target"] = [target] if isinstance(target, str) else target
    source = kind_of(resolved(file), options)
    check_options(options, SOURCES[source].OPTIONS, file, CALLED[source])
    study = SOURCES[source].understood(file, options)
    text = profile(settings, file, study)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    notes = ["look at:"] * bool(study.notes) + [f"  {note}" for note in study.notes]
    return "\n".join(
        [
            *study.summary,
            summary_line(targets_told_apart(study.targets)),
            *notes,
            "",
            f"wrote {path.relative_to(root)}: edit it where this is wrong",
            f"next: reglab check --profile {name}, then make repro PROFILE={name}",
        ]
    )


def profile(settings, file: str, study: NewStudy) -> str:
    """The text of the profile, with comments; `settings` are the `Params` that it is merged into."""
    test = max(study.usable // 5, fewest_examples(study.targets))
    train = study.usable - 2 * test
    lasting = LASTING * (study.usable < study.examples)
    lines = [
        f"# A study of {file}, written by `reglab new`; every setting that is not here is that of params.yaml.",
        "",
        "data:",
        f"  name: {study.name}",
        *study.settings,
        f"  train_size: {train}        # of {study.examples:,} {study.noun}{lasting}",
        f"  validation_size: {test}",
        f"  test_size: {test}",
        "  label_noise: 0.0",
    ]
    if study.split:
        lines.append(f"  split: {study.split}           # random, group, time, k_fold")
    lines += [
        *study.schema,
        "",
        f"seeds: {settings.seeds}                # each with its own split; more seeds show smaller differences",
        "model: {name: mlp, width: 256, depth: 2}",
        "",
    ]
    lines += profile_lines(targets_told_apart(study.targets), study.examples)
    lines += sections(settings, study, train_size=train, test_size=test)
    return "\n".join(lines) + "\n"
