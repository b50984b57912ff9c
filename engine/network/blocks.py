"""
Many arrays as one argument: how kernels are given the named tuples that hold a network, its stock, orders and so on.

Handing a hundred arrays from function to function, seven words each, took longer than most functions work, and Python
needed ten microseconds to hand them over. So a kernel is given the address of a block of memory:

    block    (n,) int64   for each field of the named tuple, in its order: of an array its address and its shape, of a
                          named tuple within the address of its block

and reads from it what it uses. `Block` makes one, `opened` is its counterpart in a kernel. Named tuples that may be
opened are declared with `openable`, so that the types are known before there is any array. Arrays are C-contiguous.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic
from numpy.typing import NDArray

_T = TypeVar("_T")
_ArrayType = tuple[np.dtype[Any], int]  # and number of dimensions
_Field = _ArrayType | type  # or the class of a named tuple
_makers: dict[Any, Callable[[], Any] | None] = {}
_layouts: dict[Any, dict[str, tuple[int, _Field]]] = {}


def openable(kind: type[_T], empty: Callable[[], _T] | None = None) -> None:
    """Declare a named tuple; `empty` makes one with arrays of the right types. Not for one of named tuples alone."""
    _makers[kind] = empty


def _layout(kind: Any) -> dict[str, tuple[int, _Field]]:
    """Where in the block each field is, and what it is."""
    if kind not in _layouts:
        make = _makers[kind]
        sample = kind.__annotations__ if make is None else make()._asdict()
        out: dict[str, tuple[int, _Field]] = {}
        place = 0
        for name, value in sample.items():
            if isinstance(value, np.ndarray):
                out[name] = place, (value.dtype, value.ndim)
                place += 1 + value.ndim
            else:
                out[name] = place, value if isinstance(value, type) else type(value)
                place += 1
        _layouts[kind] = out
    return _layouts[kind]


class Block:
    """The block of a named tuple; keeps its arrays alive. Kernels take `at`, which stays the same."""

    def __init__(self, kind: type, **fields: Any) -> None:
        self._layout = _layout(kind)
        assert fields.keys() == self._layout.keys(), f"fields {sorted(fields)}, declared {sorted(self._layout)}"
        words = sum(1 if isinstance(field, type) else 1 + field[1] for _, field in self._layout.values())
        self.at: NDArray[np.int64] = np.zeros(words, dtype=np.int64)
        self._kept: dict[str, Any] = {}
        self.put(**fields)

    @classmethod
    def of(cls, value: Any) -> "Block":
        """The block of a named tuple."""
        return cls(type(value), **value._asdict())

    def put(self, **fields: Any) -> None:
        """Replace fields: an array by one of its type, a named tuple by one of its class or by a block of one."""
        for name, value in fields.items():
            place, field = self._layout[name]
            if not isinstance(field, type):
                self._put_array(name, value, place, *field)
            elif name in self._kept and not isinstance(value, Block):
                self._kept[name].put(**value._asdict())
            else:
                self._kept[name] = value if isinstance(value, Block) else Block.of(value)
                self.at[place] = _address(self._kept[name].at)

    def _put_array(self, name: str, value: NDArray[Any], place: int, dtype: np.dtype[Any], num_dims: int) -> None:
        assert value.dtype is dtype or value.dtype == dtype, f"{name} is of {value.dtype}, declared as {dtype}"
        assert value.ndim == num_dims, f"{name} has {value.ndim} dimensions, declared with {num_dims}"
        assert value.flags.c_contiguous, f"{name} is not contiguous"
        self._kept[name] = value
        self.at[place] = _address(value)
        self.at[place + 1 : place + 1 + num_dims] = value.shape


def _address(array: NDArray[Any]) -> int:
    return array.ctypes.data  # the array's interface would describe its records, too


class Opened(types.Type):
    """The compiler's type of a named tuple that is read from its block."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        super().__init__(name=f"Opened({kind.__module__}.{kind.__name__})")


class _OpenedModel(models.PrimitiveModel):
    def __init__(self, manager: Any, of: Opened) -> None:
        super().__init__(manager, of, cgutils.intp_t.as_pointer())  # type: ignore[no-untyped-call]


register_default(Opened)(_OpenedModel)


def _type_of(field: _Field) -> types.Type:
    from numba.np.numpy_support import from_dtype  # slow to import, and needed to compile only

    return Opened(field) if isinstance(field, type) else types.Array(from_dtype(field[0]), field[1], "C")


@infer_getattr
class _Fields(AttributeTemplate):
    key = Opened

    def generic_resolve(self, opened: Any, name: str) -> Any:  # type: ignore[override]
        found = _layout(opened.kind).get(name)
        return None if found is None else _type_of(found[1])


@lower_getattr_generic(Opened)  # type: ignore[no-untyped-call,untyped-decorator]
def _load(context: Any, builder: Any, opened: Opened, block: Any, name: str) -> Any:
    """Read a field. Nobody writes to a block while a kernel runs, which the compiler is told."""
    place, field = _layout(opened.kind)[name]

    def load(at: int) -> Any:
        value = builder.load(builder.gep(block, [cgutils.intp_t(at)]))
        value.set_metadata("invariant.load", builder.module.add_metadata([]))
        return value

    if isinstance(field, type):
        return builder.inttoptr(load(place), block.type)
    arrays = _arrays()
    array = arrays.make_array(_type_of(field))(context, builder)
    dtype, num_dims = field
    shape = [load(place + 1 + d) for d in range(num_dims)]
    strides = [cgutils.intp_t(dtype.itemsize)]
    for length in reversed(shape[1:]):
        strides.append(builder.mul(strides[-1], length))
    arrays.populate_array(
        array,
        data=builder.inttoptr(load(place), array.data.type),
        shape=shape,
        strides=strides[::-1],
        itemsize=cgutils.intp_t(dtype.itemsize),
        meminfo=None,
    )
    return array._getvalue()


@intrinsic
def _opened(typing_context: Any, at: types.Array, kind: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _arrays().make_array(signature.args[0])(context, builder, arguments[0]).data

    return Opened(kind.instance_class)(at, kind), generate


opened: Any = _opened  # (block, class of the named tuple) -> the named tuple; in kernels only


def _arrays() -> Any:
    """The compiler's functions for arrays: slow to import, and needed to compile only."""
    from numba.np import arrayobj

    return arrayobj
