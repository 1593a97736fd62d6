"""Run every demonstration over three seeds and write the bounds that are committed: bounds/<lesson>.json.

    python tests/evidence/measure_claims.py              all lessons (the same as: make evidence)
    python tests/evidence/measure_claims.py attention    these lessons

A lesson of which one claim does not hold is not written, and the command ends with 1.
"""

import json
import sys
from pathlib import Path

import claims
from claims import Demo

sys.path.append(str(Path(__file__).parents[2] / "tools"))  # a demo may repeat a recording


def main(names: list[str]) -> int:
    """Measure the lessons that are named, all if none is; return the exit code."""
    if unknown := set(names) - set(claims.lessons()):
        there = ", ".join(claims.lessons())
        print(f"No demos for {', '.join(sorted(unknown))}; there are: {there}", file=sys.stderr)
        return 1
    broken = [sentence for lesson in names or claims.lessons() for sentence in measure_lesson(lesson)]
    for sentence in broken:
        print(sentence, file=sys.stderr)
    return int(bool(broken))


def measure_lesson(lesson: str) -> list[str]:
    """Run a lesson's demos, write their bounds if every claim holds, and return the claims that do not."""
    print(f"{lesson}: seeds {', '.join(map(str, claims.SEEDS))}", flush=True)
    found, broken = {}, []
    for demo in claims.demos(lesson):
        entry, sentences = measure(demo)
        found[demo.name] = entry
        broken += sentences
    if not broken:
        claims.BOUNDS.mkdir(exist_ok=True)
        text = json.dumps({"seeds": claims.SEEDS, "demos": found}, indent=1, ensure_ascii=False)
        (claims.BOUNDS / f"{lesson}.json").write_text(text + "\n", encoding="utf-8")
    return broken


def measure(demo: Demo) -> tuple[dict, list[str]]:
    """Run one demo over all seeds: its entry for the file, and its broken claims."""
    print(f"  {demo.name}", flush=True)
    runs = [demo.measure(seed) for seed in claims.SEEDS]
    entry = demo.bounds(runs)
    for name, bound in entry["numbers"].items():
        print(f"    {name}: {bound['min']:g} … {bound['max']:g}, claimed {bound['claim']}", flush=True)
    broken = [f"seed {seed}: {line}" for seed, run in zip(claims.SEEDS, runs, strict=True) for line in demo.broken(run)]
    return entry, broken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
