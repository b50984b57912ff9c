"""
How kernels are compiled: cached on disk, and without reference counts.

A kernel only reads and writes arrays that its caller owns, so counting references to them (two atomic operations per
access) is waste; measured, it was most of a decision. Such a function cannot allocate. `inlined` is for the small ones:
passing the arrays of a network costs more than what they do. `allocating` is for the few that make arrays of their own.

The compiler caches a function by the date of its own file and does not see that a function it calls has changed. So the
cache folder carries a digest of all kernel sources: a change anywhere compiles anew, and nothing stale is ever run.
"""

import hashlib
import os
from pathlib import Path

import numba

_ENGINE = Path(__file__).resolve().parent.parent
_SOURCES = ("network/jit.py", "network/compiled.py", "network/live.py", "network/rows.py", "promise/clock.py")


def cache_folder() -> Path:
    """Where compiled kernels of exactly this source are kept; $SOURCEWISE_CACHE or the user's cache folder holds it."""
    files = [_ENGINE / name for name in _SOURCES] + sorted((_ENGINE / "optimise").glob("*.py"))
    files.append(_ENGINE / "costs" / "tariff.py")
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    base = os.environ.get("SOURCEWISE_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "sourcewise" / f"kernels-{digest.hexdigest()[:12]}"


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(cache_folder())

compiled = numba.njit(cache=True, _nrt=False)
allocating = numba.njit(cache=True)
inlined = numba.njit(cache=True, _nrt=False, forceinline=True)
