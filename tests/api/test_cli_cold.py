"""What a fresh process of the command line loads before it decides: no more than it needs, as each takes time."""

import os
import subprocess
import sys
from pathlib import Path

from engine.adapters.folder import write_network
from tests import builders

HEAVY = ("matplotlib", "pandas", "pyarrow", "numba.typed.typeddict")


def loaded(*arguments: str) -> list[str]:
    """The heavy ones among the modules that a command has loaded, in a process of its own."""
    code = (
        "import sys\nfrom api.cli.main import main\n"
        f"try: main({list(arguments)!r})\nexcept SystemExit as done: assert not done.code\n"
        f"print('loaded', *(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    return done.stdout.splitlines()[-1].split()[1:]


def test_a_decision_with_compiled_kernels_needs_neither_the_compilers_library_nor_any_table_reader() -> None:
    command = ("decide", "--network", "demo", "--sku", "sku-0001", "--postcode", "75011", "--json")
    loaded(*command)  # compiles, where nobody has yet
    assert loaded(*command) == []


def test_a_folder_is_read_by_its_one_table_reader_alone(tmp_path: Path) -> None:
    write_network(builders.network(), tmp_path)
    assert loaded("validate", str(tmp_path)) == ["pyarrow"]
