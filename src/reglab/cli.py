"""The command `reglab`."""

import argparse
import json
import os
import signal
import sys
from contextlib import chdir, nullcontext
from functools import partial
from pathlib import Path

from reglab.config import entries, params, profiles
from reglab.config.in_study import add_arguments, in_study, submit_study
from reglab.config.targets import targets
from reglab.config.uncommitted import untracked
from reglab.core import registry
from reglab.core.errors import UserError, exit_codes
from reglab.core.outlines import outlines
from reglab.core.redaction import redact_output
from reglab.core.study_command import folder_name
from reglab.core.wording import many
from reglab.runtime import disk_space

STUDY_NAME = "the study: its folder below profiles/, as heart, or heart-only after ONLY; . for the whole study"


def main() -> None:
    """Exit codes: 0 done, 1 the work failed, 2 the user's input is wrong."""
    speak_utf_8()
    redact_output()
    parser = argparse.ArgumentParser(prog="reglab", description="A laboratory for regularization in deep learning.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "check", help="report every problem in params.yaml, and whether the data has what it needs"
    )
    command.add_argument("--profile", metavar="NAME", help="check params.yaml with this entry of `profiles` merged in")
    command.add_argument("--only", metavar="ENTRY", nargs="+", default=[], help="and with these entries alone")
    command.add_argument("--data", action="store_true", help="print a report on the data instead")
    command.add_argument("--suite", action="store_true", help="check the suite of data sets instead (make suite)")
    command.set_defaults(call=check)
    command = commands.add_parser("new", help="read data and write a profile for it: profiles/<name>.yaml")
    files = "a table (csv, tsv, parquet; a pattern such as 'data/*.csv'), arrays (npz, npy, safetensors), or a folder"
    command.add_argument("file", help=f"{files} that has a folder for each class, with images or with text files")
    targets = (
        "the column (of arrays: the array) to predict: classes or amounts; several columns, separated by commas or by the "
        "option again, are labels"
    )
    command.add_argument("--target", metavar="COLUMN", action="append", help=targets)
    command.add_argument("--inputs", metavar="ARRAY", help="the array of the inputs, where it is not the only one")
    command.add_argument("--targets-file", metavar="FILE", help="the file of the array to predict, such as labels.npy")
    command.add_argument("--text", metavar="COLUMN", help="of a table: the texts, whose words are the inputs")
    command.add_argument("--path", metavar="COLUMN", help="of a table: the paths of images, which are the inputs")
    command.add_argument("--folder", help="of the images that --path names; that of the table unless given")
    command.add_argument("--name", help="of the profile; that of the file unless given")
    command.add_argument("--group", metavar="COLUMN", help="examples with the same value stay in one part")
    command.add_argument("--time", metavar="COLUMN", help="the past trains, the future tests")
    command.add_argument("--weight", metavar="COLUMN", help="how much each example counts in the loss of a training")
    command.add_argument("--delimiter", metavar="CHARACTER", help="between columns, also: tab, space; else detected")
    command.add_argument("--decimal", choices=(".", ","), help="before the fraction of a number; a point unless given")
    command.add_argument("--encoding", help="of the text; utf-8 unless given")
    command.add_argument("--missing", metavar="TEXT", action="append", help="a spelling of a missing value; repeatable")
    command.add_argument("--kind", metavar="COLUMN=KIND", action="append", help="the kind of a column; repeatable")
    command.add_argument("--force", action="store_true", help="replace a profile of this name")
    command.set_defaults(call=new)
    command = commands.add_parser("write-images", help="write a csv of pixels as image files, a folder for each class")
    command.add_argument("file", help="rows without names: the grey values of an image, 0 to 255, then its class")
    command.add_argument("folder", help="a new folder, for data.folder of a profile")
    command.add_argument("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), required=True, help="in pixels")
    command.set_defaults(call=write_images)
    command = commands.add_parser("repro", help="what make repro calls: recover, dvc repro, say where to look")
    add_arguments(command)
    command.add_argument("--suite", action="store_true", help="the recipes over many data sets instead (make suite)")
    command.epilog = "Every other argument is passed on to dvc repro."
    command.set_defaults(call=repro, data=False)
    command = commands.add_parser("submit", help="train what all stale stages need at once; dvc repro then collects it")
    add_arguments(command)
    command.set_defaults(call=submit, data=False, suite=False)
    command = commands.add_parser("sync", help="restore every run in MLflow that records have and MLflow lacks")
    command.set_defaults(call=sync)
    command = commands.add_parser("ui", help="MLflow's pages on the runs, on a free port")
    command.add_argument("--profile", metavar="NAME", help="the runs of this entry of `profiles`")
    command.add_argument("--port", type=int, metavar="NUMBER", help="this port and no other")
    command.set_defaults(call=ui)
    command = commands.add_parser("server", help="MLflow for a team: PostgreSQL and a folder of artifacts, on loopback")
    command.add_argument("--port", type=int, metavar="NUMBER", help="this port and no other")
    command.add_argument("--workers", type=int, default=2, metavar="NUMBER", help="processes that answer; default: 2")
    command.set_defaults(call=server)
    command = commands.add_parser("predict", help="predict new examples with the networks that a study has trained")
    command.add_argument("profile", help=STUDY_NAME)
    command.add_argument("recipe", help="an entry of regularizers, combinations, ensembles or baselines, or tuned/NAME")
    command.add_argument("file", help="the new examples, in the form of those of the study; targets are not needed")
    command.add_argument("--output", metavar="FILE", default="predictions.csv", help="default: predictions.csv")
    command.add_argument("--seed", type=int, metavar="N", help="the network of this seed instead of the mean over all")
    command.set_defaults(call=predict)
    command = commands.add_parser("model", help="make an MLflow model of a recipe, which mlflow models serve serves")
    command.add_argument("profile", help=STUDY_NAME)
    which = "an entry of regularizers, combinations or ensembles, or tuned/NAME; else the best on validation data"
    command.add_argument("recipe", nargs="?", help=which)
    command.add_argument("--output", metavar="FOLDER", help="write it there; else its run in MLflow keeps it")
    command.set_defaults(call=model)
    command = commands.add_parser("techniques", help="list the techniques and their settings")
    command.add_argument("--json", action="store_true", help="for programs")
    command.set_defaults(call=techniques)
    command = commands.add_parser("check-technique", help="run every check of the contract on one technique")
    command.add_argument("name", help="its file in src/reglab/regularizers/, without .py")
    command.add_argument(
        "settings", nargs="*", metavar="SETTING=VALUE", help="instead of those of its entry in params.yaml"
    )
    command.set_defaults(call=check_technique)
    given, given.arguments = parser.parse_known_args()
    if given.arguments and given.call is not repro:
        parser.error(f"unrecognized arguments: {' '.join(given.arguments)}")
    try:
        with exit_codes(), disk_space.plain_errors(Path.cwd()):
            code = given.call(given)
            print(end="", flush=True)  # here, where a reader that has gone is noticed
            sys.exit(code)
    except BrokenPipeError:  # as of `reglab techniques | head`
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 1)  # for what Python writes at its end
        sys.exit(128 + signal.SIGPIPE)


