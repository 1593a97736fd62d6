"""Real models in our block give the numbers of the library that published them."""

import json
import re
import shutil
from pathlib import Path

import measure_families
import pytest
import torch
from judges import CONTEXT, KINDS, VOCAB, judge, library, of_gguf, read, verdict
from safetensors.torch import load_file, save_file

from llmviz import pretrained
from llmviz.generation.sampling import generate
from llmviz.model.transformer import DecoderOnly, EncoderOnly
from llmviz.pretrained import families, registry
from llmviz.pretrained.convert import _load_weights, _open_weights
from llmviz.pretrained.families import FAMILIES
from llmviz.tokenizers.bpe import BYTE_TO_LETTER

IDS = torch.randint(4, 20, (2, 11), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Each kind of model of the library, made once, and its folder."""
    made = {}

    def of(kind):
        if kind not in made:
            folder = tmp_path_factory.mktemp("model")
            made[kind] = judge(kind, folder), folder
        return made[kind]

    return of


@pytest.fixture
def broken(saved, tmp_path):
    """A copy of a model's folder, to be spoiled."""

    def of(kind, **card):
        folder = tmp_path / kind
        shutil.copytree(saved(kind)[1], folder)
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | card))
        return folder

    return of


class TestEachFamily:
    @pytest.mark.parametrize("kind", KINDS)
    def test_scores_and_attention_are_those_of_transformers(self, saved, kind):
        theirs, folder = saved(kind)
        ours = read(folder)
        expected, weights = verdict(theirs, IDS)
        if kind == "gpt2 without its head":  # a GPT always has one: the tied table
            expected = expected @ theirs.wte.weight.detach().T
        trace = ours.trace(IDS)
        final = trace.final if ours.config.unembedding == "none" else trace.logits
        for found in (final, ours(IDS)):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(trace.attention_weights, weights, rtol=1e-4, atol=1e-4)
        assert isinstance(ours, EncoderOnly if "bert" in kind else DecoderOnly)
        assert ours.n_parameters == ours.config.n_parameters
        assert not any(weight.requires_grad for weight in ours.parameters())

    @pytest.mark.parametrize("kind", ["gpt2", "llama"])
    def test_it_writes_what_transformers_writes(self, saved, kind):
        theirs, folder = saved(kind)
        model = read(folder)
        expected = theirs.generate(
            IDS[:1], attention_mask=torch.ones(1, 11), max_new_tokens=12, do_sample=False, eos_token_id=None,
            pad_token_id=0, use_cache=False,
        )  # fmt: skip
        assert generate(model, IDS[0], max_new_tokens=12, temperature=0) == expected[0, 11:].tolist()

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if "bert" not in kind])
    def test_a_cache_changes_nothing(self, saved, kind):
        model = read(saved(kind)[1])
        cache = model.new_cache()
        parts = [model(IDS[:, :4], cache), *(model(IDS[:, place : place + 1], cache) for place in range(4, 11))]
        torch.testing.assert_close(torch.cat(parts, dim=1), model(IDS), rtol=1e-4, atol=1e-4)

    def test_grouped_queries_keep_fewer_keys(self, saved):
        model = read(saved("llama")[1])
        alone = read(saved("llama without groups")[1])
        for one, n_heads in ((model, 2), (alone, 6)):
            cache = one.new_cache()
            one(IDS[:1], cache)
            assert cache[0].keys.shape == (1, n_heads, CONTEXT, 4)
        assert model.trace(IDS).blocks[0].attention.key.shape == (2, 6, 11, 4)

def test_the_page_lists_every_family_and_option_with_its_measured_error():
    page = measure_families.PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (\S+) \|$", page, re.MULTILINE))
    assert list(rows) == list(measure_families.MODELS) == list(FAMILIES)
    assert all(0 < float(error) < 1e-4 for error in rows.values())
    assert measure_families.option_rows() in page
    family, used, error = measure_families.measure("gemma3", seed=0)
    row = next(line for line in page.splitlines() if line.startswith(f"| `{family}`"))
    assert all(name in row for name in used) and error < 1e-4


