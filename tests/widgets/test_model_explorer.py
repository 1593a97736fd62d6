"""ModelExplorer: what it says and holds in Python, and that its page computes what torch computes."""

import json

import pytest
import torch
from explorer_pages import HOSTILE
from fakes import noisy_model
from nodes import needs_node, node

from llmviz import artifacts
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import EncoderOnly
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.widgets import ModelExplorer
from llmviz.widgets.base import pack
from llmviz.widgets.page_model import page_model

TINY = artifacts.load_model("tiny")
MODEL, TOKENIZER = TINY.model, TINY.tokenizer
PROMPT = "Mia lost a red kite. Tom found the"
IDS = TOKENIZER.encode_prompt(PROMPT)
BYTES = BytePairTokenizer([])
SIZES = {"context_length": 24, "d_model": 16, "n_layers": 2, "n_heads": 2, "d_ff": 16}


def explorer(prompt: str = PROMPT) -> ModelExplorer:
    return ModelExplorer(MODEL, TOKENIZER, prompt)


def expected(ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return MODEL(torch.tensor([ids]))[0, -1].softmax(-1)


class TestPython:
    def test_the_sentence_and_the_table_name_the_most_likely_tokens_with_their_probabilities(self):
        best = expected(IDS).topk(5)
        names = [token.replace(" ", "·") for token in TOKENIZER.tokens(best.indices.tolist())]
        told = [f"“{name}” {share:.2f}" for name, share in zip(names, best.values.tolist(), strict=True)]
        assert repr(explorer()) == (
            f"A GPT: 2 blocks of 4 heads and an MLP. After “{PROMPT}” most likely: {', '.join(told[:3])}."
        )
        assert [row[1] for row in explorer().table().rows if row[0] == "next token"] == told

    def test_the_table_says_where_each_head_looks(self):
        weights = MODEL.trace(torch.tensor(IDS)).attention_weights[:, 0, :, -1]
        rows = dict(explorer().table().rows)
        for layer in range(2):
            for head in range(4):
                said = rows[f"block {layer}, head {head}"]
                assert said.endswith(f"({weights[layer, head].max():.2f})")

    def test_a_saved_notebook_holds_no_weights_and_a_small_picture(self):
        page = explorer()._repr_mimebundle_()
        assert len(json.dumps(explorer().traits())) < 300
        assert 5_000 < len(page["text/html"].partition("base64,")[2].partition('"')[0]) < 20_000
        assert f'data-model="{explorer().page_model}"' in page["text/html"]
        assert explorer().page_model == ModelExplorer(MODEL, TOKENIZER, "").page_model != ""

    def test_the_kernel_gives_the_weights_to_a_page_that_asks_and_keeps_none_in_its_state(self):
        live, sent = explorer().live(), []
        live.send = lambda content, buffers=None: sent.append(content)
        live._handle_custom_msg({"wants": "model"}, [])
        assert sent == [page_model(MODEL, TOKENIZER)]
        assert len(json.dumps(live.get_state(live.traits().keys() - {"layout", "_esm"}), default=str)) < 2000

    def test_other_models_are_refused_and_long_or_strange_prompts_are_not(self):
        encoder = noisy_model(ModelConfig(BYTES.vocab_size + 1, **SIZES), 0, EncoderOnly)
        with pytest.raises(ValueError, match=r"the page computes a DecoderOnly"):
            ModelExplorer(encoder, BYTES, "a")
        model = noisy_model(ModelConfig(BYTES.vocab_size, **SIZES))
        for prompt in ["", "A" * 100, *HOSTILE[:3], HOSTILE[5]]:
            shown = ModelExplorer(model, BYTES, prompt)
            assert len(shown.tokens) <= 24 and shown._repr_mimebundle_()["text/html"].count("</script>") == 2


READ = """
const page = openWhole(given.model);
const first = readOn(page, given.ids.slice(0, -2));
const before = given.ids.slice(0, -2).length;
const { read, reused } = readOn(page, given.ids);
const steps = headSteps(page, read, { layer: 1, head: 1 }, given.at);
const found = read[given.at].layers[1];
return { reused, before, parts: partsOf(page.gpt.config).length,
  likely: likeliest(read.at(-1).logits, given.temperature, 5),
  dots: steps.rows.map(({ dot }) => dot), scores: steps.rows.map(({ score }) => score),
  hidden: steps.rows.map(({ isHidden }) => isHidden),
  weights: steps.rows.map(({ weight }) => weight), mix: [...steps.mix], mean: [...meanWeights(read, 1, given.at)],
  before_activation: [...found.before_activation], after: [...found.hidden], strongest: strongestUnits(found, 3),
  nearest: nearestTokens(page, given.ids.at(-1), 3),
  drawn: [0, 0.5, 0.999].map((point) => drawnToken(read.at(-1).logits, given.temperature, point)) };
"""


def exact(model, tokenizer) -> dict:
    weights = {name: pack(weight.detach(), "float32") for name, weight in model.named_parameters()}
    return page_model(model, tokenizer) | {"weights": weights}


def near(found, wanted, tolerance: float = 2e-5) -> None:
    wanted = wanted.detach().double()
    assert (torch.tensor(found).double() - wanted).abs().max() <= tolerance * (1 + wanted.abs().max())


@needs_node
class TestPage:
    def test_each_step_of_a_head_and_of_the_mlp_is_torchs(self):
        at, temperature = 5, 0.7
        given = {"model": exact(MODEL, TOKENIZER), "ids": IDS, "at": at, "temperature": temperature}
        found = node(ModelExplorer.module, READ, given)
        trace = MODEL.trace(torch.tensor(IDS))
        block = trace.blocks[1]
        query, key = block.attention.query[0, 1, at], block.attention.key[0, 1]
        assert (found["reused"], found["parts"]) == (len(IDS) - 2, 2 + 2 * 6 + 1)
        near(found["dots"], key @ query)
        near(found["scores"], key @ query / 32**0.5)
        assert found["hidden"] == [place > at for place in range(len(IDS))]
        near(found["weights"], block.attention.weights[0, 1, at])
        near(found["mix"], block.attention.head_outputs[0, 1, at])
        near(found["mean"], block.attention.weights[0, :, at, : at + 1].mean(0))
        up = MODEL.blocks[1].feed_forward.up_proj(block.feed_forward_input[0, at])
        near(found["before_activation"], up)
        near(found["after"], block.feed_forward_hidden[0, at])
        assert [one["unit"] for one in found["strongest"]] == block.feed_forward_hidden[0, at].topk(3).indices.tolist()
        shares = (trace.logits[0, -1] / temperature).softmax(-1)
        near([one["probability"] for one in found["likely"]], shares.topk(5).values, 1e-6)
        assert [one["id"] for one in found["likely"]] == shares.topk(5).indices.tolist() and len(found["drawn"]) == 3
        rows = torch.nn.functional.normalize(MODEL.embedding.weight, dim=-1)
        cosines = rows @ rows[IDS[-1]]
        cosines[IDS[-1]] = -1
        assert found["nearest"][0]["cosine"] == pytest.approx(cosines.max().item(), abs=0.02)

    def test_the_steps_hold_for_a_gpt_2_with_gelu_and_learned_positions(self):
        model = noisy_model(
            ModelConfig(BYTES.vocab_size, **SIZES, positions="learned", activation="gelu", query_key_norm=False)
        )
        ids = BYTES.encode_prompt("Mia ran")
        given = {"model": exact(model, BYTES), "ids": ids, "at": 3, "temperature": 1}
        found, block = node(ModelExplorer.module, READ, given), model.trace(torch.tensor(ids)).blocks[1]
        near(found["weights"], block.attention.weights[0, 1, 3])
        near(found["after"], block.feed_forward_hidden[0, 3])

    def test_a_text_longer_than_the_context_is_read_from_its_last_tokens(self):
        program = """
        const page = openWhole(given.model);
        const { ids, n_cut } = idsOf(page, "kite ".repeat(300), []);
        return [ids.length, n_cut, readOn(page, ids).read.length, idsOf(page, "", [5]).ids];
        """
        found = node(ModelExplorer.module, program, {"model": exact(MODEL, TOKENIZER)})
        n_all = len(TOKENIZER.encode_prompt("kite " * 300))
        assert found == [128, n_all - 128, 128, [TOKENIZER.end_of_text, 5]]

    def test_many_numbers_in_few_columns_keep_the_largest_with_its_sign(self):
        program = (
            "return [...pooled(Float32Array.of(1, -3, 2, 0.5), 2), ...stripColor(0, false), ...stripColor(-1, false)]"
        )
        assert node(ModelExplorer.module, program) == [-3, 2, 246, 246, 246, 0, 90, 160]
