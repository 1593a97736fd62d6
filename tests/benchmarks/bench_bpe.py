"""Byte-pair encoding: learning 1,024 merges, and encoding, against Hugging Face tokenizers and tiktoken."""

import gc
import random
import time
from collections.abc import Callable, Iterator

from measuring import Finding, Target, compare, measure, not_measured, number, seconds_of, take_turns

from llmviz import corpora
from llmviz.tokenizers.bpe import BytePairTokenizer

N_MERGES = 1024
N_BYTES = 256
N_LETTERS = 100_000
LIMITS = {"against text with spaces": 3, "four times as much": 6}


def findings(quick: bool) -> Iterator[Finding]:
    """Train ours and theirs in turn on the same text, then encode that text with all three."""
    import tokenizers  # noqa: F401 — is it there? Said before anything is measured.

    try:
        corpus = corpora.tiny_shakespeare()
    except FileNotFoundError as error:
        yield not_measured("Tiny Shakespeare", f"{error} Python's documentation takes its place")
        corpus = corpora.python_documentation()
    yield from _training(corpus, 3 if quick else 9)
    yield from _encoding(corpus, 3 if quick else 9)
    yield from _without_spaces("".join(corpus.documents), 5 if quick else 9)


def _training(corpus: corpora.Corpus, turns: int) -> Iterator[Finding]:
    lines = [line for document in corpus.documents for line in document.splitlines(keepends=True)]
    players: dict[str, Callable[[], float]] = {
        "ours": lambda: seconds_of(lambda: BytePairTokenizer.train(corpus.documents, N_BYTES + N_MERGES + 1)),
        "whole": lambda: seconds_of(lambda: train_theirs(corpus.documents)),
        "lines": lambda: seconds_of(lambda: train_theirs(lines)),
    }
    seconds = take_turns(players, turns, label="learning merges")
    name = f"learning {N_MERGES:,} merges on {corpus.name}"
    yield compare(
        name, seconds["ours"], seconds["whole"], peer_name="HF tokenizers", unit="s",
        target=Target(3, is_minimum=False),
    )  # fmt: skip
    yield compare(
        f"{name}, theirs line by line on all cores", seconds["ours"], seconds["lines"], peer_name="HF tokenizers",
        unit="s",
    )  # fmt: skip
    ours = BytePairTokenizer.train(corpus.documents, N_BYTES + N_MERGES + 1)
    shared = len({left + right for left, right in ours.merges} & _tokens_of_theirs(train_theirs(corpus.documents)))
    yield measure("merges that both learned", [shared], f"of {len(ours.merges):,}")


def _without_spaces(text: str, turns: int) -> Iterator[Finding]:
    """Learning and encoding one word of 100,000 bytes, against as many bytes of words; and four times as much.

    In seconds of the processor: with one thread, other programs then change little.
    """
    draw = random.Random(0)
    languages = {
        "DNA": "".join(draw.choices("ACGT", k=4 * N_LETTERS)),
        "Chinese": "".join(chr(0x4E00 + int(draw.random() ** 4 * 3000)) for _ in range(4 * N_LETTERS // 3)),
    }

    def work(text: str) -> Callable[[], float]:
        def seconds() -> float:
            gc.collect()  # else now one, now another turn looks for garbage in all of torch
            started = time.process_time()
            BytePairTokenizer.train(text, N_BYTES + N_MERGES + 1).encode(text)
            return time.process_time() - started

        return seconds

    for name, letters in languages.items():
        one = letters[: len(letters) // 4]
        players = {"words": work(text[:N_LETTERS]), "one": work(one), "four": work(letters)}
        seconds = take_turns(players, turns, label=f"learning and encoding {name}")
        for (what, most), ours, peer in zip(LIMITS.items(), ("one", "four"), ("words", "one"), strict=True):
            yield compare(
                f"learning and encoding {N_LETTERS:,} bytes of {name} without spaces, {what}", seconds[ours],
                seconds[peer], peer_name=peer, unit="s", target=Target(most, is_minimum=False),
            )  # fmt: skip


def train_theirs(texts):
    """Hugging Face's byte-level BPE with the same word pattern and as many merges, over the same texts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=N_BYTES + N_MERGES,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer, length=len(texts))
    return tokenizer


def _tokens_of_theirs(tokenizer) -> set[bytes]:
    from llmviz.tokenizers.bpe import LETTER_TO_BYTE

    return {bytes(LETTER_TO_BYTE[letter] for letter in token) for token in tokenizer.get_vocab()}


def _encoding(corpus: corpora.Corpus, turns: int) -> Iterator[Finding]:
    ours, theirs = BytePairTokenizer.train(corpus.documents, N_BYTES + N_MERGES + 1), train_theirs(corpus.documents)
    tiktoken = ours.fast_encoding
    megabytes = sum(len(document.encode()) for document in corpus.documents) / 1e6

    def speed(encode: Callable[[str], object]) -> Callable[[], float]:
        return lambda: megabytes / seconds_of(lambda: [encode(document) for document in corpus.documents])

    players = {
        "ours": speed(ours.encode),
        "tiktoken": speed(tiktoken.encode_ordinary),
        "HF tokenizers": speed(lambda document: theirs.encode(document).ids),
    }
    speeds = take_turns(players, turns, label="encoding")
    name = f"encoding {number(megabytes)} MB of {corpus.name}"
    for peer, target in (("tiktoken", Target(0.9)), ("HF tokenizers", None)):
        yield compare(
            f"{name}, against {peer}", speeds["ours"], speeds[peer], peer_name=peer, unit="MB/s", per="speed",
            target=target,
        )  # fmt: skip
