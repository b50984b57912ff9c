"""
How kernels are compiled: cached on disk, and without reference counts.

A kernel only reads and writes arrays that its caller owns, so counting references to them (two atomic operations per
access) is waste; measured, it was most of a decision. Such a function cannot allocate. `inlined` is for the small ones:
passing the arrays of a network costs more than what they do.
"""

import numba

compiled = numba.njit(cache=True, _nrt=False)
inlined = numba.njit(cache=True, _nrt=False, forceinline=True)
