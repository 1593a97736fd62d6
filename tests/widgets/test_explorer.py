"""An explorer's output in Python: static part, data, module; and the live one, driven by its traits."""

import json
import re
from html.parser import HTMLParser

import pytest
from counter import PNG, CounterExplorer, LiveCounterExplorer
from plots.hostile import NASTY

from llmviz.widgets.base import Explorer, Table, _static_html

COUNTER = CounterExplorer(["a", "b"], [3, 7])
VOID = {"img", "br", "meta"}
SAFE = {"p", "strong", "img", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "bdi"}


class Reader(HTMLParser):
    """The tags of a page in their order, its texts and attributes; says where tags do not close."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.texts, self.attributes = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_output_is_one_page_a_picture_and_a_sentence():
    bundle = COUNTER._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/png"}
    assert bundle["text/plain"] == repr(COUNTER) == COUNTER.sentence()
    assert bundle["image/png"] == PNG and bundle["text/html"] == COUNTER.page_html()
    assert "image/png" not in CounterExplorer(["a"], [1], picture=None)._repr_mimebundle_()


def test_without_script_the_page_is_sentence_picture_and_table():
    page = Reader(re.sub(r"<script.*?</script>", "", COUNTER.page_html(), flags=re.DOTALL))
    assert set(page.tags) - {"div"} <= SAFE
    assert ("img", "alt", COUNTER.sentence()) in page.attributes
    assert COUNTER.sentence() in "".join(page.texts)
    assert [text for text in page.texts if text in {"a", "3", "b", "7"}] == ["a", "3", "b", "7"]
    assert ("th", "scope", "row") in page.attributes and ("tbody", "class", "lv-computed") in page.attributes
    used = {name for _, name, _ in page.attributes}
    assert used <= {"class", "data-lm-suppress-shortcuts", "alt", "src", "style", "scope"}


def test_a_table_may_say_that_nothing_is_computed():
    table = Table("Bill", ["a"], [["1"]], is_computed=False)
    assert "lv-computed" not in table.to_html()
    assert _static_html("Title", "It is so.", None, None) == "<p><strong>Title</strong> It is so.</p>"


@pytest.mark.parametrize("labels", [NASTY[start : start + 9] for start in range(0, len(NASTY), 9)])
def test_any_label_is_text_and_nothing_else(labels):
    html = CounterExplorer(labels, range(len(labels)), picture=None).page_html()
    html.encode("utf-8")
    page = Reader(html)
    assert set(page.tags) <= SAFE | {"div", "script"} and page.tags.count("script") == 2
    data = html.split('<script type="application/json">')[1].split("</script>")[0]
    assert json.loads(data)["payload"]["labels"] == labels


def test_the_id_follows_the_inputs_and_never_the_numbers():
    def name(*given):
        return re.search(r"lv-\w{12}", CounterExplorer(*given).page_html())[0]

    assert name(["a", "b"], [1, 2]) == name(["a", "b"], [5, 6])
    assert len({name(["a", "b"], [1, 2]), name(["a", "c"], [1, 2]), name(["a", "b"], [1, 2], 1)}) == 3


def test_a_page_asks_for_nothing():
    assert not re.search(r"""(?:src|href)=["'](?!data:)|https?://(?!www\.w3\.org/)""", COUNTER.page_html())


def test_one_who_writes_an_explorer_learns_what_is_missing():
    for method in ("traits", "inputs", "sentence"):
        with pytest.raises(NotImplementedError):
            getattr(Explorer(), method)()
    assert Explorer().table() is None and Explorer().picture() is None


def test_the_live_one_answers_and_says_in_its_own_place_what_is_wrong():
    live = LiveCounterExplorer("hello")
    assert live.payload["labels"] == ["e", "h", "l", "o"] and live.problem == "" and live.is_live
    live.text = ""
    assert live.problem == "There is nothing to count: type a letter."
    assert live.payload["labels"] == ["e", "h", "l", "o"]
    live.text = "aa"
    assert live.problem == "" and repr(live) == "1 counts. The largest is “a”."
    assert repr(LiveCounterExplorer("")) == ""


def test_a_failure_without_words_is_named_by_its_kind():
    live = LiveCounterExplorer("a")
    live.answer(lambda: {}["missing"])
    assert live.problem == "'missing'"
    live.answer(lambda: (_ for _ in ()).throw(ZeroDivisionError()))
    assert live.problem == "ZeroDivisionError"


def test_the_live_ones_output_has_the_static_part_too():
    bundle = LiveCounterExplorer("hello")._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == "4 counts. The largest is “l”."
    assert "as a table" in bundle["text/html"] and bundle["image/png"] == PNG
