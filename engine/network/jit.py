"""
How kernels are compiled: cached on disk, and without reference counts.

A kernel only reads and writes arrays that its caller owns, so counting references to them (two atomic operations per
access) is waste; measured, it was most of a decision. Such a function cannot allocate. `inlined` is for the small ones:
passing the arrays of a network costs more than what they do. `allocating` is for the few that make arrays of their own.

The compiler caches a function by the date of its own file and does not see that a function it calls has changed. So the
cache folder carries a digest of all kernel sources: a change anywhere compiles anew, and nothing stale is ever run.

Before it looks into its cache the compiler imports every implementation it knows, should it have to compile. That takes
longer than all else that a process does until its first decision; so our cache looks first.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys

_R = TypeVar("_R")
_Kernel = Callable[..., _R]  # the compiler checks the arguments itself, and takes any integer
_UNCOUNTED: dict[str, Any] = {"_nrt": False}  # numba's own types do not know it

_ENGINE = Path(__file__).resolve().parent.parent
_SOURCES = (
    "network/jit.py",
    "network/blocks.py",
    "network/records.py",
    "network/live.py",
    "network/rows.py",
    "network/zone_maps.py",
    "network/floors.py",
    "promise/clock.py",
)


def cache_folder() -> Path:
    """Where compiled kernels of exactly this source are kept; $SOURCEWISE_CACHE or the user's cache folder holds it."""
    files = [_ENGINE / name for name in _SOURCES] + sorted(
        path for path in (_ENGINE / "optimise").glob("*.py") if not path.name.startswith(("mip", "reduce", "fewest"))
    )
    files.append(_ENGINE / "costs" / "tariff.py")
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    base = os.environ.get("SOURCEWISE_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "sourcewise" / f"kernels-{digest.hexdigest()[:12]}"


if not os.environ.get("NUMBA_CACHE_DIR"):
    _config: Any = numba.config  # filled at run time, so without types
    _config.CACHE_DIR = str(cache_folder())


class _Cache(FunctionCache):
    """Loads machine code without preparing to compile; who finds none compiles, and prepares then."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What is kept for a signature, None where nothing is."""
        rtsys.initialize(target_context)  # what machine code is linked to
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]


def compiled(function: _Kernel[_R]) -> _Kernel[_R]:
    """Compile a kernel; it cannot allocate."""
    return _cached(function, **_UNCOUNTED)


def quick(function: _Kernel[_R]) -> _Kernel[_R]:
    """Compile a kernel of some microseconds: it keeps Python's lock, for which it would queue longer than it runs."""
    return _cached(function, nogil=False, **_UNCOUNTED)


def allocating(function: _Kernel[_R]) -> _Kernel[_R]:
    """Compile a kernel that makes arrays of its own."""
    return _cached(function)


def inlined(function: _Kernel[_R]) -> _Kernel[_R]:
    """Compile a small part of kernels into each of them."""
    return _cached(function, forceinline=True, **_UNCOUNTED)


def _cached(function: _Kernel[_R], *, nogil: bool = True, **options: Any) -> _Kernel[_R]:
    # Kernels touch nothing of Python's, so other threads go on meanwhile: a desk, while an order is studied beside it.
    done: Any = numba.njit(nogil=nogil, **options)(function)
    done._cache = _Cache(function)  # type: ignore[no-untyped-call]
    return done  # type: ignore[no-any-return]
