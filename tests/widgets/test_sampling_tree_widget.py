"""SamplingTreeExplorer in Python, and its module in node: the page draws the tokens that Python draws."""

import json
from pathlib import Path

import pytest
import torch
from fakes import noisy_model
from nodes import needs_node, node

from llmviz import widgets
from llmviz.generation.beam import beam_search
from llmviz.generation.flops import generation_costs
from llmviz.generation.sampling_tree import Sampling, _TokenDistribution
from llmviz.model.config import ModelConfig
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.widgets import SamplingTreeExplorer
from llmviz.widgets.base import pack
from llmviz.widgets.page_model import page_model

DATA = Path(widgets.__file__).parent / "js" / "sampling_tree_data.js"
MODULE = Path(widgets.__file__).parent / "js" / "sampling_tree.js"
TOKENIZER = BytePairTokenizer([])
SIZES = ModelConfig(vocab_size=TOKENIZER.vocab_size, context_length=24, d_model=16, n_layers=1, n_heads=2, d_ff=16)
MODEL = noisy_model(SIZES)


def explorer(text="AB", **options):
    return SamplingTreeExplorer(MODEL, TOKENIZER, text, **{"n_samples": 3, "n_tokens": 5, "beam_width": 2, **options})


@pytest.fixture(scope="module")
def shown():
    return explorer()


def test_the_page_knows_every_fork_that_its_dice_reach_by_one_slider(shown):
    payload = shown.traits()["payload"]
    assert len(payload["n_named"]) == len([path for path in shown.paths if path in shown.tree.distributions])
    assert payload["n_named"] == [20] * len(payload["n_named"])
    assert payload["draws"] == shown.draws
    assert {str(token_id) for way in (shown.samples[0], shown.beam[:5]) for token_id in way} <= payload["labels"].keys()


def test_says_what_greedy_and_the_beams_write_and_what_that_is_worth(shown):
    said = repr(shown)
    assert said.startswith("After “AB”: 3 texts sampled. Greedy ")
    assert "best of 2 beams" in said
    assert shown.log_probabilities[shown.beam] >= shown.log_probabilities[shown.greedy] - 1e-6
    assert repr(explorer(beam_width=1, n_samples=1)).endswith(f"write the same: “{shown._written(shown.greedy)}”.")
    assert repr(explorer("", n_samples=1)).startswith("At the start of a text: 1 text sampled")


def test_its_table_and_picture_hold_all_texts(shown):
    rows = shown.table().rows
    assert [row[0] for row in rows] == ["greedy", "best beam", "sample 1", "sample 2", "sample 3"]
    assert [int(row[2]) for row in rows[:2]] == [len(shown.greedy), len(shown.beam)]
    assert shown.picture().startswith(b"\x89PNG")


def test_a_text_without_room_gets_a_sentence():
    with pytest.raises(ValueError, match="sees 24 tokens at once; the text has 21 and 5 more are to be written"):
        explorer("A" * 20)


def test_live_it_answers_settings_texts_and_new_dice(shown):
    live = shown.live()
    live.temperature = 0.0
    assert len(set(live.explorer.samples)) == 1
    live.temperature, live.top_k = 2.0, 3
    assert live.explorer.sampling == Sampling(2.0, 3, None)
    draws = live.payload["draws"]
    live.seed = 7
    assert live.payload["draws"] != draws
    live.text = "Z" * 30
    assert "type less" in live.problem
    live.text = "Z"
    assert live.problem == "" and repr(live).startswith("After “Z”")


