import subprocess

from reglab.repro import recover

GOOD = "schema: '2.0'\nstages:\n  prepare:\n    cmd: exec python pipelines/prepare.py\n"


def repository(folder):
    (folder / "dvc.lock").write_text(GOOD)
    for command in (
        ["init", "-q"],
        ["add", "dvc.lock"],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "t"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder / "dvc.lock"


def test_a_whole_lock_is_left_alone(tmp_path):
    lock = repository(tmp_path)
    lock.write_text(GOOD + "  check:\n    cmd: x\n")
    before = lock.read_bytes()
    assert recover(tmp_path) == [] and lock.read_bytes() == before


def test_a_torn_lock_comes_back_from_the_last_success_before_git(tmp_path):
    lock = repository(tmp_path)
    (tmp_path / ".reglab").mkdir()
    (tmp_path / ".reglab" / "dvc.lock").write_text(GOOD + "  later:\n    cmd: x\n")
    for torn in (b"", b"schema: '2.0'\nstages:\n  prep", b"\xff\xfe", b"schema: '2.0'\nstages: {a: [}"):
        lock.write_bytes(torn)
        assert "restored" in recover(tmp_path)[0] and "later" in lock.read_text()


def test_a_torn_lock_comes_back_from_git(tmp_path):
    lock = repository(tmp_path)
    lock.write_text("")
    assert "restored" in recover(tmp_path)[0] and lock.read_text() == GOOD


def test_a_torn_lock_without_any_copy_is_removed(tmp_path):
    (tmp_path / "dvc.lock").write_text("")
    assert "every stage runs again" in recover(tmp_path)[0] and not (tmp_path / "dvc.lock").exists()


def test_a_torn_list_of_claims_is_removed_and_a_whole_one_stays(tmp_path):
    claims = tmp_path / ".dvc" / "tmp" / "rwlock"
    claims.parent.mkdir(parents=True)
    claims.write_text("{}")
    assert recover(tmp_path) == [] and claims.exists()
    claims.write_text("")
    assert len(recover(tmp_path)) == 1 and not claims.exists()
