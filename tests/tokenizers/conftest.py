"""Tokenizers that several tests use, each trained once."""

import pytest

from llmviz import corpora
from llmviz.tokenizers import TOKENIZERS

SCRIPTS = (
    "Mia found a red kite. Mia's kite is in the garden, isn't it? 42 kites!\n\n"
    "미아는 빨간 연을 찾았다. 연은 정원에 있다. "
    "وجدت ميا طائرة ورقية حمراء. الطائرة في الحديقة. "
    "מיה מצאה עפיפון אדום. העפיפון בגן. "
    "👩‍👩‍👧 👍🏽 🇫🇷 🪁🪁🪁 naïve café Ünïcödé ﬁ\t\r\n   x"
)


@pytest.fixture(scope="session")
def training_texts() -> list[str]:
    return [*corpora.python_documentation().documents[:20], SCRIPTS * 3]


@pytest.fixture(scope="session", params=list(TOKENIZERS))
def any_tokenizer(request, training_texts):
    """One tokenizer of each kind; a new kind joins by being in TOKENIZERS."""
    return TOKENIZERS[request.param].train(training_texts, 1000)
