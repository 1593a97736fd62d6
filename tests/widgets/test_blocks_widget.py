"""BlockExplorer: its sums are the block's own numbers, and what it cannot show it refuses."""

from pathlib import Path

import pytest
import torch
from fakes import SMALL, noisy_model, random_ids
from nodes import needs_node, node

from llmviz import artifacts
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderDecoder
from llmviz.widgets import BlockExplorer
from llmviz.widgets.base import pack
from llmviz.widgets.blocks import _STAGES as STAGES
from llmviz.widgets.page_model import page_model

MODEL = noisy_model()
TOKENS = ["Mia", " found", " a", " </script><b>"]
PARTS = MODEL.trace(random_ids(4)).blocks[1]
EXPLORER = BlockExplorer(MODEL.blocks[1], PARTS, TOKENS, layer=1, position=2)
DATA = Path(__file__).parents[2] / "llmviz" / "widgets" / "js" / "blocks_data.js"
READ = "const block = readBlock(given.payload);"


@needs_node
@pytest.mark.parametrize("stage", list(STAGES))
def test_every_number_is_what_its_products_make(stage):
    program = f"""{READ}
    const found = [], hidden = (one) => ("{stage}" === "hidden" ? Math.max(0, one) ** 2 : one);
    for (let position = 0; position < block.n; position++)
      for (let index = 0; index < block.numbers["{stage}"].shape[1]; index++) {{
        const {{ value, sum, terms }} = explain(block, {{ stage: "{stage}", position, index }});
        const added = terms.reduce((all, {{ product }}) => all + product, 0);
        found.push([value, ...[sum, added].map((one) => hidden(one)), terms.length]);
      }}
    return found;"""
    found = torch.tensor(node(DATA, program, EXPLORER.traits()))
    if stage == "before":
        assert (found[:, 3] == 0).all()  # where the block begins
    else:
        torch.testing.assert_close(found[:, 0], found[:, 1], rtol=1e-3, atol=1e-3)
        rounding = 0.01 * found[:, 0].abs().max().item()  # of the weights, to 10 bits
        torch.testing.assert_close(found[:, 0], found[:, 2], rtol=0, atol=rounding)
        assert (found[:, 3] >= 1).all()
    width = {"hidden": SMALL.d_ff}.get(stage, SMALL.d_model)
    assert len(found) == 4 * width


@needs_node
def test_an_attention_weight_opens_into_the_products_of_query_and_key():
    program = f"""{READ}
    const found = [];
    for (let head = 0; head < 3; head++) for (let query = 0; query < 4; query++) for (let key = 0; key < 4; key++)
      found.push([head, query, key, explain(block, {{ stage: "weight", position: query, index: head * 4 + key }}).sum]);
    return found;"""
    scores = PARTS.attention.scores[0] * 8**0.5
    for head, query, key, total in node(DATA, program, EXPLORER.traits()):
        assert total == pytest.approx(scores[head, query, key].item(), rel=1e-3, abs=1e-3)


@needs_node
def test_each_way_leads_down_to_the_stream_before():
    program = f"""{READ}
    const ends = new Set();
    let open = [{{ stage: "after", position: 3, index: 5 }}];
    for (let step = 0; step < 12 && open.length; step++)
      open = open.flatMap((place) => {{
        const terms = largest(explain(block, place).terms, 2).shown;
        if (!terms.length) ends.add(place.stage);
        const ways = terms.flatMap(({{ left, right }}) => [left, right]).filter((one) => one && one.to);
        return ways.map((one) => one.to).slice(0, 2);
      }}).slice(0, 40);
    return [[...ends], open.length];"""
    assert node(DATA, program, EXPLORER.traits()) == [["before"], 0]


@needs_node
def test_the_largest_products_come_first_and_the_rest_is_added_up():
    program = "return largest(given.map((product) => ({ product })), 2)"
    found = node(DATA, program, [1, -5, 2, 0.5, -3])
    assert [term["product"] for term in found["shown"]] == [-5, -3]
    assert (found["n_rest"], found["rest"]) == (3, 3.5)


def test_the_sentence_names_the_largest_number_and_its_two_parts():
    after = PARTS.residual_after[0, 2].detach()
    index = int(after.abs().argmax())
    assert repr(EXPLORER).startswith("Block 1 over 4 tokens. At “·a” (position 2) the largest number")
    assert f"number {index}, is about {after[index]:,.1f}:" in repr(EXPLORER)