@needs_node
def test_a_fork_is_cut_shared_out_and_drawn_from_as_in_python():
    """Over named tokens and bins, all settings of the sliders, and points from 0 to 1."""
    logits = 3 * torch.randn(200, generator=torch.Generator().manual_seed(1))
    fork = _TokenDistribution.of(logits.log_softmax(dim=-1))
    settings = [(t, k, p) for t in (0, 0.3, 1.0, 1.7) for k in (0, 1, 20, 90) for p in (0, 0.3, 0.95)]
    points = [0.0, 0.1234, 0.5, 0.9, 0.9999]
    given = {"logs": fork.log_probabilities.tolist(), "counts": fork.counts.tolist()}
    given |= {"settings": settings, "points": points}
    found = node(DATA, """return given.settings.map(([temperature, top_k, top_p]) => {
        const { masses, kept } = filteredProbabilities(given, { temperature, top_k, top_p });
        const ranks = given.points.map((point) => sampledRank(given, { temperature, top_k, top_p }, point));
        return [[...masses], [...kept], ranks];
    });""", given)  # fmt: skip
    for (temperature, top_k, top_p), (masses, kept, ranks) in zip(settings, found, strict=True):
        setting = Sampling(temperature, top_k or None, top_p or None)
        mine = fork.probabilities(setting)
        assert masses == pytest.approx(mine[0].tolist(), abs=1e-9)
        assert kept == mine[1].tolist()
        assert ranks == [fork.sample(setting, point) for point in points]


@needs_node
def test_the_ways_of_the_page_are_those_of_python(shown):
    """Under every setting that the page was made for; beyond, a way ends where the page knows no more."""
    settings = [[0.0, 0, 0], [0.7, 0, 0], [1.0, 0, 0], [2.0, 0, 0], [1.5, 3, 0], [1.5, 0, 0.9]]
    given = {"payload": shown.traits()["payload"], "settings": settings}
    found = node(MODULE, """const tree = readTree(given.payload);
        return given.settings.map(([temperature, top_k, top_p]) => pathsUnder(tree, { temperature, top_k, top_p }, 5)
            .map(({ steps }) => steps.map(({ token }) => token)));""", given)  # fmt: skip
    for (temperature, top_k, top_p), ways in zip(settings, found, strict=True):
        setting = Sampling(temperature, top_k or None, top_p or None)
        drawn = shown.tree.sample([setting], shown.draws)[setting]
        assert ways == [list(shown.greedy[:5]), list(shown.beam[:5]), *map(list, drawn)]


@needs_node
def test_shared_beginnings_are_one_box_and_costs_are_those_of_the_library(shown):
    payload = shown.traits()["payload"]
    found = node(MODULE, """const tree = readTree(given);
        const ways = pathsUnder(tree, { temperature: 0, top_k: 0, top_p: 0 }, 5);
        const { boxes, n_rows } = layOut(ways.filter(({ name }) => name !== "beam"));
        const bars = barsOf(tree, 0, { temperature: 1, top_k: 3, top_p: 0 }, 0, 8);
        return { n: boxes.length, n_rows, names: boxes[0].names, cost: costOf(tree.cost, tree.start.length, [5, 5]),
            bars, text: million(12345678) };""", payload)  # fmt: skip
    assert (found["n"], found["n_rows"], found["names"]) == (5, 1, ["greedy", "1", "2", "3"])
    for name, use_cache in (("cached", True), ("uncached", False)):
        assert found["cost"][name] == 2 * sum(generation_costs(SIZES, 3, 5, use_cache=use_cache))
    bars = found["bars"]
    assert [row["kept"] for row in bars["rows"]] == [True] * 3 + [False] * 5
    assert sum(row["after"] for row in bars["rows"]) == pytest.approx(1)
    assert bars["others"]["n"] == SIZES.vocab_size - 8 and bars["others"]["n_kept"] == 0
    assert found["text"] == "12.3 million"


@needs_node
def test_beyond_what_the_page_knows_a_way_ends_openly():
    payload = json.loads(json.dumps(explorer().changed().traits()["payload"]))
    found = node(MODULE, """const ways = pathsUnder(readTree(given), { temperature: 1.9, top_k: 0, top_p: 0 }, 5);
        return ways.slice(2).map(({ steps }) => [steps.length, Boolean(steps.at(-1).unknown)]);
    """, payload)  # fmt: skip
    assert any(is_open for _, is_open in found)
    assert all(is_open or length == 5 for length, is_open in found)