def speak_utf_8() -> None:
    """Begin again in Python's UTF-8 mode where the locale has another encoding, for DVC, MLflow and all paths here."""
    begun_again = os.environ.get("PYTHONUTF8") == "1"  # in vain where -X utf8=0 or -E says otherwise
    if sys.getfilesystemencoding() != "utf-8" and not begun_again:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def check(given: argparse.Namespace) -> int:
    from reglab.config import data_checks

    imported = "torch" in sys.modules  # as in a warm process, where the files themselves are no slower than outlines
    with nullcontext() if imported else outlines():
        settings = None if given.only else params.load()
        if given.profile or given.only:
            settings = profiles.load(Path.cwd(), given.profile, given.only)
    if given.suite:
        from reglab.config import suite_checks

        with profiles.reported_as_profile(given.profile):
            sets = suite_checks.check(Path.cwd(), settings.suite, partial(print, file=sys.stderr))
        recipes = many(len(settings.suite.names), "recipe")
        print(f"params.yaml: suite: no problem found: {recipes} on {len(sets)} data sets")
        return 0
    if given.data:
        from reglab.config import data_report

        with profiles.reported_as_profile(given.profile):
            print(data_report.report(settings))
        return 0
    with profiles.reported_as_profile(given.profile):
        warnings = data_checks.check(settings)
    for warning in [*profiles.at_their_places(warnings, given.profile), *untracked(Path.cwd())]:
        print(warning, file=sys.stderr)
    recipes = many(len(settings.regularizers) + len(settings.combinations), "recipe")
    seeds = f"{settings.seeds} to {settings.most_seeds} seeds" if settings.looks else many(settings.seeds, "seed")
    place = f"profile {given.profile}" if given.profile else "params.yaml"
    print(f"{place}: no problem found: {recipes} x {seeds}, {many(len(settings.baselines), 'baseline')}")
    return 0


def new(given: argparse.Namespace) -> int:
    from reglab.config.new_profile import create

    named = ("group", "time", "weight", "delimiter", "decimal", "encoding", "missing")
    of_others = ("inputs", "targets_file", "text", "path", "folder")
    options = {key: getattr(given, key) for key in (*named, *of_others)} | {"kinds": given.kind}
    with outlines():
        text = create(Path.cwd(), given.file, given.target, name=given.name, force=given.force, **options)
    print(text)
    return 0


