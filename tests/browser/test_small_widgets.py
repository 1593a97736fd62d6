"""What each of the smaller widgets does, in a real browser, as a page from a file."""

import pytest
import torch
from explorer_pages import judge, page_with_model
from playwright.sync_api import expect
from test_explorers import block, comparison

from llmviz import artifacts, training
from llmviz.generation.sampling_tree import Sampling
from llmviz.tinyville import Tinyville
from llmviz.widgets import (
    BiasDialExplorer,
    FactWorldExplorer,
    FillMaskExplorer,
    ModelExplorer,
    NextTokenExplorer,
    RemedyExplorer,
    SamplingTreeExplorer,
    TrainingExplorer,
)

TINY = artifacts.load_model("tiny")
MODEL, TOKENIZER = TINY.model, TINY.tokenizer


def slide(frame, label: str, place: int) -> None:
    """Move a slider to one of its places."""
    script = "(input, place) => { input.value = place; input.dispatchEvent(new Event('input')); }"
    frame.get_by_label(label).evaluate(script, place)


class TestNextTokens:
    @pytest.fixture
    def one(self, show):
        return show(NextTokenExplorer(MODEL, TOKENIZER, "Mia found a", exact=lambda ids: {}), at="button.row")[0]

    @staticmethod
    def best(text: str) -> list[str]:
        """The model's own six favorites after a text, as the page writes them."""
        found = MODEL(torch.tensor([TOKENIZER.encode_prompt(text)]))[0, -1].topk(6).indices.tolist()
        return [token.replace(" ", "·") for token in TOKENIZER.tokens(found)]

    def test_a_click_or_enter_appends_a_token_and_escape_takes_it_back(self, one, page):
        names, chips = one.frame.locator("button.row .name"), one.frame.locator(".chip bdi")
        assert names.all_inner_texts() == self.best("Mia found a")
        before, second = chips.all_inner_texts(), names.nth(1).inner_text()
        names.nth(1).click()
        assert chips.all_inner_texts() == [*before, second]
        assert names.all_inner_texts() == self.best("Mia found a" + second.replace("·", " "))
        page.keyboard.press("Enter")
        assert len(chips.all_inner_texts()) == len(before) + 2
        page.keyboard.press("Escape")
        one.frame.get_by_role("button", name="undo").click()
        assert names.all_inner_texts() == self.best("Mia found a")

    def test_beyond_what_is_recorded_the_page_says_so(self, one):
        for _ in range(4):
            one.frame.locator("button.row").first.click()
        assert "no predictions beyond this text" in one.said()


class TestTree:
    EXPLORER = SamplingTreeExplorer(MODEL, TOKENIZER, "Robin is the new", n_samples=4, n_tokens=8)

    @pytest.fixture
    def one(self, show):
        return show(self.EXPLORER, at=".box")[0].frame

    def written(self, one) -> set[str]:
        """The sampled texts, read from the boxes: each box says in which texts it is."""
        texts = {str(number): "" for number in range(1, 5)}
        for told in one.locator(".box").evaluate_all("boxes => boxes.map((box) => box.getAttribute('aria-label'))"):
            token, _, names = told.partition(", probability")
            for number in names.rpartition(" in ")[2].split(", "):
                if number in texts:
                    texts[number] += token.replace("·", " ")
        return set(texts.values())

    def sampled(self, setting: Sampling) -> set[str]:
        ways = self.EXPLORER.tree.sample([setting], self.EXPLORER.draws)[setting]
        return {"".join(TOKENIZER.tokens(way)).replace("<|endoftext|>", "end") for way in ways}

    def test_a_slider_samples_the_texts_that_python_samples(self, one):
        assert self.written(one) == self.sampled(Sampling(1.0))
        slide(one, "temperature", 20)
        assert self.written(one) == self.sampled(Sampling(2.0))
        slide(one, "top-p", 1)
        assert self.written(one) == self.sampled(Sampling(2.0, None, 0.5))
        one.get_by_role("button", name="reset").click()
        assert one.locator(".bar-row.cut").count() == 0
        slide(one, "top-k", 1)  # two tokens stay
        numbers = [row.split(" → ")[1] for row in one.locator(".bar-row .number").all_inner_texts()]
        assert numbers[2:] == ["cut"] * 7
        assert float(numbers[0]) + float(numbers[1]) == pytest.approx(1, abs=0.002)

    def test_growing_the_tree_counts_the_work(self, one):
        slide(one, "tokens shown", 1)
        assert "4 tokens in 4 texts" in one.locator(".counter").inner_text()
        assert "1.0 times fewer" in one.locator(".counter").inner_text()
        slide(one, "tokens shown", 8)
        assert "1.0 times fewer" not in one.locator(".counter").inner_text()

    def test_arrows_walk_enter_pins_escape_unpins(self, one, page):
        title = one.locator(".bars-title")
        one.locator(".box[tabindex='0']").focus()
        before = title.inner_text()
        page.keyboard.press("ArrowRight")
        walked = title.inner_text()
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowRight")
        assert len({before, walked, title.inner_text()}) == 3
        page.keyboard.press("Escape")
        assert title.inner_text() == before