def test_the_page_holds_everything_and_no_token_breaks_out_of_it():
    page = EXPLORER._repr_mimebundle_()["text/html"]
    assert "</script><b>" not in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
    assert EXPLORER.picture().startswith(b"\x89PNG")


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: BlockExplorer(MODEL.blocks[1], PARTS, TOKENS[:3]), "tokens has 3 entries, but the trace has 4"),
    (lambda: BlockExplorer(MODEL.blocks[1], PARTS, TOKENS, position=4), "position .* from -4 to 3, but is 4"),
    (lambda: BlockExplorer(MODEL.blocks[0], MODEL.trace(random_ids(2, 4)).blocks[0], TOKENS), "one text.* holds 2"),
])  # fmt: skip
def test_what_does_not_fit_gets_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_other_blocks_get_a_sentence():
    post = DecoderOnly(ModelConfig(11, 8, 24, 1, 3, 20, norm="post"))
    crossing = EncoderDecoder(SMALL)
    trace = crossing.trace(random_ids(4), random_ids(4)).decoder
    for block, parts in ((post.blocks[0], post.trace(random_ids(4)).blocks[0]), (crossing.decoder[0], trace.blocks[0])):
        with pytest.raises(ValueError, match="pre-norm, squared ReLU, no biases; this one is another"):
            BlockExplorer(block, parts, TOKENS)


@needs_node
def test_in_a_page_with_its_model_the_block_shows_an_own_text():
    """Each number of every stage is torch's; and the page knows whose block it is."""
    tiny = artifacts.load_model("tiny")
    text = "Mia 😀 <b>"
    ids = tiny.tokenizer.encode_prompt(text)
    first, wanted = (
        BlockExplorer(tiny.model.blocks[1], tiny.model.trace(torch.tensor(one)).blocks[1], tiny.tokenizer.tokens(one),
                      layer=1)
        for one in (tiny.tokenizer.encode_prompt("Noah lives in the"), ids)
    )  # fmt: skip
    packed = page_model(tiny.model, tiny.tokenizer)
    exact = packed | {"weights": {name: pack(one.detach(), "float32") for name, one in tiny.model.named_parameters()}}
    program = """
    const page = openBlock(given.exact, given.first);
    const answer = (text) => blockAnswer(page, "text", () => text);
    const { payload, place } = answer(given.text);
    const block = readBlock(payload);
    const sums = [0, 5].flatMap((index) => Object.keys(block.stages).slice(1).map((stage) => {
      const { value, sum } = explain(block, { stage, position: 2, index });
      return [value, stage === "hidden" ? Math.max(0, sum) ** 2 : sum];
    }));
    let long = "";
    try { answer("kite ".repeat(40)); } catch (error) { long = error.message; }
    const numbers = Object.fromEntries(Object.entries(block.numbers).map(([name, all]) => [name, [...all]]));
    return { numbers, sums, long, place, weights: [...block.weights], labels: payload.labels,
      isFirst: answer(" ").payload === given.first.payload,
      fits: fitsBlock(given.packed, given.first), fitsOther: fitsBlock(given.packed, given.other) };"""
    given = {"exact": exact, "packed": packed, "first": first.traits(), "text": text, "other": EXPLORER.traits()}
    given["other"]["payload"]["matrices"] |= {"value": given["first"]["payload"]["matrices"]["output"]}
    found = node(DATA.parent / "blocks.js", program, given)
    for name, array in wanted.arrays.items():
        tolerance = 2e-5 * (1 + abs(array).max())
        assert found["numbers"][name] == pytest.approx(array.ravel().tolist(), rel=0, abs=tolerance), name
    assert found["weights"] == pytest.approx(wanted.weights.ravel().tolist(), rel=1e-4, abs=1e-5)
    for value, total in found["sums"]:
        assert total == pytest.approx(value, rel=1e-3, abs=1e-3)
    assert found["labels"] == wanted.traits()["payload"]["labels"] and found["place"] == wanted.traits()["place"]
    assert found["isFirst"] and found["fits"] and not found["fitsOther"]
    assert found["long"].startswith("at most 24 tokens can be shown; this text has")
