"""A lesson for tests, for a reader who types whatever comes to mind. Its one exercise is `word_counts`."""

from collections import Counter
from pathlib import Path

from llmviz.course import Checks, Lesson
from llmviz.course._schema import read_content
from llmviz.tokenizers.bpe import WORD

QUESTIONS = Path(__file__).with_name("sample.toml")
HOSTILE = "<img src=x onerror='document.title=`owned`'></script><b>&amp;\u202e \ud800"


def word_counts(texts: str) -> Counter[str]:
    """Count each word of the texts, cut as GPT-2 cuts them."""
    return Counter(WORD.findall(texts))


CHECKS = {
    "word_counts": Checks(
        solution=word_counts,
        cases=["a b a", "kite, kite!", ""],
        wrong_functions={"no_space": lambda text: Counter(text.split())},
        conditions={"letters": lambda result, text: {len(word) for word in result} == {1}},
        exceptions={"past_the_end": "IndexError"},
    )
}
LESSON = Lesson("sample", read_content(QUESTIONS, CHECKS))
