"""How amounts are written in the reasons of cost terms. Text for people: nothing parses it."""


def money(cents: int) -> str:
    """
    Write cents with two digits.

    >>> money(1205), money(-5)
    ('12.05', '-0.05')
    """
    return f"{cents // 100}.{cents % 100:02d}" if cents >= 0 else f"-{money(-cents)}"


def counted(num: int, what: str) -> str:
    """
    Write a count and its noun.

    >>> counted(1, "parcel"), counted(2, "parcel")
    ('1 parcel', '2 parcels')
    """
    return f"{num} {what}" if num == 1 else f"{num} {what}s"


def kg(grams: int) -> str:
    """
    Write a weight.

    >>> kg(950), kg(4230)
    ('950 g', '4.23 kg')
    """
    return f"{grams / 1000:.5g} kg" if grams >= 1000 else f"{grams} g"


def km(metres: int) -> str:
    """
    Write a distance.

    >>> km(12_345)
    '12.3 km'
    """
    return f"{metres / 1000:.1f} km"


def percent(value: int, one_percent: int) -> str:
    """
    Write a share that counts so many per percent.

    >>> percent(25, 10), percent(500, 10_000)
    ('2.5 %', '0.05 %')
    """
    return f"{value / one_percent:.4g} %"
