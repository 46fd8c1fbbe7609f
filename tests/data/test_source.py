import struct
import zipfile
from pathlib import Path

import pytest

from data import source
from data.movielens import DatasetError
from tests.data.releases import CSV_FORM, read, write_zip


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_zip_is_refused(share: float, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "some.zip", CSV_FORM)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DatasetError, match=r"some\.zip cannot be read as a zip"):
        read(path)


def test_what_is_no_zip_at_all_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.zip"
    path.write_bytes(b"<html>404 Not Found</html>")
    with pytest.raises(DatasetError, match=r"some\.zip cannot be read as a zip"):
        read(path)


@pytest.mark.parametrize(
    ("name", "old", "new"), [("ratings.csv", b"4.0", b"3.0"), ("movies.csv", b"Comedy", b"Comedi")]
)
def test_a_damaged_member_is_refused_by_its_checksum(
    name: str, old: bytes, new: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for member, content in CSV_FORM.items():
            archive.writestr(member, content)
    assert path.read_bytes().count(old) == 1
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(DatasetError, match=f"{name} cannot be read: Bad CRC-32"):
        read(path)


def test_a_member_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "some.zip", CSV_FORM)
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("ratings.csv")
    content = bytearray(path.read_bytes())
    begin = entry.header_offset + 30 + len(entry.filename)
    content[begin : begin + entry.compress_size] = bytes(entry.compress_size)
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"ratings\.csv cannot be read"):
        read(path)


@pytest.mark.parametrize(
    "name",
    ["../ratings.csv", "ml/../../x.csv", "/etc/x.csv", "\\x.csv", "..\\x.csv", "C:\\x.csv", "C:x"],
)
def test_an_entry_that_escapes_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "some.zip", CSV_FORM)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(DatasetError, match="escapes its folder"):
        read(path)


def test_a_zip_that_declares_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path / "some.zip", CSV_FORM | {"zeros.csv": bytes(1 << 20)})
    monkeypatch.setattr(source, "MAX_UNPACKED_BYTES", 1 << 20)
    with pytest.raises(DatasetError, match="unpacks to"):
        read(path)


def test_a_zip_that_unpacks_to_more_than_it_declares_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.zip"
    long = CSV_FORM["ratings.csv"] + b"8,10,4.0,5\n" * 1000
    write_zip(path, CSV_FORM | {"ratings.csv": long})
    declared = struct.pack("<L", len(long))
    path.write_bytes(path.read_bytes().replace(declared, struct.pack("<L", 100)))
    with pytest.raises(DatasetError, match=r"ratings\.csv"):
        read(path)


def test_a_zip_with_too_many_entries_is_refused(tmp_path: Path) -> None:
    many = {f"{number}.txt": b"" for number in range(source.MAX_ZIP_ENTRIES)}
    path = write_zip(tmp_path / "some.zip", many | CSV_FORM)
    with pytest.raises(DatasetError, match="entries, more than"):
        read(path)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "some.zip", CSV_FORM)
    content = bytearray(path.read_bytes())
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="encrypted"):
        read(path)


def test_a_zip_with_a_compression_that_is_not_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in CSV_FORM.items():
            archive.writestr(name, content)
    with pytest.raises(DatasetError, match="compression method 14 is not supported"):
        read(path)


def test_reading_a_zip_leaves_nothing_on_disk(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "some.zip", CSV_FORM)
    read(path)
    assert list(tmp_path.iterdir()) == [path]
