"""A text with holes: the shortest way to write down a program that chooses and says words.

In `"{person} found a {colour} {object}. [Nobody was there.|It was wet.]"` the first mention of a slot draws
its value and every later mention repeats it; square brackets hold equally likely alternatives.
Two slots that draw from the same options never get the same value.
"""

import re
from collections.abc import Mapping
from typing import Any

from llmviz.world.teller import Options, Teller, as_options

_PIECE = re.compile(r"(\[[^\]]*\]|\{\w+\})")


class Template:
    """A parsed template; `tell` says it through a teller and returns what its slots hold.

    `draws` gives the options of each slot that the template may draw itself; `known` names the slots
    that are filled before it is told.
    """

    def __init__(self, text: str, draws: Mapping[str, Options] | None = None, known: tuple[str, ...] = ()):
        self.text = text
        draws = draws or {}
        self._steps: list[tuple[str, Any]] = []
        drawn = set(known)
        literal = ""
        for piece in _PIECE.split(text):
            slot = piece[1:-1] if piece.startswith("{") else None
            if slot in draws and slot not in drawn:
                drawn.add(slot)
                self._add(literal, ("draw", (slot, draws[slot])))
                literal = ""
            elif piece.startswith("["):
                self._add(literal, ("one of", _alternatives(piece[1:-1])))
                literal = ""
            else:
                literal += piece
        self._add(literal)

    def _add(self, literal: str, *steps: tuple[str, Any]) -> None:
        if literal.strip():
            self._steps.append(("say", literal))
        self._steps.extend(steps)

    def tell(self, teller: Teller, **slots: Any) -> dict[str, Any]:
        """Say the template; slots given here are already filled."""
        for action, content in self._steps:
            if action == "say":
                teller.say(content.format_map(slots))
            elif action == "draw":
                slot, options = content
                slots[slot] = teller.say_one_of(options, excluding=_taken(slots, options))
            else:
                alternatives = content
                if not isinstance(alternatives, Options):
                    alternatives = [text.format_map(slots) for text in alternatives]
                teller.say_one_of(alternatives)
        return slots


def _alternatives(text: str) -> Options | tuple[str, ...]:
    """Equally likely alternatives; those without slots are prepared once and for all."""
    texts = tuple(alternative.strip() for alternative in text.split("|"))
    return texts if "{" in text else as_options(texts)


def _taken(slots: Mapping[str, Any], options: Options) -> list[Any]:
    return [value for value in slots.values() if value in options.index]
