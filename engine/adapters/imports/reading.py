"""Plain reading of the source files, and their units turned into whole metric ones."""

import csv
import gzip
import io
import math
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path

from engine.domain.errors import InputError

GRAMS_PER_POUND = Decimal("453.59237")
CM3_PER_CUBIC_INCH = Decimal("16.387064")


def data_file(data_dir: Path, name: str) -> Path:
    """The path of a source file; raises InputError where it is absent."""
    path = Path(data_dir) / name
    if not path.is_file():
        raise InputError(f"Data file ({path}) does not exist.", "give the folder that holds us/, fr/ and baskets/.")
    return path


def read_rows(path: Path) -> list[dict[str, str]]:
    """All rows of a CSV file with a header, gzipped or not, as text by column name."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def cents(text: str | float) -> int:
    """
    Money as text to whole cents, half up.

    >>> cents("8.25"), cents("0.005")
    (825, 1)
    """
    try:
        amount = Decimal(str(text)) * 100
        return int(amount.to_integral_value(rounding=ROUND_HALF_UP))
    except InvalidOperation:
        raise InputError(f"Amount ({text}) is not a number.", "use a decimal point and no currency.") from None


def pounds_g(pounds: str | int) -> int:
    """
    Whole grams that still weigh no more than so many pounds: a weight limit in grams.

    >>> pounds_g("0.25"), pounds_g(1), pounds_g(150)
    (113, 453, 68038)
    """
    return math.floor(Decimal(str(pounds)) * GRAMS_PER_POUND)


def miles_m(miles: str | float) -> int:
    """Whole metres within so many miles."""
    return math.floor(Decimal(str(miles)) * Decimal("1609.344"))


def inches_mm(inches: int) -> int:
    """Whole millimetres within so many inches."""
    return math.floor(Decimal(inches) * Decimal("25.4"))


def divisor_cm3_per_kg(cubic_inches_per_pound: int) -> int:
    """
    Turn a dimensional divisor (cubic inches per pound) into cm3 per kg, rounded down (so never too light).

    >>> divisor_cm3_per_kg(139)
    5021
    """
    return math.floor(cubic_inches_per_pound * CM3_PER_CUBIC_INCH * 1000 / GRAMS_PER_POUND)
