"""Checkpoints: what goes in comes out, what is damaged is refused in a sentence, and a crash harms nothing."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from itertools import islice

import pytest
import safetensors.torch
import torch
from fakes import SMALL, noisy_model, random_ids, same_weights

from llmviz import files
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import DecoderOnly, EncoderDecoder, EncoderOnly
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.training.checkpoints import Checkpoint, load, save
from llmviz.training.loop import TrainingSettings, make_optimizers, train_steps

TEXT = random_ids(120)
TOKENIZER = CharacterTokenizer("abcdefgh ")  # 9 characters with <unk> and <|endoftext|> make 11 tokens


def half_trained(optimizer: str = "muon", n_steps: int = 3, seed: int = 0) -> Checkpoint:
    """A run of 6 steps, stopped after some of them."""
    settings = TrainingSettings(steps=6, batch_size=2, optimizer=optimizer)
    model = noisy_model(seed=seed)
    optimizers = make_optimizers(model, settings)
    list(islice(train_steps(model, TEXT, settings, optimizers=optimizers), n_steps))
    return Checkpoint(model, TOKENIZER, {"source": "text"}, settings, n_steps, {"history": [[1, 2.5]]}, optimizers)


def all_weights(optimizer) -> list[torch.Tensor]:
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def read_card(folder) -> dict:
    return json.loads((folder / "checkpoint.json").read_text("utf-8"))


def load_weights(folder) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / read_card(folder)["files"]["weights"]["name"])


def write_card(folder, card) -> None:
    (folder / "checkpoint.json").write_text(json.dumps(card), "utf-8")


def put_in_place(folder, role: str, content: bytes) -> None:
    """Write another file for a role, with its right hash in the card."""
    card = read_card(folder)
    (folder / card["files"][role]["name"]).write_bytes(content)
    card["files"][role]["sha256"] = hashlib.sha256(content).hexdigest()
    write_card(folder, card)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    save(folder, half_trained())
    return folder


@pytest.fixture
def folder(original, tmp_path):
    """A checkpoint in a folder of its own, to be damaged."""
    return shutil.copytree(original, tmp_path / "model")


class TestRoundTrip:
    @pytest.mark.parametrize("optimizer", ["muon", "adamw"])
    def test_everything_comes_back(self, tmp_path, optimizer):
        saved = half_trained(optimizer)
        save(tmp_path / "new" / "folder", saved)
        loaded = load(str(tmp_path / "new" / "folder"))
        assert same_weights(loaded.model, saved.model)
        for name in ("tokenizer", "corpus", "settings", "step", "record"):
            assert getattr(loaded, name) == getattr(saved, name), name
        assert loaded.model.config == saved.model.config
        for before, after in zip(saved.optimizers, loaded.optimizers, strict=True):
            assert type(before) is type(after)
            assert len(before.state) == len(after.state) > 0
            for one, other in zip(all_weights(before), all_weights(after), strict=True):
                assert before.state[one].keys() == after.state[other].keys()
                assert all(torch.equal(value, after.state[other][key]) for key, value in before.state[one].items())

    @pytest.mark.parametrize("optimizer", ["muon", "adamw"])
    @pytest.mark.parametrize("n_steps", [0, 4])
    def test_a_resumed_run_ends_bit_for_bit_as_an_uninterrupted_one(self, tmp_path, optimizer, n_steps):
        whole = half_trained(optimizer, n_steps=6).model
        save(tmp_path, half_trained(optimizer, n_steps))
        loaded = load(tmp_path)
        list(train_steps(
            loaded.model, TEXT, loaded.settings, optimizers=loaded.optimizers, first_step=loaded.step))  # fmt: skip
        assert same_weights(loaded.model, whole)

    def test_is_readable_json_and_safetensors_and_nothing_else(self, folder):
        card = read_card(folder)
        assert " ".join(card) == "format step model_class model training corpus record files tokenizer"
        assert card["model"]["d_model"] == 24
        names = {entry["name"] for entry in card["files"].values()}
        assert contents(folder).keys() == {"checkpoint.json", *names}
        for name in names:
            assert name.endswith(".safetensors")
            safetensors.torch.load_file(folder / name)
        text = (folder / "checkpoint.json").read_text("utf-8")
        assert '\n "step": 3,\n' in text


class TestOtherModels:
    """Encoders and encoder–decoders, the choices of their blocks, and files of older and newer versions."""

    CHOICES = replace(SMALL, positions="learned", norm="post", query_key_norm=False)

    @pytest.mark.parametrize("kind", [DecoderOnly, EncoderOnly, EncoderDecoder])
    def test_come_back_with_their_choices_and_their_optimizers(self, tmp_path, kind):
        model, settings = noisy_model(self.CHOICES, kind=kind), TrainingSettings(steps=6)
        optimizers = make_optimizers(model, settings)
        ids = [random_ids(2, 5)] * (2 if kind is EncoderDecoder else 1)
        model(*ids).square().mean().backward()
        for optimizer in optimizers:
            optimizer.step()
        save(tmp_path, Checkpoint(model, TOKENIZER, {}, settings, 3, {}, optimizers))
        loaded = load(tmp_path, kind)
        assert type(loaded.model) is kind
        assert loaded.model.config == self.CHOICES
        assert same_weights(loaded.model, model)
        n_weights = len(list(model.parameters()))
        assert sum(len(one.state) for one in loaded.optimizers) == n_weights

    def test_are_not_taken_for_a_gpt(self, tmp_path):
        save(tmp_path, Checkpoint(EncoderOnly(SMALL), TOKENIZER, {}, TrainingSettings(steps=1), 0))
        sentence = r"kind EncoderOnly, not DecoderOnly: load\(folder, EncoderOnly\)"
        with pytest.raises(ValueError, match=sentence):
            load(tmp_path)

    @pytest.mark.parametrize("n_more, is_taken", [(0, True), (1, True), (2, False)])
    def test_an_encoder_may_know_one_token_more_than_its_tokenizer_the_blank(self, tmp_path, n_more, is_taken):
        model = EncoderOnly(replace(SMALL, vocab_size=11 + n_more))
        save(tmp_path, Checkpoint(model, TOKENIZER, {}, TrainingSettings(steps=1), 0))
        if is_taken:
            assert load(tmp_path, EncoderOnly).model.config.vocab_size == 11 + n_more
        else:
            with pytest.raises(ValueError, match="a model of 13 tokens, a tokenizer of 11"):
                load(tmp_path, EncoderOnly)

    @pytest.mark.parametrize("model_class", ["MixtureOfExperts", None, 3, ["GPT"], "x" * 1000])
    def test_unknown_kinds_get_a_sentence(self, folder, model_class):
        write_card(folder, {**read_card(folder), "model_class": model_class})
        with pytest.raises(ValueError, match="a kind that this version does not know"):
            load(folder)


class TestSavingAgain:
    def test_clears_away_what_a_crash_left_behind(self, folder):
        for name in ("weights-000004-0123abcd.safetensors", "optimizer-000004-0123abcd.safetensors",
                     "checkpoint.json.unfinished", ".weights-000004-0123abcd.safetensors.0123abcd.part"):  # fmt: skip
            (folder / name).write_bytes(b"half")
        save(folder, half_trained())
        assert len(contents(folder)) == 3
        assert load(folder).step == 3

    def test_leaves_alone_what_is_not_its_own(self, folder):
        names = ("weights-best.safetensors", "optimizer-notes.safetensors", "essay.unfinished", "notes.txt")
        others = dict.fromkeys(names, b"mine")
        for name, content in others.items():
            (folder / name).write_bytes(content)
        save(folder, half_trained(n_steps=5))
        assert others.items() <= contents(folder).items()

    @pytest.mark.parametrize(("n_steps", "n_written"), [(3, 0), (5, 1), (3, 2)])
    @pytest.mark.parametrize("place", ["before the bytes are safe", "before the file is in its place"])
    def test_a_crash_anywhere_leaves_the_old_one_whole(self, folder, monkeypatch, n_steps, n_written, place):
        """Also when the new one is another model at the same step, whose files would have the same names."""
        before = load(folder)
        written = []

        def crash_in_time(*arguments, really):
            if len(written) == n_written:
                raise OSError(28, "No space left on device")
            written.append(arguments)
            return really(*arguments)

        if place.startswith("before the bytes"):
            fsync = os.fsync
            monkeypatch.setattr(os, "fsync", lambda file: crash_in_time(file, really=fsync))
        else:
            move = files._replace
            monkeypatch.setattr(files, "_replace", lambda part, path: crash_in_time(part, path, really=move))
        another = half_trained(n_steps=n_steps, seed=9)
        with pytest.raises(OSError, match="No space left"):
            save(folder, another)
        monkeypatch.undo()
        assert same_weights(load(folder).model, before.model)
        assert len(load(folder).optimizers) == 2
        save(folder, another)
        assert same_weights(load(folder).model, another.model)
        assert len(contents(folder)) == 3


class TestRefuses:
    def expect(self, folder, sentence: str, kind: type[Exception] = ValueError) -> None:
        before = contents(folder) if folder.is_dir() else None
        with pytest.raises(kind, match=sentence) as caught:
            load(folder)
        assert len(str(caught.value)) < 600
        assert before is None or contents(folder) == before

    def test_a_folder_that_is_not_there_or_holds_no_checkpoint(self, tmp_path):
        self.expect(tmp_path / "nothing", "there is no folder .*nothing", FileNotFoundError)
        self.expect(tmp_path, "holds no checkpoint: its checkpoint.json is missing", FileNotFoundError)
        (tmp_path / "file").write_text("text")
        self.expect(tmp_path / "file", "holds no checkpoint", FileNotFoundError)

    @pytest.mark.parametrize("content", [
        b"", b'{"format": "llmviz checkpoint 2",', b"\x80\x04\x95pickle", b"[" * 100_000,
    ], ids=["empty", "truncated", "binary", "brackets"])  # fmt: skip
    def test_a_card_that_is_not_json(self, folder, content):
        (folder / "checkpoint.json").write_bytes(content)
        self.expect(folder, "checkpoint.json is damaged or is not JSON")

    @pytest.mark.parametrize("content", [
        "{}", "[]", "3", "null", '{"format": "llmviz checkpoint 99"}', '{"format": ["llmviz"]}',
        '{"model_type": "gpt2", "n_layer": 12}',
    ])  # fmt: skip
    def test_foreign_json(self, folder, content):
        (folder / "checkpoint.json").write_text(content)
        self.expect(folder, 'is not a checkpoint of this llmviz: its format is .*, not "llmviz checkpoint 2"')

    @pytest.mark.parametrize("key", ["step", "model", "training", "corpus", "record", "files", "tokenizer"])
    @pytest.mark.parametrize("value", ["absent", None, "text"])
    def test_a_card_with_a_part_missing_or_of_another_kind(self, folder, key, value):
        card = read_card(folder)
        card[key] = value
        if value == "absent":
            del card[key]
        write_card(folder, card)
        self.expect(folder, "checkpoint.json is not a whole checkpoint of llmviz")

    @pytest.mark.parametrize("part, key, value, sentence", [
        ("model", "d_model", 48, "does not fit the sizes in checkpoint.json: .* and they make"),
        ("model", "n_layers", 10**9, "does not fit the sizes"),
        ("model", "n_heads", 5, "not a whole checkpoint .* d_model 24 and 5 heads"),
        ("model", "d_model", 24.0, "whole number"),
        ("model", "vocab_size", 12, "a model of 12 tokens, a tokenizer of 11"),
        ("model", "color", "red", "not a whole checkpoint .*color"),
        ("training", "steps", 0, "not a whole checkpoint .* of at least 1"),
        ("training", "steps", "many", "not a whole checkpoint"),
        ("training", "optimizer", "sgd", "not a whole checkpoint .*muon"),
        ("tokenizer", "kind", "sounds", "not a whole checkpoint .*kind"),
        ("tokenizer", "pieces", ["a", "a"], "not a whole checkpoint .* more than once"),
        ("tokenizer", "pieces", ["a", "b"], "a model of 11 tokens, a tokenizer of 4"),
    ])  # fmt: skip
    def test_a_card_that_was_changed(self, folder, part, key, value, sentence):
        card = read_card(folder)
        card[part][key] = value
        write_card(folder, card)
        self.expect(folder, sentence)

    @pytest.mark.parametrize("role", ["weights", "optimizer"])
    def test_a_file_that_is_missing(self, folder, role):
        (folder / read_card(folder)["files"][role]["name"]).unlink()
        self.expect(folder, f"the checkpoint's file .*{role}.* is missing", FileNotFoundError)

    @pytest.mark.parametrize("role", ["weights", "optimizer"])
    @pytest.mark.parametrize("damage", ["truncated", "one bit"])
    def test_a_file_that_is_damaged(self, folder, role, damage):
        path = folder / read_card(folder)["files"][role]["name"]
        content = bytearray(path.read_bytes())
        if damage == "truncated":
            content = content[:-100]
        else:
            content[len(content) // 2] ^= 1
        path.write_bytes(content)
        self.expect(folder, f"{role}.* is damaged or belongs to another checkpoint .*: copy the folder again")

    @pytest.mark.parametrize("role", ["weights", "optimizer"])
    @pytest.mark.parametrize("content", [b"", b"\x80\x04\x95 a pickle", b"PK\x03\x04 torch.save"])
    def test_a_file_that_is_no_safetensors(self, folder, role, content):
        put_in_place(folder, role, content)
        self.expect(folder, f"{role}.* is not a safetensors file")

    def test_tensors_of_another_model(self, folder, original):
        other = DecoderOnly(ModelConfig(vocab_size=11, context_length=8, d_model=12, n_layers=2, n_heads=3, d_ff=20))
        put_in_place(folder, "weights", safetensors.torch.save(other.state_dict()))
        self.expect(folder, "weights.* does not fit the sizes in checkpoint.json: .* they make")
        turned = {name: weight.T.contiguous() for name, weight in load_weights(original).items()}
        put_in_place(folder, "weights", safetensors.torch.save(turned))
        self.expect(folder, r"weights.* does not fit the sizes .* should be \(.*\), and is \(.*\)")

    @pytest.mark.parametrize("address, shape", [
        ("nonsense", (1,)), ("7/embedding.weight/step", ()), ("1/no.such/step", ()), ("x/embedding.weight/step", ()),
        ("0/blocks.0.attention.query.weight/momentum", (3, 3)),
    ])  # fmt: skip
    def test_the_optimizer_of_another_model(self, folder, address, shape):
        put_in_place(folder, "optimizer", safetensors.torch.save({address: torch.zeros(shape)}))
        self.expect(folder, f"optimizer.* does not belong to this model: it holds '{address}'")


def test_a_checkpoint_of_format_1_loads_with_its_old_names(tmp_path):
    """Old runs have other names for parameters and settings; weights, optimizers and choices come back."""
    config = replace(SMALL, normalization="layer", activation="swiglu", biases=True)
    model, settings = DecoderOnly(config), TrainingSettings(steps=2)
    optimizers = make_optimizers(model, settings)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    for optimizer in optimizers:
        optimizer.step()
    save(tmp_path, Checkpoint(model, TOKENIZER, {}, settings, 1, {}, optimizers))
    card = read_card(tmp_path)
    old_names = {"up_proj": "widen", "down_proj": "narrow", "gate_proj": "gate", "norm.weight": "norm.gain",
                 "norm.bias": "norm.shift"}  # fmt: skip
    for role, entry in card["files"].items():
        tensors = safetensors.torch.load_file(tmp_path / entry["name"])
        for new, old in old_names.items():
            tensors = {name.replace(new, old): tensor for name, tensor in tensors.items()}
        content = safetensors.torch.save(tensors)
        (tmp_path / entry["name"]).write_bytes(content)
        card["files"][role] = {**entry, "sha256": hashlib.sha256(content).hexdigest()}
    card["model"]["normalisation"] = card["model"].pop("normalization")
    card["model"]["unembedding"] = "own"
    card["assembly"] = card.pop("model_class")
    write_card(tmp_path, {**card, "format": "llmviz checkpoint 1"})
    found = load(tmp_path)
    assert found.model.config == config and same_weights(found.model, model)
    for ours, theirs in zip(optimizers, found.optimizers, strict=True):
        for one, other in zip(all_weights(ours), all_weights(theirs), strict=True):
            assert all(torch.equal(value, theirs.state[other][key]) for key, value in ours.state[one].items())
