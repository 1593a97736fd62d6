"""What a chat model really reads: one long text, in which special tokens say who speaks (lesson 10).

This is the template of SmolLM2, "ChatML": `<|im_start|>`, the role, a line break, what was said, `<|im_end|>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmviz.pretrained.tokenizer import TiktokenTokenizer

START, END = "<|im_start|>", "<|im_end|>"
ROLES = ("system", "user", "assistant")
FIRST = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""What the template lets the system say where the messages do not begin with one of the system."""

Message = Mapping[str, str]


def chat_prompt(messages: Sequence[Message]) -> str:
    """Write a conversation as the model reads it, up to where the assistant is to speak.

    Each message has a "role" ("system", "user" or "assistant") and a "content". Raises ValueError for another one.

    >>> print(chat_prompt([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello!"}]))
    <|im_start|>system
    Be brief.<|im_end|>
    <|im_start|>user
    Hello!<|im_end|>
    <|im_start|>assistant
    <BLANKLINE>
    """
    turns = "".join(f"{START}{said['role']}\n{said['content']}{END}\n" for said in _with_system(messages))
    return f"{turns}{START}assistant\n"


def encode_chat(tokenizer: TiktokenTokenizer, messages: Sequence[Message]) -> list[int]:
    """Turn a conversation into token ids; only we write special tokens, so nobody can speak in another's name.

    Where a message says "<|im_end|>", that is plain text, in letters. Raises ValueError for a tokenizer without
    the two special tokens, and for messages as `chat_prompt` does.
    """
    if missing := [name for name in (START, END) if name not in tokenizer.special_tokens]:
        raise ValueError(f"this model has no token {missing[0]}: it was not made to chat in this way")
    start, end = tokenizer.special_tokens[START], tokenizer.special_tokens[END]
    line_break, token_ids = tokenizer.encode("\n"), []
    for said in _with_system(messages):
        token_ids += [start, *tokenizer.encode(f"{said['role']}\n{said['content']}"), end, *line_break]
    return [*token_ids, start, *tokenizer.encode("assistant\n")]


def _with_system(messages: Sequence[Message]) -> list[Message]:
    for said in messages:
        if not isinstance(said, Mapping) or set(said) != {"role", "content"} or said["role"] not in ROLES:
            raise ValueError(f'a message is {{"role": …, "content": …}}, its role one of {ROLES}; given {said!r:.80}')
    if not messages:
        raise ValueError("a conversation needs at least one message")
    first = [] if messages[0]["role"] == "system" else [{"role": "system", "content": FIRST}]
    return [*first, *messages]
