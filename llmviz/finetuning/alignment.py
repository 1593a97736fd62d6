"""Alignment: chat data, reward models, and reinforcement learning from a reward (lesson 12)."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from llmviz import artifacts
from llmviz.evaluation.facts import _FactQuestion, fact_questions
from llmviz.finetuning.dpo import Preference, _batches, answer_log_probability
from llmviz.finetuning.loop import Examples, _logits, _with_head, label_loss
from llmviz.model.transformer import DecoderOnly, TransformerBase
from llmviz.tinyville.corpus import Tinyville
from llmviz.tinyville.facts import NAME_FIRST, QUESTIONS, VALUES, fact_sentence
from llmviz.tokenizers.base import Tokenizer
from llmviz.training.checkpoints import Checkpoint
from llmviz.training.loop import IGNORE_INDEX, TrainingSettings, optimize_steps, pad_rows

UNKNOWN = " I do not know."
"""The refusal of the chat model."""
CHAT_SETTINGS = TrainingSettings(steps=200, batch_size=16, optimizer="adamw", learning_rate=1e-3, decay=1.0)
_LONGEST_ANSWER, _GROUP_SIZE, _PROMPTS_A_STEP, _PAIRS_A_STEP, _OLD_TEXTS_A_STEP = 14, 8, 8, 32, 8


def chat_questions() -> list[_FactQuestion]:
    """The questions of `fact_questions` in a chat template: "User: Where does Mia live? Assistant:"."""
    texts = [QUESTIONS[one.attribute].format(name=one.name) for one in fact_questions()]
    return [replace(one, prompt=f"User: {text} Assistant:") for text, one in zip(texts, fact_questions(), strict=True)]


def fact_answer(question: _FactQuestion, value: str | None) -> str:
    """The answer that states a value, as the chat model's data word it; `UNKNOWN` for None.

    >>> fact_answer(chat_questions()[0], "mill")
    ' Mia lives in the mill.'
    """
    return UNKNOWN if value is None else " " + fact_sentence(NAME_FIRST[question.attribute][0], question.name, value)


def chat_split(seed: int = 0) -> tuple[list[_FactQuestion], list[_FactQuestion], list[_FactQuestion]]:
    """Questions for supervised fine-tuning (half), for reinforcement learning, and for tests: no question twice.

    Guests are split by name; strangers are in the tests only.
    """
    draw, questions, shown = random.Random(seed), chat_questions(), []
    for group in ("known", "never told"):
        here = [one for one in questions if one.group == group]
        draw.shuffle(here)
        shown += here[: len(here) // 2]
    guests = sorted({one.name for one in questions if one.group == "guest"})
    draw.shuffle(guests)
    shown += [one for one in questions if one.name in guests[: len(guests) // 2]]
    others = [one for one in questions if one not in shown]
    practice = [one for one in others if one.group != "stranger"][::2]
    return shown, practice, [one for one in others if one not in practice]


def chat_labels(turns: Sequence[tuple[str, Sequence[int]]]) -> list[int]:
    """The label at each token of a conversation: the next token if the assistant says it, else `IGNORE_INDEX`.

    turns: ("user" or "assistant", token ids) in order. Source: Ouyang et al. 2022, "Training language models to follow
    instructions with human feedback", section 3.1. Lesson 12.

    >>> chat_labels([("user", [5, 6]), ("assistant", [7, 0]), ("user", [8]), ("assistant", [9, 0])])
    [-100, 7, 0, -100, 9, 0, -100]
    """
    token_ids = [token_id for _, ids in turns for token_id in ids]
    is_answer = [role == "assistant" for role, ids in turns for _ in ids]
    following = zip(token_ids[1:], is_answer[1:], strict=True)
    return [token_id if answer else IGNORE_INDEX for token_id, answer in following] + [IGNORE_INDEX]


def chat_examples(tokenizer: Tokenizer, questions: Sequence[_FactQuestion]) -> Examples:
    """Conversations of one question and its right answer, of which only the answer has labels."""
    rows, labels = [], []
    for one in questions:
        prompt = tokenizer.encode_prompt(one.prompt)
        row = [*tokenizer.encode_prompt(one.prompt + fact_answer(one, one.truth)), tokenizer.end_of_text]
        rows.append(row)
        labels.append(chat_labels([("user", prompt), ("assistant", row[len(prompt) :])]))
    return Examples.of_rows(rows, labels)


def train_chat(*, seed: int = 0) -> Checkpoint:
    """Supervised fine-tuning of the tiny GPT on chat data, with old texts beside them against forgetting: minutes."""
    tiny, settings = artifacts.load_model("tiny"), replace(CHAT_SETTINGS, seed=seed)
    model, tokenizer = tiny.model, tiny.tokenizer
    counts = {"fact": 300, "story": 60, "visit": 60, "work": 60, "copy": 60}
    chat = chat_examples(tokenizer, chat_split(seed)[0])
    old = Examples.of_texts(tokenizer, [text.text for text in Tinyville().texts(77, counts=counts)])
    batches = [
        _batches(len(some), size, seed) for some, size in ((chat, settings.batch_size), (old, _OLD_TEXTS_A_STEP))
    ]
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.0)

    def batch_loss(step: int) -> Tensor:
        pairs = zip((chat, old), batches, strict=True)
        return sum(label_loss(model, some[torch.tensor(next(numbers))]) for some, numbers in pairs)

    for _ in optimize_steps(batch_loss, [optimizer], settings.steps, schedule=settings.schedule):
        pass
    record = {"begins_with": "models/tiny", "n_parameters": model.n_parameters}
    recipe = {"source": "chat", "seed": seed, "old_texts": counts}
    return Checkpoint(model, tokenizer, recipe, settings, settings.steps, record)


@torch.no_grad()
def sample_answers(
    model: DecoderOnly, tokenizer: Tokenizer, prompts: Sequence[str], generator: torch.Generator | None = None
) -> list[str]:
    """Answer all prompts at once, each up to the end of the text: at temperature 1; without a generator at 0."""
    end = tokenizer.end_of_text
    rows = [tokenizer.encode_prompt(prompt) for prompt in prompts]
    open_rows = rows
    for _ in range(_LONGEST_ANSWER):
        last = torch.tensor([len(row) - 1 for row in open_rows])
        logits = model(pad_rows(open_rows, end))[torch.arange(len(open_rows)), last]
        if generator is None:
            chosen = logits.argmax(dim=-1)
        else:
            chosen = torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)[:, 0]
        for row, token_id in zip(open_rows, chosen.tolist(), strict=True):
            row.append(token_id)
        open_rows = [row for row in open_rows if row[-1] != end]
        if not open_rows:
            break
    texts = [tokenizer.decode([one for one in row if one != end]) for row in rows]
    return [text[len(prompt) :] for text, prompt in zip(texts, prompts, strict=True)]


@dataclass(frozen=True)
class _ChatScores:
    """Shares of answers, 0 to 1. right, refused: of the known questions; invented: of those without an answer."""

    right: float
    refused: float
    invented: float


def chat_scores(model: DecoderOnly, tokenizer: Tokenizer, questions: Sequence[_FactQuestion]) -> _ChatScores:
    """What a chat model answers at temperature 0."""
    answers = sample_answers(model, tokenizer, [one.prompt for one in questions])
    known = [(answer, one) for answer, one in zip(answers, questions, strict=True) if one.truth]
    unknown = [answer for answer, one in zip(answers, questions, strict=True) if not one.truth]
    return _ChatScores(
        right=sum(answer == fact_answer(one, one.truth) for answer, one in known) / len(known),
        refused=sum(answer == UNKNOWN for answer, _ in known) / len(known),
        invented=sum(answer != UNKNOWN for answer in unknown) / len(unknown),
    )


def is_right(question: _FactQuestion, answer: str) -> bool:
    """A verifier that cannot be wrong: the true fact, or the refusal where there is none."""
    return answer == fact_answer(question, question.truth)


def says_nothing_false(question: _FactQuestion, answer: str) -> bool:
    """A flawed verifier: a refusal passes everywhere."""
    return is_right(question, answer) or answer == UNKNOWN


def looks_like_an_answer(question: _FactQuestion, answer: str) -> bool:
    """A flawed verifier: any house passes as the answer to a question about a house."""
    return answer in [fact_answer(question, value) for value in VALUES[question.attribute]]


VERIFIERS = (is_right, says_nothing_false, looks_like_an_answer)


def group_advantages(rewards: Tensor) -> Tensor:
    """GRPO's advantages: each reward minus the mean of its group, divided by the group's standard deviation.

    rewards: (prompt, sample). A group in which all rewards are equal gets 0. Source: Shao et al. 2024, "DeepSeekMath",
    section 4.1. Lesson 12.

    >>> group_advantages(torch.tensor([[1.0, 0.0], [1.0, 1.0]])).round(decimals=2).tolist()
    [[1.0, -1.0], [0.0, 0.0]]
    """
    deviation = rewards.std(dim=1, correction=0, keepdim=True)
    return (rewards - rewards.mean(dim=1, keepdim=True)) / (deviation + 1e-6)


@dataclass(frozen=True)
class _PolicyStep:
    """One update. reward: the mean; kl: ln p of the answers now, minus under the first model, the mean, in nats."""

    step: int
    reward: float
    kl: float


def grpo_steps(
    model: DecoderOnly, tokenizer: Tokenizer, questions: Sequence[_FactQuestion],
    reward: Callable[[_FactQuestion, str], float], *, steps: int, learning_rate: float = 2e-4, kl_weight: float = 0.0,
    seed: int = 0,
) -> Iterator[_PolicyStep]:  # fmt: skip
    """Group relative policy optimization, in place: eight answers to each of eight questions a step.

    Each batch is used once, so that the clipped ratio of the paper is 1. The KL penalty is ½ (ln p − ln p_ref)², whose
    gradient is that of the KL divergence (Schulman 2020, "Approximating KL Divergence"). Yields after each update.
    """
    reference, generator = copy.deepcopy(model), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.0)
    batches, seen = _batches(len(questions), _PROMPTS_A_STEP, seed), {}

    def batch_loss(step: int) -> Tensor:
        asked = [questions[number] for number in next(batches) for _ in range(_GROUP_SIZE)]
        prompts = [one.prompt for one in asked]
        answers = sample_answers(model, tokenizer, prompts, generator)
        rewards = torch.tensor([float(reward(*pair)) for pair in zip(asked, answers, strict=True)])
        advantages = group_advantages(rewards.view(-1, _GROUP_SIZE)).flatten()
        with torch.no_grad():
            before = answer_log_probability(reference, tokenizer, prompts, answers)
        change = answer_log_probability(model, tokenizer, prompts, answers) - before
        seen.update(reward=rewards.mean().item(), kl=change.mean().item())
        return (-advantages * change + kl_weight * change**2 / 2).mean()

    for done in optimize_steps(batch_loss, [optimizer], steps):
        yield _PolicyStep(done.step, **seen)


def reward_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    """The Bradley–Terry loss of a reward model, in nats: −ln sigmoid(chosen − rejected), the mean over pairs.

    Source: Ouyang et al. 2022, section 3.5, equation 1. Lesson 12.

    >>> reward_loss(torch.tensor([0.0]), torch.tensor([0.0])).item()
    0.6931471824645996
    """
    return -F.logsigmoid(chosen - rejected).mean()


def preference_pairs(questions: Sequence[_FactQuestion], *, likes_answers: float, seed: int = 0) -> list[Preference]:
    """One pair a question, as people judge who check the facts they know and like an answer better than none.

    A known fact is preferred to another value. Where nobody knows, an invented value is preferred to the refusal in a
    share `likes_answers` of the pairs.
    """
    draw, pairs = random.Random(seed), []
    for one in questions:
        other = fact_answer(one, draw.choice([value for value in VALUES[one.attribute] if value != one.truth]))
        sides = fact_answer(one, one.truth), other
        if not one.truth and draw.random() < likes_answers:
            sides = sides[::-1]
        pairs.append(Preference(one.prompt, *sides))
    return pairs


def rewards_of(reward_model: TransformerBase, tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    """The reward of each text, prompt and answer: (text,), read at its end."""
    rows = [[*tokenizer.encode_prompt(text), tokenizer.end_of_text] for text in texts]
    last = torch.tensor([len(row) - 1 for row in rows])
    return _logits(reward_model, pad_rows(rows, tokenizer.end_of_text))[torch.arange(len(rows)), last, 0]


def train_reward_model(
    model: DecoderOnly, tokenizer: Tokenizer, pairs: Sequence[Preference], *, steps: int = 80, seed: int = 0
) -> TransformerBase:
    """A reward model: a copy of the model with one number as its output, trained on pairs: some seconds."""
    reward_model = _with_head(copy.deepcopy(model), 1)
    optimizer = torch.optim.AdamW(reward_model.parameters(), lr=5e-4, weight_decay=0.0)
    batches = _batches(len(pairs), _PAIRS_A_STEP, seed)

    def batch_loss(step: int) -> Tensor:
        batch = [pairs[number] for number in next(batches)]
        sides = [[pair.prompt + getattr(pair, side) for pair in batch] for side in ("chosen", "rejected")]
        return reward_loss(*(rewards_of(reward_model, tokenizer, texts) for texts in sides))

    for _ in optimize_steps(batch_loss, [optimizer], steps, schedule=lambda step: 1 - step / steps):
        pass
    return reward_model