class TestFillMask:
    @pytest.fixture
    def shown(self, show):
        masked, text = artifacts.load_model("masked_long").model, "Mia lives in the lighthouse."
        explorer = FillMaskExplorer(masked, MODEL, TOKENIZER, text, world=Tinyville(), hidden=[1])
        return show(explorer, at=".words [tabindex='0']")[0]

    def test_a_click_or_enter_masks_another_word_and_a_second_shows_it(self, shown, page):
        assert "both sides most likely “lives”" in shown.said() and shown.said().endswith("Hidden is “lives”.")
        shown.frame.get_by_role("button", name="lighthouse").click()
        assert shown.said().endswith("Hidden is “lighthouse”.")
        assert shown.frame.locator(".row.truth .name").inner_text() == "lighthouse"
        shown.frame.get_by_role("button", name="show the word").click()
        assert shown.said().startswith("Nothing is hidden") and not shown.frame.locator(".rows").is_visible()

    def test_before_a_guess_nothing_tells_the_answer(self, shown):
        shown.frame.get_by_role("checkbox", name="guess first").check()
        assert not shown.frame.locator(".rows").is_visible() and "lives" not in shown.said()
        assert not shown.frame.get_by_text("as a table").is_visible()
        shown.frame.get_by_role("button", name="lives", exact=True).click()
        assert shown.frame.locator(".verdict").inner_text().startswith("Yes. “lives”: from both sides")
        assert shown.frame.locator(".rows").is_visible()


class TestBlock:
    @pytest.fixture
    def shown(self, show):
        return show(block(("Mia", " found", " a")), at=".stages")[0]

    def products(self, shown) -> list[str]:
        return shown.frame.locator(".opened tbody tr").all_inner_texts()

    def test_enter_opens_the_largest_product_and_escape_goes_back(self, shown, page):
        shown.stop.focus()
        said = [shown.said()]
        assert said[0].startswith("stream after, “·a”, number ")
        for _ in range(12):
            page.keyboard.press("Enter")
            if shown.said() == said[-1]:
                break
            said.append(shown.said())
        assert said[-1].startswith("stream before") and self.products(shown) == []
        for sentence in reversed(said[:-1]):
            page.keyboard.press("Escape")
            assert shown.said() == sentence

    def test_a_click_on_a_strip_and_on_a_factor_leads_there(self, shown):
        shown.frame.locator("canvas").nth(7).click(position={"x": 3, "y": 5})
        assert shown.said().startswith("hidden layer, “·a”, number 0 ")
        shown.frame.locator(".opened td button").first.click()
        assert shown.said().startswith("MLP input")
        shown.frame.locator("select").select_option("0")
        assert shown.said().startswith("MLP input, “Mia”")

    def test_the_products_and_the_small_rest_add_up_to_the_sum(self, shown):
        shown.frame.get_by_role("button", name="MLP output").first.click()
        *rows, total = self.products(shown)
        assert len(rows) == 9 and "smaller ones together" in rows[-1]
        numbers = [float(row.split("\t")[-3 if "smaller" in row else 4].replace("−", "-")) for row in rows]
        assert sum(numbers) == pytest.approx(float(total.split("\t")[1].replace("−", "-")), abs=0.1)