IN_A_PAGE = """const page = openTree(given.model, given.first);
    const state = { ...given.first, ...given.state };
    const { payload } = treeAnswer(page, "text", (name) => state[name]);
    const tree = growTree(() => page, payload.tree ?? readTree(payload));
    const ways = given.settings.map(([temperature, top_k, top_p]) => pathsUnder(tree, { temperature, top_k, top_p }, 5)
        .map(({ steps }) => steps.map(({ token, own, unknown }) => (unknown ? null : [token, own]))));
    const again = treeAnswer(page, "text", (name) => given.first[name]).payload === given.first.payload;
    return { ways, draws: tree.draws, whole: tree.whole, labels: tree.labels[given.state.end], again };"""


@needs_node
@pytest.mark.parametrize("state", [{"text": "Z<b>é😀"}, {"text": "AB"}, {"text": "", "seed": 3}])
def test_a_page_with_the_model_answers_prompts_new_draws_and_paths_beyond_the_recorded_ones(shown, state):
    """Under combined cuts and the largest temperature, which no page records: the texts and the beam of torch."""
    settings = [[1.0, 0, 0], [2.0, 0, 0], [1.9, 20, 0.95], [0.0, 0, 0], [0.7, 3, 0.9]]
    model = page_model(MODEL, TOKENIZER)
    model["weights"] = {name: pack(weight.detach(), "float32") for name, weight in MODEL.named_parameters()}
    state |= {"end": TOKENIZER.end_of_text}
    first = json.loads(json.dumps(shown.traits()))
    found = node(MODULE, IN_A_PAGE, {"model": model, "first": first, "state": state, "settings": settings})
    wanted = explorer(state["text"])
    for (temperature, top_k, top_p), (greedy, beam, *drawn) in zip(settings, found["ways"], strict=True):
        setting = Sampling(temperature, top_k or None, top_p or None)
        texts = wanted.tree.sample([setting], found["draws"])[setting]
        assert [[token for token, _ in way] for way in drawn] == list(map(list, texts))
        assert [token for token, _ in greedy] == list(wanted.greedy[:5])
        assert [token for token, _ in beam] == list(wanted.beam[:5])
        for way in drawn:
            for step, (token, own) in enumerate(way):
                path = tuple(token for token, _ in way[:step])
                log_probability = wanted.tree.distributions[path].log_probability(token)
                assert own == pytest.approx(torch.tensor(log_probability).exp().item(), rel=2e-3)
    assert found["whole"] == wanted._whole_sentence()
    assert (found["draws"] == shown.draws) == ("seed" not in state)
    assert found["again"] and all(0 <= point < 1 for row in found["draws"] for point in row)


@needs_node
def test_the_beam_of_a_page_ends_where_pythons_ends():
    """An end-of-text token that becomes probable: finished texts are compared with unfinished ones."""
    model = noisy_model(SIZES, seed=3)
    end = int(model(torch.tensor([[TOKENIZER.end_of_text, 65]]))[0, -1].argsort(descending=True)[2])
    packed = page_model(model, TOKENIZER)
    packed["weights"] = {name: pack(weight.detach(), "float32") for name, weight in model.named_parameters()}
    found = node(MODULE, """const after = readerOf(unpackModel(given.model), given.start);
        return [1, 2, 4, 8].map((width) => beamSearch(after, { width, most: 12, end: given.end }));""",
        {"model": packed, "start": [TOKENIZER.end_of_text, 65], "end": end})  # fmt: skip
    for width, ids in zip((1, 2, 4, 8), found, strict=True):
        start = [TOKENIZER.end_of_text, 65]
        wanted = beam_search(model, start, beam_width=width, max_new_tokens=12, stop_tokens={end})
        assert tuple(ids) == wanted[0].token_ids
