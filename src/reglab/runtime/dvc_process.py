"""Runs DVC so that an interrupt ends it at any moment: `python -m reglab.runtime.dvc_process repro ...`.

DVC itself ignores interrupts while a stage runs: at a terminal the stage receives them too and ends, and then DVC stops.
It ignores them in its main thread alone. Here it runs in another thread, and the main thread passes an interrupt or a
termination on to the stage. DVC then stops in good order, or is ended when that takes too long.

DVC parses params.yaml anew for each stage and searches all of it for each setting, which takes most of the time of a repro
that finds nothing to do. Here it is parsed again only when its text has changed, and settings are looked up. DVC locks the
files of each stage four times, one lock within the other; here once. After each stage that ran, DVC parses and writes the
whole of dvc.lock to change one stage in it; here it is kept, and only that stage is written anew.
"""

import contextlib
import copy
import functools
import json
import os
import pickle
import signal
import sys
import threading
from pathlib import Path

from reglab.runtime import warm

PARENT = warm.PARENT
AHEAD = "REGLAB_AHEAD_BY"  # the variable with the script that trains ahead
PATIENCE = 1.0  # seconds in which DVC may stop in good order
MISSING = object()


def main() -> None:
    from dvc.cli import main as dvc

    parse_each_text_once()
    look_params_up()
    lock_each_stage_once()
    keep_lock()
    if AHEAD in os.environ:
        from reglab.runtime.dvc_walk import Walk

        Walk(Path.cwd(), os.environ.pop(AHEAD)).note()
    code = 255
    received = 0

    def work() -> None:
        nonlocal code
        code = dvc(sys.argv[1:])

    def stop(number: int, frame) -> None:
        nonlocal received
        if not received:
            received = number
            late = threading.Timer(PATIENCE, os._exit, [128 + number])
            late.daemon = True
            late.start()
            interrupt_stages()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    os.environ[PARENT] = str(os.getpid())
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    sys.exit(128 + received if received else code)


def parse_each_text_once() -> None:
    """Let DVC keep what it parsed from the YAML texts that it read last, and give out copies."""
    from dvc.utils.serialize import _yaml

    parse = _yaml.parse_yaml

    @functools.lru_cache(maxsize=4)
    def pickled(text: str, path: str) -> bytes:
        return pickle.dumps(parse(text, path))

    def parse_or_copy(text: str, path: str, typ: str = "safe"):
        return pickle.loads(pickled(text, path)) if typ == "safe" else parse(text, path, typ)

    _yaml.parse_yaml = parse_or_copy


def look_params_up() -> None:
    """Let DVC look up a setting by its keys; it compares these with all that the file has."""
    from dvc.dependency import param

    read = param.read_param_file
    kept: dict[str, tuple[str, dict]] = {}  # by path the text that was read last, and what it says

    def read_or_look_up(fs, path: str, key_paths: list[str] | None = None, flatten: bool = False, **given):
        if not flatten or not key_paths or not path.endswith((".yaml", ".yml")):
            return read(fs, path, key_paths, flatten, **given)
        with fs.open(path, encoding="utf-8") as file:
            text = file.read()
        if path not in kept or kept[path][0] != text:
            kept[path] = text, read(fs, path)
        found = {key: looked_up(kept[path][1], key) for key in key_paths}
        others = [key for key, value in found.items() if value is MISSING]
        found |= read(fs, path, others, True, **given) if others else {}
        return {key: copy.deepcopy(value) for key, value in found.items() if value is not MISSING}

    param.read_param_file = read_or_look_up


def looked_up(settings, key: str):
    """What stands under keys joined by dots, which are names; MISSING where nothing does, or one is a number or a pattern."""
    for name in key.split("."):
        if not isinstance(settings, dict) or name not in settings:
            return MISSING
        settings = settings[name]
    return settings


def lock_each_stage_once() -> None:
    """Let DVC lock no files that it holds already: repro locks those of a stage, and three functions that it calls do too."""
    from dvc import rwlock

    lock = rwlock.rwlock
    held = [(set(), set())]  # of each lock within the others, the paths that may be read and those that may be written

    @contextlib.contextmanager
    def lock_unless_held(tmp_dir, fs, cmd, read, write, hardlink):
        readable, writable = held[-1]
        if readable.issuperset(read) and writable.issuperset(write):
            yield
            return
        with lock(tmp_dir, fs, cmd, read, write, hardlink):
            held.append((readable.union(read, write), writable.union(write)))
            try:
                yield
            finally:
                held.pop()

    rwlock.rwlock = lock_unless_held


def keep_lock() -> None:
    """Let DVC keep the lock that it wrote last, which it would parse anew, and the text of each stage in it.

    The bytes of the file are those that DVC writes. A lock that somebody else has written is parsed, and one with comments
    is left to DVC, which keeps them.
    """
    from dvc.utils.serialize import _yaml

    parse, dump = _yaml.parse_yaml_for_update, _yaml._dump
    text, content = "", None  # the lock as it was written last
    commented: list[int] = []  # objects with comments
    pieces: dict[str, tuple[str, str]] = {}  # by stage what the lock says of it, as JSON and as it is written

    def parse_or_keep(given: str, path: str):
        if given and given == text:
            return content
        parsed = parse(given, path)
        commented[:] = [id(parsed)] if "#" in given else []
        return parsed

    def dump_pieces(data, stream) -> None:
        nonlocal text, content
        if list(data) != ["schema", "stages"] or not data["stages"] or id(data) in commented:
            dump(data, stream)
            return
        for name, stage in data["stages"].items():
            said = json.dumps(stage)
            if name not in pieces or pieces[name][0] != said:
                pieces[name] = said, _yaml.dumps_yaml({"stages": {name: stage}}).removeprefix("stages:\n")
        head = _yaml.dumps_yaml({"schema": data["schema"]})
        text, content = "".join([head, "stages:\n", *(pieces[name][1] for name in data["stages"])]), data
        stream.write(text)

    _yaml.parse_yaml_for_update, _yaml._dump = parse_or_keep, dump_pieces


def interrupt_stages() -> None:
    """Interrupt the child processes of this one."""
    import psutil

    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
