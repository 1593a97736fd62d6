"""The recording "reviews" of lesson 6, as `tools/record.py` saves it: real product reviews with MiniLM's vectors.

The texts are those of Hutto and Gilbert 2014, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
Media Text", in the source archive of the PyPI package vaderSentiment (MIT License).
"""

from __future__ import annotations

import io
import random
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from llmviz.pretrained import Pretrained, load

PACKAGE = "vaderSentiment==3.3.2"
INNER = "additional_resources/hutto_ICWSM_2014.tar.gz"
TABLE = "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt"
CLEAR, LONGEST, LARGEST = 1.0, 256, 127  # the mean rating that is clear; tokens; of a whole number of 8 bits


class Snippet(NamedTuple):
    """A sentence of a review, the mean of about 20 ratings from −4 to 4, and the number of its review."""

    review: int
    rating: float
    text: str


def download() -> list[Snippet]:
    """All 3,708 snippets, from the source archive of the package."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", PACKAGE, "--no-binary", ":all:", "--no-deps", "-d", folder]
        subprocess.run(command, check=True)
        [archive] = Path(folder).glob("*.tar.gz")
        with tarfile.open(archive) as outer:
            [inner] = [member for member in outer.getmembers() if member.name.endswith(INNER)]
            packed = outer.extractfile(inner).read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        table = files.extractfile(TABLE).read().decode("utf-8")
    rows = (line.split("\t") for line in table.splitlines())
    return [Snippet(int(name.partition("_")[0]), float(rating), text.strip()) for name, rating, text in rows]


def choose(snippets: list[Snippet]) -> list[Snippet]:
    """Clearly rated ones without repetitions, as many good as bad, in the order of the file; good ones by chance."""
    clear = list({one.text: one for one in snippets if abs(one.rating) >= CLEAR}.values())
    good, bad = ([one for one in clear if (one.rating > 0) == is_good] for is_good in (True, False))
    return sorted(random.Random(0).sample(good, len(bad)) + bad)


@torch.inference_mode()
def sentence_vector(real: Pretrained, text: str) -> np.ndarray:
    """The mean of the last layer's vectors over all tokens, at length 1: (d_model)."""
    token_ids = torch.tensor([real.tokenizer.encode(text)[:LONGEST]])
    return F.normalize(real.model.trace(token_ids).residuals[-1][0].mean(dim=0), dim=0).numpy()


def reviews() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Texts, ratings and the numbers of their reviews; "vectors" (text, d_model), whole numbers from −127 to 127."""
    chosen, minilm = choose(download()), load("minilm")
    vectors = np.stack([sentence_vector(minilm, one.text) for one in tqdm(chosen, unit=" texts")])
    columns = {"reviews": [one.review for one in chosen], "ratings": [one.rating for one in chosen]}
    data = {"texts": [one.text for one in chosen], **columns}
    return data, {"vectors": np.rint(vectors / np.abs(vectors).max() * LARGEST).astype(np.int8)}
