"""Lesson 4: what it says about the residual stream, order and the lens holds on other seeds and settings, too."""

import math
import random
import re
from itertools import product

import torch
import torch.nn.functional as F
from claims import above, below, demo

from llmviz import artifacts
from llmviz.interpretability import logit_lens
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderOnly
from llmviz.tinyville import Tinyville

ORDER = [3, 2, 1, 0, 4]


def little(kind, seed, positions, n_layers):
    """A model with random weights, in float64."""
    model = kind(ModelConfig(9, 8, 32, n_layers, 4, 64, positions=positions)).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) / 5)
    return model


@torch.inference_mode()
def moved(kind, seed, positions, n_layers):
    model, ids = little(kind, seed, positions, n_layers), torch.arange(5)
    return (model(ids[ORDER][None])[0] - model(ids[None])[0][ORDER]).abs().amax(dim=-1)


@demo(
    bag_of_words=below(1e-12),
    causal_one_layer_last=below(1e-12),
    causal_one_layer_others=above(1e-3),
    causal_two_layers=above(1e-3),
    with_positions=above(1e-3),
)
def order_is_not_built_in(seed: int) -> dict[str, float]:
    """Without mask and positions a shuffle changes nothing; a causal mask leaks order from the second layer on."""
    causal = moved(DecoderOnly, seed, "none", 1)
    told = [moved(kind, seed, positions, n_layers).min().item()
            for kind in (DecoderOnly, EncoderOnly) for positions in ("sinusoidal", "learned", "rotary")
            for n_layers in (1, 2)]  # fmt: skip
    return {
        "bag_of_words": max(moved(EncoderOnly, seed, "none", n_layers).max().item() for n_layers in (1, 2, 4)),
        "causal_one_layer_last": causal[-1].item(),
        "causal_one_layer_others": causal[:-1].min().item(),
        "causal_two_layers": moved(DecoderOnly, seed, "none", 2).min().item(),
        "with_positions": min(told),
    }


@demo(
    same_house_half_way=above(0.75),
    right_house_half_way=below(0.5),
    right_house_after_attention=above(0.9),
    right_house_at_the_end=above(0.9),
    pets_half_way=below(0.1),
    right_pet_after_attention=above(0.5),
    right_pet_at_the_end=above(0.9),
)
@torch.inference_mode()
def half_way_one_house_for_everybody(seed: int) -> dict[str, float]:
    """Half-way the lens says one house for nearly everybody, and no pet; the attention of block 1 makes it right.

    All people; the seed chooses one of the two wordings of houses and pets.
    """
    tiny, rows = artifacts.load_model("tiny"), {}
    for attribute in ("house", "pet"):
        facts = [fact for fact in Tinyville().facts if fact.attribute == attribute and fact.known]
        answers = torch.tensor([tiny.tokenizer.encode(" " + fact.value)[0] for fact in facts])
        streams = []
        for fact in facts:
            prompt = fact.prompts[seed % len(fact.prompts)]
            block = tiny.model.trace(torch.tensor(tiny.tokenizer.encode_prompt(prompt))).blocks[1]
            stages = block.residual_before, block.residual_middle, block.residual_after
            streams.append(torch.stack([stage[0, -1] for stage in stages], dim=0))
        best = logit_lens(torch.stack(streams, dim=1), tiny.model.unembedding.weight).argmax(dim=-1)
        rows[attribute] = best, answers, (best == answers).float().mean(dim=1).tolist()
    houses, pets = rows["house"], rows["pet"]
    return {
        "same_house_half_way": (houses[0][0] == houses[0][0].mode().values).float().mean().item(),
        "right_house_half_way": houses[2][0],
        "right_house_after_attention": houses[2][1],
        "right_house_at_the_end": houses[2][2],
        "pets_half_way": torch.isin(pets[0][0], pets[1]).float().mean().item(),
        "right_pet_after_attention": pets[2][1],
        "right_pet_at_the_end": pets[2][2],
    }


@demo(place=above(0.9), place_of_no_text=above(0.8))
@torch.inference_mode()
def the_gpt_reads_the_place(seed: int) -> dict[str, float]:
    """It says the place that the text names: one of 20, or a home, where no training text hides anything."""
    tiny, rng, found = artifacts.load_model("tiny"), random.Random(seed), {}
    texts = " ".join(text.text for text in Tinyville().texts(seed=0))
    places = sorted(set(re.findall(r"hid it at the (\w+)", texts)))
    names = sorted(set(re.findall(r"(\w+) wanted to surprise \w+\. She", texts)))
    assert len(places) == 20 and not {"mill", "tower", "lighthouse"} & set(places)
    for kind, words in (("place", places), ("place_of_no_text", ["mill", "tower", "lighthouse"])):
        found[kind] = 1.0
        for word, _ in product(words, range(10)):
            who, whom = rng.sample(names, 2)
            color, thing = rng.choice(["purple", "blue", "silver"]), rng.choice(["ring", "kite", "lamp"])
            text = (f"{who} wanted to surprise {whom}. She painted an old {thing} {color} and hid it at the {word}. "
                    f"Then she wrote a riddle. It took {whom} three days to get to the")  # fmt: skip
            logits = tiny.model(torch.tensor(tiny.tokenizer.encode_prompt(text))[None])[0, -1]
            found[kind] = min(found[kind], logits.softmax(dim=-1)[tiny.tokenizer.encode(f" {word}")[0]].item())
    return found


