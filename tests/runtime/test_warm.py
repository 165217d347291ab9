import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reglab.runtime import warm

SOURCES = Path(warm.__file__).parents[2]
CLIENT = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from reglab.runtime import processes, warm
processes.exit_on_signals()
assert "torch" not in sys.modules
sys.exit(warm.hand_over(sys.argv[1:]) if warm.ADDRESS in __import__("os").environ else 99)
"""
REPORT = """
import os, sys
print(__name__, sys.argv[1:], os.getcwd(), ascii(os.environ["COLOUR"]), sys.stdin.read(), "torch" in sys.modules)
print("reglab.training.all_seeds" in sys.modules, len(os.listdir("/proc/self/task")))
print(sorted(os.listdir("/proc/self/fd")), file=sys.stderr)
"""
READ_AHEAD = """
import os
from pathlib import Path
from reglab.config import parsed_code, stage_code, yaml_source
misses = parsed_code.parse_text.cache_info().misses, yaml_source.events_of.cache_info().misses
stage_code.parse(Path("src/code.py"))
print(yaml_source.read("params.yaml")[0]["seeds"])
after = parsed_code.parse_text.cache_info().misses, yaml_source.events_of.cache_info().misses
print(after[0] - misses[0], after[1] - misses[1])
"""
WORKERS = """
import multiprocessing, os, sys, threading
from reglab.runtime.processes import run_all
from test_processes import sleep
def tell():
    print(os.getpid(), *[worker.pid for worker in multiprocessing.active_children()], flush=True)
