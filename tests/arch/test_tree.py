"""What lies where: the top level, the size of files, no wall clock in the core."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {
    "pyproject.toml",
    "engine",
    "api",
    "scenarios",
    "tests",
    "benchmarks",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CITATION.cff",
    "Makefile",
    "requirements.lock",
}
LINES_MAX = 400
LINES_MAX_OF = {
    "engine/network/model.py": 500,  # a row per table of the folder: one page to look things up in
    "engine/adapters/ledger/migrations/versions/0001_the_first_ledger.py": 500,  # all its tables, written by Alembic
}
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}
SOURCES = sorted(p for top in ("engine", "api", "scenarios", "tests", "benchmarks") for p in (ROOT / top).rglob("*.py"))
SHIPPED = [p for p in SOURCES if p.relative_to(ROOT).parts[0] in ("engine", "api", "scenarios")]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked() -> list[str]:
    """The files under version control, or a skip where this is no checkout."""
    done = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.split("\0") if name]


def test_the_top_level_holds_nothing_but_the_usual() -> None:
    extra = {name.split("/")[0] for name in tracked()} - TOP_LEVEL
    assert {name for name in extra if not name.startswith(".") or name == ".venv"} == set()


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_file_is_short_enough_to_read(path: Path) -> None:
    num_lines = len(path.read_text(encoding="utf-8").splitlines())
    assert num_lines <= LINES_MAX_OF.get(relative(path), LINES_MAX)


@pytest.mark.parametrize("path", SHIPPED, ids=relative)
def test_nobody_reads_the_wall_clock(path: Path) -> None:
    read = [
        f"{relative(path)}:{node.lineno} {node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (node.value.id, node.attr) in CLOCKS
    ]
    assert not read


@pytest.mark.parametrize("path", SHIPPED, ids=relative)
def test_every_public_function_and_class_says_what_it_is(path: Path) -> None:
    silent = [
        f"{relative(path)}:{node.lineno} {node.name}"
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not silent


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / name for name in tracked() if name.endswith(".md") and not name.startswith(".venv")]
    broken = [
        f"{relative(page)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert not broken