# Published numbers of parameters. Of BERT, RoBERTa and DistilBERT the vectors that no text uses are left out.
N_PARAMETERS = {
    "llama3.2-1b": 1_235_814_400, "qwen2.5-0.5b": 494_032_768, "qwen3-0.6b": 596_049_920, "mistral-7b": 7_248_023_552,
    "gemma-3-270m": 268_098_176, "gemma-3-1b": 999_885_952, "olmo2-1b": 1_484_916_736, "smollm3-3b": 3_075_098_624,
    "smollm2-135m-instruct": 134_515_008, "bert": 109_514_298 - 2 * 768, "bert-multilingual": None,
    "roberta": 124_697_433 - 3 * 768, "distilbert": 66_985_530, "distilgpt2": 81_912_576, "tinyllama": 1_100_048_384,
    "mistral-nemo": 12_247_782_400,
}  # fmt: skip
PUBLISHED = json.loads(Path(__file__).with_name("published_configs.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_configurations_are_understood(name, monkeypatch):
    monkeypatch.setattr(families, "MAX_CONTEXT", 1 << 30)
    card = PUBLISHED[name]
    config = families.read_config(card, unembedding="tied" if card.get("tie_word_embeddings", True) else "untied")
    assert config.n_parameters == (N_PARAMETERS[name] or config.n_parameters)


class TestOutputMatrix:
    """A file's own output matrix is read, whatever the configuration says; one that is the embedding matrix is tied."""

    @pytest.mark.parametrize(("kind", "head", "embedding"), [
        ("gpt2", "lm_head.weight", "transformer.wte.weight"),
        ("llama tied", "lm_head.weight", "model.embed_tokens.weight"),
        ("bert", "cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"),
        ("roberta", "lm_head.decoder.weight", "roberta.embeddings.word_embeddings.weight"),
        ("distilbert", "vocab_projector.weight", "distilbert.embeddings.word_embeddings.weight"),
    ])  # fmt: skip
    def test_beside_a_configuration_that_says_tied(self, saved, broken, kind, head, embedding):
        folder = broken(kind)
        tensors = load_file(folder / "model.safetensors")
        for own in (tensors[embedding].clone(), tensors[embedding].flip(0).contiguous()):
            save_file(tensors | {head: own}, folder / "model.safetensors", metadata={"format": "pt"})
            ours, theirs = read(folder), type(saved(kind)[0]).from_pretrained(folder).eval()
            assert ours.config.unembedding == ("tied" if torch.equal(own, tensors[embedding]) else "untied")
            with torch.no_grad():
                torch.testing.assert_close(ours(IDS), theirs(IDS).logits, rtol=1e-4, atol=1e-4)

    def test_that_is_nowhere(self, broken):
        with pytest.raises(ValueError, match=r"the tensor lm_head.weight is missing, and the configuration says"):
            read(broken("llama tied", tie_word_embeddings=False))


class TestPaddedVocabulary:
    @pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma3", "bert", "bert untied"])
    @pytest.mark.parametrize("known", [range(50), [*range(20), *range(25, VOCAB)], [*range(7), 40]])
    def test_ids_without_a_token_have_no_probability(self, saved, kind, known):
        _, folder = saved(kind)
        whole, ours = read(folder), _load_weights(_open_weights(folder), frozenset(known))
        ids = IDS % 7
        expected = torch.full((2, 11, max(known) + 1), -torch.inf)
        expected[..., list(known)] = whole(ids)[..., list(known)]
        for logits in (ours(ids), ours.trace(ids).logits):
            torch.testing.assert_close(logits.softmax(-1), expected.softmax(-1), rtol=1e-4, atol=1e-6)
        assert ours.config.vocab_size == max(known) + 1 and ours.n_parameters == ours.config.n_parameters
        written = generate(ours, ids[0], max_new_tokens=12, temperature=5.0) if "bert" not in kind else []
        assert set(written) <= set(known)

    def test_it_is_said_once(self, broken):
        folder, names = broken("llama"), ["<|endoftext|>", *BYTE_TO_LETTER.values()][:50]
        (folder / "vocab.json").write_text(json.dumps({name: place for place, name in enumerate(names)}))
        (folder / "merges.txt").write_text("")
        with pytest.warns(UserWarning, match="11 of its 61 ids have no token .*; they are left out"):
            real = pretrained.load(folder)
        assert real.model.config.vocab_size == real.tokenizer.vocab_size == 50
        (folder / "vocab.json").write_text(json.dumps({"<|endoftext|>": 61}))
        with pytest.raises(ValueError, match="its model knows 61 tokens, its tokenizer 62"):
            pretrained.load(folder)


class TestLayouts:
    def test_several_files_with_an_index(self, saved, broken):
        folder = broken("llama")
        tensors = load_file(folder / "model.safetensors")
        names = sorted(tensors)
        parts = {"a.safetensors": names[:7], "b.safetensors": names[7:]}
        for file, own in parts.items():
            save_file({name: tensors[name] for name in own}, folder / file)
        places = {name: file for file, own in parts.items() for name in own}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
        (folder / "model.safetensors").unlink()
        whole = read(saved("llama")[1])
        torch.testing.assert_close(read(folder)(IDS), whole(IDS))

    @pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
    def test_weights_of_16_bits_become_32(self, broken, kind):
        folder = broken("bert")
        tensors = load_file(folder / "model.safetensors")
        save_file({name: tensor.to(kind) for name, tensor in tensors.items()}, folder / "model.safetensors")
        model = read(folder)
        assert {weight.dtype for weight in model.parameters()} == {torch.float32}
        name = "bert.encoder.layer.0.output.dense.weight"
        assert torch.equal(model.blocks[0].feed_forward.down_proj.weight, tensors[name].to(kind).float())

    def test_longer_texts_keep_the_options_of_a_family(self, saved):
        model = read(saved("gemma3")[1])
        longer = model.with_context_length(40)
        assert longer.config.layers == model.config.layers and longer(IDS.repeat(1, 3)).shape[1] == 33
        torch.testing.assert_close(longer(IDS), model(IDS))

    def test_old_names_of_gains_and_shifts(self, saved, broken):
        folder = broken("bert")
        tensors = load_file(folder / "model.safetensors")
        ends = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
        for new, old in ends.items():
            tensors = {name.replace(new, old): tensor for name, tensor in tensors.items()}
        save_file(tensors, folder / "model.safetensors")
        whole = read(saved("bert")[1])
        torch.testing.assert_close(read(folder)(IDS), whole(IDS))


class TestRefused:
    @pytest.mark.parametrize(
        ("kind", "card", "sentence"),
        [
            ("llama", {"model_type": "gemma"}, "family 'gemma' cannot be read here; the families are 'gpt2', 'llama'"),
            ("llama", {"attention_bias": True}, "the tensor model.layers.0.self_attn.q_proj.bias is missing"),
            ("llama", {"head_dim": 8}, "should be .48, 24., and is .24, 24."),
            ("llama", {"logit_scale": 2.0}, "this llama model says logit_scale = 2.0, .* it is not known here"),
            ("llama", {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "stretches its rotary .*'yarn'"),
            ("llama", {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}}, "stretches its"),
            ("llama", {"sliding_window": 4}, "says sliding_window = 4, which may change"),
            ("llama", {"num_attention_heads": "6"}, "n_heads must be a whole .* '6'|is damaged"),
            ("llama", {"rms_norm_eps": "small"}, "norm_epsilon must be a number above 0; given 'small'"),
            ("llama", {"quantization_config": {"bits": 4}}, "says quantization_config = .'bits': 4., which"),
            ("gemma3", {"model_type": "gemma3"}, "family 'gemma3' cannot be read here"),
            ("gemma3", {"final_logit_softcapping": 30.0}, "gemma3_text model says final_logit_softcapping = 30"),
            ("gemma3", {"use_bidirectional_attention": True}, "bidirectional_attention = True, .* only False"),
            ("qwen3", {"layer_types": ["sliding_attention"] * 3}, "sliding_attention, but it has no sliding_window"),
            ("qwen3", {"layer_types": ["linear_attention"] * 3}, "its layer_types are .'linear_attention'"),
            ("distilbert", {"layer_norm_eps": 1e-5}, "layer_norm_eps = 1e-05, .* knows only 1e-12"),
            ("llama", {"hidden_act": "gelu"}, "says hidden_act = 'gelu', .* our block knows only 'silu'"),
            ("llama", {"num_hidden_layers": 4}, "the tensor model.layers.3.* is missing"),
            ("llama", {"num_hidden_layers": 2}, "9 tensors that our block has no place for, such as model.layers.2"),
            ("llama", {"intermediate_size": 41}, "should be .41, 24., and is .40, 24."),
            ("gpt2", {"activation_function": "relu"}, "its activation is .relu.; our block has .gelu."),
            ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx = True"),
            ("bert", {"position_embedding_type": "relative_key"}, "position_embedding_type = 'relative_key'"),
            ("bert", {"is_decoder": True}, "is_decoder = True"),
        ],
    )
    def test_what_our_block_is_not(self, broken, kind, card, sentence):
        with pytest.raises(ValueError, match=sentence):
            read(broken(kind, **card))

    def test_a_configuration_that_says_too_little(self, broken):
        folder = broken("llama")
        (folder / "config.json").write_text('{"model_type": "llama", "num_attention_heads": 6}')
        with pytest.raises(ValueError, match="this llama model says nothing about 'vocab_size'"):
            read(folder)

    def test_folders_without_a_model(self, tmp_path, broken):
        with pytest.raises(FileNotFoundError, match=r"there is no model at .*nowhere"):
            _open_weights(tmp_path / "nowhere")
        with pytest.raises(FileNotFoundError, match=r"configuration, config.json, is missing"):
            _open_weights(tmp_path)
        folder = broken("gpt2")
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        with pytest.raises(FileNotFoundError, match=r"model.safetensors is missing: only safetensors are read"):
            _open_weights(folder)

    def test_damaged_files(self, broken):
        folder = broken("gpt2")
        content = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
        with pytest.raises(ValueError, match="is not a whole safetensors file"):
            _open_weights(folder)
        for text, sentence in (("{", "is not JSON"), ("[1]", "should hold a JSON object, and holds a list")):
            (folder / "config.json").write_text(text)
            with pytest.raises(ValueError, match=sentence):
                _open_weights(folder)

    @pytest.mark.parametrize("places", [None, [], {"wte.weight": 3}])
    def test_an_index_that_says_nothing(self, broken, places):
        folder = broken("gpt2")
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
        with pytest.raises(ValueError, match='should say under "weight_map" which file holds each tensor'):
            _open_weights(folder)

    def test_an_index_that_points_elsewhere(self, broken):
        folder = broken("gpt2")
        index = {"weight_map": {"wte.weight": "../../secret.safetensors"}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        with pytest.raises(ValueError, match=r"points out of its folder: '../../secret.safetensors'"):
            _open_weights(folder)


def real(name):
    """The real weights; the test is counted as skipped where nobody has added them."""
    path = registry.installed(name)
    if path is None:
        pytest.skip(f"not installed: llmviz models add {name}")
    return path


@pytest.mark.slow
class TestRealWeights:
    def test_smollm2_gives_the_numbers_of_transformers(self):
        path = real("smollm2")
        theirs = of_gguf(path)
        ours = read(path)
        token_ids = torch.tensor([[504, 3575, 282, 4649, 314]])  # The capital of France is
        expected, weights = verdict(theirs, token_ids)
        trace = ours.trace(token_ids)
        torch.testing.assert_close(trace.logits, expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(trace.attention_weights, weights, rtol=1e-4, atol=1e-4)
        assert int(trace.logits[0, -1].argmax()) == 7042  # Paris

    def test_minilm_gives_the_numbers_of_transformers(self):
        path = real("minilm")
        theirs = library().BertModel.from_pretrained(path, attn_implementation="eager").eval()
        ours = read(path)
        token_ids = torch.tensor([[101, 1996, 2924, 1997, 1996, 2314, 102]])  # [CLS] the bank of the river [SEP]
        expected, weights = verdict(theirs, token_ids)
        trace = ours.trace(token_ids)
        torch.testing.assert_close(trace.final, expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(trace.attention_weights, weights, rtol=1e-4, atol=1e-4)
