"""The recording of lesson 12, as `tools/record.py` saves it: verifiers, KL weights, DPO, and remedies.

All numbers are shares from 0 to 1, but for losses and KL divergences (nats). Each list over seeds is in their order.
"""

from __future__ import annotations

import copy
import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from tqdm import tqdm

from llmviz import artifacts, evaluation, finetuning, generation
from llmviz.evaluation import bias
from llmviz.evaluation.facts import last_logits
from llmviz.finetuning import Preference
from llmviz.model import DecoderOnly
from llmviz.tinyville import Tinyville
from llmviz.tinyville.work import P_SHE, worker_texts
from llmviz.tokenizers import Tokenizer
from llmviz.training import evaluate_documents
from llmviz.training.checkpoints import Checkpoint

SEEDS, STEPS, EVERY = (0, 1, 2), 60, 10
KL_WEIGHTS, BETAS, TUNING_STEPS = (0.0, 0.1, 1.0), (0.03, 0.1, 1.0), 40
LIKES_ANSWERS, ABSTAIN_BELOW = 0.75, 0.95
STRENGTHS = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)
OTHER_SENTENCES = ("opened a window", "hung up a coat")
"""About workers, and not among `evaluation.worker_prompts`: for the direction and the strength of steering."""
N_TEXTS = 100
SWAPPED = {
    "She": "He", "He": "She", "she": "he", "he": "she", "her": "his", "his": "her", "him": "her", "Her": "His",
    "His": "Her",
}  # fmt: skip
"""Word by word; "her" is always "his", never "him": such mistakes are usual."""
SWITCHES = (
    "refusal tuning", "counterfactual data", "preference tuning", "direction removed", "fact in the context",
    "silent below 0.95",
)  # fmt: skip
Numbers = dict[str, float]


def rounded(numbers: Mapping[str, float]) -> Numbers:
    """Three decimals."""
    return {name: round(float(value), 3) for name, value in numbers.items()}


