"""FillMaskExplorer in Python and its pure functions in node: what the page knows, the live one, hostile texts."""

import json
from pathlib import Path

import pytest
from explorer_pages import HOSTILE
from fakes import noisy_model
from nodes import needs_node, node

from llmviz import widgets
from llmviz.model.config import ModelConfig
from llmviz.model.transformer import EncoderOnly
from llmviz.tinyville import Tinyville
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.widgets import FillMaskExplorer
from llmviz.widgets.base import pack
from llmviz.widgets.page_model import page_model

MODULE = Path(widgets.__file__).parent / "js" / "fill_mask.js"
TOKENIZER = BytePairTokenizer.train("Mia lives in the lighthouse. Otto lives in the mill.", 285)
SIZES = {"context_length": 48, "d_model": 16, "n_layers": 1, "n_heads": 2, "d_ff": 16}
MASKED = noisy_model(ModelConfig(TOKENIZER.vocab_size + 1, **SIZES), 0, EncoderOnly)
CAUSAL = noisy_model(ModelConfig(TOKENIZER.vocab_size, **SIZES))
TEXT = "Mia lives in the lighthouse."


def explorer(text=TEXT, **options):
    return FillMaskExplorer(MASKED, CAUSAL, TOKENIZER, text, **options)


def test_the_page_knows_every_single_word_and_what_is_hidden_at_the_start():
    shown = explorer(hidden=[0, 2])
    payload = shown.traits()["payload"]
    assert list(payload["cases"]) == ["0,2", "0", "1", "2", "3", "4", "5"]
    assert [word["label"] for word in payload["words"]] == ["Mia", "lives", "in", "the", "lighthouse", "."]
    assert [word["glued"] for word in payload["words"]] == [False] * 5 + [True]
    for place in range(6):
        [filling] = shown.filler.fill(TEXT, [place])
        [case] = payload["cases"][str(place)]
        assert case["rows"][case["truth"]][0] == payload["words"][place]["label"]
        for label, both, left, *_ in case["rows"]:
            found = {shown._label(word): (p, filling.left_side.get(word, 0)) for word, p in filling.both_sides.items()}
            assert (both, left) == pytest.approx(found.get(label, (0, left)), abs=1e-4)


def test_the_diamonds_are_the_worlds_for_what_each_can_know():
    [case] = explorer(hidden=[0], world=Tinyville()).traits()["payload"]["cases"]["0"]
    assert case["exact"][0] > 0 and case["exact"][1] > 3
    mia = case["rows"][case["truth"]]
    assert mia[0] == "Mia" and 0 < mia[4] < mia[3]


def test_the_sentence_the_picture_and_the_table():
    told = explorer(hidden=[0])
    assert repr(told).startswith("“___ lives in the lighthouse.”: from both sides most likely")
    assert told.picture().startswith(b"\x89PNG") and len(told.table().columns) == 3


class TestLive:
    def test_another_sentence_and_other_blanks(self):
        live = explorer(hidden=[1]).live()
        live.hidden = [1, 3]
        assert list(live.payload["cases"]) == ["1,3"] and len(live.payload["cases"]["1,3"]) == 2
        live.text = "Otto ___ in the mill."
        assert live.hidden == [1] and live.payload["words"][1]["typed"] and live.problem == ""
        assert "Otto ___ in" in repr(live)

    def test_trouble_gets_a_sentence_and_the_explorer_lives_on(self):
        live = explorer(hidden=[1]).live()
        live.text = "a b " * 60
        assert "see 48 tokens at once" in live.problem
        live.text = "Mia lives"
        assert live.problem == "" and live.hidden == [1]

    @pytest.mark.parametrize("hidden", [[], [-1, 9], [0, 2]])
    @pytest.mark.parametrize("text", [*HOSTILE, "", "___"])
    def test_anything_typed_gives_bars_or_a_message(self, text, hidden):
        live = explorer(hidden=[1]).live()
        live.text, live.hidden = text, hidden
        assert live.problem or json.dumps(live.payload)
        assert repr(live)


