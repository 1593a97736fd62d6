// 400 keys, clicks and inputs anywhere in the first explorer of a page; always the same ones.
async () => {
  let seed = 7;
  const chance = (n) => (seed = (seed * 48271) % 2147483647) % n;
  const one = (list) => list[chance(list.length)];
  const root = document.querySelector(".lv").shadowRoot;
  const keys = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Enter", "Escape", " ", "Home", "End", "[", "]", "x"];
  const far = { bubbles: true, composed: true };
  for (let turn = 0; turn < 400; turn++) {
    const thing = one([...root.querySelectorAll("button, input, select, canvas, [tabindex], [data-index]")]
      .filter((each) => each.checkVisibility() && !/^(copy|save|full)/.test(each.textContent)));
    if (chance(3) === 0) {
      thing.focus();
      thing.dispatchEvent(new KeyboardEvent("keydown", { key: one(keys), ...far }));
    } else if (thing.matches("input[type=range]")) {
      thing.value = chance(1 + (Number(thing.max) || 100));
      thing.dispatchEvent(new Event("input", far));
    } else if (thing.matches("textarea, input[type=text]")) {
      thing.value = one(["", "Mia", "<b>", "\ud83d"]);
      for (const name of ["input", "change"]) thing.dispatchEvent(new Event(name, far));
    } else if (thing.matches("select")) {
      thing.selectedIndex = chance(thing.options.length);
      thing.dispatchEvent(new Event("change", far));
    } else {
      const { left, top, width, height } = thing.getBoundingClientRect();
      const at = { clientX: left + (chance(100) * width) / 100, clientY: top + (chance(100) * height) / 100, ...far };
      for (const name of ["pointerover", "pointermove"]) thing.dispatchEvent(new PointerEvent(name, at));
      if (chance(2)) thing.click();
    }
    if (chance(20) === 0) await new Promise(requestAnimationFrame);
  }
}
