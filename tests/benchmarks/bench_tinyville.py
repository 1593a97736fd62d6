"""Tinyville down to its exact entropy: `llmviz train` against a GPT-2 of the same size under plain AdamW.

The peer is transformers' GPT2LMHeadModel from random weights (same vocabulary, context, width, layers and heads, no
dropout) under torch's fused AdamW. Both read the same windows in the same order, and the learning rate of both falls
to zero by the same schedule over their own run. A clock counts seconds of training only, looks at the held-out
stories left out. First a race over equal time, in turns; then, if the peer has not got there, a longer run of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import torch
from measuring import Finding, Target, bounded_ratio, compare, measure, not_measured, number, progress, take_turns
from peers import GPT2

from llmviz import corpora, evaluation, training
from llmviz.model.transformer import DecoderOnly
from llmviz.tinyville import Tinyville
from llmviz.training import runs
from llmviz.training.runs import Run

OUR_SECONDS, QUICK_SECONDS = 170.0, 15.0
PATIENCE = 2.5  # the peer's longer run takes so many times our seconds
PEER_LEARNING_RATE = 3e-3
GOALS = (0.10, 0.05)  # nats per word above the exact entropy of held-out stories
FINAL_TARGET = Target(min(GOALS), is_minimum=False, unit=" nats per word")
N_STORIES, LOOKED_AT = 1125, 300  # held out; and how many of them are enough for a look on the way
LOOKS, QUICK_LOOKS = 40, 8  # in the time of our run
SLICE = 20  # training steps in one turn


class Stories:
    """Held-out stories, and the world that knows their exact probabilities."""

    def __init__(self, run: Run):
        self.tokenizer = run.tokenizer
        self.world = Tinyville(run.corpus.recipe["counts"])
        self.texts = self.world.texts(run.held_out.recipe["seed"], counts={"story": N_STORIES})

    def gap(self, model: DecoderOnly | GPT2, n_stories: int = N_STORIES) -> float:
        """How far above the exact entropy the model is on the first so many stories, nats per word."""
        return evaluation.gaps(model, self.tokenizer, self.texts[:n_stories], self.world)["story"].gap


@dataclass
class Racer:
    """One side of the race.

    Attributes:
        steps: its training, step by step.
        n_steps, n_done: how many there are, and how many are done.
        tokens_per_step: how many tokens one step predicts.
        seconds, tokens: spent on them so far.
        gaps: (seconds, tokens, gap) at each look.
    """

    name: str
    model: DecoderOnly | GPT2
    steps: Iterator[training.TrainingStep]
    n_steps: int
    tokens_per_step: int
    n_done: int = 0
    seconds: float = 0.0
    tokens: int = 0
    gaps: list[tuple[float, int, float]] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return self.n_done >= self.n_steps

    def advance(self) -> float:
        """Take the steps of one turn (fewer at the end); tokens per second in them."""
        taken = [step for _, step in zip(range(min(SLICE, self.n_steps - self.n_done)), self.steps, strict=False)]
        seconds, tokens = sum(step.seconds for step in taken), len(taken) * self.tokens_per_step
        self.n_done += len(taken)
        self.seconds += seconds
        self.tokens += tokens
        return tokens / seconds

    def look(self, stories: Stories) -> None:
        """Measure the gap as it stands."""
        self.gaps.append((self.seconds, self.tokens, stories.gap(self.model, LOOKED_AT)))

    def reached(self, goal: float) -> tuple[float, int] | None:
        """Seconds and tokens at the first look with a gap of at most this; None if there was none."""
        return next(((seconds, tokens) for seconds, tokens, gap in self.gaps if gap <= goal), None)


def findings(quick: bool) -> Iterator[Finding]:
    """Compare the speeds in short turns, then race to the goals."""
    seconds = QUICK_SECONDS if quick else OUR_SECONDS
    run = runs.create(corpora.tinyville(), steps=1)
    stories = Stories(run)
    turns = 3 if quick else 11
    trial = [racer(run, SLICE * (turns + 1)) for racer in (our_racer, peer_racer)]
    speeds = take_turns({racer.name: racer.advance for racer in trial}, turns, label="training in turns")
    ours, theirs = speeds.values()
    our_steps, peer_steps = (max(1, round(seconds * median(speed) / tokens_per_step(run))) for speed in (ours, theirs))
    us, peer = our_racer(run, our_steps), peer_racer(run, peer_steps)
    sizes = f"{us.model.n_parameters:,} parameters of ours, {peer.model.n_parameters:,} of theirs"
    yield compare(f"training ({sizes})", ours, theirs, peer_name=peer.name, unit="tokens/s", per="speed")
    look_every = seconds / (QUICK_LOOKS if quick else LOOKS)
    race([us, peer], stories, look_every=look_every)
    yield from ends([us, peer], stories, target=None if quick else FINAL_TARGET)
    patient = None
    if not quick and peer.reached(min(GOALS)) is None:
        patient = peer_racer(run, round(PATIENCE * peer_steps))
        race([patient], stories, look_every=look_every)
        yield from ends([patient], stories)
    for goal in GOALS:
        yield from to_goal(goal, us, [peer, patient] if patient else [peer])


def tokens_per_step(run: Run) -> int:
    """How many tokens one step predicts."""
    return run.settings.batch_size * run.model.config.context_length


def our_racer(run: Run, n_steps: int) -> Racer:
    """What `llmviz train --steps N` does by its defaults, from the beginning."""
    model = DecoderOnly(run.model.config, seed=run.settings.seed)
    settings = replace(run.settings, steps=n_steps)
    return Racer("ours", model, training.train_steps(model, run.token_ids, settings, starts=run.starts), n_steps,
                  tokens_per_step(run))  # fmt: skip


def peer_racer(run: Run, n_steps: int) -> Racer:
    """GPT-2 under AdamW: our windows and our schedule over so many steps."""
    model = GPT2(run.model.config, seed=run.settings.seed)
    settings = replace(run.settings, steps=n_steps, optimizer="adamw", learning_rate=PEER_LEARNING_RATE)
    adamw = torch.optim.AdamW(model.parameters(), lr=PEER_LEARNING_RATE, weight_decay=0.01, fused=True)
    steps = training.train_steps(model, run.token_ids, settings, starts=run.starts, optimizers=[adamw])
    return Racer(f"GPT-2 under AdamW at {PEER_LEARNING_RATE:g}", model, steps, n_steps, tokens_per_step(run))


def race(racers: Sequence[Racer], stories: Stories, *, look_every: float) -> None:
    """Train all to their ends, always the one whose clock is behind; look at each once in so many of its seconds."""
    with progress(sum(racer.n_steps for racer in racers), "race") as bar:
        while running := [racer for racer in racers if not racer.is_over]:
            racer = min(running, key=lambda racer: racer.seconds)
            before, done = racer.seconds, racer.n_done
            racer.advance()
            if racer.is_over or racer.seconds // look_every > before // look_every:
                racer.look(stories)
            bar.set_postfix_str(", ".join(f"{r.name}: {r.gaps[-1][2]:.3f}" for r in racers if r.gaps), refresh=False)
            bar.update(racer.n_done - done)


def ends(racers: Sequence[Racer], stories: Stories, *, target: Target | None = None) -> Iterator[Finding]:
    """How far from the exact entropy each run ended; the target is for ours."""
    for racer in racers:
        yield measure(
            f"{racer.name}: from exact entropy after {number(racer.seconds)} s, {racer.tokens:,} tokens",
            [stories.gap(racer.model)], "nats per word",
            target=target if racer.name == "ours" else None, looks=racer.gaps,
        )  # fmt: skip


def to_goal(goal: float, us: Racer, peers: Sequence[Racer]) -> Iterator[Finding]:
    """Seconds and tokens to the exact entropy and so much more: ours, and the peer's first run that got there."""
    name = f"to exact entropy + {goal:.2f} nats per word"
    mine = us.reached(goal)
    if mine is None:
        yield not_measured(name, f"ours did not reach it in {number(us.seconds)} s")
        return
    theirs = next((found for peer in peers if (found := peer.reached(goal))), None)
    limit = (peers[-1].seconds, peers[-1].tokens)
    for what, unit, i in (("time", "s", 0), ("tokens", "tokens", 1)):
        yield bounded_ratio(
            f"{what} {name}", mine[i], theirs and theirs[i], limit=limit[i], peer_name=peers[0].name,
            unit=unit,
        )  # fmt: skip
