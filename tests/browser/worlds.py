"""Databases with movies, people and a trained model, each made once for all testing processes."""

import fcntl
import subprocess
import sys
from pathlib import Path

from app.config import Settings
from tests.app.service_process import environment

ROOT = Path(__file__).parents[2]


def build_once(folder: Path, name: str, datasets_dir: Path) -> Settings:
    """Import a data set and train on it, unless another process has done so already."""
    world = folder / f"world-{name}"
    world.mkdir(exist_ok=True)
    settings = Settings(
        database_url=f"sqlite:///{world / 'recommender.db'}", models_dir=world / "models"
    )
    variables = environment(settings, RECOMMENDER_DATASETS_DIR=str(datasets_dir))
    with (world / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = world / "done"
        if not done.exists():
            for arguments in (["import", name], ["train"]):
                subprocess.run(
                    [sys.executable, "-m", "app", *arguments],
                    cwd=ROOT,
                    env=variables,
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
            done.touch()
    return settings
