"""What a model is fine-tuned for: tasks whose labels Tinyville knows by construction (lesson 6)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from llmviz import artifacts, corpora, evaluation
from llmviz.embeddings.vectors import WordVectors
from llmviz.finetuning.loop import IGNORE_INDEX, Examples, as_rows, text_examples
from llmviz.generation.sampling import complete
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.facts import GUESTS, NAME_FIRST, VALUES
from llmviz.tokenizers.base import Tokenizer
from llmviz.training import loop, runs
from llmviz.training.checkpoints import Checkpoint

LABELS = {"mood": ("good", "bad"), "ground": ("water", "land")}
"""The two questions about a text of the kind "mood": in which mood does it end, and where does it begin to play?"""
QUESTIONS = {
    "house": "Where does {name} live?",
    "pet": "What pet does {name} have?",
    "job": "What is the job of {name}?",
    "food": "What does {name} like best?",
}
BASE_STEPS, BASE_TEXTS = 1_700, 6_000
QUESTION, ANSWER = "Question:", "Answer:"


@dataclass(frozen=True)
class Labeled:
    """A text and its label, one of its task's."""

    text: str
    label: str


def sentiment_texts(n_texts: int, task: str = "mood", *, seed: int = 0) -> list[Labeled]:
    """First sentences of moods, each with its label: the "mood" at the end, or the "ground" of the first place.

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
            found.append(Labeled(text.text.partition(".")[0] + ".", label))
    return found


def train_sentiment_base(*, progress: bool = False) -> Checkpoint:
    """The base of fine-tuning: train the tiny GPT further on its corpus with sentiment texts added (lesson 6)."""
    tiny = artifacts.load_model("tiny")
    corpus = corpora.tinyville(tiny.corpus["seed"], {**tiny.corpus["counts"], "mood": BASE_TEXTS}, progress=progress)
    token_ids = runs.corpus_tokens(corpus, tiny.tokenizer)
    starts = loop.document_starts(token_ids, tiny.tokenizer.end_of_text)
    settings = loop.TrainingSettings(steps=BASE_STEPS, learning_rate=0.012, embedding_learning_rate=0.009, seed=0)
    done = loop.train(tiny.model, token_ids, settings, starts=starts, progress=progress)
    world = Tinyville(corpus.recipe["counts"])
    texts = world.texts(corpora.HELD_OUT_SEED_STEP, counts={**dict.fromkeys(world.counts, 150), "family": 0})
    gaps = evaluation.gaps(tiny.model, tiny.tokenizer, texts, world)
    record = {
        "begins_with": "models/tiny",
        "n_parameters": tiny.model.n_parameters,
        "seconds": round(sum(step.seconds for step in done), 2),
        "history": [(step.step, round(step.loss, 4)) for step in done[:: max(1, BASE_STEPS // 100)]],
        "measured": {"gap_nats_per_word": {kind: round(gap.gap, 3) for kind, gap in gaps.items()}},
    }
    return Checkpoint(tiny.model, tiny.tokenizer, corpus.recipe, settings, BASE_STEPS, record)


def sentiment_examples(tokenizer: Tokenizer, texts: Sequence[Labeled], task: str = "mood") -> Examples:
    """The same as numbers, ready for `fine_tune`."""
    labels = [LABELS[task].index(text.label) for text in texts]
    return text_examples(tokenizer, [text.text for text in texts], labels)


@dataclass(frozen=True)
class Question:
    """A passage, a question about it, and its answer: one word of the passage."""

    passage: str
    question: str
    answer: str
    name: str

    @property
    def prompt(self) -> str:
        """All up to the answer, in the format of the instructions."""
        return f"{self.passage} {QUESTION} {self.question} {ANSWER}"


def questions(n_questions: int, *, seed: int = 0) -> list[Question]:
    """One of the six guests tells two things, and one of the two is asked for."""
    names = [guest.name for guest in GUESTS]
    return [_question(random.Random(f"{seed}/question/{i}"), names) for i in range(n_questions)]


def _question(draws: random.Random, names: Sequence[str]) -> Question:
    name = draws.choice(names)
    told = {attribute: draws.choice(VALUES[attribute]) for attribute in draws.sample(list(VALUES), 2)}
    sentences = [
        draws.choice(NAME_FIRST[attribute]).format(name=name, value=value) for attribute, value in told.items()
    ]
    asked = draws.choice(list(told))
    return Question(" ".join(sentences), QUESTIONS[asked].format(name=name), told[asked], name)


def answer_labels(prompt_ids: Sequence[int], answer_ids: Sequence[int], end_of_text: int) -> list[int]:
    """What a model that reads prompt and answer shall say at each of their tokens, `NO_LABEL` where nothing is asked.

    At the prompt's last token the answer's first one, and so on; at the answer's last token the end. The prompt itself
    is read, and not learned.

    >>> answer_labels([5, 6, 7], [8, 9], end_of_text=0)
    [-100, -100, 8, 9, 0]
    """
    return [IGNORE_INDEX] * (len(prompt_ids) - 1) + [*answer_ids, end_of_text]


def answer_examples(tokenizer: Tokenizer, asked: Sequence[Question]) -> Examples:
    """Questions for a model that goes on writing: only the answers and their ends are learned.

    Source: Ouyang et al. 2022, "Training language models to follow instructions with human feedback", section 3.1, in
    outline (their supervised step).
    """
    rows, labels = [], []
    for question in asked:
        prompt = tokenizer.encode_prompt(question.prompt)
        answer = tokenizer.encode(f"{question.prompt} {question.answer}")[len(prompt) - 1 :]
        rows.append(prompt + answer)
        labels.append(answer_labels(prompt, answer, tokenizer.end_of_text))
    return Examples(as_rows(rows, -1), as_rows(labels, IGNORE_INDEX))


def sentence_examples(tokenizer: Tokenizer, texts: Sequence[str]) -> Examples:
    """Texts to go on reading: at each token the next one is asked for, as in pre-training."""
    rows = [[*tokenizer.encode_prompt(text), tokenizer.end_of_text] for text in texts]
    return Examples(as_rows([row[:-1] for row in rows], -1), as_rows([row[1:] for row in rows], IGNORE_INDEX))


def answer_accuracy(model: DecoderOnly, tokenizer: Tokenizer, asked: Sequence[Question]) -> float:
    """The share of questions that the model answers with the right word and then ends (always its best token)."""
    right = 0
    for question in asked:
        said = complete(model, tokenizer, question.prompt, temperature=0, max_new_tokens=6)
        right += said.strip() == question.answer
    return right / len(asked)


CONTINENTS = ("Africa", "America", "Asia", "Europe")
CITIES = {
    "Africa": (
        "abidjan accra algiers asmara bamako bangui banjul bissau blantyre brazzaville bujumbura cairo casablanca "
        "conakry dakar djibouti douala freetown gaborone harare johannesburg kampala khartoum kigali kinshasa lagos "
        "libreville lome luanda lubumbashi lusaka malabo maputo maseru mbabane mogadishu monrovia nairobi niamey "
        "nouakchott ouagadougou tripoli tunis windhoek"
    ),
    "America": (
        "anchorage antigua aruba asuncion barbados belize bogota boise cancun caracas cayenne chicago chihuahua "
        "curacao denver detroit dominica edmonton fortaleza grenada guadeloupe guatemala guayaquil guyana halifax "
        "havana indianapolis jamaica juneau lima louisville managua manaus martinique matamoros mazatlan merida "
        "montevideo monterrey montreal nassau nome panama paramaribo phoenix recife regina santarem santiago tijuana "
        "toronto vancouver whitehorse winnipeg yellowknife"
    ),
    "Asia": (
        "aden almaty amman ashgabat baghdad bahrain baku bangkok beirut bishkek calcutta chita colombo damascus dhaka "
        "dili dubai dushanbe gaza hebron irkutsk jakarta jerusalem kabul kamchatka karachi kathmandu krasnoyarsk "
        "kuwait macau magadan manila muscat novosibirsk omsk pyongyang qatar rangoon riyadh samarkand seoul "
        "shanghai singapore taipei tashkent tbilisi tehran thimphu tokyo tomsk urumqi vientiane vladivostok yakutsk "
        "yekaterinburg yerevan"
    ),
    "Europe": (
        "amsterdam andorra astrakhan athens belgrade berlin bratislava brussels bucharest budapest copenhagen dublin "
        "gibraltar guernsey helsinki jersey kaliningrad kiev kirov lisbon ljubljana london luxembourg madrid "
        "malta minsk monaco moscow oslo paris podgorica prague riga rome samara sarajevo saratov simferopol skopje "
        "sofia stockholm tallinn tirane ulyanovsk uzhgorod vaduz vatican vienna vilnius volgograd warsaw zagreb zurich"
    ),
}
"""Names of one word from the IANA time zone database (public domain), such as "Europe/Paris": continent → cities."""


def labeled_cities(vectors: WordVectors, *, seed: int = 0) -> tuple[list[str], Tensor, Tensor]:
    """The cities that have a vector, in an order drawn from the seed.

    Returns:
        the names, their vectors (city, number), and their continents (city,), as places in `CONTINENTS`.
    """
    known = set(vectors.words)
    pairs = [
        (city, label) for label, name in enumerate(CONTINENTS) for city in CITIES[name].split() if city in known
    ]
    random.Random(seed).shuffle(pairs)
    rows = np.stack([vectors.vectors[vectors.row(city)] for city, _ in pairs])
    return [city for city, _ in pairs], torch.tensor(rows), torch.tensor([label for _, label in pairs])