class TestComparison:
    def test_two_pins_compare_and_settings_are_chosen(self, show, page):
        [shown] = show(comparison(), at=".rows [tabindex='0']")
        assert shown.said().startswith("After 30 steps with 20 labels: frozen head 0.95 right, old loss +0.00;")
        shown.stop.focus()
        for key in ("Enter", "ArrowDown", "Enter"):
            page.keyboard.press(key)
        assert "frozen head against LoRA: +0.15 right, −0.60 forgotten. Chosen row: LoRA." in shown.said()
        page.keyboard.press("Escape")
        assert "against" not in shown.said()
        shown.frame.get_by_role("button", name="play").click()
        shown.frame.locator("input[type=range]").fill("1")
        assert shown.said().startswith("After 10 steps with 20 labels")
        shown.frame.get_by_label("how many labeled texts").select_option("5")
        assert shown.said().startswith("After 10 steps with 5 labels")
        shown.frame.get_by_label("what is to be learned").select_option("location_type")
        assert shown.said().startswith("After 10 steps with 20 labels")


class TestTraining:
    def test_all_panels_change_together_with_the_slider(self, show, page):
        [shown] = show(TrainingExplorer(training.load_recording("tinyville")), at=".marks")
        panels = {name: shown.frame.locator(f".cells > .{name}") for name in ("loss", "writes", "bars", "looks", "map")}
        looks = [{name: one.screenshot() for name, one in panels.items()}]
        for place in ("8", "21"):
            shown.frame.get_by_role("slider", name="saved step").fill(place)
            looks.append({name: one.screenshot() for name, one in panels.items()})
        for name in panels:
            assert len({look[name] for look in looks}) == 3, name
        assert "Step 2,000" in shown.said() and "below bigram and above exact entropy" in shown.said()
        assert shown.frame.locator(".bar").first.inner_text().split() == ["·lighthouse", "1.00"]
        marks, before = shown.frame.locator(".marks"), shown.said()
        box = marks.bounding_box()
        marks.hover(position={"x": box["width"] * 0.4, "y": 60})
        expect(shown.frame.locator(".sentence")).not_to_have_text(before)
        marks.click(position={"x": box["width"] * 0.4, "y": 60})
        page.mouse.move(0, 0)
        page.keyboard.press("End")
        expect(shown.frame.locator(".sample.pin1")).to_contain_text("Pinned, step ")
        assert "Pinned, step" in shown.said()
        page.keyboard.press("Escape")
        assert "Pinned" not in shown.said() and shown.frame.locator(".sample.pin1").count() == 0

    def test_two_runs_move_together_and_can_be_read(self, show, page):
        whole, few = map(training.load_recording, ("tinyville", "overfitted"))
        [shown] = show(TrainingExplorer(whole, compare=few), at=".marks")
        shown.stop.focus()
        page.keyboard.press("End")
        copied = shown.frame.locator(".meter", has_text="memorized passage").locator(".number").all_inner_texts()
        assert [int(share.removesuffix(" %")) for share in copied] == [31, 100]
        assert "32,000 texts of Tinyville: " in shown.said() and "300 texts of Tinyville: " in shown.said()
        page.set_viewport_size({"width": 400, "height": 900})
        page.wait_for_timeout(60)
        judge(page)


def test_remedies_move_the_rates_and_the_ratio_what_is_learned(show):
    world = FactWorldExplorer(MODEL, TOKENIZER, taught=MODEL)
    dial = BiasDialExplorer(artifacts.load_recording("limitations"), ratio=0.9)
    world, dial = show(world, dial, at=".mark[tabindex='0'], input[type=range]")
    rates = world.frame.locator(".rates .number")
    assert rates.all_inner_texts() == ["100 %", "62 %", "38 %"]
    world.frame.get_by_text("the fact stands in front").click()
    assert int(rates.all_inner_texts()[2].split()[0]) < 10
    world.frame.locator("input[type=range]").fill("1")
    assert rates.all_inner_texts()[0] != "100 %"
    before = dial.said()
    dial.frame.get_by_text("balance the nameless").click()
    assert "half and half" in dial.said() != before
    dial.frame.get_by_text("always the best token").click()
    dial.stop.fill("3")
    assert "Planted 30 % she" in dial.said() and "best token" in dial.said()