def similarity(d_model, n_tokens, scale, seed, residual):
    """Mean cosine of two tokens after 12 random blocks of GPT-2's kind; `scale` 0 leaves torch's initial weights."""
    torch.manual_seed(seed)
    blocks = [torch.nn.TransformerEncoderLayer(d_model, 4, 4 * d_model, 0, "gelu", norm_first=True, batch_first=True)
              for _ in range(12)]  # fmt: skip
    x, mask = torch.randn(1, n_tokens, d_model), torch.ones(n_tokens, n_tokens, dtype=torch.bool).triu(1)
    for block in blocks:
        for weight in block.parameters():
            if scale and weight.dim() == 2:
                weight.normal_(0, scale)
        after = block(x, src_mask=mask)
        x = after if residual else after - x
    cosines = F.cosine_similarity(x[0][:, None], x[0][None], dim=-1)
    return ((cosines.sum() - n_tokens) / (n_tokens**2 - n_tokens)).item()


@demo(with_residual=below(0.6), replaced=above(0.95))
@torch.no_grad()
def without_residual_connections_tokens_become_alike(seed: int) -> dict[str, float]:
    """Twelve random blocks that replace x make all tokens alike; with residual connections far more slowly.

    The worst of three widths, two lengths and two kinds of initial weights (torch's, and GPT-2's 0.02).
    """
    settings = [(d_model, n, scale, seed) for d_model in (32, 64, 128) for n in (8, 16) for scale in (0, 0.02)]
    return {
        "with_residual": max(similarity(*setting, residual=True) for setting in settings),
        "replaced": min(similarity(*setting, residual=False) for setting in settings),
    }


def logits_without(model, ids, left_out, means, found):
    """The logits with one part's output replaced by 0 or by its mean; `found` collects the outputs."""
    stream, rotary, mask = model.embed(ids[None]), model.rotary(0, len(ids)), model.mask[: len(ids), : len(ids)]
    for layer, block in enumerate(model.blocks):
        for part in ("attention", "mlp"):
            if part == "attention":
                output = block.attention(block.attention_norm(stream), mask, rotary)
            else:
                output = block.feed_forward(block.feed_forward_norm(stream))
            found.setdefault((layer, part), []).append(output[0])
            if (layer, part) == left_out:
                output = means.get(left_out, torch.zeros(())).expand_as(output)
            stream = stream + output
    return model.unembed(stream)[0]


@demo(lead_of_the_first_mlp=above(1), first_mlp=above(math.log(1024)), last_block=below(math.log(1024)),
      least_times=above(1.5))  # fmt: skip
@torch.inference_mode()
def the_first_mlp_is_missed_most(seed: int) -> dict[str, float]:
    """Each layer of the tiny GPT counts, the first MLP most: without it the model is worse than a uniform guess.

    The worst of five kinds of text, with the layer's output set to 0 and to its mean; `least_times` with 0 only.
    """
    tiny = artifacts.load_model("tiny")
    rows, wholes = [], []
    for kind in ("story", "fact", "copy", "visit", "work"):
        texts = [text.text for text in Tinyville().texts(seed=100 + seed, counts={kind: 15})]
        ids = [torch.tensor(tiny.tokenizer.encode_prompt(text))[:128] for text in texts]

        def loss(left_out=None, means=None, found=None, ids=ids):
            found, means = {} if found is None else found, means or {}
            return torch.cat([
                F.cross_entropy(logits_without(tiny.model, one, left_out, means, found)[:-1], one[1:], reduction="none")
                for one in ids
            ]).mean().item()  # fmt: skip

        outputs = {}
        wholes += 2 * [loss(found=outputs)]
        means = {part: torch.cat(found).mean(dim=0) for part, found in outputs.items()}
        rows += [{part: loss(part, replaced) for part in outputs} for replaced in ({}, means)]
    others = [max(value for part, value in row.items() if part != (0, "mlp")) for row in rows]
    return {
        "lead_of_the_first_mlp": min(row[0, "mlp"] - other for row, other in zip(rows, others, strict=True)),
        "first_mlp": min(row[0, "mlp"] for row in rows),
        "last_block": max(max(row[1, "attention"], row[1, "mlp"]) for row in rows),
        "least_times": min(min(row.values()) / whole for row, whole in zip(rows[::2], wholes[::2], strict=True)),
    }
