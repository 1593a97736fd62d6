"""Random settings of each family against transformers, odd texts against the `tokenizers` library, damaged files."""

import json
import random

import judges
import pytest
import tokenizers as library
import torch
from safetensors.torch import load_file, save_file
from test_fuzz_tokenizers import odd_text
from test_gguf import write
from test_tokenizer import LEARNED_FROM, bpe, variant  # noqa: F401 (fixtures)

from llmviz import pretrained
from llmviz.pretrained.tokenizer import tokenizer_from_folder

pytestmark = pytest.mark.slow
N_MODELS, N_TEXTS, N_DAMAGED = 12, 20_000, 150
FAMILIES = sorted({family for family, _, _ in judges.KINDS.values()})
HEADS = {family: head for family, head, _ in reversed(judges.KINDS.values())}
SAID = (ValueError, FileNotFoundError)


def random_choices(family: str, dice: random.Random) -> dict:
    """Valid settings of a family: sizes, and each of its options by chance."""
    n_layers, n_heads = dice.randrange(1, 4), dice.choice([2, 4])
    width = n_heads * dice.choice([8, 12, 16])
    vocab, tied = dice.randrange(20, 90), dice.random() < 0.5
    if family == "GPT2":
        return {"vocab_size": vocab, "n_positions": 24, "n_embd": width, "n_layer": n_layers, "n_head": n_heads,
                "n_inner": dice.choice([None, 40]), "activation_function": dice.choice(["gelu_new", "gelu"]),
                "tie_word_embeddings": tied, "layer_norm_epsilon": dice.choice([1e-5, 1e-3])}  # fmt: skip
    if family == "DistilBert":
        return {"vocab_size": vocab, "max_position_embeddings": 24, "dim": width, "n_layers": n_layers,
                "n_heads": n_heads, "hidden_dim": 40, "activation": dice.choice(["gelu", "gelu_new"]),
                "tie_word_embeddings": tied}  # fmt: skip
    sizes = {"vocab_size": vocab, "max_position_embeddings": 24, "hidden_size": width, "num_hidden_layers": n_layers,
             "num_attention_heads": n_heads, "intermediate_size": 40, "tie_word_embeddings": tied}  # fmt: skip
    if family in ("Bert", "Roberta"):
        return sizes | {"hidden_act": dice.choice(["gelu", "gelu_new"]), "layer_norm_eps": dice.choice([1e-12, 1e-5])}
    base = dice.choice([50.0, 1e4, 1e6])
    ropes = [{"rope_type": "default"}, {"rope_type": "linear", "factor": 3.0},
             {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": dice.choice([2.0, 4.0]),
              "original_max_position_embeddings": dice.choice([16, 64, 8192])}]  # fmt: skip
    sizes |= {"num_key_value_heads": dice.choice([1, 2, n_heads]), "rms_norm_eps": dice.choice([1e-6, 1e-4]),
              "rope_parameters": dice.choice(ropes) | {"rope_theta": base}, "pad_token_id": 0}  # fmt: skip
    windows = {"use_sliding_window": dice.random() < 0.7, "sliding_window": dice.randrange(1, 9),
               "max_window_layers": dice.randrange(3)}  # fmt: skip
    biased, head_dim = {"attention_bias": dice.random() < 0.5}, {"head_dim": dice.choice([8, 16])}
    return sizes | {
        "Llama": biased | head_dim | {"mlp_bias": dice.random() < 0.5},
        "Mistral": head_dim | {"sliding_window": dice.choice([None, 3, 7])},
        "Qwen2": windows, "Qwen3": windows | biased | head_dim, "Olmo2": biased,
        "SmolLM3": windows | biased | {"no_rope_layer_interval": dice.randrange(1, 4)},
        "Gemma3Text": biased | head_dim | {
            "sliding_window": dice.randrange(1, 9), "query_pre_attn_scalar": dice.choice([4, 16, 100]),
            "layer_types": dice.choices(["sliding_attention", "full_attention"], k=n_layers),
            "rope_parameters": {kind: dice.choice(ropes[:2]) | {"rope_theta": base * factor}
                                for kind, factor in (("sliding_attention", 1), ("full_attention", 7))},
        },
    }[family]  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_random_settings(family, tmp_path):
    dice, worst, n_refused = random.Random(family), 0.0, 0
    for number in range(N_MODELS):
        choices, folder = random_choices(family, dice), tmp_path / str(number)
        theirs = judges.made(family, HEADS[family], choices, folder, seed=number)
        ids = torch.randint(4, choices["vocab_size"], (2, 16), generator=torch.Generator().manual_seed(number))
        ours = judges.read(folder)
        expected, _ = judges.verdict(theirs, ids)
        for found in (ours(ids), ours.trace(ids).logits):
            worst = max(worst, (found - expected).abs().max().item())
        assert worst < 1e-4, choices
        card = json.loads((folder / "config.json").read_text())
        for name, value in (("logit_scale", 0.5), ("attn_temperature", 2.0), (f"x{number}", True), ("is_moe", 1)):
            (folder / "config.json").write_text(json.dumps(card | {name: value}))
            with pytest.raises(ValueError, match=f"says {name} = .* it is not known here"):
                judges.read(folder)
            n_refused += 1
    print(f"{family}: {N_MODELS} models, largest difference {worst:.0e}; {n_refused} changed fields refused")


