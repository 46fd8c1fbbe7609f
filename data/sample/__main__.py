"""``python -m data.sample [FOLDER]`` writes ``ratings.csv`` anew, byte for byte the same."""

import sys
from pathlib import Path

from data.sample.generator import FOLDER, generate_ratings, read_movies

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    (folder / "ratings.csv").write_text(generate_ratings(read_movies()), "utf-8", newline="")
