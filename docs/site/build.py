"""Builds the site: pages of documents and code, figures by the machine, Zensical, checks."""

import re
import shutil
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

from docs.site import figures, machines, notebook, pages, reference
from docs.site.check import check

HERE = Path(__file__).parent
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class BuildError(RuntimeError):
    """Zensical has refused the pages; the message is what it says."""


def build(target: Path) -> None:
    """Build the site into a folder, which it replaces once it is whole."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_pages(folder / "pages")
        shutil.copyfile(HERE / "zensical.toml", folder / "zensical.toml")
        _render(folder)
        site = folder / "site"
        _tidy(site)
        check(site)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(site, target)


def write_pages(folder: Path) -> None:
    """Write all that Zensical reads."""
    pages.write(folder)
    reference.write(folder / "reference")
    notebook.write(folder)
    figures.write(folder / "how-it-works" / "figures")
    (folder / "how-it-works" / "machine.js").write_text(machines.as_script(), "utf-8")
    for path in (
        HERE / "site.css",
        HERE / "site.js",
        pages.ROOT / "app" / "web" / "static" / "icon.svg",
    ):
        shutil.copyfile(path, folder / path.name)


def _render(folder: Path) -> None:
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    done = subprocess.run(  # noqa: S603 (our own interpreter)
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr))


def _tidy(site: Path) -> None:
    """Let the site work from any folder, and under a policy that allows scripts of files only.

    Scripts within pages move into files; the link to the start names its file; the page for unknown
    addresses, which knows the place of the site, goes.
    """
    (site / "404.html").unlink(missing_ok=True)
    for page in site.rglob("*.html"):
        up = "../" * (len(page.relative_to(site).parts) - 1)

        def moved(found: re.Match[str], up: str = up) -> str:
            body = found[1].encode()
            name = f"assets/{blake2b(body, digest_size=6).hexdigest()}.js"
            (site / name).write_bytes(body)
            return f'<script src="{up}{name}"></script>'

        text = INLINE.sub(moved, page.read_text("utf-8"))
        page.write_text(text.replace('href="./.."', f'href="{up}index.html"'), "utf-8")
