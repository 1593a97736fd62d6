"""The pure functions of the token explorer's module, run by node and held against Python."""

import base64
import random
import unicodedata
import zlib
from itertools import pairwise

import pytest
from nodes import needs_node
from nodes import node as run_node

from llmviz.files import data_path
from llmviz.tokenizers.base import displayable
from llmviz.tokenizers.bpe import BytePairTokenizer
from llmviz.tokenizers.tiktoken import tiktoken_encoding
from llmviz.tokenizers.unigram import UnigramTokenizer
from llmviz.tokenizers.words import CharacterTokenizer
from llmviz.widgets import TokenExplorer
from llmviz.widgets.base import JS

TRAINING = "the kite, the tree, the tent. Mia's kites aren't red: 안녕 안녕 👩‍👩‍👧 naïve café מיה\n\n" * 3
pytestmark = needs_node


def node(program: str, given=None):
    return run_node(JS / "tokens_data.js", program, given)


def some_texts(n: int) -> list[str]:
    chance = random.Random(5)
    letters = "the kites Mia  안녕\n👩‍👧é\u0301\u200b<>&\"'אב\x00\ufffd"
    return ["".join(chance.choices(letters, k=chance.randrange(40))) for _ in range(n)]


def test_at_every_place_of_the_slider_the_tokens_are_those_of_so_many_merges():
    """Ids, bytes and labels, over many texts and numbers of merges."""
    tokenizer = BytePairTokenizer.train(TRAINING, 330)
    texts, sizes = some_texts(60), [0, 1, 5, 20, len(tokenizer.merges)]
    payloads = [TokenExplorer(text, tokenizer).traits()["payload"] for text in texts]
    found = node(
        """return given.payloads.map((payload) => {
            const data = readTokens(payload);
            return given.sizes.map((n) =>
                tokensAt(data.rows[0], data.bytes, n).map(({ start, end, id }) => [start, end, id]));
        });""",
        {"payloads": payloads, "sizes": sizes},
    )
    for text, at_sizes in zip(texts, found, strict=True):
        for n, tokens in zip(sizes, at_sizes, strict=True):
            smaller = BytePairTokenizer(tokenizer.merges[:n])
            place, expected = 0, []
            for token_id, piece in zip(smaller.encode(text), smaller.token_spans(text), strict=True):
                expected.append([place, place + len(piece), token_id])
                place += len(piece)
            assert tokens == expected, (text, n)


def test_real_vocabularies_show_their_own_ids_and_hex_where_python_does():
    encoding = tiktoken_encoding("gpt2")
    texts = [text for text in some_texts(40) if text]
    payloads = [TokenExplorer(text, encoding).traits()["payload"] for text in texts]
    found = node(
        """return given.map((payload) => {
            const data = readTokens(payload);
            return tokensAt(data.rows[0], data.bytes, 1e9).map(({ id, label }) => [id, isHex(label)]);
        });""",
        payloads,
    )
    for text, tokens in zip(texts, found, strict=True):
        ids = encoding.encode_ordinary(text)
        pieces = [displayable(encoding.decode_single_token_bytes(token_id)) for token_id in ids]
        assert tokens == [[i, piece.startswith("⟨")] for i, piece in zip(ids, pieces, strict=True)]


def test_labels_hide_nothing():
    def labels(*texts):
        given = [list(text.encode()) for text in texts]
        return node("return given.map((data) => labelOf(Uint8Array.from(data)));", given)

    assert labels(" red", "\n", "\t", "\u200b", "\u0301", "a" * 40) == [
        "·red", "↵", "⇥", "U+200B ", "◌\u0301", "a" * 23 + "…",
    ]  # fmt: skip
    assert node("return labelOf(Uint8Array.from([0xe2, 0x98]))") == "⟨e2 98⟩"
    grapheme = "return graphemeLabel(Uint8Array.from(given));"
    assert node(grapheme, list("👩‍👩‍👧".encode())) == "👩‍👩‍👧"
    assert node(grapheme, list(("e" + "\u0301" * 500).encode())).endswith("…")


def test_a_family_emoji_is_one_block_and_tokens_that_share_a_letter_stay_together():
    blocks = node(
        """const data = readTokens(given);
        return blocksOf(tokensAt(data.rows[0], data.bytes, 1e9), data.ends);""",
        TokenExplorer("a👩‍👩‍👧b", "gpt2").traits()["payload"],
    )
    assert [(block["first"], block["last"]) for block in blocks] == [(0, 0), (1, 1), (2, 2)]
    assert len(blocks[1]["tokens"]) > 5
    across = node("return blocksOf([{start: 0, end: 1}, {start: 1, end: 4}, {start: 4, end: 5}], [2, 3, 5]);")
    assert across == [{"first": 0, "last": 2, "tokens": [0, 1, 2]}]


