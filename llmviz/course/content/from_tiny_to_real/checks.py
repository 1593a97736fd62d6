"""What lesson 10 asks: predictions, three functions to write, and a quiz."""

import torch

from llmviz.course.content.from_tiny_to_real.mistakes import chat, gated, normed
from llmviz.course.lesson import Lesson
from llmviz.course.schema import Choice, Distractor, Exercise, Mistake, Number, Question
from llmviz.pretrained.chat import chat_prompt
from llmviz.training import architectures


def _numbers(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


_X, _GAIN = _numbers(3, 4, seed=0) + 0.5, torch.tensor([1.0, 2.0, 0.5, -1.0])
_GATE, _WIDEN, _NARROW = _numbers(6, 4, seed=1), _numbers(6, 4, seed=2), _numbers(4, 6, seed=3)
_SYSTEM, _USER = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is Mia?"}
_ANSWER, _AGAIN = {"role": "assistant", "content": "In the mill."}, {"role": "user", "content": "And Hugo?"}

LESSON = Lesson(
    "from_tiny_to_real",
    title="10 · From tiny to real",
    warm_up=[
        Question(
            "what_a_block_does",
            "What does a block do to the residual stream?",
            right="It adds to it",
            why="Attention adds what it gathered, the feed-forward network what it thought.",
            wrong=[
                Distractor(
                    "It replaces it",
                    "*Each layer replaces the last.* Subtract all remarks, and the embedding is back.",
                    "04_transformer.ipynb#Add, never replace",
                ),
                Distractor(
                    "It multiplies it by the attention weights",
                    "The weights mix values; what comes of that is *added*.",
                    "04_transformer.ipynb#Add, never replace",
                ),
            ],
        ),
        Question(
            "sure_and_right",
            "A model gives its next word .9. The prompt has no true answer. What then?",
            right="It is an invention with .9",
            why="Probability is about the next word, not about the world.",
            wrong=[
                Distractor(
                    "Then it knew after all",
                    "*Fluent and confident, so probably right.* Where nothing was to be known, it was as fluent.",
                    "08_limitations.ipynb#Ask about everybody",
                ),
                Distractor(
                    "That cannot be: it would say that it does not know",
                    "*It knows what it does not know.* Nothing taught it to say so.",
                    "08_limitations.ipynb#Ask about everybody",
                ),
            ],
        ),
    ],
    predictions=[
        Choice(
            "which_change",
            "Five changes lead from GPT-2 to Llama. We switch on each *alone* in a tiny GPT, train 300 steps, and "
            "measure on unread text. Which lowers the loss by far the most?",
            {
                "rotary positions": "",
                "RMSNorm": "*Newer is better.* It saves a subtraction; the model learns the same with and without.",
                "SwiGLU": "In large models it pays a little. In a tiny one, at the same size, you will see.",
                "grouped queries": "It gives something *up*: keys and values. It is made for memory, not for the loss.",
                "no biases": "A few numbers fewer. Nobody misses them; nobody gains by it, either.",
            },
            why="Learned positions must first be learned, each place by itself. Rotation knows from the first step "
            "what “two places back” means.",
        ),
        Choice(
            "after_64",
            "Both models have read windows of 64 tokens only. Now you give each a text of 128. What happens?",
            {
                "both read on": "*A position is just a number.* For one of the two it is a row in a table that ends.",
                "both fail": "One of the two never learned anything about *places*, only about distances.",
                "one stops with an error, one reads on": "",
            },
            why="A learned position is a row of a table, and row 64 does not exist. A rotation can always turn on.",
        ),
        Choice(
            "more_heads",
            "Llama 2 comes with 7 and with 70 billion parameters. The large one has more layers and twice the heads. "
            "Whose keys and values of a text take *less* memory?",
            {
                "those of the small one": "*More heads is more memory.* What is kept are keys and values, and eight "
                "heads share one set in the large one.",
                "the same": "They have different numbers of layers and of kept heads.",
                "those of the large one": "",
            },
            why="Only the heads of keys and values are kept. 64 heads that ask share 8 that are asked.",
        ),
        Number(
            "heads_at_first",
            "SmolLM2 has 30 × 9 heads. How many of them spend more than half of their attention on the *first* token "
            "of the text, whatever it is?",
            unit="heads",
            low=0,
            high=270,
            close=25,
            why="A softmax must spend its 1 somewhere. A head with nothing to report looks at the first token: an "
            "*attention sink* (lesson 3 had such heads, too).",
        ),
        Choice(
            "when_paris",
            "*The capital of France is …* You read the stream of SmolLM2 after each of its 30 layers (lesson 4's "
            "lens). After which is *Paris* on top?",
            {
                "from the first third on": "The first layers find out what is *asked*. Read as an answer, they say a "
                "full stop.",
                "from the middle on": "*Half the layers, half the answer.* In the middle it would still say a space.",
                "only at the very end": "",
            },
            why="A small model has it only in the last layer or two. In between it says what fits everywhere.",
        ),
        Choice(
            "invented",
            "You ask the chat model who wrote *The Glass Lighthouse of Tinyville*, a novel that does not exist. It "
            "says …",
            {
                "that it does not know this novel": "*It knows that it does not know.* Such answers are rare in "
                "what it was tuned on, and the question looks like all others.",
                "nothing": "Something always has the highest probability.",
                "a name and a year": "",
            },
            why="Larger, tuned to chat, a hundred million parameters: and the same thing as Vera's pet in lesson 8.",
        ),
    ],
    exercises=[
        Exercise(
            "rms_norm",
            task="Write `rms_norm(x, gain, epsilon)`: divide each vector by the root of the mean of its squares, and "
            "stretch it by the gain. In: x (…, d_model), gain (d_model,); epsilon is added to the mean before the "
            "root.",
            minutes=6,
            difficulty=1,
            hints=(
                "Four things in the order of the name read backwards: square, mean, root; then divide.",
                "`x / (x.square().mean(dim=-1, keepdim=True) + epsilon).sqrt() * gain`",
            ),
            solution=architectures.rms_norm,
            why="Two steps of lesson 4's normalization are gone: no mean is subtracted, no shift is added. What holds "
            "training steady is the *size* of the vectors.",
            cases=[(_X, torch.ones(4), 1e-5), (_X, _GAIN, 1e-5), (100 * _X[0], _GAIN, 0.0), (_X, _GAIN, 0.5)],
            mistakes=[
                Mistake(
                    "You subtract the mean first: that is LayerNorm. RMSNorm leaves the mean in.",
                    gives=lambda *given: normed(*given, centerd=True),
                ),
                Mistake(
                    "You forget the root: the vectors come out too short, or too long.",
                    gives=lambda *given: normed(*given, rooted=False),
                ),
                Mistake(
                    "You take the sum of the squares, not their mean: wide vectors would shrink.",
                    gives=lambda *given: normed(*given, summed=True),
                ),
                Mistake("You forget the gain.", gives=lambda *given: normed(*given, stretched=False)),
                Mistake(
                    "You take one mean over everything. Each vector has its own: `dim=-1, keepdim=True`.",
                    gives=lambda *given: normed(*given, over_all=True),
                ),
                Mistake(
                    "You forget epsilon: it is added to the mean, before the root.",
                    gives=lambda x, gain, epsilon: normed(x, gain, 0.0),
                ),
            ],
        ),
        Exercise(
            "swiglu",
            task="Write `swiglu(x, gate_proj, up_proj, down_proj)`: the feed-forward network of Llama. `gate_proj` and "
            "`up_proj` are (d_ff, d_model), `down_proj` is (d_model, d_ff), as `nn.Linear` keeps them. Only the gate "
            "bends, by `F.silu`; it multiplies what was widened; then narrow.",
            minutes=7,
            difficulty=2,
            hints=(
                "Two ways up, one way down. `x @ gate_proj.T` goes up once; the two ways meet by `*`.",
                "`(F.silu(x @ gate_proj.T) * (x @ up_proj.T)) @ down_proj.T`",
            ),
            solution=architectures.swiglu,
            why="The gate decides, number by number, how much of what was widened gets through. Three matrices in "
            "place of two: so d_ff is cut to two thirds, and the parameters stay the same.",
            cases=[(_X, _GATE, _WIDEN, _NARROW), (-2 * _X, _WIDEN, _GATE, _NARROW)],
            mistakes=[
                Mistake(
                    "You bend the wrong one: silu goes over the gate, not over what was widened.",
                    gives=lambda *given: gated(*given, bends="widened"),
                ),
                Mistake(
                    "You bend both. What was widened stays as it is.", gives=lambda *given: gated(*given, bends="both")
                ),
                Mistake("You add the two; a gate *multiplies*.", gives=lambda *given: gated(*given, adds=True)),
                Mistake(
                    "You forget to bend: without silu all of it could be one product of two lines.",
                    gives=lambda *given: gated(*given, bends="none"),
                ),
                Mistake(
                    "You forget to narrow: what comes back must fit the stream again.",
                    when=lambda got, x, gate_proj, up_proj, down_proj: (
                        isinstance(got, torch.Tensor) and got.shape[-1:] == gate_proj.shape[:1]
                    ),
                ),
                Mistake(
                    "Your sigmoid is bare. silu(z) is z times sigmoid(z).",
                    gives=lambda *given: gated(*given, bends="sigmoid"),
                ),
                Mistake(
                    "The shapes do not fit: `nn.Linear` keeps (out, in), so multiply by the turned matrix, `.T`.",
                    raises=RuntimeError,
                ),
            ],
        ),
        Exercise(
            "chat_prompt",
            task="Write `chat_prompt(messages)`: each message is a dict with `role` and `content`, and becomes "
            "`<|im_start|>`role, line break, content`<|im_end|>`, line break. At the end open the turn of the "
            "*assistant*. In our cases the first message is always the system's.",
            minutes=7,
            difficulty=1,
            hints=(
                "One f-string for each message, joined; then one opening without an end.",
                "`f\"<|im_start|>{m['role']}\\n{m['content']}<|im_end|>\\n\"` for each `m`, then "
                '`"<|im_start|>assistant\\n"`.',
            ),
            solution=chat_prompt,
            why="A conversation is one text. Open the assistant's turn, and the next-token machine fills it; leave it "
            "open for the user, and it will gladly write *your* next question.",
            cases=[([_SYSTEM, _USER],), ([_SYSTEM, _USER, _ANSWER, _AGAIN],), ([_SYSTEM],)],
            mistakes=[
                Mistake(
                    "The assistant's turn is missing at the end: the model would not know whose turn it is.",
                    gives=lambda messages: chat(messages, opens=False),
                ),
                Mistake(
                    "You close the assistant's turn, too. It is still to be written: leave it open.",
                    gives=lambda messages: chat(messages, closes=True),
                ),
                Mistake(
                    "A line break is missing after the role.", gives=lambda messages: chat(messages, after_role=" ")
                ),
                Mistake(
                    "A line break is missing after `<|im_end|>`.", gives=lambda messages: chat(messages, after_turn="")
                ),
                Mistake(
                    "You never close a turn: `<|im_end|>` is missing.", gives=lambda messages: chat(messages, end="")
                ),
                Mistake(
                    "You drop who speaks. Without the role, question and answer look alike.",
                    gives=lambda messages: chat(messages, roles=False),
                ),
                Mistake(
                    "That is a list; the model reads one text. Join it.",
                    when=lambda got, messages: isinstance(got, list),
                ),
            ],
        ),
    ],
    quiz=[
        Question(
            "other_architecture",
            "What does Llama 2 with 70 billion parameters have that the tiny GPT could not have?",
            right="Nothing but size, data and computing time",
            why="Each of its choices is a field of our `ModelConfig`; we counted its parameters with it.",
            wrong=[
                Distractor(
                    "Another architecture",
                    "*Bigger models have a different architecture.* The same class, other numbers: the count was "
                    "exact.",
                    "Count a model that fills a room",
                ),
                Distractor(
                    "A module that stores facts",
                    "There is attention and there are feed-forward networks. Facts live in their weights.",
                    "Look through the same glass",
                ),
            ],
        ),
        Question(
            "why_rotary",
            "Why could only one of the two models read on after 64 tokens?",
            right="Rotary positions turn by a distance; learned ones are rows of a table that ends",
            why="How well it reads on is another question: distances it never met stay new to it.",
            wrong=[
                Distractor(
                    "It was trained longer",
                    "Both were trained side by side, the same steps, the same text.",
                    "Read further than you were taught",
                ),
                Distractor(
                    "It has more memory",
                    "*The window is memory.* It is the same mask; a row for place 64 was missing.",
                    "Read further than you were taught",
                ),
            ],
        ),
        Question(
            "every_change",
            "A paper shows that SwiGLU is better. You put it into your tiny model. What should you do?",
            right="Measure: at this size, with this text",
            why="Here four of five effects were next to nil, and no step was much faster. What pays at scale need "
            "not pay in small.",
            wrong=[
                Distractor(
                    "Nothing: it was shown",
                    "*Every modern change helps every model.* Four of the five changed next to nothing here.",
                    "Turn one knob at a time",
                ),
                Distractor(
                    "Leave it out: it was no use in the lesson",
                    "It was no use at this size. Large models have it for a measured reason, too.",
                    "Turn one knob at a time",
                ),
            ],
        ),
        Question(
            "grouped",
            "What do grouped queries save?",
            right="Memory for keys and values while writing",
            why="With 8 in place of 64 heads of keys and values: an eighth, for each token, in each layer.",
            wrong=[
                Distractor(
                    "Heads: there are fewer",
                    "*Fewer heads.* All heads still ask; several share what they ask.",
                    "Pay for what is remembered",
                ),
                Distractor(
                    "Loss: sharing makes it learn faster",
                    "In our run the loss rose a little, on each seed. It is bought for memory.",
                    "Turn one knob at a time",
                ),
            ],
        ),
        Question(
            "chat_network",
            "What is a chat model?",
            right="A next-token model, tuned on texts in which special tokens say who speaks",
            why="Same blocks, same weights' shapes. The conversation is one text that is continued.",
            wrong=[
                Distractor(
                    "Another kind of network, with a part for answering",
                    "*A chat model is another kind of network.* It ran in the same class as the tiny GPT.",
                    "Put on the template",
                ),
                Distractor(
                    "A model that learns from you while you chat",
                    "*It learns while it talks.* No weight changed; the whole conversation is read anew.",
                    "Put on the template",
                ),
            ],
        ),
        Question(
            "honest",
            "The real model says with a year and a name who wrote a novel. What do you know?",
            right="How such sentences usually go on",
            why="It named an author for a novel that we made up a minute before.",
            wrong=[
                Distractor(
                    "That there is such a novel, at least",
                    "*It would say so if it did not know.* Four of four inventions got an answer.",
                    "Ask about what does not exist",
                ),
                Distractor(
                    "That a larger model would not have answered",
                    "Size makes it rarer. Nothing in the machine makes it impossible.",
                    "Ask about what does not exist",
                ),
            ],
        ),
    ],
)
progress, warm_up, predict, exercise, quiz = LESSON.doors
check_rms_norm = LESSON.check("rms_norm")
check_swiglu = LESSON.check("swiglu")
check_chat_prompt = LESSON.check("chat_prompt")
