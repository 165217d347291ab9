"""`reglab check` knows every setting without importing what takes seconds."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from reglab.config import entries, params
from reglab.config.problems import hints
from reglab.core import plain, registry
from reglab.core.errors import UserError
from reglab.core.outlines import outline, outlines
from reglab.core.registry import BASES, find, names
from reglab.data import load_source

ROOT = Path(__file__).parent.parent.parent
ENTRIES = [(family, name) for family in BASES for name in names(family)]
SLOW = ("torch", "pytorch_lightning", "sklearn", "scipy.stats", "pandas", "matplotlib", "mlflow")


def constants(kind: type) -> dict:
    """The plain class attributes, with those of the bases."""
    return {
        name: getattr(kind, name)
        for name in dir(kind)
        if not name.startswith("_") and isinstance(getattr(kind, name), str | int | float | bool | tuple | None)
    }


@pytest.mark.parametrize(("family", "name"), ENTRIES, ids=".".join)
def test_an_outline_has_the_settings_and_constants_of_the_class(family, name):
    with outlines():
        outline = find(family, name)
    kind = find(family, name)
    assert outline is not kind
    assert (outline.__name__, outline.__module__) == (kind.__name__, kind.__module__)
    assert hints(outline) == hints(kind)
    assert [field.default for field in fields(outline)] == [field.default for field in fields(kind)]
    assert constants(outline) == constants(kind)


def test_params_in_outline_say_what_the_params_say():
    with outlines():
        outlined = params.load(ROOT / "params.yaml")
    assert plain.settings(outlined) == plain.settings(params.load(ROOT / "params.yaml"))


def test_check_imports_none_of_the_packages_that_take_seconds():
    script = "import sys; from reglab import cli; sys.argv[1:] = ['check']\ntry: cli.main()\nexcept SystemExit: "
    script += f"print([name for name in {SLOW} if name in sys.modules])"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


def test_what_only_an_import_can_tell_is_imported(monkeypatch, tmp_path):
    folder = tmp_path / "regularizers"
    folder.mkdir()
    (folder / "l1.py").write_text("import torch\nclass Odd(Regularizer):\n    strength: float = torch.pi\n")
    monkeypatch.setattr("reglab.core.outlines.PACKAGE", tmp_path)
    outline.cache_clear()
    with outlines():
        assert find("regularizers", "l1").__module__ == "reglab.regularizers.l1"  # the installed file
    outline.cache_clear()


def test_a_file_that_cannot_be_imported_is_one_line_among_the_others(monkeypatch, tmp_path):
    def broken(module):
        raise ImportError("no module named torhc\nat all")

    monkeypatch.setattr(registry, "import_module", broken)
    problems = entries.Problems("params.yaml")
    assert entries.entry_of("regularizers", "l1", {}, ("regularizers", "l1"), problems) is None
    [line] = problems.lines
    assert line.endswith("cannot be imported (ImportError: no module named torhc at all); allowed: Python that runs")
    assert "regularizers/l1.py: found a file" in line
    with pytest.raises(UserError):
        find("regularizers", "l1")


def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    theirs = load_digits()
    inputs, labels = load_source("digits")
    assert inputs.dtype == np.float32 and labels.dtype == np.int64
    np.testing.assert_array_equal(inputs[:, 0], (theirs.images / 16).astype(np.float32))
    np.testing.assert_array_equal(labels, theirs.target)
