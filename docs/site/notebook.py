"""The notebook as a page: its text and code; what the code prints is seen by running it."""

from pathlib import Path
from typing import Any

import nbformat

from docs.site.pages import ROOT

NOTEBOOK = ROOT / "notebooks" / "rbm_in_20_minutes.ipynb"


def write(folder: Path) -> None:
    """Write the page."""
    book: Any = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    parts = [
        f"```python\n{cell.source}\n```" if cell.cell_type == "code" else cell.source
        for cell in book.cells
    ]
    parts.append(f"*To run it, open `{NOTEBOOK.relative_to(ROOT)}` in Jupyter.*")
    (folder / "rbm-in-20-minutes.md").write_text("\n\n".join(parts) + "\n", "utf-8")