def test_a_token_of_no_letter_joins_the_next_block():
    blocks = node("return blocksOf([{start: 0, end: 0}, {start: 0, end: 2}], [1, 2]);")
    assert blocks == [{"first": 0, "last": 1, "tokens": [0, 1]}]
    tokenizer = UnigramTokenizer({" ": -1, "k": -2})
    payload = TokenExplorer("k", tokenizer).traits()["payload"]
    shown = node("const data = readTokens(given); return tokensAt(data.rows[0], data.bytes, 0);", payload)
    assert [(token["label"], token["end"]) for token in shown] == [("·", 0), ("k", 1)]


def test_the_merge_tree_tells_the_joins_in_their_order():
    tokenizer = BytePairTokenizer([(b"l", b"o"), (b"lo", b"w"), (b"e", b"r"), (b"low", b"er")])
    tree = node(
        "const data = readTokens(given); return treeOf(data.rows[0], 0, 5, data.bytes);",
        TokenExplorer("lower", tokenizer).traits()["payload"],
    )

    def brief(part):
        return [part["id"], *map(brief, part["parts"])] if "parts" in part else part["id"]

    assert brief(tree) == [259, [257, [256, 108, 111], 119], [258, 101, 114]]


def test_lines_break_where_nothing_is_cut_and_never_overflow():
    bands = "return bandsOf(given.widths, given.room, (place) => given.costs[place]);"
    assert node(bands, {"widths": [10] * 10, "room": 45, "costs": [1, 1, 1, 0, 1, 1, 0, 1, 1, 1]}) == [
        [0, 3], [3, 6], [6, 10],
    ]  # fmt: skip
    assert node(bands, {"widths": [90, 10], "room": 45, "costs": [0, 0]}) == [[0, 1], [1, 2]]
    assert node(bands, {"widths": [], "room": 45, "costs": []}) == []
    assert node("return Array.from(breakCosts([[{first: 0, last: 2, tokens: [0, 1]}]], 4));") == [0, 2, 2, 0, 0]
    assert node("return Array.from(columnWidths([10, 10, 10], [[0, 1, 40], [1, 1, 5]]));") == [20, 20, 10]


def test_among_the_guesses_is_the_right_one_and_all_are_different():
    found = node("return Array.from({length: 300}, (_, n) => guesses(n + 1));")
    for right, options in enumerate(found, 1):
        assert right in options and len(set(options)) == 4 and options == sorted(options) and options[0] > 0
    assert {options.index(right) for right, options in enumerate(found, 1)} == {0, 1, 2, 3}


@pytest.mark.parametrize("most", [0, 1, 243, 2000, 2001, 50_000, 199_742])
def test_every_step_of_the_slider_is_a_number_of_merges_and_back(most):
    found = node(
        """const steps = Array.from({length: sliderSteps(given) + 1}, (_, step) => mergesAt(step, given));
        return [steps, steps.map((merges) => stepAt(merges, given))];""",
        most,
    )
    merges, back = found
    assert merges[0] == 0 and merges[-1] == most and all(one < other for one, other in pairwise(merges))
    assert back == list(range(len(merges)))


ANSWER = """return given.texts.map((text) => {
    const page = openTokens(null, given.first);
    const { payload } = tokensAnswer(page, "text", () => text);
    const data = readTokens(payload);
    const seenOf = ({ uses }) => [...uses].filter(([, n]) => n).sort(([one], [other]) => one - other);
    const rows = data.rows.map((row) => ({ n: row.n_tokens, seen: seenOf(row),
        at: given.merges.map((n) => tokensAt(row, data.bytes, n)) }));
    return { rows, n_bytes: data.n_bytes, n: data.n_characters, rtl: data.right_to_left, notes: payload.notes };
});"""


