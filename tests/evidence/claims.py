"""Evidence: the effects that the lessons show, measured over three seeds (`make evidence`; results in bounds/*.json).

Each demonstration is a function of a seed that returns named numbers, with a claim for each number: how large the
effect must be for the lesson's words to be true. `make evidence` runs every demo over three seeds, and writes the
smallest and largest value and the margin to the claim. `make test-slow` runs each on the first seed and compares it
with the claim; `make test` only checks that the committed bounds belong to the claims.

How to add a demo: one file a lesson (attention.py, tokenization.py, …), in it a function such as

    from claims import above, below, between, demo

    @demo(mean_error=below(0.1), copied=above(0.9), steps=between(100, 300))
    def lists_are_copied(seed: int) -> dict[str, float]:
        '''The sentence of the lesson that this supports.'''
        …
        return {"mean_error": …, "copied": …, "steps": …}

then `make evidence ARGS="attention"`, and commit the JSON file beside the code. What to mind:

- Everything random follows from the seed: the texts, the first weights, the order of reading.
- Training is counted in steps, never in seconds.
- A claim comes from what the lesson says ("more than twice"), not from what was measured; leave room for another
  processor. A margin near 0 means that the lesson says too much.
- A demo takes a few seconds at most. One that trains for minutes names a `stand_in`, the same measurement on models
  that ship.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
BOUNDS = FOLDER / "bounds"
SEEDS = (0, 1, 2)
NO_LESSONS = {"claims", "measure_claims"}


@dataclass(frozen=True)
class Claim:
    """Where a number must lie, edges left out."""

    low: float = -math.inf
    high: float = math.inf

    def margin(self, value: float) -> float:
        """How far inside the claim a value is; 0 or less where the claim does not hold."""
        return min(value - self.low, self.high - value)

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f"above {self.low:g}"
        return f"below {self.high:g}" if math.isinf(self.low) else f"between {self.low:g} and {self.high:g}"


def above(limit: float) -> Claim:
    """The number is larger than this."""
    return Claim(low=limit)


def below(limit: float) -> Claim:
    """The number is smaller than this."""
    return Claim(high=limit)


def between(low: float, high: float) -> Claim:
    """The number lies between these two."""
    if not low < high:
        raise ValueError(f"nothing lies between {low} and {high}; the smaller one comes first")
    return Claim(low, high)


@dataclass(frozen=True)
class Demo:
    """A demonstration with its claims; made by `demo`."""

    name: str
    says: str
    claims: Mapping[str, Claim]
    function: Callable[[int], Mapping[str, float]]
    stand_in: Callable[[], Mapping[str, float]] | None = None

    def measure_for_the_test(self) -> dict[str, float]:
        """What `make test-slow` measures: the stand-in where there is one, else the demo on the first seed."""
        return self._checked(self.stand_in()) if self.stand_in else self.measure(SEEDS[0])

    def measure(self, seed: int) -> dict[str, float]:
        """Run it once; the numbers must be those of the claims, and finite."""
        return self._checked(self.function(seed))

    def _checked(self, found: Mapping[str, float]) -> dict[str, float]:
        numbers = {name: float(value) for name, value in found.items()}
        if numbers.keys() != self.claims.keys():
            raise ValueError(f"{self.name} claims {sorted(self.claims)}, and returned {sorted(numbers)}")
        if strange := {name: value for name, value in numbers.items() if not math.isfinite(value)}:
            raise ValueError(f"{self.name} returned what is no number: {strange}")
        return numbers

    def broken(self, numbers: Mapping[str, float]) -> list[str]:
        """The claims that do not hold, each in a sentence."""
        return [
            f"{self.name}: {name} should be {self.claims[name]}, and is {value:.4g}"
            for name, value in numbers.items()
            if self.claims[name].margin(value) <= 0
        ]

    def bounds(self, runs: Sequence[Mapping[str, float]]) -> dict[str, Any]:
        """What goes into the JSON file: of each number the claim, the extremes, and the margin of the worst run."""
        entries = {}
        for name, claim in self.claims.items():
            values = [run[name] for run in runs]
            margin = min(map(claim.margin, values))
            entries[name] = {
                "claim": str(claim), "min": _short(min(values)), "max": _short(max(values)), "margin": _short(margin)
            }  # fmt: skip
        return {"says": self.says, "numbers": entries}


def demo(
    *, stand_in: Callable[[], Mapping[str, float]] | None = None, **claims: Claim
) -> Callable[[Callable[[int], Mapping[str, float]]], Demo]:
    """Turn a function of a seed into a `Demo` with these claims; its docstring is the sentence that it supports.

    `stand_in`: for a demo that trains for minutes, the same numbers from models that ship; `make test-slow` runs this.
    """
    if not claims:
        raise ValueError("a demo without a claim shows nothing")

    def make(function: Callable[[int], Mapping[str, float]]) -> Demo:
        if not function.__doc__:
            raise ValueError(f"{function.__name__} needs a docstring: the sentence of the lesson that it supports")
        says = " ".join(function.__doc__.split())
        return Demo(function.__name__, says, claims, function, stand_in)

    return make


def lessons() -> list[str]:
    """The lessons that have demos: the files of this folder."""
    return sorted({path.stem for path in FOLDER.glob("*.py")} - NO_LESSONS - {p.stem for p in FOLDER.glob("test_*.py")})


def demos(lesson: str) -> list[Demo]:
    """The demos of a lesson, in the order in which they are written."""
    return [thing for thing in vars(importlib.import_module(lesson)).values() if isinstance(thing, Demo)]


def _short(number: float) -> float:
    return float(f"{number:.4g}")
