"""GGUF files: packed weights are unpacked, and rows of queries and keys are put in our order."""

from types import MappingProxyType

import gguf
import numpy as np
import pytest
import torch
from judges import CONTEXT, VOCAB, judge, read, verdict

from llmviz.pretrained.convert import _open_weights
from llmviz.pretrained.tokenizer import tokenizer_from_gguf

IDS = torch.randint(VOCAB, (1, 9), generator=torch.Generator().manual_seed(2))
PARTS = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "q_proj": "attn_q", "k_proj": "attn_k",
    "v_proj": "attn_v", "o_proj": "attn_output", "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down",
}  # fmt: skip
OUTSIDE = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}


def gguf_name(name):
    parts = name.split(".")
    if "layers" in parts:
        return f"blk.{parts[2]}.{PARTS[parts[-2]]}.weight"
    return f"{OUTSIDE[parts[-2]]}.weight"


def side_by_side(weight, n_heads):
    """The order of the format: the two numbers of a pair next to each other."""
    rows = weight.reshape(n_heads, 2, -1, weight.shape[1])
    return np.ascontiguousarray(rows.swapaxes(1, 2).reshape(weight.shape))


def write(path, model, *, kind=gguf.GGMLQuantizationType.F32, leave_out=(), fields=MappingProxyType({}),
          tokens=()):  # fmt: skip
    """The model as a GGUF file, its matrices packed as `kind` where they can be."""
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if config.head_dim * config.num_attention_heads != config.hidden_size:
        writer.add_key_length(config.head_dim)
    if getattr(config, "sliding_window", None):
        writer.add_sliding_window(config.sliding_window)
    if config.rope_parameters["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(config.rope_parameters["factor"])
    if "feed_forward_length" not in leave_out:
        writer.add_feed_forward_length(config.intermediate_size)
    writer.add_token_list(tokens or [f"token {number}" for number in range(config.vocab_size)])
    for name, value in fields.items():
        add = {str: writer.add_string, bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32}
        add.get(type(value), writer.add_array)(name, value)
    for name, tensor in model.state_dict().items():
        weight = tensor.numpy().astype(np.float32)
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(name.split(".")[-2])
        weight = weight if heads is None else side_by_side(weight, heads)
        is_packed = weight.ndim == 2 and weight.shape[1] % 32 == 0 and kind != gguf.GGMLQuantizationType.F32
        stored = gguf.quantize(weight, kind) if is_packed else weight
        writer.add_tensor(gguf_name(name), stored, raw_dtype=kind if is_packed else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    return judge("llama", tmp_path_factory.mktemp("llama"))


@pytest.mark.parametrize("kind", ["llama", "llama tied", "llama linear", "mistral"])
def test_scores_and_attention_are_those_of_transformers(kind, tmp_path):
    theirs = judge(kind, tmp_path / "hub")
    ours = read(write(tmp_path / "model.gguf", theirs))
    expected, weights = verdict(theirs, IDS)
    trace = ours.trace(IDS)
    torch.testing.assert_close(trace.logits, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(trace.attention_weights, weights, rtol=1e-4, atol=1e-4)
    config = ours.config
    assert (config.context_length, config.n_key_value_heads) == (CONTEXT, 2)
    assert config.unembedding == ("tied" if "tied" in kind else "untied")


def test_the_window_that_a_file_names_is_kept(theirs, tmp_path):
    """Of 9 tokens each looks at itself and at the 2 before it."""
    weights = read(write(tmp_path / "m.gguf", theirs, fields={"llama.attention.sliding_window": 3})).trace(IDS)
    expected = torch.ones(9, 9).tril().triu(-2).bool().expand_as(weights.attention_weights)
    assert torch.equal(weights.attention_weights > 0, expected)


def test_packed_weights_come_out_within_the_width_of_their_grid(tmp_path):
    theirs = judge("llama wide", tmp_path / "hub")
    path = write(tmp_path / "model.gguf", theirs, kind=gguf.GGMLQuantizationType.Q8_0)
    ours = read(path)
    for layer, block in enumerate(ours.blocks):
        exact = theirs.model.layers[layer]
        pairs = ((block.feed_forward.down_proj, exact.mlp.down_proj), (block.attention.key, exact.self_attn.k_proj))
        for found, theirs_of_it in pairs:
            wanted = theirs_of_it.weight.detach()
            assert not torch.equal(found.weight, wanted)
            assert torch.allclose(found.weight, wanted, rtol=0, atol=float(wanted.abs().max()) / 127)


class TestRefused:
    def test_another_family(self, theirs, tmp_path):
        path = tmp_path / "other.gguf"
        writer = gguf.GGUFWriter(path, "qwen2")
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        with pytest.raises(ValueError, match="family 'qwen2'; of GGUF files we read 'llama'"):
            _open_weights(path)

    def test_a_file_that_says_too_little(self, theirs, tmp_path):
        path = write(tmp_path / "model.gguf", theirs, leave_out={"feed_forward_length"})
        with pytest.raises(ValueError, match="says nothing about 'feed_forward_length'"):
            _open_weights(path)

    @pytest.mark.parametrize("fields", [
        {"attention.scale": 0.3}, {"logit_scale": 0.5}, {"attention.causal": False}, {"rope.scaling.factor": 2.0},
        {"rope.dimension_count": 2}, {"attention.value_length": 8}, {"expert_count": 4},
        {"rope.scaling.attn_factor": 2.0}, {"attention.sliding_window": "3"}, {"attention.sliding_window": [3, 0]},
        {"attention.sliding_window_pattern": 2}, {"attn_logit_softcapping": 30.0}, {"attention.clamp_kqv": 8.0},
    ], ids=str)  # fmt: skip
    def test_what_changes_numbers_and_our_block_does_not_do(self, theirs, tmp_path, fields):
        path = write(tmp_path / "model.gguf", theirs, fields={f"llama.{name}": one for name, one in fields.items()})
        with pytest.raises(ValueError, match=f"says {next(iter(fields))}"):
            read(path)

    def test_the_same_fields_with_their_usual_values_are_read(self, theirs, tmp_path):
        usual = {"attention.scale": 0.5, "logit_scale": 1.0, "attention.causal": True, "rope.dimension_count": 4,
                 "rope.scaling.type": "none", "vocab_size": VOCAB}  # fmt: skip
        read(write(tmp_path / "model.gguf", theirs, fields={f"llama.{name}": one for name, one in usual.items()}))

    def test_stretched_positions(self, theirs, tmp_path):
        path = write(tmp_path / "model.gguf", theirs, fields={"llama.rope.scaling.type": "yarn"})
        with pytest.raises(ValueError, match=r"stretches its rotary positions .*'yarn'"):
            read(path)

    @pytest.mark.parametrize("content", [b"", b"GGUF", b"PK\x03\x04 a zip", b"GGUF\x03\x00\x00\x00" + b"\xff" * 40])
    def test_no_such_file(self, tmp_path, content):
        path = tmp_path / "model.gguf"
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is not a whole GGUF file"):
            _open_weights(path)

    def test_half_a_file(self, theirs, tmp_path):
        path = write(tmp_path / "model.gguf", theirs)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(ValueError, match="is not a whole GGUF file"):
            _open_weights(path)


class TestTokenizer:
    TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "a", "b", "ab", "[PAD6]")
    FIELDS = MappingProxyType({
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": list(TOKENS),
        "tokenizer.ggml.merges": ["a b"], "tokenizer.ggml.token_type": [3, 3, 3, 1, 1, 1, 5],
        "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2,
    })  # fmt: skip

    @pytest.mark.parametrize(("said", "start"), [({}, 0), ({"add_bos_token": False}, 0), ({"add_bos_token": True}, 1)])
    def test_a_text_begins_as_the_file_says(self, said, start):
        ours = tokenizer_from_gguf({**self.FIELDS, **{f"tokenizer.ggml.{name}": one for name, one in said.items()}})
        assert (ours.encode_prompt("ab"), ours.end_of_text) == ([start, 5], 2)
        assert ours.known_ids == set(range(6))  # the last one is padding

    @pytest.mark.parametrize(("name", "value", "sentence"), [
        ("merges", None, "says nothing about tokenizer.ggml.merges"),
        ("eos_token_id", None, "says nothing about tokenizer.ggml.eos_token_id"),
        ("tokens", None, "says nothing about tokenizer.ggml.tokens"),
        ("eos_token_id", 70, "its eos_token is 70; it has 7 tokens"), ("bos_token_id", -1, "its bos_token is -1"),
        ("merges", ["a b c"], "the merge 'a b c' does not fit"), ("merges", ["ab a"], "the merge 'ab a' does not fit"),
    ])  # fmt: skip
    def test_what_is_missing_or_wrong(self, name, value, sentence):
        fields = {**self.FIELDS, f"tokenizer.ggml.{name}": value}
        with pytest.raises(ValueError, match=sentence):
            tokenizer_from_gguf({key: one for key, one in fields.items() if one is not None})
