"""A process that has refused a file ends as it should: no thread of Arrow is left in Python."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.releases import CSV_FORM, write_zip

ROOT = Path(__file__).parents[2]
# Where Arrow read the file itself, two of three processes aborted.
N_RUNS = 40
# Reads are slow, so that one is in progress when the process ends.
READ = """
import sys, time
from pathlib import Path
from data import delimited, source
from data.movielens import load
read = source.MeteredStream.read
def slowly(self, size=-1):
    time.sleep(0.01)
    return read(self, size)
source.MeteredStream.read = slowly
delimited.BLOCK_BYTES = 1 << 14
try:
    load(sys.argv[1], datasets_dir=Path("nowhere"), datasets_url="")
except ValueError as error:
    sys.exit(str(error))
"""


@pytest.mark.slow
def test_the_end_of_a_process_that_refused_a_file_is_no_abort(tmp_path: Path) -> None:
    good = "".join(f"{user},10,4,5\n" for user in range(3, 200_000))
    ratings = f"userId,movieId,rating,timestamp\n1,10,4,5\n2,10,9,5\n{good}".encode()
    path = write_zip(tmp_path / "some.zip", CSV_FORM | {"ratings.csv": ratings})
    for number in range(N_RUNS):
        ended = subprocess.run(
            [sys.executable, "-c", READ, str(path)],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert ended.returncode == 1, (number, ended.returncode, ended.stderr)
        assert ended.stderr == f"{path}/ratings.csv, line 3: '9' is out of range (0.5 to 5)\n"