threading.Timer(0.5, tell).start()
run_all([(sleep,), (sleep,)], processes=2)
"""
pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="a warm process needs Linux")


@pytest.fixture(scope="module")
def address():
    with warm.server() as address:
        yield address
    assert not os.path.exists(Path(address[warm.ADDRESS]).parent)


def client(
    folder: Path,
    address: dict,
    source: str,
    *arguments: str,
    code: Path = SOURCES,
    python: str | Path = sys.executable,
    **options,
) -> subprocess.Popen:
    (folder / "script.py").write_text(source)
    command = [python, "-c", CLIENT, str(code), "script.py", *arguments]
    paths = {"PYTHONPATH": os.path.dirname(__file__)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=os.environ | address | paths | options, **pipes)


def workers_of(process: subprocess.Popen) -> list[int]:
    result = [int(number) for number in process.stdout.readline().split()]
    assert len(result) == 3
    return result


def gone(processes: list[int]) -> bool:
    deadline = time.monotonic() + 20
    while any(alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(alive(process) for process in processes)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_script_runs_as_if_it_had_been_started_by_its_client(tmp_path, address):
    output, errors = client(tmp_path, address, REPORT, "a", "b c", COLOUR="blü\udce9").communicate("typed")
    first, second = output.splitlines()
    assert first == f"__main__ ['a', 'b c'] {tmp_path} 'bl\\xfc\\udce9' typed True"
    assert second == "True 1", "the modules of this project, one thread"
    assert errors.strip() == "['0', '1', '2', '3']", "no open file but its own, and the folder that is listed"


def test_a_script_finds_params_yaml_and_the_code_of_its_folder_parsed_and_what_was_edited_is_parsed_anew(
    tmp_path, address
):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "code.py").write_text("import first\n")
    (tmp_path / "params.yaml").write_text("seeds: 3\n")
    assert client(tmp_path, address, READ_AHEAD).communicate("")[0].split() == ["3", "0", "0"]
    (tmp_path / "params.yaml").write_text("seeds: 4\n")
    assert client(tmp_path, address, READ_AHEAD).communicate("")[0].split() == ["4", "0", "0"]
    (tmp_path / "src" / "code.py").write_text("import second\n")
    (tmp_path / "params.yaml").write_text("seeds: [\n")
    output, errors = client(tmp_path, address, READ_AHEAD).communicate("")
    assert not output and "not YAML" in errors


def test_a_stage_of_dvc_runs_though_its_parent_is_no_dvc(tmp_path, address):
    pipelines = Path(__file__).parent.parent.parent / "pipelines"
    source = f"import sys\nsys.path.append({str(pipelines)!r})\nimport stage\nstage.run(lambda: print('ran'))"
    process = client(tmp_path, address, source, DVC_STAGE="train@none", REGLAB_DVC=str(os.getpid()))
    output, errors = process.communicate("", timeout=120)
    assert process.returncode == 0 and output == "ran\n", errors


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        ("pass", 0, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(2)", 2, ""),
        ("import sys; sys.exit('no such entry')", 1, "no such entry"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("import os; os._exit(7)", 7, ""),
        ("import os; os.kill(os.getpid(), 9)", 137, ""),
    ],
)
def test_the_exit_code_is_that_of_the_script(tmp_path, address, ending, code, said):
    process = client(tmp_path, address, f"print('unflushed', end='')\n{ending}")
    output, errors = process.communicate()
    assert process.returncode == code and said in errors and bool(errors) == bool(said)
    assert code in (7, 137) or output == "unflushed"


def test_a_client_may_call_its_python_by_another_name(tmp_path, address):
    tell = "import sys; print(sys.version); print(sys.prefix)"

    def version(name: Path) -> str:
        return subprocess.run([name, "-c", tell], capture_output=True, text=True).stdout

    others = [path for path in Path(sys.executable).parent.glob("python*") if path != Path(sys.executable)]
    names = [path for path in others if os.access(path, os.X_OK) and version(path) == version(sys.executable)]
    assert names  # links to one file, or copies of it
    for name in names:
        output, errors = client(
            tmp_path, address, "import sys; print('torch' in sys.modules)", python=name
        ).communicate()
        assert output == "True\n", errors


def test_code_edited_between_two_stages_is_what_runs(tmp_path, address):
    shutil.copytree(SOURCES / "reglab", tmp_path / "reglab", ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "reglab" / "core" / "streams.py"
    source = file.read_text()
    script = "from reglab.core import streams; print(streams.__file__, getattr(streams, 'value', None))"
    for value in ("1", "2", None):
        file.write_text(f"{source}\nvalue = {value}\n")
        output, errors = client(tmp_path, address, script, code=tmp_path).communicate()
        assert output.split() == [str(file), str(value)], errors
    (tmp_path / "reglab" / "core" / ".#streams.py").symlink_to("nothing")  # as editors leave it
    file.write_text("value = (\n")
    output, errors = client(tmp_path, address, script, code=tmp_path).communicate()
    assert "SyntaxError" in errors and not output
    output, _ = client(tmp_path, address, script).communicate()
    assert output.split() == [str(SOURCES / "reglab" / "core" / "streams.py"), "None"], "another checkout has its own"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_what_ends_the_client_ends_the_script_and_its_workers(tmp_path, address, number, code):
    process = client(tmp_path, address, WORKERS)
    workers = workers_of(process)
    process.send_signal(number)
    assert process.wait(timeout=20) == code and gone(workers)


def test_a_detached_script_outlives_its_client(tmp_path, address, monkeypatch):
    monkeypatch.setenv(warm.ADDRESS, address[warm.ADDRESS])
    (tmp_path / "script.py").write_text("import os, time; time.sleep(0.3); open('done', 'w').write(str(os.getsid(0)))")
    with open(os.devnull) as nothing:
        assert warm.request_run(["script.py"], tmp_path, [nothing.fileno()] * 3, detached=True)
    deadline = time.monotonic() + 20
    while not (tmp_path / "done").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert int((tmp_path / "done").read_text()) != os.getsid(0)


def test_another_python_and_a_server_that_is_gone_leave_the_client_to_itself(tmp_path, address, monkeypatch):
    with open(os.devnull) as nothing:
        files = [nothing.fileno()] * 3
        monkeypatch.setenv(warm.ADDRESS, str(tmp_path / "nobody"))
        assert warm.request_run(["script.py"], tmp_path, files) is None
        monkeypatch.setenv(warm.ADDRESS, address[warm.ADDRESS])
        for attribute in ("version", "prefix"):
            with monkeypatch.context() as other:
                other.setattr(sys, attribute, "other")
                assert warm.request_run(["script.py"], tmp_path, files) is None


OWNER = f"""
import os, sys
sys.path.insert(0, {str(SOURCES)!r})
from reglab.runtime import warm
with warm.server() as address:
    print(address[warm.ADDRESS], flush=True)
    sys.stdin.read()
"""


def test_the_end_of_its_owner_ends_the_server_its_scripts_and_their_clients(tmp_path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", OWNER], **pipes) as owner:
        address = owner.stdout.readline().strip()
        process = client(tmp_path, {warm.ADDRESS: address}, WORKERS)
        workers = workers_of(process)
        owner.kill()
    assert process.wait(timeout=20) == 143 and gone(workers)
    deadline = time.monotonic() + 20
    while Path(address).parent.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(address).parent.exists()
