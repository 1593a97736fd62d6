"""Tokens that break pictures: unseen, undrawable, backwards, mathematical, endless."""

from hypothesis import strategies as st

NASTY = [
    "", " ", "\n", "\r\n", "\t", "\x00", "\x07", "\x1b[31m", "$", "$x^2$", "$\\frac{", "\\alpha",
    "a$b$c$", "_", "^{", "%",
    "안녕하세요", "日本", "مرحبا", "שלום", "हिन्दी", "ไทย", "😀", "👨‍👩‍👧", "❤️",
    "🇰🇷", "e\u0301", "\u0301", "\u202egnp",
    "\u200b", "\ufeff", "\ud83d", "\udcff", "\ufffd", "\U0010ffff", "<img src=x onerror=alert(1)>", "</script>",
    '"', "&amp;",
    "_nolegend_", "x" * 10_000,
]  # fmt: skip

any_character = st.characters(exclude_categories=())  # surrogates, controls and unassigned ones too
tokens = st.one_of(st.sampled_from(NASTY), st.text(any_character, max_size=30))
