"""The game of lesson 1, played from the lesson's own cells without a browser."""

import re
from collections import Counter
from itertools import pairwise

import pytest
from lesson_reading import NOTEBOOKS, Lesson

from llmviz import corpora
from llmviz.tokenizers import reference
from llmviz.tokenizers.bpe import BytePairTokenizer


@pytest.fixture
def game() -> dict:
    """The names that the cells of the game leave behind."""
    cells = Lesson(NOTEBOOKS / "01_tokenization.ipynb").tagged("play", "code")
    names = {
        "corpus": corpora.tinyville(counts={"story": 40}),
        "bpe": BytePairTokenizer([]),
        "reference": reference,
    }
    exec(next(cell.source for cell in cells if "def turn" in cell.source), names)
    return names


def best_pair(words) -> tuple[str, int]:
    counts = Counter(pair for word in words for pair in pairwise(word))
    pair = max(counts, key=counts.get)
    return "".join(pair), counts[pair]


def test_every_turn_tells_the_most_frequent_pair_merges_it_and_deals_anew(game):
    buttons, board = game["buttons"], game["board"]
    for turn in range(1, 9):
        best, count = best_pair(game["game"])
        text = ["".join(word) for word in game["game"]]
        assert buttons.value in ("?", None) and best in buttons.options and len(buttons.options) == 5
        buttons.value = best if turn % 2 else next(one for one in buttons.options if one not in ("?", best))
        assert f"It was {best}, seen {count:,} times" in board.value
        assert re.search(rf"You: {(turn + 1) // 2} of {turn}\.", board.value)
        assert ["".join(word) for word in game["game"]] == text
        assert any(best in word for word in game["game"])


def test_a_learners_own_merge_pair_does_not_break_the_game(game):
    game["merge_pair"] = game["count_pairs"] = lambda *_: ...
    game["buttons"].value = game["buttons"].options[1]
    assert game["board"].value.startswith("It was ")
