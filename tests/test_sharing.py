"""A study is shared by `dvc push` and taken over by `dvc pull`: by a folder, and by S3, for which moto's server stands in."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from checkout import Checkout, few_stages
from fire import UNDER_FIRE

from reglab.runtime import warm

pytestmark = list(UNDER_FIRE)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished study of two recipes."""
    with warm.server() as address:
        checkout = Checkout(tmp_path_factory.mktemp("study"), address)
        checkout.edit(few_stages)
        checkout.repro()
        yield checkout


@contextmanager
def folder(tmp_path, monkeypatch) -> Iterator[str]:
    yield str(tmp_path / "shared")


@contextmanager
def s3(tmp_path, monkeypatch) -> Iterator[str]:
    """The address of a bucket on a server of this process; its user and address are in the environment, as those of AWS."""
    pytest.importorskip("dvc_s3", reason="see requirements-extras.lock")
    moto = pytest.importorskip("moto.server", reason="see requirements-extras.lock")
    boto3 = pytest.importorskip("boto3", reason="see requirements-extras.lock")
    server = moto.ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        user = {"AWS_ACCESS_KEY_ID": "user", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
        nothing = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), str(tmp_path / "empty"))
        (tmp_path / "empty").touch()
        for name, value in (user | nothing | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}).items():
            monkeypatch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="studies")
        yield "s3://studies/digits"
    finally:
        server.stop()


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def mirrored(checkout: Checkout) -> dict[str, dict[str, float]]:
    """The last value of every metric of every run in MLflow, without how long anything took."""
    query = "select r.name, m.key, m.value from runs r left join latest_metrics m on m.run_uuid = r.run_uuid"
    with closing(sqlite3.connect(checkout.folder / "mlflow.db")) as database:
        rows = database.execute(query).fetchall()
    found: dict[str, dict[str, float]] = {}
    for run, metric, value in rows:
        found.setdefault(run, {}).update({} if metric in (None, "training_cost/seconds") else {metric: value})
    return found


@pytest.mark.parametrize("place", [folder, s3])
def test_who_pulls_a_study_trains_nothing_and_has_the_same_runs_and_the_same_report(done, place, tmp_path, monkeypatch):
    with place(tmp_path, monkeypatch) as address:
        for command in (("remote", "add", "--default", "--force", "team", address), ("push",)):
            code, output = done.run("dvc", *command)
            assert code == 0, output
        done.git("add", "-A")
        done.git("-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", f"shared in {address}")
        clone = Checkout.__new__(Checkout)
        clone.folder, clone.warm = tmp_path / "clone", done.warm
        subprocess.run(["git", "clone", "-q", done.folder, clone.folder], check=True)
        assert not (clone.folder / "runs").exists()
        code, output = clone.run("dvc", "pull")
        assert code == 0, output

    assert files(clone.folder / "runs") == files(done.folder / "runs")
    records = len(list((clone.folder / "runs").rglob("record.json")))
    code, output = clone.run("reglab", "sync")
    assert code == 0 and f"{records} restored, 0 already there" in output, output
    assert mirrored(clone) == mirrored(done)
    assert clone.repro() == []
    for checkout in (done, clone):  # again, as the report names the commit that it was made at
        shutil.rmtree(checkout.folder / "reports")
        assert {"evaluate", "report"} <= set(checkout.repro()) <= {"evaluate", "report", "mirror"}
    assert files(clone.folder / "reports") == files(done.folder / "reports")
