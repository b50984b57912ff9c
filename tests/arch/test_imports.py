"""The tree's rules about imports: data flows one way, by full names, and nothing happens on the way in."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "scenarios", "api")
LAYERS = {
    "domain": 0,
    "network": 1,
    "promise": 2,
    "costs": 2,
    "options": 3,
    "check": 3,
    "optimise": 4,
    "decide": 5,
    "stock": 5,
    "desk": 6,
    "adapters": 7,
    "wiring": 8,
}


def modules() -> Iterator[tuple[str, Path]]:
    """Name and path of every module that is shipped."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" in path.parts:  # scripts that Alembic runs, made by it
                continue
            parts = list(path.relative_to(ROOT).with_suffix("").parts)
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def layer(module: str) -> tuple[int, int]:
    """Where a module stands: engine by its layers, then scenarios, then api."""
    parts = module.split(".")
    if parts[0] != "engine" or len(parts) == 1:
        return (PACKAGES.index(parts[0]), 0)
    return (0, LAYERS[parts[1]])


def test_every_folder_of_engine_has_a_layer() -> None:
    unknown = {name.split(".")[1] for name in MODULES if name.startswith("engine.")} - set(LAYERS)
    assert not unknown


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_from_its_own_folder_or_a_lower_layer(module: str) -> None:
    wrong = [
        f"{MODULES[module].relative_to(ROOT)}:{line} imports {name}"
        for line, name in imported(MODULES[module])
        if name.split(".")[0] in PACKAGES
        and name.split(".")[:2] != module.split(".")[:2]
        and not (name.split(".")[0] == module.split(".")[0] != "engine")
        and layer(name) >= layer(module)
    ]
    assert not wrong


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_are_absolute(module: str) -> None:
    assert not [(line, name) for line, name in imported(MODULES[module]) if name.startswith(".")]


def test_the_product_imports_neither_its_tests_nor_its_benchmarks() -> None:
    wrong = [
        (module, name)
        for module, path in MODULES.items()
        for _, name in imported(path)
        if name.split(".")[0] in ("tests", "benchmarks")
    ]
    assert not wrong


def test_the_domain_loads_without_any_numerical_library() -> None:
    domain = [name for name in MODULES if name.startswith("engine.domain.")]
    code = (
        f"import sys, importlib\nfor name in {domain}: importlib.import_module(name)\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules} & {'numba', 'numpy', 'scipy', 'pyarrow', 'matplotlib'}))"
    )
    assert run_python(code) == ""


def test_the_command_line_starts_without_any_numerical_library() -> None:
    code = (
        "import sys, api.cli.main\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules} & {'numba', 'numpy', 'scipy', 'pyarrow', 'matplotlib'}))"
    )
    assert run_python(code) == ""


def test_importing_any_module_prints_nothing_and_starts_no_thread() -> None:
    code = (
        "import sys, importlib, threading\n"
        f"for name in {list(MODULES)}: importlib.import_module(name)\n"
        "extra = [t.name for t in threading.enumerate() if t is not threading.main_thread()]\n"
        "assert not extra, extra"
    )
    assert run_python(code) == ""


def run_python(code: str) -> str:
    """What a fresh Python prints for this code, on both streams; it must end well."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).strip()
