"""Real word vectors: GloVe, 50,000 words, learned from an encyclopedia and newspapers. Offline."""

import hashlib
from functools import lru_cache
from io import BytesIO

import numpy as np

from llmviz.data_files import data_path
from llmviz.embeddings.space import WordVectors

GLOVE_FILE = "glove-6B-50d-top50k-int8.npz"
GLOVE_SHA256 = "3983863c91b64a8cc38556e89d0c2ad396022eaceef697e6cc12c9c83718a90b"


@lru_cache(maxsize=1)
def load_glove() -> WordVectors:
    """GloVe's vectors of the 50,000 most frequent words of Wikipedia (2014) and newspapers: 50 numbers each.

    In small letters; rounded to 8 bits (`data/README.md` tells source and licence). Loaded once, then remembered.
    Raises FileNotFoundError if the file is missing, ValueError if it is damaged. Lesson 2.
    """
    path = data_path(GLOVE_FILE)
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != GLOVE_SHA256:
        raise ValueError(
            f"{path} is not the file that belongs here (its sha256 is {found[:12]}…, not {GLOVE_SHA256[:12]}…): "
            "bring it back with: git checkout -- data"
        )
    with np.load(BytesIO(content), allow_pickle=False) as file:
        words = file["words"].tobytes().decode("utf-8").split("\n")
        vectors = file["vectors"] * file["scale"][:, None].astype(np.float32)
    return WordVectors(tuple(words), vectors)
