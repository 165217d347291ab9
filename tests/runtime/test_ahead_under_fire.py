"""`reglab repro`, which trains ahead of DVC: whichever of its processes is killed, and whatever DVC was asked to do."""

import os
import random
import shutil
import time

import psutil
import pytest
from checkout import Checkout
from fire import COUNT, under_fire

MADE = ("runs", "reports", "data/study", "data/code", ".dvc/cache", ".dvc/tmp", ".reglab", "mlartifacts", "mlflow.db")
OPTIONS = (["--keep-going"], ["--downstream", "train@none"], ["--single-item", "train@none", "train@l1"], ["--dry"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small study that two processes train, its outputs, and the seconds that it takes."""
    checkout = Checkout(tmp_path_factory.mktemp("ahead").resolve(), {})
    checkout.edit(lambda all: all.update(processes=2, tuned={"none": {}}, tuning={"seeds": 1, "settings": 2}))
    began = time.monotonic()
    code, output = checkout.run("reglab", "repro")
    assert code == 0, output
    return checkout, checkout.outputs(), time.monotonic() - began


def at_work(checkout: Checkout) -> list[psutil.Process]:
    """The processes in the checkout."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.path.commonpath([process.cwd(), checkout.folder]) == str(checkout.folder):
                found.append(process)
        except psutil.Error:
            continue
    return found


def forget(checkout: Checkout) -> None:
    """As if nothing had ever run: the one process that stays for a while, which fills MLflow, ends too."""
    while running := at_work(checkout):
        for process in running:
            process.kill()
        psutil.wait_procs(running)
    for name in MADE:
        path = checkout.folder / name
        path.unlink(missing_ok=True) if path.is_file() else shutil.rmtree(path, ignore_errors=True)
    (checkout.folder / "dvc.lock").unlink(missing_ok=True)


def goes_on(checkout: Checkout, outputs: dict) -> None:
    """The next run ends well, and leaves what an undisturbed one does."""
    code, output = checkout.run("reglab", "repro")
    assert code == 0 and "Traceback" not in output, output
    assert checkout.outputs() == outputs


@under_fire
def test_whichever_process_is_killed_the_next_run_leaves_the_same(whole, capsys):
    checkout, outputs, seconds = whole
    chance, ended = random.Random(3), {"well": 0, "with an error": 0}
    for _ in range(COUNT):
        forget(checkout)
        process = checkout.start("reglab", "repro")
        time.sleep(chance.uniform(0.3, 1.0) * seconds)
        if running := at_work(checkout):
            chance.choice(running).kill()
        process.communicate(timeout=30 * seconds)
        ended["with an error" if process.returncode else "well"] += 1
        goes_on(checkout, outputs)
    with capsys.disabled():
        print(f"\na process that trains ahead, or is trained ahead of, killed: {ended}")


@under_fire
@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_with_an_option_of_dvc_it_ends_and_the_next_run_leaves_the_same(whole, options):
    checkout, outputs, seconds = whole
    forget(checkout)
    process = checkout.start("reglab", "repro", *options)
    output, _ = process.communicate(timeout=30 * seconds)
    assert "Traceback" not in output, output
    goes_on(checkout, outputs)