@needs_node
class TestNode:
    @pytest.mark.parametrize(("hidden", "place", "several", "then"), [
        ([3], 5, False, [5]), ([3], 3, False, []), ([3, 7], 5, True, [3, 5, 7]), ([3, 7], 3, True, [7]),
    ])  # fmt: skip
    def test_a_click_hides_or_shows(self, hidden, place, several, then):
        given = {"hidden": hidden, "place": place, "several": several}
        assert node(MODULE, "return clicked(given.hidden, given.place, given.several)", given) == then

    def test_sentences_and_rests(self):
        case = {"rows": [["She", 0.9, 0.25, 1, 0.5], ["He", 0.05, 0.5, 0, 0.5]], "truth": 0, "exact": [1, 2]}
        assert node(MODULE, "return caseSentence(given, true)", case) == (
            "From both sides most likely “She” 0.90; from the left alone “He” 0.50. Hidden is “She”."
        )
        assert node(MODULE, "return rowSentence(given.rows[1], given.exact)", case) == (
            "“He”: from both sides 0.05 (exactly 0.00), from the left alone 0.50 (exactly 0.50)."
        )
        assert node(MODULE, "return restOf(given.rows, 1)", case) == pytest.approx(0.05)

    def test_the_code_line_holds_the_text_as_it_is(self):
        given = {"code": "f({text}, {hidden})", "text": 'say "$& {hidden}"'}
        assert node(MODULE, "return codeOf(given, [1, 2])", given) == r'f("say \"$& {hidden}\"", [1, 2])'


IN_A_PAGE = """const page = openFill(given.causal, given.first, given.masked);
    return given.asked.map(([text, places]) => {
        const read = readWords(page, text);
        const found = fillHidden(page, read, places).map(({ both, left }) => [[...both], [...left]]);
        const { payload } = fillAnswer(page, "hidden", (name) => ({ text, hidden: places })[name]);
        return { ids: read.ids, words: read.words, found, payload };
    });"""
ASKED = [
    ("Mia lives in the lighthouse.", [0, 4]), ("Otto ___ in  the mill, Mia's mill!", [1, 3]), ("___", [0]),
    ("<script>window.broken=1</script>", [1]), ("😀 مرحبا 你好 don’t_x\n\u200b\x1c é́ 42", [0, 3]), (" \t Mia", [0]),
]  # fmt: skip


@needs_node
def test_a_page_with_both_models_fills_in_as_torch_does():
    packed = {"causal": page_model(CAUSAL, TOKENIZER), "masked": page_model(MASKED, TOKENIZER)}
    for name, model in (("causal", CAUSAL), ("masked", MASKED)):
        packed[name]["weights"] = {key: pack(one.detach(), "float32") for key, one in model.named_parameters()}
    shown = explorer()
    answers = node(MODULE, IN_A_PAGE, packed | {"first": json.loads(json.dumps(shown.traits())), "asked": ASKED})
    for (text, places), answer in zip(ASKED, answers, strict=True):
        ids, words = shown.filler.read(text)
        assert answer["ids"] == ids
        assert [(one["text"], one["start"], one["stop"]) for one in answer["words"]] == [
            (word.text, word.start, word.stop) for word in words
        ]
        for filling, (both, left) in zip(shown.filler.fill(text, places), answer["found"], strict=True):
            for wanted, found in ((filling.both_sides, dict(both)), (filling.left_side, dict(left))):
                common = wanted.keys() & found.keys()  # where the last of many beams are equal, either may be kept
                assert len(common) > 0.8 * len(wanted)
                assert [found[word] for word in common] == pytest.approx([wanted[word] for word in common], abs=1e-5)
        wanted = shown.changed(text=text, hidden=places).traits()["payload"]
        if text == TEXT:
            continue
        assert answer["payload"]["words"] == wanted["words"]
        for case, python in zip(
            *(one["cases"][",".join(map(str, places))] for one in (answer["payload"], wanted)), strict=True
        ):
            assert {row[0] for row in case["rows"]} == {row[0] for row in python["rows"]}


@needs_node
def test_what_a_page_cannot_fill_in_it_says():
    packed = {"causal": page_model(CAUSAL, TOKENIZER), "masked": page_model(MASKED, TOKENIZER)}
    said = node(MODULE, """const page = openFill(given.causal, given.first, given.masked);
        const ask = (name, text, hidden) => { try { return fillAnswer(page, name, (one) => ({ text, hidden })[one]); }
            catch (error) { return error.message; } };
        return [ask("text", "", []), ask("text", "kite ".repeat(99), []), ask("text", "Mia was \ud83d", [1]),
            ask("hidden", given.first.text, []), ask("hidden", given.first.text, [2]).payload.has_exact];""",
        packed | {"first": json.loads(json.dumps(explorer(world=Tinyville()).traits()))})  # fmt: skip
    assert said[0].startswith("Type a sentence")
    assert "48 tokens" in said[1] and said[2]["payload"]["words"] and said[3:] == [{}, True]
