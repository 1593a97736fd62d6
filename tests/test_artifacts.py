"""What ships: one registry for data and tools, one format of recordings, and clear errors for damaged files."""

import json

import numpy as np
import pytest
from record_training import save_data

from llmviz import artifacts, finetuning
from llmviz.artifacts import ARTIFACTS
from llmviz.files import data_path
from llmviz.finetuning import tasks


def test_every_artifact_ships_and_one_program_makes_it(monkeypatch):
    monkeypatch.syspath_prepend("tools")
    import record
    import train_models

    for kind, made in (("model", train_models.MODELS), ("recording", record.RECORDINGS)):
        assert set(made) == {name for name, artifact in ARTIFACTS.items() if artifact.kind == kind}
    for program in (train_models, record):
        with pytest.raises(SystemExit, match=r"No (model|recording) is called sofa; there are: "):
            program.main(["sofa"])
    for artifact in ARTIFACTS.values():
        path = data_path(artifact.file)
        files = [path, *path.glob("*")] if path.is_dir() else [path, *path.parent.glob(f"{artifact.name}.*")]
        assert sum(file.stat().st_size for file in files if file.is_file()) < 3_000_000
        card = json.loads((path / "checkpoint.json" if path.is_dir() else path).read_text("utf-8"))
        assert card.get("command", card.get("record", {}).get("command")) in (
            artifact.command, "llmviz train --steps 5000 --seed 0"
        )  # fmt: skip


def test_measuring_the_induction_model_gives_what_its_card_says(monkeypatch):
    monkeypatch.syspath_prepend("tools")
    import train_models

    shipped = artifacts.load_model("induction")
    found, card = train_models.measure_induction(shipped.model), shipped.record["measured"]
    assert found["loss_in_the_second_round"] == pytest.approx(card["loss_in_the_second_round"], abs=0.02)
    np.testing.assert_allclose(found["head_scores"]["induction"], card["head_scores"]["induction"], atol=0.02)


def test_what_is_saved_comes_back(tmp_path):
    data, arrays = {"text": "é" * 200, "rows": [{"a": 1.5}] * 9}, {"x/0": np.arange(6, dtype=np.uint16).reshape(2, 3)}
    save_data(tmp_path / "mine.json", data, command="none", arrays=arrays)
    found = artifacts.load_recording(tmp_path / "mine.json")
    np.testing.assert_array_equal(found.pop("arrays")["x/0"], arrays["x/0"])
    assert found == data
    assert len((tmp_path / "mine.json").read_text("utf-8").splitlines()) == 10


@pytest.mark.parametrize(
    ("damage", "error", "sentence"),
    [
        (lambda json, arrays: arrays.write_bytes(b"x"), ValueError, "damaged or belongs to another"),
        (lambda json, arrays: arrays.unlink(), FileNotFoundError, "its arrays, a.safetensors, are missing"),
        (lambda json, arrays: json.write_text('{"format": "other"}'), ValueError, "its format is 'other', not"),
        (lambda json, arrays: json.write_text("[1]"), ValueError, "its format is None"),
        (lambda json, arrays: json.write_text("["), ValueError, "damaged or is not JSON"),
        (lambda json, arrays: json.unlink(), FileNotFoundError, "there is no recording .* tinyville, overfitted"),
    ],
)
def test_a_damaged_recording_is_refused(tmp_path, damage, error, sentence):
    save_data(tmp_path / "a.json", {}, command="none", arrays={"x": np.zeros(3)})
    damage(tmp_path / "a.json", tmp_path / "a.safetensors")
    with pytest.raises(error, match=sentence):
        artifacts.load_recording(tmp_path / "a.json")


def test_unknown_names_are_answered_with_those_there_are():
    with pytest.raises(ValueError, match="no model called 'tinyville' ships; there are tiny, induction"):
        artifacts.load_model("tinyville")
    with pytest.raises(ValueError, match="no recording called 'sofa' ships; there are tinyville, overfitted"):
        artifacts.load_recording("sofa")


@pytest.mark.slow
def test_the_base_of_fine_tuning_is_the_tiny_gpt_trained_further(monkeypatch):
    monkeypatch.setattr(tasks, "_BASE_STEPS", 6)
    monkeypatch.setattr(tasks, "_BASE_TEXTS", 100)
    made, shipped = finetuning.train_sentiment_base(), artifacts.load_model("sentiment")
    assert made.model.config == shipped.model.config and made.step == 6
    assert made.settings.learning_rate == shipped.settings.learning_rate
    gaps, recorded = (one.record["measured"]["gap_nats_per_word"] for one in (made, shipped))
    assert set(gaps) == set(recorded) and gaps["fact"] < 0.5  # it still knows what it knew
    assert gaps["mood"] > recorded["mood"] + 0.1  # and has read too little yet
