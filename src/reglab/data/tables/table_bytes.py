"""The bytes of a table's file as UTF-8 text: decompressed, decoded, without a byte order mark."""

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path

from reglab.core.wording import nearest
from reglab.data.tables.table_problems import fail

PARQUET = b"PAR1"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
NAMED = "of reglab new (encoding: in a profile); rows to predict have that of their study"
ALLOWED = "csv, tsv or parquet, possibly compressed as gz, bz2, xz, zst or zip"


def paths(file: str) -> list[Path]:
    """The files that a path or a glob such as data/*.csv names, sorted; UserError where there is none."""
    path = Path(file)
    if path.is_file():
        return [path]
    if path.is_dir():
        raise fail(file, "a folder", f"a file ({ALLOWED}), or a pattern such as {path / '*.csv'}")
    if path.exists():
        raise fail(file, "a device", f"a file: {ALLOWED}")
    files = []
    relative = "" if path.is_absolute() else f"; paths are relative to {Path.cwd()}"
    if any(character in file for character in "*?["):
        anchor = Path(path.anchor or ".")
        try:
            pattern = str(path.relative_to(path.anchor)) if path.anchor else file
            files = sorted(each for each in anchor.glob(pattern) if each.is_file())
        except (ValueError, NotImplementedError, OSError) as error:
            raise fail(file, f"a pattern that cannot be used ({error})", "a pattern such as data/*.csv") from None
        if not files:
            raise fail(file, "no file of this pattern", f"files ({ALLOWED}){relative}")
    if not files:
        near = sorted(each.name for each in path.parent.glob("*") if each.is_file()) if path.parent.is_dir() else []
        hint = nearest(path.name, near)
        raise fail(file, "no such file", f"a file ({ALLOWED}){relative}{hint}")
    return files


def read_bytes(path: Path) -> bytes:
    """The content of a file, decompressed where its first bytes say that it is compressed."""
    name = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise fail(name, f"a file that cannot be read ({error.strerror})", ALLOWED) from None
    try:
        content = decompressed(content, name)
    except (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError) as error:
        raise fail(name, f"a damaged compressed file ({error})", ALLOWED) from None
    if not content:
        raise fail(name, "an empty file", "a line with the names of the columns, then a line for each row")
    return content


def decompressed(content: bytes, name: str) -> bytes:
    """The content without its compression; ValueError, OSError and others where it is damaged."""
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    if content.startswith(b"BZh"):
        return bz2.decompress(content)
    if content.startswith(b"\xfd7zXZ\x00"):
        return lzma.decompress(content)
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        import pyarrow

        return pyarrow.CompressedInputStream(pyarrow.BufferReader(content), "zstd").read()
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [each for each in archive.namelist() if not each.endswith("/")]
            if "[Content_Types].xml" in members:
                raise fail(name, "a document of an office program", f"{ALLOWED}; save the sheet as csv (UTF-8)")
            if len(members) != 1:
                raise fail(name, f"{len(members)} files in a zip archive", "one file in it")
            return archive.read(members[0])
    return content


def as_utf_8(content: bytes, encoding: str, name: str) -> bytes:
    """The text as UTF-8 without a byte order mark; UserError where it is not in this encoding."""
    if content.startswith(codecs.BOM_UTF8):
        content, encoding = content[len(codecs.BOM_UTF8) :], "utf-8"
    plain = codec_name(encoding, name) == "utf-8"
    if plain and content.startswith(UTF_16):
        raise fail(name, "a text in UTF-16", f"a text in UTF-8, or --encoding utf-16 {NAMED}")
    if plain and b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        raise fail(name, "a byte 0, as in files that are no text", ALLOWED, f"line {line}")
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = content[:start].count(b"\n") + 1
        found = f"the byte 0x{content[start]:02x}, which is not {encoding.upper()}"
        others = f"another encoding, such as --encoding cp1252 of Windows in western Europe {NAMED}"
        raise fail(name, found, f"a text in {encoding.upper()}, or {others}", f"line {line}") from None
    return content if plain else text.removeprefix("\ufeff").encode()


def codec_name(encoding: str, name: str) -> str:
    try:
        return codecs.lookup(encoding).name if "".encode(encoding) is not None else ""
    except (LookupError, UnicodeError, ValueError, TypeError):
        raise fail(name, f"the encoding {encoding!r}", "one that Python knows: utf-8, utf-16, cp1252, ...") from None
