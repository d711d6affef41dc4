"""Runs the notebooks and keeps what they print in them: python -m tools.run_notebooks [FILE...]"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
_TIMEOUT_S = 120


def run(path: Path) -> nbformat.NotebookNode:
    """A notebook with the outputs of all its cells. Raises CellExecutionError where one fails."""
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(
        notebook, timeout=_TIMEOUT_S, kernel_name="python3", resources=where, record_timing=False
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    return notebook


def main() -> None:
    """Run those named, or all."""
    for path in [Path(name).resolve() for name in sys.argv[1:]] or NOTEBOOKS:
        notebook = run(path)
        notebook.metadata.language_info = {"name": "python"}
        nbformat.write(notebook, path)
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