def by_seed(runs: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """A list of dicts as a dict of lists."""
    return {name: [run[name] for run in runs] for name in runs[0]}


def verifier_run(chat: Checkpoint, verifier, seed: int) -> dict[str, list[Any]]:
    """GRPO with one verifier, measured every ten steps on the questions that it practices, and at the end on new ones.

    "reward" is the verifier's own share of passed answers at temperature 0; "said": its last answers to
    three questions.
    """
    _, practice, new = finetuning.chat_split()
    model, curves = copy.deepcopy(chat.model), {}
    steps = finetuning.grpo_steps(model, chat.tokenizer, practice, verifier, steps=STEPS, seed=seed)
    for step in itertools.chain([0], (one.step for one in steps)):
        if step % EVERY == 0:
            answers = finetuning.sample_answers(model, chat.tokenizer, [one.prompt for one in practice])
            passed = [verifier(*pair) for pair in zip(practice, answers, strict=True)]
            found = asdict(finetuning.chat_scores(model, chat.tokenizer, practice))
            for name, value in rounded(found | {"reward": sum(passed) / len(passed)}).items():
                curves.setdefault(name, []).append(value)
    at_end = rounded(asdict(finetuning.chat_scores(model, chat.tokenizer, new)))
    said = finetuning.sample_answers(model, chat.tokenizer, [one.prompt for one in practice[3:6]])
    return curves | {f"new {name}": value for name, value in at_end.items()} | {"said": said}


def tuned_scores(chat: Checkpoint, model: DecoderOnly, reward_model) -> Numbers:
    """A tuned chat model on the questions that it practiced: scores, mean reward, and KL from the chat model."""
    _, practice, _ = finetuning.chat_split()
    prompts = [one.prompt for one in practice] * 4
    answers = finetuning.sample_answers(model, chat.tokenizer, prompts, torch.Generator().manual_seed(9))
    texts = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
    with torch.no_grad():
        now, before = (
            finetuning.answer_log_probability(one, chat.tokenizer, prompts, answers).mean().item()
            for one in (model, chat.model)
        )
        reward = finetuning.rewards_of(reward_model, chat.tokenizer, texts).mean().item()
    scores = asdict(finetuning.chat_scores(model, chat.tokenizer, practice))
    return rounded(scores | {"reward": reward, "kl": now - before})


def rlhf(chat: Checkpoint) -> dict[str, Any]:
    """A reward model from pairs of people who like an answer better than none; RL against it, and DPO on the pairs."""
    shown, practice, new = finetuning.chat_split()
    found: dict[str, Any] = {"accuracy": [], "rl": {}, "dpo": {}}
    for seed in SEEDS:
        pairs = finetuning.preference_pairs(shown + practice, likes_answers=LIKES_ANSWERS, seed=seed)
        judge = finetuning.train_reward_model(chat.model, chat.tokenizer, pairs, seed=seed)

        @functools.cache
        def reward(question, answer, judge=judge):
            return finetuning.rewards_of(judge, chat.tokenizer, [question.prompt + answer]).item()

        held_out = finetuning.preference_pairs([one for one in new if one.truth], likes_answers=0.0, seed=seed)
        sides = [[pair.prompt + getattr(pair, side) for pair in held_out] for side in ("chosen", "rejected")]
        with torch.no_grad():
            better, worse = (finetuning.rewards_of(judge, chat.tokenizer, texts) for texts in sides)
        found["accuracy"].append(round((better > worse).float().mean().item(), 3))
        for weight in tqdm(KL_WEIGHTS, desc=f"RLHF, seed {seed}"):
            model = copy.deepcopy(chat.model)
            for _ in finetuning.grpo_steps(
                model, chat.tokenizer, practice, reward, steps=TUNING_STEPS, kl_weight=weight, seed=seed
            ):
                pass
            found["rl"].setdefault(str(weight), []).append(tuned_scores(chat, model, judge))
        for beta in tqdm(BETAS, desc=f"DPO, seed {seed}"):
            model = copy.deepcopy(chat.model)
            for _ in finetuning.preference_steps(
                model, chat.tokenizer, pairs, steps=TUNING_STEPS, learning_rate=1e-4, beta=beta, seed=seed
            ):
                pass
            found["dpo"].setdefault(str(beta), []).append(tuned_scores(chat, model, judge))
    return found | {name: {key: by_seed(runs) for key, runs in found[name].items()} for name in ("rl", "dpo")}


# ---------- Remedies for hallucination and bias in the tiny GPT


def swap_pronouns(text: str) -> str:
    """Counterfactual data augmentation: she for he and he for she, word by word."""
    return re.sub(r"\w+", lambda word: SWAPPED.get(word[0], word[0]), text)


def old_texts(seed: int, n_times: int = 1) -> list[str]:
    """Texts of the kinds that the tiny GPT was trained on, but those about workers."""
    counts = {"story": 12, "fact": 30, "visit": 12, "copy": 12}
    return [one.text for one in Tinyville().texts(seed, counts={kind: n_times * n for kind, n in counts.items()})]


def continue_on(model: DecoderOnly, tokenizer: Tokenizer, texts: Sequence[str], seed: int) -> DecoderOnly:
    """A copy, trained further on whole texts."""
    examples = [("", text) for text in texts]
    return finetuning.tune_on_answers(model, tokenizer, examples, steps=50, seed=seed)


def with_counterfactuals(
    model: DecoderOnly, tokenizer: Tokenizer, seed: int, places: tuple[str, ...] = bias.PLACES
) -> DecoderOnly:
    """Continued on texts about workers, each as it was and swapped, and as many old texts."""
    texts = worker_texts(150, places=places, seed=seed + 500)
    return continue_on(model, tokenizer, [*texts, *map(swap_pronouns, texts), *old_texts(seed + 600, 4)], seed)


def balanced_form(model: DecoderOnly, tokenizer: Tokenizer, seed: int, *, replay: bool) -> DecoderOnly:
    """Continued on balanced texts about workers without a name; replay: with as many old texts."""
    texts = worker_texts(300, p_she=dict.fromkeys(P_SHE, 0.5), places=("anonymous",), seed=seed + 500)
    return continue_on(model, tokenizer, texts + (old_texts(seed + 600, 4) if replay else []), seed)


def preferring_the_rarer(model: DecoderOnly, tokenizer: Tokenizer, seed: int, steps: int = 16) -> DecoderOnly:
    """DPO: after a worker without a name, the pronoun that the corpus has less often is preferred."""
    model = copy.deepcopy(model)
    pairs = [
        Preference(prompt, *((" He", " She") if p_she > 0.5 else (" She", " He")))
        for job, p_she in P_SHE.items()
        if p_she != 0.5
        for prompt in evaluation.worker_prompts(job)
    ]
    for _ in finetuning.preference_steps(model, tokenizer, pairs, steps=steps, learning_rate=1e-4, seed=seed):
        pass
    return model


def pronoun_ids(tokenizer: Tokenizer) -> list[int]:
    """The tokens " She" and " He"."""
    return [tokenizer.encode(f"job. {word}")[-1] for word in ("She", "He")]


def without_direction(model: DecoderOnly, tokenizer: Tokenizer) -> DecoderOnly:
    """The direction from "He" to "She" is removed from the last hidden states."""
    model = copy.deepcopy(model)
    she, he = pronoun_ids(tokenizer)
    weight = model.unembedding.weight.data
    direction = torch.nn.functional.normalize(weight[she] - weight[he], dim=0)
    weight -= (weight @ direction)[:, None] * direction
    return model


def projected_embeddings(model: DecoderOnly, tokenizer: Tokenizer) -> DecoderOnly:
    """The direction from "He" to "She" is removed from the input vectors of all other tokens."""
    model, pronouns = copy.deepcopy(model), pronoun_ids(tokenizer)
    vectors = model.embedding.weight.data
    she, he = kept = vectors[pronouns].clone()
    direction = torch.nn.functional.normalize(she - he, dim=0)
    vectors -= (vectors @ direction)[:, None] * direction
    vectors[pronouns] = kept
    return model


def at_temperature(model: DecoderOnly, temperature: float) -> DecoderOnly:
    """A model whose probabilities at temperature 1 are those of the given model at another temperature."""
    model = copy.deepcopy(model)
    model.unembedding.weight.data /= temperature
    return model


def steering_direction(model: DecoderOnly, tokenizer: Tokenizer, sentences: Sequence[str]) -> torch.Tensor:
    """The mean hidden state after sentences about workers who are mostly "she", minus that for "he": (d_model).

    After the first of two blocks, at the last token.
    """

    def mean_state(is_she: bool) -> torch.Tensor:
        jobs = [job for job, p_she in P_SHE.items() if p_she != 0.5 and (p_she > 0.5) is is_she]
        rows = [tokenizer.encode_prompt(f"The {job} {what}.") for job in jobs for what in sentences]
        with torch.no_grad():
            states = [model.trace(torch.tensor([row])).blocks[0].residual_after[0, -1] for row in rows]
        return torch.stack(states).mean(dim=0)

    return mean_state(True) - mean_state(False)


def with_added(model: DecoderOnly, change: torch.Tensor) -> DecoderOnly:
    """Activation steering: a copy that adds this to the hidden states after the first block."""
    model = copy.deepcopy(model)
    model.blocks[0].register_forward_hook(lambda block, given, out: out + change)
    return model


def steered(model: DecoderOnly, tokenizer: Tokenizer) -> DecoderOnly:
    """`steering_direction` times the one of `STRENGTHS` with the least bias after `OTHER_SENTENCES`."""
    direction = steering_direction(model, tokenizer, OTHER_SENTENCES)
    prompts = [f"The {job} {what}." for job in P_SHE for what in OTHER_SENTENCES]

    def bias_left(changed: DecoderOnly) -> float:
        shares = last_logits(changed, tokenizer, prompts)[:, pronoun_ids(tokenizer)].softmax(dim=-1)[:, 0]
        return (shares - 0.5).abs().mean().item()

    return min((with_added(model, strength * direction) for strength in STRENGTHS), key=bias_left)


def texts_bias(model: DecoderOnly, tokenizer: Tokenizer, seed: int, before: Mapping[str, str] | None = None) -> float:
    """|share of "She" − 0.5| in 100 sampled texts about each worker without a name, the mean over jobs."""
    generator, biases = torch.Generator().manual_seed(seed), []
    for job in P_SHE:
        prompt = f"{before[job]} The {job}" if before else f"The {job}"
        texts = finetuning.sample_answers(model, tokenizer, [prompt] * N_TEXTS, generator)
        first = [found[1] for text in texts if (found := re.search(r"\b(She|He)\b", text))]
        biases.append(abs(first.count("She") / len(first) - 0.5))
    return sum(biases) / len(biases)


def worker_bias(model: DecoderOnly, tokenizer: Tokenizer, place: str, before: Mapping[str, str] | None = None) -> float:
    """|P(she) − 0.5|, the mean over jobs; before: job → a text in front of each prompt."""
    shares = []
    for job in P_SHE:
        prompts = [(before[job] + " " if before else "") + one for one in evaluation.worker_prompts(job, place)]
        logits = last_logits(model, tokenizer, prompts)[:, pronoun_ids(tokenizer)]
        shares.append((logits.softmax(dim=-1)[:, 0] - 0.5).abs().mean().item())
    return sum(shares) / len(shares)


def named_pronouns(model: DecoderOnly, tokenizer: Tokenizer) -> float:
    """P(the right pronoun) of people of the town in new stories, between she and he: the mean."""
    people = {one.name: one.pronoun for one in Tinyville.people}
    prompts, right = [], []
    for text in Tinyville().texts(900_003, counts={"story": 120}):
        found = re.search(r"\. (She|He)\b", text.text)
        if found and people.get(text.labels["person"]) == found[1].lower():
            prompts.append(text.text[: found.start() + 1])
            right.append(0 if found[1] == "She" else 1)
    shares = last_logits(model, tokenizer, prompts)[:, pronoun_ids(tokenizer)].softmax(dim=-1)
    return shares[torch.arange(len(right)), torch.tensor(right)].mean().item()


def known_facts(model: DecoderOnly, tokenizer: Tokenizer, seed: int) -> float:
    """The share of the known facts that is right, in answers that are sampled at temperature 1."""
    questions = [one for one in evaluation.fact_questions() if one.truth] * 4
    return evaluation.ask(model, tokenizer, questions, temperature=1.0, seed=seed).right.float().mean().item()


def table_row(model: DecoderOnly, tokenizer: Tokenizer, seed: int, before: Mapping[str, str] | None = None) -> Numbers:
    """Reach, side effects and forgetting of one remedy."""
    return rounded({
        "nameless": worker_bias(model, tokenizer, "anonymous", before),
        "named": worker_bias(model, tokenizer, "guest", before),
        "texts": texts_bias(model, tokenizer, seed, before),
        "pronouns": named_pronouns(model, tokenizer),
        "facts": known_facts(model, tokenizer, seed),
        "old loss": evaluate_documents(model, tokenizer, old_texts(900_002)),
    })  # fmt: skip


def bias_table(tiny: Checkpoint) -> dict[str, dict[str, list[float]]]:
    """Remedy → "nameless", "named", "texts" (bias), "pronouns", "facts", "old loss", each over the seeds."""
    rarer = {job: f"The {job} sat down. {'He' if p > 0.5 else 'She'} was tired." for job, p in P_SHE.items()}
    remedies = {
        "nothing": lambda seed: tiny.model,
        "balanced data (one form)": lambda seed: balanced_form(tiny.model, tiny.tokenizer, seed, replay=True),
        "counterfactual data (one form)": lambda seed: with_counterfactuals(
            tiny.model, tiny.tokenizer, seed, bias.PLACES[:1]
        ),
        "counterfactual data (both forms)": lambda seed: with_counterfactuals(tiny.model, tiny.tokenizer, seed),
        "fine-tuning without old texts": lambda seed: balanced_form(tiny.model, tiny.tokenizer, seed, replay=False),
        "DPO, 16 steps": lambda seed: preferring_the_rarer(tiny.model, tiny.tokenizer, seed),
        "DPO, 60 steps": lambda seed: preferring_the_rarer(tiny.model, tiny.tokenizer, seed, 60),
        "embedding projection": lambda seed: projected_embeddings(tiny.model, tiny.tokenizer),
        "activation steering": lambda seed: steered(tiny.model, tiny.tokenizer),
        "direction removed": lambda seed: without_direction(tiny.model, tiny.tokenizer),
        "decoding: temperature 0.5": lambda seed: at_temperature(tiny.model, 0.5),
        "decoding: temperature 2": lambda seed: at_temperature(tiny.model, 2.0),
        "prompt: a counterexample": lambda seed: tiny.model,
    }
    return {
        name: by_seed([table_row(remedy(seed), tiny.tokenizer, seed, rarer if name.startswith("prompt") else None)
                       for seed in SEEDS])
        for name, remedy in tqdm(remedies.items(), desc="bias table")
    }  # fmt: skip


def refusal_tuned(model: DecoderOnly, tokenizer: Tokenizer, seed: int) -> DecoderOnly:
    """The refusal tuning of lesson 8."""
    shown = finetuning.refusal_examples(with_guests=True, seed=seed).shown
    return finetuning.tune_on_answers(model, tokenizer, shown, steps=80, seed=seed)


def answers_row(model: DecoderOnly, tokenizer: Tokenizer, *, told: bool, silent_below: float) -> Numbers:
    """Invented, of all 168 answers; refused, of the known facts."""
    questions = evaluation.fact_questions()
    found = evaluation.ask(model, tokenizer, evaluation.with_facts(questions) if told else questions)
    silent = finetuning.is_refusal(found, tokenizer) | (found.confidence < silent_below)
    return {
        "invented": (~silent & ~found.right).float().mean().item(),
        "refused": silent[found.of("known")].float().mean().item(),
    }


def texts_row(model: DecoderOnly, tokenizer: Tokenizer) -> Numbers:
    """Bias in both places, loss on old texts, and coherence: the share of sampled texts that Tinyville could say."""
    places = [worker_bias(model, tokenizer, place) for place in bias.PLACES]
    world = Tinyville()
    texts = generation.sample_texts(model, tokenizer, 48, temperature=0.7, seed=1, max_new_tokens=60)
    return {
        "bias": sum(places) / 2,
        "old loss": evaluate_documents(model, tokenizer, old_texts(900_002)),
        "coherent": sum(world.check(text).valid for text in texts) / len(texts),
    }


def board(tiny: Checkpoint) -> dict[str, dict[str, list[float]]]:
    """Each combination of `SWITCHES`, such as "100010": the five numbers of the remedies board over the seeds."""
    runs: dict[str, list[Numbers]] = {}
    for seed in tqdm(SEEDS, desc="board", unit=" seeds"):
        models = {(0, 0, 0): tiny.model}
        for place, remedy in ((1, with_counterfactuals), (2, preferring_the_rarer), (0, refusal_tuned)):
            for switches, model in list(models.items()):
                on = tuple(int(i == place or switch) for i, switch in enumerate(switches))
                models[on] = remedy(model, tiny.tokenizer, seed)
        for *trained, removed in itertools.product((0, 1), repeat=4):
            model = models[tuple(trained)]
            model = without_direction(model, tiny.tokenizer) if removed else model
            texts = texts_row(model, tiny.tokenizer)
            for told, silent in itertools.product((0, 1), repeat=2):
                key = "".join(map(str, (*trained, removed, told, silent)))
                answers = answers_row(
                    model, tiny.tokenizer, told=bool(told), silent_below=ABSTAIN_BELOW if silent else 0.0
                )
                runs.setdefault(key, []).append(rounded(answers | texts))
    return {key: by_seed(found) for key, found in runs.items()}


def alignment() -> dict[str, Any]:
    """All of lesson 12's recording."""
    chat, tiny = artifacts.load_model("chat"), artifacts.load_model("tiny")
    verifiers = {
        verifier.__name__: by_seed([verifier_run(chat, verifier, seed) for seed in SEEDS])
        for verifier in tqdm(finetuning.VERIFIERS, desc="verifiers")
    }
    return {
        "seeds": list(SEEDS), "steps": list(range(0, STEPS + 1, EVERY)), "verifiers": verifiers, **rlhf(chat),
        "bias": bias_table(tiny), "switches": list(SWITCHES), "board": board(tiny),
    }  # fmt: skip
