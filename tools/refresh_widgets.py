"""Give the widgets in saved lessons today's modules and form, without running the lessons; make pictures small.

    python tools/refresh_widgets.py              # all lessons
    python tools/refresh_widgets.py 07 08        # some

The data of a widget stay as its lesson computed them. Where they are those of the tiny GPT (this is checked), the
widget is marked so that an exported page, which holds that model, answers texts of one's own. A lesson that runs anew
does not need this.
"""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import zlib

import nbformat
import numpy as np
from PIL import Image

from llmviz import artifacts, widgets
from llmviz.evaluation.facts import ask, fact_questions
from llmviz.files import NOTEBOOKS, lesson_files
from llmviz.generation.sampling_tree import SamplingTree
from llmviz.plots._style import with_few_colors
from llmviz.tokenizers.tiktoken import VOCABULARIES
from llmviz.widgets.base import living_html
from llmviz.widgets.page_model import page_model_name

_CLASSES = {one.title: one for one in vars(widgets).values() if isinstance(getattr(one, "title", None), str)}
_WIDGET = re.compile(
    r'<div class="lv (?P<name>lv-\w+)" data-lm-suppress-shortcuts="true"(?: data-model="[\w -]*")?>'
    r"(?P<still><p><strong>(?P<title>[^<]*)</strong>.*?)"
    r'<script type="application/(?P<form>json|octet-stream)">(?P<data>.*?)</script></div>'
    r'<script class="lv-module">.*?</script>',
    re.DOTALL,
)
_PICTURE = re.compile(r"(?<=data:image/png;base64,)[A-Za-z0-9+/=]+")


def refreshed(html: str) -> str:
    """The HTML of an output with today's modules, and pictures as `plots.to_png` makes them."""
    return _PICTURE.sub(_small, _WIDGET.sub(_with_module, html))


def _small(found: re.Match) -> str:
    png = base64.b64decode(found[0])
    return found[0] if Image.open(io.BytesIO(png)).mode == "P" else base64.b64encode(with_few_colors(png)).decode()


def _with_module(found: re.Match) -> str:
    one = _CLASSES.get(found["title"])
    if one is None:
        return found[0]
    values = json.loads(found["data"]) if found["form"] == "json" else saved_data(found["data"])
    model = _model_of(one, values) or (re.search(r' data-model="([\w -]*)"', found[0]) or ["", ""])[1]
    return living_html(one.module, model, found["still"], values)


def saved_data(packed: str) -> dict:
    """The data of a saved widget, as its `traits` gave them: what `living_html` has packed."""
    text, _, arrays = zlib.decompress(base64.b64decode(packed)).partition(b"\n")

    def with_numbers(one: dict) -> dict:
        if "dtype" in one:
            planes = np.frombuffer(arrays[slice(*one["data"])], np.uint8)
            numbers = planes.reshape(np.dtype(one["dtype"]).itemsize, -1).T.tobytes()
            one["data"] = base64.b64encode(numbers).decode()
        return one

    return json.loads(text, object_hook=with_numbers)


def _model_of(one: type, values: dict) -> str:
    """The name of the model with which a page answers, where the data are the tiny GPT's; completes the data."""
    payload, tiny = values["payload"], artifacts.load_model("tiny")
    name = page_model_name(tiny.model, tiny.tokenizer)
    if one is widgets.BlockExplorer:
        return one.page_model  # the page looks whether the block is its model's
    if one is widgets.SamplingTreeExplorer:
        root = SamplingTree(tiny.model, payload["start"])
        root.expand([()])
        saved = _numbers(payload["log_probabilities"])[: payload["n_named"][0]]
        return name if np.allclose(root.distributions[()].log_probabilities[: len(saved)], saved, atol=0.01) else ""
    if one is widgets.FillMaskExplorer:
        masked = artifacts.load_model("masked_long").model
        mine = one(masked, tiny.model, tiny.tokenizer, values["text"], hidden=values["hidden"])
        saved, cases = payload["cases"], mine.traits()["payload"]["cases"]
        words = {key: [[row[0] for row in case["rows"]] for case in found] for key, found in cases.items()}
        is_ours = words == {key: [[row[0] for row in case["rows"]] for case in found] for key, found in saved.items()}
        return mine.page_model if is_ours else ""
    if one is widgets.FactWorldExplorer:
        words = ask(tiny.model, tiny.tokenizer, fact_questions()).words
        return name if list(words) == payload["variants"]["plain"]["said"] else ""
    if one is widgets.TokenExplorer:
        ids = tiny.tokenizer.encode(values["text"])
        for row in payload["rows"]:
            if row["vocab_size"] == tiny.tokenizer.vocab_size and _numbers(row["ids"]).tolist() == ids:
                row.setdefault("saved", tiny.tokenizer.to_dict())
            if (real := re.match(r'tiktoken_encoding\("([\w-]+)"\)', row["code"])) and real[1] in VOCABULARIES:
                row["saved"] = {"kind": "vocabulary", "name": real[1]}
        saved = [row["saved"] for row in payload["rows"] if row.get("saved")]
        return " ".join(one["name"] for one in saved if one["kind"] == "vocabulary")
    return ""


def _numbers(packed: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["data"]), packed["dtype"])


def main(names: list[str]) -> None:
    """Refresh the lessons whose files begin with one of these names; none: all."""
    for path in lesson_files(NOTEBOOKS):
        if names and not any(path.name.startswith(name) for name in names):
            continue
        notebook, n_changed = nbformat.read(path, as_version=4), 0
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                html = data.get("text/html", "")
                if (now := refreshed(html)) != html:
                    data["text/html"], n_changed = now, n_changed + 1
                    data.pop("image/png", None)  # it is in the HTML
        if n_changed:
            nbformat.write(notebook, path)
        print(f"{path.name}: {n_changed} outputs refreshed")


if __name__ == "__main__":
    main(sys.argv[1:])
