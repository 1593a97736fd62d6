"""Any string as a label: nothing invisible, nothing the font lacks, nothing longer than its place.

Tokens may be spaces, line ends, halves of an emoji, Korean, control characters or ten thousand letters.
A picture shows ``·`` for a space, ``↵`` for a line end, and ``U+C548`` for what cannot be drawn.
"""

import unicodedata
from functools import lru_cache

from matplotlib import font_manager
from matplotlib.backends.backend_agg import RendererAgg

MAIN_FONT = "DejaVu Sans"  # comes with matplotlib, so it is everywhere
# Fonts of the large systems for the scripts that DejaVu Sans lacks; used where they are installed.
OTHER_FONTS = (
    "Noto Sans CJK KR", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans KR",
    "Noto Sans JP", "Noto Sans SC",
    "Apple SD Gothic Neo", "Hiragino Sans", "PingFang SC", "Arial Unicode MS",
    "Malgun Gothic", "Yu Gothic", "Microsoft YaHei", "Nirmala UI", "Segoe UI Symbol",
)  # fmt: skip

_SYMBOLS = {" ": "·", "\n": "↵", "\t": "⇥"}
_MEASURING_DPI = 720


@lru_cache(maxsize=1)
def font_families() -> tuple[str, ...]:
    """Return the fonts of all labels: DejaVu Sans, then those of the others that are installed."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return (MAIN_FONT, *(name for name in OTHER_FONTS if name in installed))


@lru_cache(maxsize=1)
def _drawable_codes() -> frozenset[int]:
    codes: set[int] = set()
    for family in font_families():
        path = font_manager.findfont(font_manager.FontProperties(family=[family]))
        codes.update(font_manager.get_font(path).get_charmap())
    return frozenset(codes)


def _is_invisible(character: str) -> bool:
    category = unicodedata.category(character)
    is_variation_selector = 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF
    return category[0] in "CZ" or is_variation_selector


def _pieces(text: str, symbols: dict[str, str], in_picture: bool):
    """Yield what stands for each character, as (piece, whether it is a code such as U+C548)."""
    symbols = symbols | {" ": " "} if text.startswith("⟨") else symbols  # bytes written as hex
    for character in text:
        if character in symbols:
            yield symbols[character], False
        elif _is_invisible(character) or (in_picture and ord(character) not in _drawable_codes()):
            yield f"U+{ord(character):04X}", True
        else:
            yield character, False


def _assemble(text: str, limit: int, symbols: dict[str, str], in_picture: bool) -> str:
    pieces: list[str] = []
    length, after_code = 0, False
    for piece, is_code in _pieces(text, symbols, in_picture):
        if not pieces and unicodedata.category(piece[0])[0] == "M":
            piece = "◌" + piece  # an accent alone stands on a dotted circle
        if after_code and is_code:
            piece = " " + piece
        pieces.append(piece)
        length, after_code = length + len(piece), is_code
        if length > limit:
            while len(pieces) > 1 and length > limit - 1:
                length -= len(pieces.pop())
            return "".join(pieces) + "…"
    return "".join(pieces)


def token_label(token: str, limit: int = 20) -> str:
    """Return a token as a picture shows it, at most about `limit` characters long.

    >>> token_label(" red"), token_label("\\n"), token_label("a" * 30, 8), token_label(""), token_label("⟨20 f0⟩")
    ('·red', '↵', 'aaaaaaa…', '∅', '⟨20 f0⟩')
    >>> token_label("\\x07"), token_label("\\u200b\\ufeff")
    ('U+0007', 'U+200B U+FEFF')
    """
    return _assemble(token, limit, _SYMBOLS, in_picture=True) or "∅"


def token_text(token: str, limit: int = 24) -> str:
    """Return a token as a page or an alternative text shows it (they have more letters than a font)."""
    return _assemble(token, limit, _SYMBOLS, in_picture=False) or "∅"


def spoken_token(token: str) -> str:
    """Return a token in quotation marks, as a sentence names it.

    >>> spoken_token(" 안녕")
    '“·안녕”'
    """
    return f"“{token_text(token, 20)}”"


def prose_label(text: str, limit: int = 120) -> str:
    """Return prose as a picture shows it: on one line, every character drawable."""
    return _assemble(" ".join(text.split()), limit, {" ": " "}, in_picture=True)


def spoken_prose(text: str, limit: int = 120) -> str:
    """Return prose on one line, nothing invisible in it."""
    return _assemble(" ".join(text.split()), limit, {" ": " "}, in_picture=False)


@lru_cache(maxsize=1)
def _measuring_renderer() -> RendererAgg:
    return RendererAgg(8, 8, _MEASURING_DPI)


@lru_cache(maxsize=4096)
def text_width(label: str, size: float) -> float:
    """Return how wide a label is when drawn at a font size; both in points."""
    font = font_manager.FontProperties(family=list(font_families()), size=size)
    width, _, _ = _measuring_renderer().get_text_width_height_descent(label, font, False)
    return width * 72 / _MEASURING_DPI


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "token"), count(1234, "token")
    ('1 token', '1,234 tokens')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def listing(names: list[str]) -> str:
    """Return names as a spoken list.

    >>> listing(["red", "blue", "green"])
    'red, blue and green'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
