"""A lesson for tests, for a reader who types whatever comes to mind. Its one exercise is `word_counts`."""

from collections import Counter
from pathlib import Path

from llmviz.course import Checks, Lesson, NotYet
from llmviz.course._schema import read_content
from llmviz.tokenizers.bpe import WORD

QUESTIONS = Path(__file__).with_name("sample.toml")
HOSTILE = "<img src=x onerror='document.title=`owned`'></script><b>&amp;\u202e \ud800"


def word_counts(texts: str) -> Counter[str]:
    """Count each word of the texts, cut as GPT-2 cuts them."""
    return Counter(WORD.findall(texts))


def same_answer_twice(call):
    """A further check: the same question twice has the same answer."""
    first, second = call("kite kite"), call("kite kite")
    if first != second:
        raise NotYet("You remember the words of the call before.", given="kite kite", got=second, expected=first)


CHECKS = {
    "word_counts": Checks(
        solution=word_counts,
        cases=["a b a", "kite, kite!", ""],
        wrong_functions={"no_space": lambda text: Counter(text.split())},
        conditions={"letters": lambda result, text: {len(word) for word in result} == {1}},
        exceptions={"past_the_end": "IndexError"},
        further_check=same_answer_twice,
    )
}
LESSON = Lesson("sample", read_content(QUESTIONS, CHECKS))