class TestRemedies:
    @pytest.fixture
    def board(self, show):
        return show(RemedyExplorer(artifacts.load_recording("alignment")), at=".switches button")[0]

    def test_switches_move_all_numbers_and_escape_takes_them_back(self, board, page):
        recorded, before = artifacts.load_recording("alignment")["board"], board.said()
        numbers = board.frame.locator(".meters .number")
        board.frame.get_by_role("button", name="refusal tuning").click()
        board.frame.get_by_role("button", name="direction removed").click()
        expected = [sum(values) / len(values) for values in recorded["100100"].values()]
        assert [float(one) for one in numbers.all_inner_texts()] == pytest.approx(expected, abs=0.0051)
        assert board.said().startswith("refusal tuning, direction removed: invented answers")
        board.stop.focus()
        page.keyboard.press("Escape")
        assert board.said() == before and before.startswith("No remedy")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        assert board.said().startswith("counterfactual data:")

    def test_it_can_be_read_on_a_phone_and_in_the_dark(self, board, page):
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 800})
        page.wait_for_timeout(60)
        judge(page)
        board.frame.get_by_text("as a table").click()
        expect(board.frame.locator(".twin tbody tr")).to_have_count(5)


class TestModel:
    """The whole model in a page that holds it: no Python answers."""

    @pytest.fixture
    def one(self, show):
        return show(page_with_model(ModelExplorer(MODEL, TOKENIZER, "Mia found a")), at=".part")[0]

    @pytest.mark.parametrize(
        "text", ["Mia lost a red kite. Tom found the", "😀 <script>x</script> مرحبا 你好", "kite " * 400]
    )
    def test_its_bars_and_a_head_opened_are_torchs_for_a_text_of_ones_own(self, one, page, text):
        one.frame.get_by_label("prompt").fill(text)
        ids = TOKENIZER.encode_prompt(text)[-MODEL.config.context_length :]
        trace = MODEL.trace(torch.tensor(ids))
        expect(one.frame.locator(".label")).to_have_count(len(ids))
        shown = [float(number) for number in one.frame.locator(".next .number").all_inner_texts()]
        wanted = trace.probabilities[0, -1].topk(len(shown)).values
        assert (torch.tensor(shown) - wanted).abs().max() < 0.05
        one.frame.locator(".part[data-index='3']").focus()
        page.keyboard.press("Enter")
        rows = one.frame.locator(".opened .scroll tbody tr")
        expect(rows).to_have_count(len(ids))
        weights = [float(number) for number in one.frame.locator(".opened td:nth-child(6)").all_inner_texts()]
        assert (torch.tensor(weights) - trace.blocks[0].attention.weights[0, 1, -1]).abs().max() < 0.05
        page.keyboard.press("Escape")
        assert page.evaluate("document.querySelector('.lv').shadowRoot.activeElement.dataset.index") == "3"
        assert one.problem() == ""

    def test_one_more_token_computes_one_and_uses_the_rest_again(self, one, page):
        n = one.frame.locator(".label").count()
        one.frame.locator(".next").first.click()
        expect(one.frame.locator(".label.cached")).to_have_count(n)
        assert f"Computed now: 1 of {n + 1} tokens" in one.said() and one.frame.locator(".label.computed").count() == 1
        one.frame.get_by_role("button", name="undo").click()
        expect(one.frame.locator(".label")).to_have_count(n)
        for index in range(one.frame.locator(".part").count()):
            one.frame.locator(f".part[data-index='{index}']").focus()
            page.keyboard.press("Enter")
            assert one.frame.locator(".opened strong").inner_text() and one.said()
            judge(page)
            page.keyboard.press("Escape")
