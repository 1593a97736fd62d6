"""Measure llmviz against other libraries, side by side in one run (`make bench`; results in build/bench.json).

    python tests/benchmarks/run.py                  everything: about 20 minutes on two idle cores
    python tests/benchmarks/run.py --quick          a reduced version, to try it: under 3 minutes
    python tests/benchmarks/run.py --only bpe generation

Whoever is compared takes turns (A B A B …), so that ratios hold even where the machine is a little busy; each is the
ratio of the medians. Ctrl-C ends it and keeps what was measured. The exit code is 1 if a target is missed.
"""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measuring import Finding, SubjectReport, load_warning, machine, run_subject

SUBJECTS = {
    "startup": "imports and first pictures",
    "explorers": "from a key press to the painted picture, in a page and through the kernel",
    "bpe": "learning merges and encoding, against Hugging Face tokenizers and tiktoken",
    "generation": "writing text, against transformers' generate",
    "pretrained": "SmolLM2 in our block: writing against transformers, and memory",
    "shakespeare": "characters of Tiny Shakespeare, against the usual laptop recipe",
    "tinyville": "Tinyville to its exact entropy, against GPT-2 in transformers under AdamW",
    "class": "ten students at once on a real hub: time to begin, answers, memory",
}
RESULTS = Path(__file__).resolve().parent.parent.parent / "build" / "bench.json"
OK, MISSED, INTERRUPTED = 0, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the subjects that are asked for, one after another; return the exit code."""
    given = build_parser().parse_args(arguments)
    found_machine = machine()
    print(describe_machine(found_machine), flush=True)
    reports: dict[str, SubjectReport] = {}

    def keep(finding: Finding | None = None) -> None:
        if finding:
            print(f"  {finding}", flush=True)
        write_results(given.out, found_machine, reports, is_quick=given.quick)

    try:
        for name in given.only or SUBJECTS:
            print(f"\n{name}: {SUBJECTS[name]}", flush=True)
            reports[name] = SubjectReport()
            subject = importlib.import_module(f"bench_{name}")
            run_subject(name, subject.findings(given.quick), reports[name], keep)
            keep()
    except KeyboardInterrupt:
        keep()
        print(f"\nStopped. What was measured so far is in {given.out}.", file=sys.stderr)
        return INTERRUPTED
    print(f"\n{verdict(reports)}\nWritten to {given.out}.")
    return MISSED if any(found.is_met is False for report in reports.values() for found in report.findings) else OK


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description="Measure llmviz against other libraries, side by side.")
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, metavar="NAME", help=f"of: {', '.join(SUBJECTS)}")
    parser.add_argument("--quick", action="store_true", help="a reduced version, to try it: under 3 minutes")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE", help="where the JSON goes")
    return parser


def describe_machine(found: dict[str, Any]) -> str:
    """What this is measured on, in a few lines, with a warning where something else runs."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    lines = [
        f"{found['cpu']}, {found['cores']} cores, {found['torch_threads']} threads of torch, {found['system']}",
        f"Python {found['python']}, {versions}",
        f"load before the start: {found['load_before']}",
        load_warning(found["load_before"]),
    ]
    return "\n".join(line for line in lines if line)


def verdict(reports: dict[str, SubjectReport]) -> str:
    """How many targets are met, and which are not or could not be measured."""
    judged = [finding for report in reports.values() for finding in report.findings if finding.is_met is not None]
    missed = [str(finding) for finding in judged if not finding.is_met]
    absent = [str(finding) for report in reports.values() for finding in report.findings if "reason" in finding.numbers]
    return "\n  ".join([f"{len(judged) - len(missed)} of {len(judged)} targets met.", *missed, *absent])


def write_results(path: Path, found: dict[str, Any], reports: dict[str, SubjectReport], *, is_quick: bool) -> None:
    """Write everything that is known so far as JSON, in place of what was there."""
    results = {
        "machine": found,
        "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "quick": is_quick,
        "subjects": {name: report.to_dict() for name, report in reports.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    unfinished.replace(path)


if __name__ == "__main__":
    sys.exit(main())
