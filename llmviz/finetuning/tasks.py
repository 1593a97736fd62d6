"""Tasks of fine-tuning whose labels Tinyville knows by construction, and baselines without a model (lessons 6, 8)."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from string import ascii_lowercase
from typing import NamedTuple

import torch
from torch import Tensor

from llmviz import artifacts, corpora
from llmviz.evaluation.facts import _Answers, _FactQuestion, fact_questions, last_logits
from llmviz.evaluation.losses import gaps
from llmviz.finetuning.dpo import tune_on_answers
from llmviz.finetuning.loop import Examples, _predict, answer_labels
from llmviz.generation.sampling import complete
from llmviz.model.transformer import DecoderOnly, TransformerBase
from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.facts import GUESTS, NAME_FIRST, QUESTIONS, VALUES
from llmviz.tinyville.grammar import join
from llmviz.tinyville.stories import HEROES, PARTNERS
from llmviz.tokenizers.base import Tokenizer
from llmviz.tokenizers.words import words
from llmviz.training import runs
from llmviz.training.checkpoints import Checkpoint
from llmviz.training.loop import IGNORE_INDEX, TrainingSettings, document_starts, train

LABELS = {"sentiment": ("good", "bad"), "location_type": ("water", "land")}
"""Two tasks on the same texts: the sentiment at the end, and the type of the first location."""
REFUSAL = " ... nobody knows."
_BASE_STEPS, _BASE_TEXTS = 1_700, 6_000
_SPELLING_STEPS, _N_TEST_WORDS = 90, 80


class _LabeledText(NamedTuple):
    text: str
    label: str


def sentiment_texts(n_texts: int, task: str = "sentiment", *, seed: int = 0) -> list[_LabeledText]:
    """First sentences of sentiment texts, each with its label for a task of `LABELS`.

    Both labels equally often, or one more of the first.
    """
    if task not in LABELS:
        raise ValueError(f"the tasks are {', '.join(map(repr, LABELS))}; given {task!r}")
    wanted = {label: (n_texts + 1 - i) // 2 for i, label in enumerate(LABELS[task])}
    found = []
    for text in Tinyville({"mood": 1}).texts(seed, counts={"mood": 3 * n_texts + 30}):
        label = text.labels[task]
        if wanted[label]:
            wanted[label] -= 1
            found.append(_LabeledText(text.text.partition(".")[0] + ".", label))
    return found


def sentiment_examples(tokenizer: Tokenizer, texts: Sequence[_LabeledText], task: str = "sentiment") -> Examples:
    """Examples with the label's place in `LABELS[task]` at the last token, where a causal model has seen the text."""
    rows = [tokenizer.encode_prompt(text.text) for text in texts]
    labels = [LABELS[task].index(text.label) for text in texts]
    return Examples.of_rows(rows, [
        [IGNORE_INDEX] * (len(row) - 1) + [label] for row, label in zip(rows, labels, strict=True)
    ])  # fmt: skip


