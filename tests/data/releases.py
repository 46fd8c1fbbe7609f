"""Tiny releases in every form, written by the tests themselves."""

import zipfile
from pathlib import Path

from data.movielens import Release, load

NOWHERE = "http://127.0.0.1:9/"

RATINGS_CSV = """userId,movieId,rating,timestamp
1,10,4.0,964982703
1,20,0.5,964981247
7,10,5,1000000000
"""
MOVIES_CSV = """movieId,title,genres
10,"Matrix, The (1999)",Action|Sci-Fi
20,Amélie (2001),(no genres listed)
30,"Me, Myself & Irene (2000)",Comedy
"""
LINKS_CSV = """movieId,imdbId,tmdbId
10,0133093,603
20,0211915,
99,0000001,1
"""
README = "Summary\n=======\nA release of GroupLens Research.\n"

CSV_FORM = {
    "ratings.csv": RATINGS_CSV.encode(),
    "movies.csv": MOVIES_CSV.encode(),
    "links.csv": LINKS_CSV.encode(),
    "README.txt": README.encode(),
}
DAT_FORM = {
    "ratings.dat": b"1::10::4::964982703\n1::20::0.5::964981247\n7::10::5::1000000000\n",
    "movies.dat": "10::Matrix, The (1999)::Action|Sci-Fi\n20::Amélie (2001)::Drama\n".encode(
        "latin-1"
    ),
    "README": README.encode(),
}


def u_item_line(movie_id: int, title: str, date: str, *genres: int) -> bytes:
    flags = ["1" if number in genres else "0" for number in range(19)]
    fields = [str(movie_id), title, date, "", "http://example.org/", *flags]
    return ("|".join(fields) + "\n").encode("latin-1")


HUNDRED_K_FORM = {
    "u.data": b"1\t10\t4\t964982703\n1\t20\t1\t964981247\n7\t10\t5\t1000000000\n",
    "u.item": u_item_line(10, "Matrix, The (1999)", "31-Mar-1999", 1, 15)
    + u_item_line(20, "Amélie", "25-Apr-2001", 4, 5)
    + u_item_line(30, "unknown", "", 0),
    "README": README.encode(),
}


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def write_zip(path: Path, files: dict[str, bytes], *, inside: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(inside + name, content)
    return path


def read(name_or_path: str | Path, datasets_dir: Path = Path("nowhere")) -> Release:
    """Load without any network."""
    return load(str(name_or_path), datasets_dir=datasets_dir, datasets_url=NOWHERE)
