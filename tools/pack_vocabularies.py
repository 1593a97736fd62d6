"""Pack OpenAI's vocabularies as lists of merges, small enough to lie beside a web page: data/NAME.merges.zlib.

    python tools/pack_vocabularies.py FOLDER     # with r50k_base.tiktoken, cl100k_base.tiktoken, o200k_base.tiktoken

A file holds, deflated: the 256 tokens of one byte, in the order of their ids; then of every other token the id of its
left part and the id of its right part, 3 bytes each (first the lowest byte of all left parts, and so on).
"""

import base64
import sys
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np

from llmviz.files import ROOT

SOURCES = {"gpt2": "r50k_base", "gpt-4": "cl100k_base", "gpt-4o": "o200k_base"}


def parts(token: bytes, ranks: dict[bytes, int]) -> tuple[int, int]:
    """The ids of the two tokens that byte-pair encoding merges last on the way to this one."""
    pieces = [bytes([byte]) for byte in token]
    while len(pieces) > 2:
        found = [ranks.get(left + right, len(ranks)) for left, right in pairwise(pieces)]
        place = found.index(min(found))
        pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]
    left, right = pieces
    return ranks[left], ranks[right]


def packed(lines: bytes) -> bytes:
    """The merges of a vocabulary, given as OpenAI publishes it: on each line a token in base64 and its id."""
    ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines.splitlines())}
    tokens = sorted(ranks, key=ranks.get)
    pairs = np.array([parts(token, ranks) for token in tokens[256:]], "<u4")
    planes = pairs.view(np.uint8).reshape(-1, 2, 4)[:, :, :3].transpose(1, 2, 0)
    return zlib.compress(b"".join(tokens[:256]) + planes.tobytes(), 9)


if __name__ == "__main__":
    for name, source in SOURCES.items():
        target = ROOT / "data" / f"{name}.merges.zlib"
        target.write_bytes(packed((Path(sys.argv[1]) / f"{source}.tiktoken").read_bytes()))
        print(f"{target.name}: {target.stat().st_size:,} bytes")
