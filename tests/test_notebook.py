"""The notebook runs from its first cell to its last."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from model import Config

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "notebooks" / "rbm_in_20_minutes.ipynb"


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def code() -> list[str]:
    return [cell.source for cell in read().cells if cell.cell_type == "code"]


def test_its_code_runs_on_the_sample_with_a_small_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECOMMENDER_DATASETS_DIR", str(tmp_path))
    small = Config(n_hidden=20, n_epochs=3, batch_size=50)
    monkeypatch.setattr(Config, "for_data", lambda _: small)
    names: dict[str, Any] = {}
    for number, source in enumerate(code()):
        exec(compile(source, f"cell {number}", "exec"), names)  # noqa: S102 (our own text)
    assert capsys.readouterr().out.startswith("sample: ")
    assert names["again"].recommend(names["mine"]) == names["rbm"].recommend(names["mine"])
    assert list(names["judged"]) == ["popularity", "ease", "rbm"]


@pytest.mark.slow
def test_it_runs_in_a_kernel_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOMMENDER_DATASETS_DIR", str(ROOT / "var" / "datasets"))
    notebook = read()
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    frames = [
        output.data["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "execute_result"
    ]
    (table,) = [frame for frame in frames if "recall@20" in frame]
    ndcg = {row.split()[0]: float(row.split()[1]) for row in table.splitlines()[1:]}
    assert ndcg["rbm"] > 1.3 * ndcg["popularity"]


def test_it_is_kept_without_results() -> None:
    for cell in read().cells:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")
        assert not re.search(r"/(home|root|work|tmp)/", cell.source)