def train_sentiment_base(*, progress: bool = False) -> Checkpoint:
    """The base of fine-tuning: train the tiny GPT further on its corpus with sentiment texts added (lesson 6)."""
    tiny = artifacts.load_model("tiny")
    corpus = corpora.tinyville(tiny.corpus["seed"], {**tiny.corpus["counts"], "mood": _BASE_TEXTS}, progress=progress)
    token_ids = runs.corpus_tokens(corpus, tiny.tokenizer)
    starts = document_starts(token_ids, tiny.tokenizer.end_of_text)
    settings = TrainingSettings(steps=_BASE_STEPS, learning_rate=0.012, embedding_learning_rate=0.009, seed=0)
    done = train(tiny.model, token_ids, settings, starts=starts, progress=progress)
    world = Tinyville(corpus.recipe["counts"])
    texts = world.texts(corpora.HELD_OUT_SEED_STEP, counts={**dict.fromkeys(world.counts, 150), "family": 0})
    measured = gaps(tiny.model, tiny.tokenizer, texts, world)
    record = {
        "begins_with": "models/tiny",
        "n_parameters": tiny.model.n_parameters,
        "seconds": round(sum(step.seconds for step in done), 2),
        "history": [(step.step, round(step.loss, 4)) for step in done[:: max(1, _BASE_STEPS // 100)]],
        "measured": {"gap_nats_per_word": {kind: round(gap.gap, 3) for kind, gap in measured.items()}},
    }
    return Checkpoint(tiny.model, tiny.tokenizer, corpus.recipe, settings, _BASE_STEPS, record)


ENTITY_LABELS = ("other", "person", "place")
AMBIGUOUS = ("May", "Will", "Rose")
"""Each is a name in half of the texts about word senses, and something else in the other half."""
TAUGHT = frozenset(person.name for cast in (HEROES, PARTNERS) for person in cast[::2])
"""Half of the people: stories about the others are never labeled."""


class _TaggedText(NamedTuple):
    """The words of a text, and the label of each, one of `ENTITY_LABELS`."""

    words: tuple[str, ...]
    labels: tuple[str, ...]


def entity_texts(n_texts: int, names: str = "taught", *, seed: int = 0) -> list[_TaggedText]:
    """Texts with their people and places labeled.

    names: "taught": stories of one half of the people; "untaught": of the other half, who are in the model's
    pretraining but never labeled; "ambiguous": texts with May, Will or Rose: a name, or a month, a verb, a flower.
    """
    if names not in ("taught", "untaught", "ambiguous"):
        raise ValueError(f'names are "taught", "untaught" or "ambiguous"; given {names!r}')
    kind, n_drawn = ("sense", 3 * n_texts + 30) if names == "ambiguous" else ("story", 6 * n_texts + 60)
    found: list[_TaggedText] = []
    for text in Tinyville({kind: 1}).texts(seed, counts={kind: n_drawn}):
        labels = text.labels
        if names == "ambiguous":
            fits, people, places = labels["word"] in AMBIGUOUS, {labels["word"]}, set()
            people = people if labels["sense"] == "name" else set()
        else:
            people, places = {labels["person"], labels["partner"]}, {labels["place"]}
            fits = all((name in TAUGHT) == (names == "taught") for name in people)
        if fits and len(found) < n_texts:
            label_of = dict.fromkeys(places, "place") | dict.fromkeys(people, "person")
            text_words = tuple(words(text.text))
            found.append(_TaggedText(text_words, tuple(label_of.get(word, "other") for word in text_words)))
    return found


def entity_examples(tokenizer: Tokenizer, texts: Sequence[_TaggedText]) -> Examples:
    """Examples with the label of a word at its first token (Devlin et al. 2019, section 5.3)."""
    rows, labels = [], []
    for text in texts:
        row, places = _word_places(tokenizer, text.words)
        marks = [IGNORE_INDEX] * len(row)
        for place, label in zip(places, text.labels, strict=True):
            if marks[place] == IGNORE_INDEX:
                marks[place] = ENTITY_LABELS.index(label)
        rows.append(row)
        labels.append(marks)
    return Examples.of_rows(rows, labels)


def _word_places(tokenizer: Tokenizer, text_words: Sequence[str]) -> tuple[list[int], list[int]]:
    """The tokens of a text, an end-of-text token at either end, and in which of them each word begins.

    Two punctuation marks may share a token.
    """
    text = join(text_words)
    token_ids = tokenizer.encode(text)
    ends = list(accumulate(len(tokenizer.token_bytes(token_id)) for token_id in token_ids))
    before_text = ends[-1] - len(text.encode())  # the space that the first token may begin with
    places, at = [], 0
    for word in text_words:
        at = text.index(word, at)
        places.append(1 + bisect_right(ends, before_text + len(text[:at].encode())))
        at += len(word)
    return [*tokenizer.encode_prompt(text), tokenizer.end_of_text], places


def f1(found: Tensor, right: Tensor, label: int) -> float:
    """F1 of one label: 2 · hits / (found + right), the harmonic mean of precision and recall, 0 to 1.

    Where nothing was to be found and nothing was found, it is 1.

    >>> round(f1(torch.tensor([1, 1, 0]), torch.tensor([1, 0, 0]), 1), 2)
    0.67
    """
    hits = int(((found == label) & (right == label)).sum())
    n_found, n_right = int((found == label).sum()), int((right == label).sum())
    return 2 * hits / (n_found + n_right) if n_found + n_right else 1.0


def entity_f1(model: TransformerBase, examples: Examples) -> dict[str, float]:
    """F1 of persons and of places."""
    found, right = _predict(model, examples)
    return {ENTITY_LABELS[label]: f1(found, right, label) for label in (1, 2)}


def dictionary_f1(learned: Sequence[_TaggedText], texts: Sequence[_TaggedText]) -> dict[str, float]:
    """F1 of the baseline that gives each word its most frequent label in the learned texts, "other" to new words."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for word, label in (pair for text in learned for pair in zip(*text, strict=True)):
        seen[word][label] += 1
    pairs = [pair for text in texts for pair in zip(*text, strict=True)]
    guesses = [seen[word].most_common(1)[0][0] if word in seen else "other" for word, _ in pairs]
    sides = (guesses, [label for _, label in pairs])
    found, right = (torch.tensor([ENTITY_LABELS.index(label) for label in side]) for side in sides)
    return {ENTITY_LABELS[label]: f1(found, right, label) for label in (1, 2)}


@dataclass(frozen=True)
class _PassageQuestion:
    """A passage, a question about it, and its answer: one word of the passage."""

    passage: str
    question: str
    answer: str
    name: str

    @property
    def prompt(self) -> str:
        """All up to the answer, in the format of the instructions."""
        return f"{self.passage} Question: {self.question} Answer:"


def passage_questions(n_questions: int, *, seed: int = 0) -> list[_PassageQuestion]:
    """Passages that state two facts about one of the six guests, and a question about one of the two."""
    found = []
    for number in range(n_questions):
        draws = random.Random(f"{seed}/question/{number}")
        name = draws.choice([guest.name for guest in GUESTS])
        told = {attribute: draws.choice(VALUES[attribute]) for attribute in draws.sample(list(VALUES), 2)}
        wordings = {attribute: draws.choice(NAME_FIRST[attribute]) for attribute in told}
        passage = " ".join(wordings[attribute].format(name=name, value=value) for attribute, value in told.items())
        asked = draws.choice(list(told))
        found.append(_PassageQuestion(passage, QUESTIONS[asked].format(name=name), told[asked], name))
    return found


def answer_examples(tokenizer: Tokenizer, questions: Sequence[_PassageQuestion]) -> Examples:
    """Examples for supervised fine-tuning: only the answers and their ends have labels.

    Source: Ouyang et al. 2022, "Training language models to follow instructions with human feedback", section 3.1.
    """
    rows, labels = [], []
    for question in questions:
        prompt = tokenizer.encode_prompt(question.prompt)
        answer = tokenizer.encode(f"{question.prompt} {question.answer}")[len(prompt) - 1 :]
        rows.append(prompt + answer)
        labels.append(answer_labels(prompt, answer, tokenizer.end_of_text))
    return Examples.of_rows(rows, labels)


def answer_accuracy(model: DecoderOnly, tokenizer: Tokenizer, questions: Sequence[_PassageQuestion]) -> float:
    """The share of questions that the model answers with the right word and then ends, by greedy decoding."""
    said = (complete(model, tokenizer, one.prompt, temperature=0, max_new_tokens=6).strip() for one in questions)
    return sum(one == question.answer for one, question in zip(said, questions, strict=True)) / len(questions)


@dataclass(frozen=True)
class _RefusalExamples:
    """shown: (prompt, answer or `REFUSAL`) pairs; refusals come twice. kept: the questions that are not among them."""

    shown: list[tuple[str, str]]
    kept: list[_FactQuestion]


def refusal_examples(*, with_guests: bool, seed: int = 0) -> _RefusalExamples:
    """Four fifths of the known facts, and refusals for half of the people of whom something was never told.

    with_guests: three of the six guests are refused, too. seed: who is shown and who is held out.
    """
    draw, questions = random.Random(seed), fact_questions()
    known = [one for one in questions if one.truth]
    draw.shuffle(known)
    shown = known[: int(0.8 * len(known))]
    refused = set(_half(questions, "never told", draw)) | set(_half(questions, "guest", draw) if with_guests else ())
    unknown = [one for one in questions if one.truth is None and one.name in refused]
    pairs = [(one.prompt, f" {one.truth}.") for one in shown] + 2 * [(one.prompt, REFUSAL) for one in unknown]
    used = {one.prompt for one in shown + unknown}
    return _RefusalExamples(pairs, [one for one in questions if one.prompt not in used])


def _half(questions: Sequence[_FactQuestion], group: str, draw: random.Random) -> list[str]:
    names = sorted({one.name for one in questions if one.group == group})
    draw.shuffle(names)
    return names[: len(names) // 2]


def is_refusal(answers: _Answers, tokenizer: Tokenizer) -> Tensor:
    """Which answers begin as `REFUSAL` begins: (question,), bool."""
    before = tokenizer.encode("Mia")
    begins = tokenizer.tokens(tokenizer.encode(f"Mia{REFUSAL}"))[len(before)].strip()
    return torch.tensor([word == begins for word in answers.words])


class SpellingTask:
    """Name the last letter of a word that is one token, given whole or spelled out.

    words: to train on: words of Tinyville, three to nine letters long, each one token with the space before it.
    new_words: to test with.
    """

    def __init__(self, tokenizer: Tokenizer, *, seed: int = 0):
        self.tokenizer = tokenizer
        tokens = set(tokenizer.tokens(range(tokenizer.vocab_size)))
        texts = Tinyville().texts(0, counts={"story": 300, "work": 100, "sense": 200, "visit": 100})
        found = {word for text in texts for word in Tinyville.words(text.text) if word.isalpha() and word.islower()}
        usable = sorted(word for word in found if 3 <= len(word) <= 9 and f" {word}" in tokens)
        random.Random(seed).shuffle(usable)
        self.words, self.new_words = usable[_N_TEST_WORDS:], usable[:_N_TEST_WORDS]

    @staticmethod
    def prompt(word: str, *, spelled: bool) -> str:
        """The question, with the word whole or letter by letter.

        >>> SpellingTask.prompt("cat", spelled=False), SpellingTask.prompt("cat", spelled=True)
        ('The word cat ends in', 'The word c a t ends in')
        """
        return f"The word {' '.join(word) if spelled else word} ends in"

    def tune(self, model: DecoderOnly, *, spelled: bool, seed: int = 0) -> DecoderOnly:
        """A copy of the model, fine-tuned on the words to train on."""
        examples = [(self.prompt(word, spelled=spelled), f" {word[-1]}") for word in self.words]
        return tune_on_answers(model, self.tokenizer, examples, steps=_SPELLING_STEPS, seed=seed)

    def accuracy(self, model: DecoderOnly, *, spelled: bool) -> float:
        """The share of new words whose last letter gets the highest probability of the 26 letters."""
        letters = [self.tokenizer.encode(f"in {letter}")[-1] for letter in ascii_lowercase]
        prompts = [self.prompt(word, spelled=spelled) for word in self.new_words]
        best = last_logits(model, self.tokenizer, prompts)[:, letters].argmax(dim=-1).tolist()
        return sum(ascii_lowercase[i] == word[-1] for i, word in zip(best, self.new_words, strict=True)) / len(best)
