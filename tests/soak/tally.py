"""What clients count and find, each for itself; sums of it are what a soak tells."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

WRONG_MAX = 20
WHOLE = 2**64


def digest(key: str, body: bytes) -> int:
    """A number that stands for an answer to a key; sums of them stand for sets of answers in any order."""
    return int.from_bytes(hashlib.blake2b(body, digest_size=8, key=key.encode()).digest(), "big")


@dataclass(slots=True, kw_only=True)
class Tally:
    """
    Parameters
    ----------
    counts
        By what happened.
    done
        Answers to calls that were done then and there, not repeated from memory; `digests` their digests, summed.
    wrong
        What must not be, in words.
    kept
        Digests of answers by call, for whoever repeats these after a restart.
    """

    counts: Counter[str] = field(default_factory=Counter)
    done: int = 0
    digests: int = 0
    wrong: list[str] = field(default_factory=list)
    kept: dict[tuple[int, int], int] = field(default_factory=dict)

    def take(self, key: str, body: bytes) -> None:
        """An answer that the ledger has to remember from now on."""
        self.done += 1
        self.digests = (self.digests + digest(key, body)) % WHOLE

    def found(self, what: str) -> None:
        """Something that must not be."""
        self.counts["wrong"] += 1
        if len(self.wrong) < WRONG_MAX:
            self.wrong.append(what)

    def add(self, other: "Tally") -> None:
        """Take another's in."""
        self.counts.update(other.counts)
        self.done += other.done
        self.digests = (self.digests + other.digests) % WHOLE
        self.wrong = (self.wrong + other.wrong)[:WRONG_MAX]
        self.kept |= other.kept
