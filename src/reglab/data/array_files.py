"""Reads a named array of an npz, npy or safetensors file, and never a pickle."""

import zipfile
from pathlib import Path

import numpy as np
from safetensors import safe_open

from reglab.core.errors import UserError
from reglab.core.wording import nearest

KINDS = "an npz, npy or safetensors file"
SAFETENSORS = ("F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "BOOL")  # that NumPy knows
LARGEST = 16 * 2**30  # bytes of an array, which is held in memory
NO_PICKLES = (
    "numbers or texts of one type; arrays of Python objects are pickles, which can run any code: save them as one type"
)


def read_array(file: str, name: str) -> np.ndarray:
    """The array `name` of a file (an npy file holds one array, whatever its name); UserError where there is none."""
    path = Path(file)
    if not path.is_file():
        near = sorted(each.name for each in path.parent.glob("*")) if path.parent.is_dir() else []
        found = "a folder" if path.is_dir() else "no such file"
        raise UserError(f"{file}: found {found}; allowed: {KINDS}{nearest(path.name, near)}")
    if not path.stat().st_size:
        raise UserError(f"{file}: found an empty file; allowed: {KINDS}")
    readers = {".npz": from_npz, ".npy": from_npy, ".safetensors": from_safetensors}
    if path.suffix.lower() not in readers:
        raise UserError(f"{file}: found the ending {path.suffix or 'of no kind'}; allowed: {KINDS}")
    try:
        return readers[path.suffix.lower()](path, name)
    except UserError:
        raise
    except Exception as error:  # a reader may raise anything on a damaged file
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(f"{file}: found a damaged file ({reason}); allowed: {KINDS}") from None


def from_npz(path: Path, name: str) -> np.ndarray:
    with path.open("rb") as content:
        if content.read(2) != b"PK":
            raise UserError(f"{path}: found no npz archive{pickled(path)}; allowed: {KINDS}")
    with zipfile.ZipFile(path) as archive:
        names = [member.removesuffix(".npy") for member in archive.namelist()]
        require(path, name, names)
        member = f"{name}.npy" if f"{name}.npy" in archive.namelist() else name
        with zipfile.Path(archive, member).open("rb") as content:
            return numpy_array(content, f"{path}: {name}")


def from_npy(path: Path, name: str) -> np.ndarray:
    with path.open("rb") as content:
        if content.read(6) != b"\x93NUMPY":
            raise UserError(f"{path}: found no npy file{pickled(path)}; allowed: {KINDS}")
        content.seek(0)
        return numpy_array(content, str(path))


def from_safetensors(path: Path, name: str) -> np.ndarray:
    with safe_open(path, framework="np") as archive:
        require(path, name, list(archive.keys()))
        kind = archive.get_slice(name).get_dtype()
        if kind not in SAFETENSORS:
            raise UserError(f"{path}: {name}: found numbers of the type {kind}; allowed: {', '.join(SAFETENSORS)}")
        return archive.get_tensor(name)


def require(path: Path, name: str, names: list[str]) -> None:
    if name not in names:
        raise UserError(
            f"{path}: found no array {name}; allowed: one of: {', '.join(sorted(names))}{nearest(name, names)}"
        )


def pickled(path: Path) -> str:
    """A remark where a file begins as pickles do."""
    with path.open("rb") as content:
        return " but a pickle, which can run any code" if content.read(1) == b"\x80" else ""


def numpy_array(content, place: str) -> np.ndarray:
    """An array in NumPy's format; its header is checked before anything is read."""
    version = np.lib.format.read_magic(content)
    if version > (2, 0):  # field names beyond latin-1
        raise UserError(f"{place}: found an array of named fields; allowed: numbers or texts of one type")
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(content)
    if dtype.hasobject:
        raise UserError(f"{place}: found an array of Python objects, a pickle; allowed: {NO_PICKLES}")
    size = int(np.prod([float(side) for side in shape])) * dtype.itemsize
    if size > LARGEST:
        allowed = f"at most {LARGEST / 2**30:.0f} GiB, which are held in memory"
        raise UserError(f"{place}: found an array of {size / 2**30:,.0f} GiB; allowed: {allowed}")
    content.seek(0)
    return np.lib.format.read_array(content, allow_pickle=False)


def array_names(file: str) -> list[str]:
    """The names of the arrays of a file; that of an npy file is `array`. UserError as `read_array`."""
    path = Path(file)
    if path.suffix.lower() == ".npy" or not path.is_file():
        read_array(file, "array")
        return ["array"]
    try:
        if path.suffix.lower() == ".safetensors":
            with safe_open(path, framework="np") as archive:
                return sorted(archive.keys())
        with zipfile.ZipFile(path) as archive:
            return sorted(member.removesuffix(".npy") for member in archive.namelist())
    except Exception as error:  # as in `read_array`
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(f"{file}: found a damaged file ({reason}); allowed: {KINDS}") from None
