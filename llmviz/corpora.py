"""Corpora: Tinyville, Python's documentation, Tiny Shakespeare, a text file, a string.

Every corpus carries its recipe, a small dictionary from which `from_recipe` makes the same corpus again.
"""

import hashlib
import math
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmviz.files import cache_folder, read_text_file
from llmviz.tokenizers.base import END_OF_TEXT, check_text

_FEWEST = 1000
HELD_OUT_SEED_STEP = 1_000_000
_HELD_OUT_TEXTS = 1000
_SHAKESPEARE_URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
_SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
_SHAKESPEARE_FILE = "tinyshakespeare.txt"


@dataclass(frozen=True, repr=False)
class Corpus:
    """Texts with a name and a recipe.

    documents: the texts; in training, `<|endoftext|>` separates them. recipe: for JSON.
    """

    name: str
    documents: tuple[str, ...]
    recipe: dict[str, Any]

    @property
    def text(self) -> str:
        """All documents as one text, with an empty line between them."""
        return "\n\n".join(self.documents)

    @property
    def n_characters(self) -> int:
        """The number of characters of all documents."""
        return sum(map(len, self.documents))

    def __repr__(self) -> str:
        texts = "1 text" if len(self.documents) == 1 else f"{len(self.documents):,} texts"
        return f"Corpus({self.name!r}, {texts}, {self.n_characters:,} characters)"


def tinyville(seed: int = 0, counts: Mapping[str, int] | None = None, *, progress: bool = False) -> Corpus:
    """Texts of Tinyville; the same seed and counts give the same texts on any machine.

    counts: how many texts of each kind ("story", "fact", …); without it those of `tinyville.corpus.DEFAULT_COUNTS`.
    """
    from llmviz.tinyville.corpus import Tinyville

    if not isinstance(seed, int):
        raise ValueError(f"seed must be a whole number, but was {seed!r}.")
    world = Tinyville(counts)
    documents = tuple(text.text for text in world.texts(seed, progress=progress))
    recipe = {"source": "tinyville", "seed": seed, "counts": dict(world.counts)}
    return _corpus(f"Tinyville, seed {seed}", documents, recipe)


def python_documentation() -> Corpus:
    """The reference that Python's `help()` shows: half a million characters of real English, offline.

    It differs a little between versions of Python; the recipe names the version.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise FileNotFoundError("This Python has no documentation (pydoc_data); use a full Python.") from None
    documents = tuple(topics[name].strip() for name in sorted(topics))
    recipe = {"source": "python_documentation", "python_version": platform.python_version()}
    return _corpus("Python's documentation", documents, recipe)


def tiny_shakespeare() -> Corpus:
    """A million characters of Shakespeare's plays (A. Karpathy's selection), downloaded once and checked by hash.

    Kept in the cache folder. Without a network, FileNotFoundError says where the file may be put by hand.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")
    folder = cache_folder()
    try:
        path = pooch.retrieve(_SHAKESPEARE_URL, _SHAKESPEARE_SHA256, _SHAKESPEARE_FILE, folder)
    except (OSError, ValueError) as error:  # no network, another file, a read-only folder
        raise FileNotFoundError(
            "Tiny Shakespeare is not yet (or damaged) on this machine and could not be fetched "
            f"({type(error).__name__}). Try again with a network, or put the file {_SHAKESPEARE_URL} "
            f"at {folder / _SHAKESPEARE_FILE} by hand (its sha256 must be {_SHAKESPEARE_SHA256})."
        ) from None
    text = Path(path).read_bytes().decode("utf-8")
    return _corpus("Tiny Shakespeare", (text,), {"source": "tiny_shakespeare"})


def from_file(path: str | Path, encoding: str | None = None) -> Corpus:
    """One text file, in UTF-8 if no encoding is named (see `files.read_text_file`).

    Line ends become "\\n"; the recipe counts the changes.
    """
    text, n_changed = read_text_file(path, encoding)
    path = Path(path).expanduser().resolve()
    recipe = {"source": "file", "path": str(path)} | ({"encoding": encoding} if encoding else {})
    return _corpus(path.name, (text,), recipe | ({"line_ends_changed": n_changed} if n_changed else {}))


