"""A profile may name a file that an installed package ships."""

import subprocess
import sys
from pathlib import Path

import pytest
import tables_of_people as people
from ruamel.yaml import YAML

from reglab.config import profiles
from reglab.config.new_profile import create
from reglab.config.packaged import resolved
from reglab.core.errors import UserError

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout, and a package with a table that cannot be imported."""
    package = tmp_path / "installed" / "a_package_of_people"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('statsmodels is missing')")
    people.write(package / "deep" / "people.csv", people.rows(), people.HEADER)
    monkeypatch.syspath_prepend(tmp_path / "installed")
    root = tmp_path / "checkout"
    (root / "profiles").mkdir(parents=True)
    (root / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (root / ".gitignore").write_text("/profiles/*/\n")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    monkeypatch.chdir(root)
    return root


FILE = "package:a_package_of_people/deep/people.csv"


def test_it_is_found_without_an_import_of_the_package(checkout):
    assert Path(resolved(FILE)).read_text().startswith(",".join(people.HEADER))
    assert "a_package_of_people" not in sys.modules
    assert resolved("data/source/a.csv") == "data/source/a.csv"


def test_a_new_profile_names_it_as_it_was_named_and_its_study_has_the_file_below_data_source(checkout):
    text = create(checkout, FILE, "disease")
    assert "wrote profiles/people.yaml" in text
    written = YAML(typ="safe").load(checkout / "profiles" / "people.yaml")
    assert written["data"]["file"] == FILE
    settings = profiles.load(checkout, "people")
    assert settings.data.title == "people" and len(settings.data.source.load().targets) == 60
    folder = profiles.prepare(checkout, "people")
    assert YAML(typ="safe").load(folder / "params.yaml")["data"]["file"] == "data/source/file/people.csv"
    assert (folder / "data/source/file/people.csv").read_bytes() == Path(resolved(FILE)).read_bytes()


@pytest.mark.parametrize("package", ["a_package_of_peple", "no-name", "", "tables_of_people"])
def test_a_package_that_is_not_installed_is_a_line_with_the_key_and_what_to_do(checkout, package):
    create(checkout, FILE, "disease")
    profile = checkout / "profiles" / "people.yaml"
    profile.write_text(profile.read_text().replace(FILE, f"package:{package}/people.csv"))
    with pytest.raises(UserError) as error:
        profiles.load(checkout, "people")
    [line] = error.value.lines
    place = f"profiles/people.yaml: data.file: package:{package}/people.csv: "
    assert line.startswith(f'{place}found no package "{package}"; allowed: an installed package; ')
    assert "pip install 'reglab[datasets]'" in line