def write_images(given: argparse.Namespace) -> int:
    from reglab.config.packaged import resolved
    from reglab.data.image_folder import write_images

    print(f"{given.folder}: {many(write_images(resolved(given.file), given.folder, given.size), 'image')}")
    return 0


def repro(given: argparse.Namespace) -> int:
    from reglab.config import suite_digests
    from reglab.config.more_seeds import run_looks
    from reglab.runtime.dvc_repro import repro
    from reglab.tracking.mirror.follower import following

    def run(folder: Path) -> int:
        given.arguments += suite_digests.targets(folder) if given.suite else []
        named = [argument for argument in given.arguments if not argument.startswith("-")]
        code = 0
        if not given.arguments:
            code = run_looks(folder, lambda stages: repro(folder, stages, following, last=False))
        return code or repro(folder, given.arguments + ([] if named else targets(folder)), following)

    return in_study(given, check, run)


def submit(given: argparse.Namespace) -> int:
    return in_study(given, check, submit_study)


def sync(given: argparse.Namespace) -> int:
    from reglab.tracking import mirror

    settings, suite = params.load(), Path("reports", "suite.json")
    print(mirror.sync_all(settings))
    if suite.exists():
        from reglab.tracking.mirror.suite_runs import sync_suite

        print(sync_suite(settings.tracking, Path("suite", "runs"), json.loads(suite.read_text(encoding="utf-8"))))
    return 0


def ui(given: argparse.Namespace) -> int:
    from reglab.tracking.mirror.ui import serve

    folder = study_folder(given.profile)
    if given.profile:
        os.environ.pop("MLFLOW_TRACKING_URI", None)  # which repro ignores for a profile
    tracking = params.load_tracking(folder / "params.yaml")
    return serve(folder, tracking.uri, tracking.experiment, given.port)


def server(given: argparse.Namespace) -> int:
    from reglab.tracking.mirror.server import serve

    return serve(Path.cwd(), given.port, given.workers)


def predict(given: argparse.Namespace) -> int:
    from reglab.experiments.new_examples import predict_file

    file, output = Path(given.file).absolute(), Path(given.output).absolute()
    with chdir(study_folder(None if given.profile == "." else given.profile)):
        count = predict_file(params.load(), given.recipe, file, output, given.seed)
    print(f"{given.output}: predictions for {many(count, 'example')} by {given.recipe}")
    return 0


def model(given: argparse.Namespace) -> int:
    from reglab.experiments.new_examples import make_model

    output = Path(given.output).absolute() if given.output else None
    if given.profile != ".":
        os.environ.pop("MLFLOW_TRACKING_URI", None)  # which repro ignores for a profile
    with chdir(study_folder(None if given.profile == "." else given.profile)):
        for line in make_model(params.load(), given.recipe, output):
            print(line, flush=True)
    return 0


def study_folder(profile: str | None) -> Path:
    """The folder of a profile's study, or this one; UserError where nothing has run there yet."""
    if not profile:
        return Path.cwd()
    folder = Path.cwd() / "profiles" / profile
    if not (folder / "params.yaml").exists():
        profiles.place(Path.cwd(), profile)  # which says so where there is no profile of this name
        of_entries = folder_name(profile, ["none"])
        other = f"; those of the study of a few entries are called {of_entries}" * folder.with_name(of_entries).exists()
        raise UserError(f"{folder}: found no runs yet; make repro PROFILE={profile} makes them{other}")
    return folder


def techniques(given: argparse.Namespace) -> int:
    """One line a technique: its name, its settings, and the first sentence of its file."""
    descriptions = {name: entries.describe("regularizers", name) for name in registry.names("regularizers")}
    if given.json:
        print(json.dumps(descriptions, indent=2))
        return 0
    for name, described in descriptions.items():
        print(f"{name:20} {described['summary']}")
        for setting, text in described["settings"].items():
            print(f"{'':22}{setting}: {text}")
    return 0


def check_technique(given: argparse.Namespace) -> int:
    """A line a check: what it claims, and what was found where it does not hold or why it does not apply."""
    from collections import Counter

    from reglab.technique_checks import CHECKS, run_check
    from reglab.technique_checks.entry import technique_of

    technique, counts = technique_of(given.name, given.settings), Counter()
    for check in CHECKS:
        result = run_check(check, technique)
        counts[result.status] += 1
        claim = check.replace("_", " ")
        print(f"{result.status:14}  {claim}{result.message and ': '}{result.message}", flush=True)
    print(f"{technique!r}: " + ", ".join(f"{counts[key]} {key}" for key in ("passed", "failed", "not applicable")))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    main()