def as_the_library_does(name, trained, ours):
    trained.encode_special_tokens = True
    dice, n_tokens = random.Random(5), 0
    for _ in range(N_TEXTS):
        text = odd_text(dice)
        ids = trained.encode(text, add_special_tokens=False).ids
        assert ours.encode_ordinary(text) == ids, text
        assert b"".join(ours.token_spans(text)) == (text.encode() if ids else b""), text
        assert len(ours.token_spans(text)) == len(ids)
        n_tokens += len(ids)
    print(f"{name}: {N_TEXTS:,} texts, {n_tokens:,} tokens, as the library cuts them")


def test_odd_texts(variant, request):  # noqa: F811
    as_the_library_does(request.node.callspec.params["variant"], *variant)


def test_odd_texts_cut_as_gpt2_does(bpe, request):  # noqa: F811
    as_the_library_does(f"byte-level BPE of {request.node.callspec.params['bpe']}", *bpe)


@pytest.mark.parametrize("lowercase", [True, False])
def test_odd_texts_cut_as_bert_does(lowercase, tmp_path):
    trained = library.Tokenizer(library.models.WordPiece(unk_token="[UNK]"))
    trained.normalizer = library.normalizers.BertNormalizer(lowercase=lowercase)
    trained.pre_tokenizer, trained.decoder = library.pre_tokenizers.BertPreTokenizer(), library.decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = library.trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    trained.train_from_iterator(LEARNED_FROM, trainer)
    trained.save(str(tmp_path / "tokenizer.json"))
    as_the_library_does(f"WordPiece, lowercase={lowercase}", trained, tokenizer_from_folder(tmp_path))


def damaged(content: bytes, dice: random.Random) -> bytes:
    """The content of a file, cut off, with other bytes, emptied, or with another value in its JSON."""
    place = dice.randrange(len(content))
    kind = dice.randrange(4)
    if kind == 0:
        return content[:place]
    if kind == 1:
        return content[:place] + bytes(dice.randrange(256) for _ in range(8)) + content[place + 8 :]
    try:
        data = json.loads(content)
        key = dice.choice([*data, "new"])
        return json.dumps(data | {key: dice.choice([None, [], {}, "x", -1, 0, 1e300, True])}).encode()
    except ValueError:
        return b"" if kind == 2 else bytes(place)


@pytest.mark.filterwarnings("ignore:.*ids have no token")
@pytest.mark.parametrize("kind", ["llama 3", "gemma3", "bert", "gguf"])
def test_damaged_files(kind, tmp_path):
    dice, folder = random.Random(kind), tmp_path / "model"
    theirs = judges.judge("llama" if kind == "gguf" else kind, folder)
    if kind == "gguf":
        target = write(tmp_path / "m.gguf", theirs, fields={
            "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.merges": ["a b"],
            "tokenizer.ggml.eos_token_id": 0,
        }, tokens=["<|endoftext|>", "a", "b", "ab", *map(str, range(4, judges.VOCAB))])  # fmt: skip
        files = {target: target.read_bytes()}
    else:
        target = folder
        tokens = ["<|endoftext|>", *"abcdefghijklmnopqrstuvwxyz"]
        (folder / "vocab.json").write_text(json.dumps({token: place for place, token in enumerate(tokens)}))
        (folder / "merges.txt").write_text("")
        (folder / "tokenizer_config.json").write_text('{"eos_token": "<|endoftext|>", "add_bos_token": false}')
        tensors = load_file(folder / "model.safetensors")
        save_file(tensors, folder / "a.safetensors")
        index = {"weight_map": dict.fromkeys(tensors, "a.safetensors")}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        (folder / "model.safetensors").unlink()
        (folder / "generation_config.json").unlink(missing_ok=True)
        files = {path: path.read_bytes() for path in folder.iterdir()}
    n_refused = 0
    pretrained.load(target)
    for _ in range(N_DAMAGED):
        path = dice.choice(list(files))
        path.write_bytes(damaged(files[path] or b"{}", dice))
        try:
            pretrained.load(target)
        except SAID as error:
            assert str(error) and "\n" not in str(error).strip(), error
            n_refused += 1
        path.write_bytes(files[path])
    print(f"{kind}: {N_DAMAGED} damaged files, {n_refused} refused in a sentence, the others read")


@pytest.mark.parametrize("seed", range(3))
def test_damaged_tokenizers(seed, tmp_path):
    dice, n_refused = random.Random(seed), 0
    trained = library.Tokenizer(library.models.BPE())
    trainer = library.trainers.BpeTrainer(vocab_size=120, special_tokens=["<|endoftext|>"], show_progress=False)
    trained.pre_tokenizer = library.pre_tokenizers.ByteLevel()
    trained.train_from_iterator(LEARNED_FROM, trainer)
    content = trained.to_str().encode()
    for _ in range(200):
        (tmp_path / "tokenizer.json").write_bytes(damaged(content, dice))
        try:
            tokenizer_from_folder(tmp_path).encode("a kite")
        except SAID:
            n_refused += 1
    print(f"200 damaged tokenizer.json: {n_refused} refused in a sentence, the others read")
