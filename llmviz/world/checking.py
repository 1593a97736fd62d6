"""What the world says about a text: valid or not, where it goes wrong, and what could have stood there."""

from collections.abc import Sequence
from dataclasses import dataclass

from llmviz.world.words import END, join

_LONGEST_SHOWN = 40
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Check:
    """The verdict on a text.

    `n_valid_words` words from the start are possible; `wrong_word` is the first that is not ("<|endoftext|>"
    when the text stops too early), `expected` lists what could stand there, most probable first.
    """

    valid: bool
    kind: str | None
    n_valid_words: int
    wrong_word: str | None
    expected: list[str]
    message: str


def spacing_mistake(text: str, words: Sequence[str]) -> int | None:
    """The index of the first word whose spacing is not that of normal English; None if all is well.

    `words` may be only the beginning of a very long text; then only that much is looked at.
    """
    normal = join(words)
    if text == normal:
        return None
    same = 0
    while same < min(len(text), len(normal)) and text[same] == normal[same]:
        same += 1
    end = 0
    for i, word in enumerate(words):
        end = normal.index(word, end) + len(word)
        if same < end:
            return i
    return len(words)


def approve(kind: str | None, n_words: int) -> Check:
    """The verdict on a text that the world can say."""
    return Check(True, kind, n_words, None, [], f"Tinyville could have produced this text (kind: {kind}).")


def reject(
    words: Sequence[str], kind: str | None, n_valid: int, expected: list[str], *, spacing: bool = False
) -> Check:
    """The verdict on a text of which only the first `n_valid` words are possible (or normally spaced)."""
    wrong_word = words[n_valid] if n_valid < len(words) else END
    if not words:
        message = "The text is empty; every text of Tinyville has words."
    elif spacing and wrong_word == END:
        message = "All words are possible, but there is a space or a line break at the end."
    elif spacing:
        message = f"The space before word {n_valid + 1}, {_shown(wrong_word)}, is not that of normal English."
    elif wrong_word == END:
        message = f"The text stops too early: after word {n_valid} Tinyville goes on with {_list(expected)}."
    elif expected == [END]:
        message = f"Tinyville would end the text before word {n_valid + 1}, {_shown(wrong_word)}."
    else:
        place = f"after {_shown(_context(words, n_valid))}" if n_valid else "at the start"
        message = (
            f"Word {n_valid + 1}, {_shown(wrong_word)}, is impossible here: "
            f"{place} Tinyville says {_list(expected)}."
        )
    return Check(False, kind if n_valid else None, n_valid, wrong_word, expected, message)


def _shown(word: str) -> str:
    short = word if len(word) <= _LONGEST_SHOWN else word[:_LONGEST_SHOWN] + "…"
    return f'"{short}"'


def _context(words: Sequence[str], n_valid: int) -> str:
    return join(words[max(0, n_valid - 4) : n_valid])


def _list(expected: list[str]) -> str:
    names = ["the end of the text" if word == END else _shown(word) for word in expected[:_MOST_SHOWN]]
    if len(expected) > _MOST_SHOWN:
        return ", ".join(names) + f" or one of {len(expected) - _MOST_SHOWN} other words"
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
