"""NextTokenExplorer in Python: its sentence, what the page gets, and that typing anything is no trouble."""

import json
from dataclasses import replace

import pytest
import torch
from explorer_pages import HOSTILE
from fakes import noisy_model

from llmviz.model.config import ModelConfig
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.widgets import NextTokenExplorer

TOKENIZER = BytePairTokenizer([])
SIZES = ModelConfig(vocab_size=TOKENIZER.vocab_size, context_length=24, d_model=16, n_layers=1, n_heads=2, d_ff=16)
MODEL = noisy_model(SIZES)
END = TOKENIZER.end_of_text


def exact(token_ids):
    """A world in which an A is always followed by a B or a C, and nothing else ever goes on."""
    return {66: 0.75, 67: 0.25} if token_ids[-1:] == [65] else {}


def explorer(text="A", **options):
    return NextTokenExplorer(MODEL, TOKENIZER, text, **{"exact": exact, **options})


def expected(ids):
    return MODEL(torch.tensor([[END, *ids]]))[0, -1].softmax(dim=-1)


def test_the_page_holds_the_probabilities_three_clicks_ahead():
    payload = explorer().traits()["payload"]
    assert len(payload["nodes"]) == 1 + 6 + 36 + 216
    for path, node in payload["nodes"].items():
        probabilities = expected([65, *map(int, filter(None, path.split(",")))])
        assert [row[0] for row in node["rows"]] == probabilities.topk(6).indices.tolist()
        assert [row[1] for row in node["rows"]] == pytest.approx(probabilities.topk(6).values.tolist(), abs=1e-4)
        assert {str(row[0]) for row in node["rows"]} <= payload["labels"].keys()


def test_the_diamonds_are_the_worlds_and_where_it_ends_it_is_said():
    shown = explorer()
    node = shown.traits()["payload"]["nodes"][""]
    assert all(p == {66: 0.75, 67: 0.25}.get(token_id, 0) for token_id, _, p in node["rows"])
    assert node["n_exact"] == 2
    assert repr(shown).endswith("The rules allow 2 tokens here.")
    assert repr(explorer("B")).endswith("The rules make no such text.")
    assert "world" not in repr(explorer(exact=None))


def test_the_sentence_names_the_three_most_likely():
    best = expected([65]).topk(3)
    said = repr(explorer())
    assert said.startswith("After “A”, most likely: ")
    assert [f"{p:.2f}" in said for p in best.values.tolist()] == [True] * 3
    assert repr(explorer("")).startswith("At the start of a text")
    assert repr(explorer().changed(path=(END,))).endswith("”: the end.")


def test_its_table_and_picture_show_the_same():
    assert explorer().table().columns == ["token", "id", "model", "exact"]
    assert len(explorer().table().rows) == 6
    assert explorer().picture().startswith(b"\x89PNG")
    ended = explorer().changed(path=(END,))
    assert ended.table() is None and ended.picture() is None


def test_rows_of_a_model_that_stand_for_no_token_have_no_bar():
    """Real models round their vocabulary up."""
    model = noisy_model(replace(SIZES, vocab_size=TOKENIZER.vocab_size + 7))
    shown = NextTokenExplorer(model, TOKENIZER, "A")
    assert len(shown.nodes[()]) == TOKENIZER.vocab_size
    assert shown.picture().startswith(b"\x89PNG")


class TestLive:
    def test_a_click_brings_the_bars_one_click_ahead(self):
        live = explorer().live()
        live.path = [66]
        assert set(live.payload["nodes"]) >= {"66"}
        assert all(path.startswith("66") for path in live.payload["nodes"])
        assert "AB" in repr(live)

    def test_another_prompt_begins_anew(self):
        live = explorer().live()
        live.path = [66]
        live.text = "C"
        assert live.path == []
        assert live.payload["start"] == [END, 67]

    def test_chance_appends_one_token_or_writes_to_the_end(self):
        live = explorer().live()
        live.samples += 1
        assert len(live.path) == 1
        live.endings += 1
        assert END in live.path or len(live.path) + 2 == SIZES.context_length
        before = live.path
        live.samples += 1
        assert live.path == before

    def test_too_long_a_text_gets_a_sentence_and_the_explorer_lives_on(self):
        live = explorer().live()
        live.text = "A" * 24
        assert live.problem == "This model sees 24 tokens at once; the text has 25: type less, or undo."
        live.text = "A"
        assert live.problem == ""

    @pytest.mark.parametrize("text", [*HOSTILE, "", "___"])
    def test_anything_typed_gives_bars_or_a_message(self, text):
        live = explorer().live()
        live.text, live.path = text, [END, 5]
        assert live.problem or json.dumps(live.payload)
        assert repr(live)
