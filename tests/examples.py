"""How many examples hypothesis draws, and which: the same everywhere on every day, new ones in a soak."""

from hypothesis import settings

EVERYDAY = 100  # of a test that does not say how many
SOAK_TIMES = 5


def register_profiles() -> None:
    """Load the profile of every day; `--hypothesis-profile=soak` draws more, and by `--hypothesis-seed`."""
    settings.register_profile("everyday", max_examples=EVERYDAY, derandomize=True, database=None)
    settings.register_profile("soak", max_examples=SOAK_TIMES * EVERYDAY, derandomize=False, database=None)
    settings.load_profile("everyday")


def examples(everyday: int) -> int:
    """So many on every day, and as many times more as the loaded profile wants."""
    return everyday * settings.default.max_examples // EVERYDAY
