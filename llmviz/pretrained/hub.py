"""A model from the hub, with its own client: a revision is pinned, and what was fetched once needs no network again."""

from __future__ import annotations

import re
from pathlib import Path

REVISION = re.compile(r"[0-9a-f]{40}")
START = "hub:"
FILES = (
    "config.json", "*.safetensors", "*.safetensors.index.json", "vocab.json", "merges.txt", "vocab.txt",
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
)  # fmt: skip
EXAMPLE = "hub:openai-community/gpt2@607a30d783dfa663caf39e06633721c8d4cfcd7e"


def fetch(address: str) -> Path:
    """Give the folder with a model of the hub, fetched if need be: weights as safetensors, configuration, vocabulary.

    Args:
        address: "hub:owner/name@revision"; the revision is the whole hash of a commit, 40 letters and digits, so that
            the same weights come for everybody.

    Raises ValueError for an address of another form, FileNotFoundError where the client is not installed, or the
    model is not in its cache and cannot be fetched.
    """
    name, _, revision = address.removeprefix(START).partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name) or not REVISION.fullmatch(revision):
        raise ValueError(
            f"a model of the hub is named hub:owner/name@revision, with the 40 letters and digits of a commit, such as "
            f"{EXAMPLE}; given {address!r}"
        )
    try:
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError:
        raise FileNotFoundError(
            "the hub's own client is not installed here: pip install 'llmviz[hub]' brings it"
        ) from None
    try:
        return Path(huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=list(FILES)))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        raise FileNotFoundError(
            f"{name} at {revision[:8]} is not on this machine and could not be fetched from the hub "
            f"({type(error).__name__}). Is there a network, and is there such a model?"
        ) from None