@pytest.mark.parametrize("corpus", [(), [TRAINING, "the kite"]])
def test_a_page_without_python_cuts_a_text_as_python_does(corpus):
    """Ids, bytes, merge steps, counts and uses under BPE and characters; a list that is not there is named."""
    lists = {"ours": BytePairTokenizer.train(TRAINING, 330), "letters": CharacterTokenizer.train(TRAINING)}
    texts = [*some_texts(40), "مرحبا kite", "你好" * 1000, "<script>window.broken=1</script>", "the tree " * 250]
    first = TokenExplorer("Mia", lists | {"GPT-2": "gpt2"}, corpus=corpus).traits()
    merges = [0, 5, 20, 1000]
    answers = run_node(JS / "tokens.js", ANSWER, {"texts": texts, "first": first, "merges": merges})
    wanted = [TokenExplorer(text, lists, corpus=corpus).traits()["payload"] for text in texts]
    program = """return given.payloads.map((payload) => {
        const data = readTokens(payload);
        return data.rows.map((row) => given.merges.map((n) => tokensAt(row, data.bytes, n)));
    });"""
    cut = node(program, {"payloads": wanted, "merges": merges})
    for text, found, payload, tokens in zip(texts, answers, wanted, cut, strict=True):
        assert [row["at"] for row in found["rows"]] == tokens, text
        assert [row["n"] for row in found["rows"]] == [row["n_tokens"] for row in payload["rows"]]
        for mine, row in zip(found["rows"], payload["rows"], strict=True):
            if corpus:
                assert all(use in mine["seen"] for use in row["uses"] if use[1])
            else:
                assert mine["seen"] == [use for use in row["uses"] if use[1]]
        assert (found["n"], found["n_bytes"]) == (payload["n_characters"], payload["n_bytes"]), text
        assert found["rtl"] == payload["right_to_left"]
        assert found["notes"] == ["GPT-2: not in this page. With Python (make lab) they answer your text, too."]
    answered = TokenExplorer("Mia", lists).changed(text="Tom").traits()["payload"]
    assert answered["rows"][0]["saved"] is None, "Python sends it with the first text only"


def test_a_page_says_what_is_too_long_for_it_and_returns_to_the_recorded_text():
    first = TokenExplorer("Mia", BytePairTokenizer.train(TRAINING, 330)).traits()
    program = """const page = openTokens(null, given);
        const isSame = tokensAnswer(page, "text", () => "Mia").payload === given.payload;
        try { tokensAnswer(page, "text", () => "a".repeat(30000)); }
        catch (error) { return [isSame, knowsTokens(given), error.message]; }"""
    message = "This text has 30,000 characters; without Python this page reads 20,000."
    assert run_node(JS / "tokens.js", program, first) == [True, True, message]


HARD = [
    "", "Mia found a red kite.", "DON'T don't we'LL Iſ'ſ 'S", "👩‍👩‍👧 naïve e\u0301", "مرحبا بالعالم",
    "你好，世界。" * 300,
    "<script>x</script>", "a\ud83d b\udc00", "def f(x):\n\treturn  x  # 12345.678e-9\n\n\n",
    "\u0085\ufeff\u2003\x1c \r\n \n  x \r",
    "ǅungla ʰÀé中Aa",
    "kite " * 400, "A" * 300, "!" * 300, "  \n" * 99, "<|endoftext|>",
]  # fmt: skip
CUT = """const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const page = vocabularyTokenizer(bytes(given.vocabulary), given.name);
const ids = given.texts.map(page.encode);
const pieces = [...new Set(ids.flat())].slice(0, 3000);
return { ids, joins: pieces.map((id) => [id, [...page.joinsOf(id)]]),
    bytes: [...Array(256).keys()].map(page.idOfByte) };"""


def hostile_texts(n: int, seed: int) -> list[str]:
    """Texts from pieces of many kinds and from any characters that both Unicode versions know."""
    chance = random.Random(seed)
    pieces = [*HARD[1:5], " ", "  ", "\n", "\r\n", "\t", "Ǆ", "ß", "한국어", "ไทย", "हिन्दी", "'s", "'RE"]
    pieces += ["12345", "½", "/", "//\n", "_"]
    known = [chr(code) for code in range(0x30000) if unicodedata.category(chr(code)) != "Cn"]
    several = [chance.choices(pieces, k=chance.randrange(1, 12)) for _ in range(n // 2)]
    return ["".join(one) for one in several + [chance.choices(known, k=chance.randrange(1, 30)) for _ in range(n // 2)]]


@pytest.mark.parametrize("n", [200, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["gpt2", "gpt-4", "gpt-4o"])
def test_a_page_cuts_a_text_into_the_tokens_of_a_real_model_as_tiktoken_does(name, n):
    """Ids of each text, merges inside each token, ids of single bytes."""
    texts, encoding = [*HARD, *hostile_texts(n, seed=n)], tiktoken_encoding(name)
    content = zlib.decompress(data_path(f"{name}.merges.zlib").read_bytes())
    given = {"vocabulary": base64.b64encode(content).decode(), "name": name, "texts": texts}
    found = run_node(JS / "tokens_answer.js", CUT, given)
    well_formed = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
    for ids, text in zip(found["ids"], well_formed, strict=True):
        assert ids == encoding.encode_ordinary(text), text
    [source] = TokenExplorer("", encoding).sources
    assert all(list(source.joins(encoding.decode_single_token_bytes(one))) == joins for one, joins in found["joins"])
    assert found["bytes"] == [encoding.encode_single_token(bytes([byte])) for byte in range(256)]
