"""The stages of all families, `<stage>@<entry>`: the family's own module runs the entry.

An entry that is not applicable to the data or the network gets a record that says so. By hand:
python pipelines/experiment.py train@dropout
"""

import stage


def main() -> None:
    import sys
    from pathlib import Path

    from reglab.config import params, seed_counts
    from reglab.core.registry import runner
    from reglab.core.wording import unknown
    from reglab.experiments import applicability
    from reglab.runtime.compute.of_stage import compute_of
    from reglab.runtime.cores import usable_cores
    from reglab.tracking import checkout
    from reglab.tracking.stage import StageBuilder

    this = name()
    section, run_entry = runner(this)
    settings, entry = params.load(), this.partition("@")[2]
    known = [name for family, name in settings.expected() if family == section]
    if entry not in known:
        raise unknown(f"params.yaml: {section}", entry, known)
    seeds = list(range(seed_counts.of(Path(), settings, section, entry)))
    grows = (section, entry) in seed_counts.growing(settings)
    listing = code(this)
    context = context_of(this, settings.tracking, listing)
    compute = compute_of(this, listing, settings.compute, checkout.root())
    processes = settings.training.side_by_side(settings.processes or usable_cores())
    built = StageBuilder(section, entry, seeds, Path("runs"), processes, context, grows, compute)
    if reason := applicability.run(settings, built, run_entry, Path("data/study")):
        print(f"{entry}: not applicable: {reason}", file=sys.stderr)


def name() -> str:
    """The stage that DVC runs (DVC_STAGE) or that stands in the command, such as train@dropout."""
    import os
    import re
    import sys

    from reglab.core.errors import UserError

    given = os.environ.get("DVC_STAGE", " ".join(sys.argv[1:]))
    if not re.fullmatch(r"[a-z0-9_]+@[a-z0-9_]+", given):
        allowed = "a stage of dvc.yaml and an entry of params.yaml, such as train@none"
        raise UserError(f"{sys.argv[0]}: found {given!r}; allowed: {allowed}")
    return given


def context_of(this: str, tracking, listing: str) -> dict:
    """What the journal needs to know of a stage: its code, and what the mirror to MLflow needs.

    `tracking` is the section of params.yaml, `listing` the stage's list of code.
    """
    import hashlib
    import os
    from dataclasses import asdict
    from pathlib import Path

    from reglab.config.changed_settings import changed_settings
    from reglab.runtime import git
    from reglab.runtime.compute import machine

    commit = git.run_git(Path.cwd(), "rev-parse", "HEAD") or b""
    tags = {"dvc_stage": this if "DVC_STAGE" in os.environ else "by hand", "git_commit": commit.decode().strip()}
    tags |= {"dvc_experiment": os.environ.get("DVC_EXP_NAME", ""), "processor": machine.processor()}
    return {"tags": tags, "tracking": asdict(tracking), "changed": changed_settings()} | {
        "code": hashlib.sha256(listing.encode()).hexdigest()
    }


def code(this: str) -> str:
    """The list of code on which a stage depends, as in data/code, of the files as they are now."""
    from reglab.config.stage_code import Code
    from reglab.config.yaml_source import read

    return Code(stage.HERE.parent, read("params.yaml")[0]).listing(this)


if __name__ == "__main__":
    stage.run(main)
