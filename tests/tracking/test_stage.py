"""A stage: what it publishes is what it was given, and its folder in the journal is its own while it works."""

import numpy as np
import pytest

from reglab.tracking import record
from reglab.tracking.record import About
from reglab.tracking.stage import Stage

ABOUT = About("baselines", "mine", ["mine"], {"name": "blobs", "fingerprint": "x"}, {"mine": {}}, [0, 1])
SEEDS = {seed: {"status": "finished", "metrics": {"test_accuracy": 0.5}} for seed in ("0", "1")}


@pytest.fixture
def stage(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return Stage(ABOUT, tmp_path / "runs", processes=1)


def test_a_record_says_what_the_stage_is_about_and_holds_the_files_that_belong_to_it(stage, tmp_path):
    weights = {seed: {"w": np.full(2, float(seed))} for seed in stage.seeds}
    with stage.journal() as entry:
        content = stage.publish(entry, {"seeds": SEEDS}, curves="seed,epoch,x\n1,0,2.5\n", weights=weights)
    folder = tmp_path / "runs" / "baselines" / "mine"
    assert record.read(folder) == {"schema": 1, "checks": []} | content | {"summary": {"test_accuracy": {"mean": 0.5}}}
    assert (content["family"], content["name"], content["seeds"]) == ("baselines", "mine", SEEDS)
    assert record.read_curves(folder) == {1: [{"epoch": 0.0, "x": 2.5}]}
    assert sorted(path.name for path in (folder / "weights").iterdir()) == ["seed-0.safetensors", "seed-1.safetensors"]


def test_a_stage_that_fails_publishes_nothing_and_what_it_finished_is_there_for_the_next(stage, tmp_path):
    with pytest.raises(ZeroDivisionError), stage.journal() as entry:
        (entry / "seed-0.safetensors").write_bytes(b"done")
        stage.publish(entry, {"seeds": 1 / 0})
    assert not (tmp_path / "runs").exists()
    with stage.journal() as again:
        assert again == entry and (again / "seed-0.safetensors").read_bytes() == b"done"


def test_curves_are_read_by_seed_and_an_empty_cell_is_not_a_number(tmp_path):
    (tmp_path / "curves.csv").write_text("seed,epoch,loss,l1\n0,0,1.5,\n0,1,1.25,0.5\n3,0,nan,\n")
    curves = record.read_curves(tmp_path)
    assert curves[0] == [{"epoch": 0.0, "loss": 1.5, "l1": None}, {"epoch": 1.0, "loss": 1.25, "l1": 0.5}]
    assert curves.keys() == {0, 3} and np.isnan(curves[3][0]["loss"]) and curves[3][0]["l1"] is None
    assert record.read_curves(tmp_path / "nowhere") == {}
