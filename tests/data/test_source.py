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


def zip_of(path: Path, name: str, content: bytes, mode: int = 0o100644) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, content)
    return path


def test_an_entry_that_unpacks_to_a_thousand_times_its_size_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "HARMLESS_BYTES", 1 << 20)
    path = zip_of(tmp_path / "some.zip", "ratings.csv", b"1,10,4,5\n" * 300_000)
    monkeypatch.setattr(source, "_open_member", None)
    with pytest.raises(DatasetError, match=r"'ratings\.csv', which unpacks to more than 100 times"):
        read(path)


def test_entries_that_share_their_bytes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each unpacks to 80 times its size, all together to 8,000 times that of the zip."""
    monkeypatch.setattr(source, "HARMLESS_BYTES", 1 << 10)
    path = zip_of(tmp_path / "some.zip", "0", bytes(range(256)) * 4 + b"x" * 60_000)
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        begin = archive.start_dir
        n_bytes = archive.infolist()[0].file_size
    entry, end = content[begin:-22], bytearray(content[-22:])
    entries = b"".join(entry[:-1] + bytes([65 + number]) for number in range(20))
    struct.pack_into("<HHL", end, 8, 20, 20, len(entries))
    path.write_bytes(content[:begin] + entries + end)
    monkeypatch.setattr(source, "MAX_EXPANSION", n_bytes // len(content) + 2)
    with pytest.raises(DatasetError, match=r"unpacks to more than \d+ times its size|as a zip"):
        read(path)


@pytest.mark.parametrize(
    ("name", "mode", "reason"),
    [
        ("ratings.csv", 0o120777, "is a link"),
        ("x\x1b[2J.csv", 0o100644, "has no name of a file"),
        ("\u202e.csv", 0o100644, "has no name of a file"),
        ("x" * 256, 0o100644, "has no name of a file"),
        ("", 0o100644, "has no name of a file"),
    ],
)
def test_an_entry_that_is_no_plain_file_is_refused(
    name: str, mode: int, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=reason) as caught:
        read(zip_of(tmp_path / "some.zip", name, b"/etc/passwd", mode))
    assert str(caught.value).isprintable()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for content in (b"1", b"2"):
            archive.writestr("ratings.csv", content)
    with pytest.raises(DatasetError, match="which is there twice"):
        read(path)


@pytest.mark.parametrize("path", ["a\0.csv", "a\n.csv", "a\ud800.zip", "x" * 5000 + ".csv"])
def test_a_path_that_is_no_text_is_refused(path: str) -> None:
    with pytest.raises(DatasetError, match="the path of the data set") as caught:
        read(path)
    assert str(caught.value).isprintable()


def test_a_member_whose_header_has_another_name_is_refused_in_one_line(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "some.zip", CSV_FORM)
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("ratings.csv").header_offset
    whole = path.read_bytes()
    for name in (b"\xffatings.csv", b"x" * 11):
        content = bytearray(whole)
        content[at + 30 : at + 41] = name
        struct.pack_into("<H", content, at + 6, 0x800)  # the name is UTF-8
        struct.pack_into("<H", content, at + 26, 11 if name[0] == 255 else 60_000)
        path.write_bytes(content)
        with pytest.raises(DatasetError, match=r"ratings\.csv cannot be read") as caught:
            read(path)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 1_000