def from_text(text: str) -> Corpus:
    """One string as a corpus."""
    if not check_text(text).strip():
        raise ValueError("This text is empty or only white space; give one with words in it.")
    return _corpus("your text", (text,), {"source": "text"})


def split(corpus: Corpus) -> tuple[Corpus, Corpus]:
    """Split a corpus into training and validation.

    Plain text: the first nine tenths of the characters, and the last tenth. Tinyville: the corpus itself, and at least
    1,000 new texts of the same mix from another seed. Raises ValueError if a text has fewer than 1,000 characters.

    >>> training, validation = split(from_text("Mia found a red kite. " * 100))
    >>> training.n_characters, validation.n_characters
    (1980, 220)
    """
    if corpus.recipe["source"] == "tinyville":
        return corpus, _validation_texts(corpus)
    if corpus.n_characters < _FEWEST:
        raise ValueError(f"{corpus.name} has {corpus.n_characters:,} characters, too few: give at least {_FEWEST:,}")
    left = corpus.n_characters - corpus.n_characters // 10
    training, validation = [], []
    for document in corpus.documents:
        training.append(document[:left])
        validation.append(document[left:])
        left = max(0, left - len(document))
    return _part(corpus, "training", training), _part(corpus, "validation", validation)


def from_recipe(recipe: Mapping[str, Any], *, progress: bool = False) -> Corpus:
    """Make a corpus again from its recipe, and check its hash.

    Raises FileNotFoundError if its file is missing, ValueError if it changed or the recipe is not enough.
    """
    try:
        corpus = _rebuild(dict(recipe), progress)
    except (KeyError, TypeError) as error:
        raise ValueError(f"This is not the recipe of a corpus: {error} is missing or wrong.") from None
    if corpus.recipe["sha256"] != recipe.get("sha256"):
        why = {
            "file": f"the file {recipe.get('path')} was changed; bring it back, or start anew with this one",
            "python_documentation": (
                f"it came with Python {recipe.get('python_version')}, this is {platform.python_version()}"
            ),
        }.get(recipe["source"], "another version of llmviz made it; use that version, or start anew")
        raise ValueError(f"{corpus.name} is not the text of the recipe: {why}.")
    return corpus


def _rebuild(recipe: dict[str, Any], progress: bool) -> Corpus:
    match recipe["source"]:
        case "tinyville":
            return tinyville(recipe["seed"], recipe["counts"], progress=progress)
        case "python_documentation":
            return python_documentation()
        case "tiny_shakespeare":
            return tiny_shakespeare()
        case "file":
            return from_file(recipe["path"], recipe.get("encoding"))
        case "part":
            whole = from_recipe(recipe["of"], progress=progress)
            return split(whole)[{"training": 0, "validation": 1}[recipe["part"]]]
        case "text":
            raise ValueError("This corpus was given as a string, which no recipe holds: use corpora.from_text again")
        case source:
            raise ValueError(f"This recipe names the source {source!r}, which this llmviz does not know.")


def _validation_texts(corpus: Corpus) -> Corpus:
    recipe, n_texts = corpus.recipe, len(corpus.documents)
    n_fresh = max(_HELD_OUT_TEXTS, n_texts // 4)
    counts = {kind: math.ceil(count * n_fresh / n_texts) for kind, count in recipe["counts"].items()}
    return tinyville(recipe["seed"] + HELD_OUT_SEED_STEP, counts)


def _part(corpus: Corpus, part: str, documents: Iterable[str]) -> Corpus:
    recipe = {"source": "part", "part": part, "of": corpus.recipe}
    return _corpus(f"{corpus.name}, {part} part", tuple(filter(None, documents)), recipe)


def _corpus(name: str, documents: tuple[str, ...], recipe: dict[str, Any]) -> Corpus:
    sha256 = hashlib.sha256(END_OF_TEXT.join(documents).encode("utf-8")).hexdigest()
    return Corpus(name, documents, {**recipe, "sha256": sha256})
