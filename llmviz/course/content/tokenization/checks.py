"""Lesson 1: solutions, inputs and wrong answers of the exercises."""

from llmviz.course._schema import Checks, with_mistake
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.tokenizers.reference import encode_word, longest_match, merge_pair
from llmviz.tokenizers.tiktoken import token_ranks

_RANKS = {token: rank for rank, token in enumerate([b"t", b"h", b"e", b"n", b"r", *b"he en the re then tt".split()])}
_ODD_RANKS = {token: rank for rank, token in enumerate(b"t e n tn tnt etnt ntn et".split())}
_TEXT = "The strawberries aren't unbelievable! 안녕, Καλημέρα, naïve 👩‍🚀\n\n 2048 kites   fly"
_GPT2_RANKS = {token: rank for token, rank in token_ranks("gpt2").items() if token in _TEXT.encode()}


def _merge_overlapping(pieces, pair):
    joins = [tuple(pieces[place : place + 2]) == pair for place in range(len(pieces))]
    return [
        "".join(pair) if join else piece
        for piece, join, before in zip(pieces, joins, [False, *joins], strict=False)
        if join or not before
    ]


def _match_stepping_back(word, vocabulary, mark=""):
    for end in range(len(word), 0, -1):
        rest = _match_stepping_back(word[end:], vocabulary, "##")
        if mark + word[:end] in vocabulary and rest != ["<unk>"]:
            return [mark + word[:end], *rest]
    return ["<unk>"] if word else []


def _longest_first(word, ranks):
    ids, start = [], 0
    while start < len(word):
        end = max(end for end in range(start + 1, len(word) + 1) if word[start:end] in ranks)
        ids.append(ranks[word[start:end]])
        start = end
    return ids


CHECKS = {
    "merge_pair": Checks(
        solution=merge_pair,
        cases=[
            (["t", "h", "e"], ("t", "h")),
            (["t", "h", "e", "t", "h"], ("t", "h")),
            (["h", "t", "t", "h"], ("t", "h")),
            (["a", "a", "a"], ("a", "a")),
            (["a", "a", "a", "a"], ("a", "a")),
            (["th", "e", "re"], ("th", "e")),
            (["ka", "t", "a", "t"], ("a", "t")),
            (["x"], ("x", "y")),
            ([], ("t", "h")),
        ],
        wrong_functions={
            "first_only": with_mistake(merge_pair, "if tuple", "if pair[0] + pair[1] not in merged and tuple"),
            "overlapping": _merge_overlapping,
            "second_kept": with_mistake(merge_pair, "place += 2", "place += 1"),
            "last_lost": with_mistake(merge_pair, "len(pieces):", "len(pieces) - 1:"),
            "as_text": lambda pieces, pair: " ".join(pieces).replace(" ".join(pair), "".join(pair)).split(),
            "nothing_joined": lambda pieces, pair: pieces,
            "all_at_once": lambda pieces, pair: ["".join(pair) if piece in pair else piece for piece in pieces],
        },
        conditions={"one_text": lambda result, pieces, pair: isinstance(result, str)},
        exceptions={"past_the_end": "IndexError"},
    ),
    "longest_match": Checks(
        solution=longest_match,
        cases=[
            ("kites", {"k", "kite", "##s"}),
            ("kite", {"k", "##i", "##t", "##e", "kit"}),
            ("aaaa", {"a", "##a", "##aa"}),
            ("tess", {"t", "##e", "##s", "s", "e"}),
            ("kitz", {"k", "kit", "##i"}),
            ("unhappy", {"un", "unh", "##happy"}),
            ("zoo", {"k"}),
            ("", {"k"}),
        ],
        wrong_functions={
            "shortest": with_mistake(longest_match, "len(word), start, -1", "start + 1, len(word) + 1"),
            "steps_back": _match_stepping_back,
            "without_marks": with_mistake(longest_match, '"##" if start', '"" if start'),
            "beginning_kept": with_mistake(longest_match, "[UNKNOWN]", "[*pieces, UNKNOWN]"),
        },
    ),
    "encode_word": Checks(
        solution=encode_word,
        cases=[
            *((word, _ODD_RANKS if word == b"etntn" else _RANKS)
              for word in (b"t", b"the", b"then", b"etntn", b"tthe", b"hhen", b"enthere", b"")),
            *((word.encode(), _GPT2_RANKS) for word in BytePairTokenizer([]).split_words(_TEXT)),
        ],
        wrong_functions={
            "bytes_only": lambda word, ranks: [ranks[bytes([byte])] for byte in word],
            "longest_first": _longest_first,
            "leftmost": with_mistake(encode_word, "min(known, key=lambda place: ranks[joined[place]])", "known[0]"),
            "highest_id": with_mistake(encode_word, "min(known", "max(known"),
        },
        conditions={"pieces": lambda result, word, ranks: any(isinstance(piece, bytes | str) for piece in result)},
        exceptions={"index_of_bytes": r"KeyError: \d|TypeError: .*(int|bytes)"},
    ),
}  # fmt: skip
