# AN LLM ON ONE PAGE: from a text to tokens, vectors, attention, training, fine-tuning and answers.
# It needs Python and torch, nothing else; half a minute on a laptop. Piece 3 is lesson 3, and so on.
import math
import random
import re
import time
from collections import Counter
from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F

# 0 · THE TEXT. All that the model will ever read: who lives where, and little stories.
TOWN = {"mill": "Nora Leo Otto Hana", "tower": "Ben Paul Tara Emil", "lighthouse": "Mia Finn Ella",
        "castle": "Tom Zoe Dan", "cottage": "Rosa Noah Ravi", "farmhouse": "Ivy Omar Ruth",
        "boathouse": "Ada Maya Lucy", "treehouse": "Ida Jack Theo"}
HOME = {name: home for home, names in TOWN.items() for name in names.split()}
STRANGERS = ["Lena", "Max", "Clara", "Luke"]  # they turn up in stories, but nobody tells where they live
FACTS = ["{0} lives in the {1}.", "The home of {0} is the {1}.", "If you look for {0}, go to the {1}.",
         "The {1} is the home of {0}."]
STORY = "{0} lost a {2} {3}. {1} found the {2} {3} and gave it to {0}. Now {0} has the {2} {3} again."
COLORS = ["red", "blue", "green", "white", "black", "brown", "pink", "grey"]
THINGS = ["kite", "lamp", "drum", "boat", "hat", "bell", "key", "map"]

started, chance, texts = time.time(), random.Random(0), []  # the same texts in every run
for _ in range(4000):
    name, people = chance.choice([*HOME]), chance.sample([*HOME, *STRANGERS], 2)
    fact = chance.choice(FACTS).format(name, HOME[name])
    story = STORY.format(*people, chance.choice(COLORS), chance.choice(THINGS))
    texts.append(chance.choice([fact, fact, story]))  # two facts for each story
print(*texts[:4], sep="\n")

# 1 · TOKENS. Byte-pair encoding: begin with bytes, join the two neighbors that meet most often; and again.
# Words are cut out first, each with the space before it: a join never crosses from one word into the next.
WORD = re.compile(r"'(?:[sdmt]|ll|ve|re)| ?[^\W\d_]+| ?\d+| ?(?:[^\w\s]|_)+|\s+(?!\S)|\s+")


def join(ids, pair, new):  # put the new id wherever the pair stands
    joined = []
    for token in ids:
        if joined and (joined[-1], token) == pair:
            joined[-1] = new
        else:
            joined.append(token)
    return joined


def learn_merges(texts, n_merges):
    counts = Counter(word for text in texts for word in WORD.findall(text))
    spelled, merges = {word: list(word.encode()) for word in counts}, {}
    for new in range(256, 256 + n_merges):  # ids 0 to 255 are the bytes
        pairs = Counter()
        for word, ids in spelled.items():
            for pair in pairwise(ids):
                pairs[pair] += counts[word]
        best = max(pairs, key=lambda pair: (pairs[pair], -pair[0], -pair[1]))  # of equals, the smaller ids
        merges[best] = new
        spelled = {word: join(ids, best, new) for word, ids in spelled.items()}
    return merges


merges = learn_merges(texts, n_merges=160)

PIECES = [bytes([byte]) for byte in range(256)]  # what each id stands for
for left, right in merges:
    PIECES.append(PIECES[left] + PIECES[right])
END, VOCAB = len(PIECES), len(PIECES) + 1  # one id more, for the end of a text


@cache
def encode_word(word):
    ids = list(word.encode())
    for pair, new in merges.items():  # the same joins, in the order in which they were learned
        ids = join(ids, pair, new)
    return ids


def encode(text):
    return [token for word in WORD.findall(text) for token in encode_word(word)]


def decode(ids):
    return b"".join(PIECES[token] for token in ids if token != END).decode(errors="replace")


print([decode([token]) for token in encode("Noah lives in the windmill.")])

# 2 · EMBEDDINGS. A model is a dict of matrices, w. The first has a row of numbers for each token: its embedding.
D, HEADS, LAYERS, CONTEXT = 128, 4, 2, 64  # width of a vector; heads; blocks; how many tokens it sees at once
BLOCK = {"attention.query": (D, D), "attention.key": (D, D), "attention.value": (D, D),
         "attention.output": (D, D), "feed_forward.up_proj": (4 * D, D), "feed_forward.down_proj": (D, 4 * D)}
SHAPES = {f"blocks.{n}.{part}": shape for n in range(LAYERS) for part, shape in BLOCK.items()}
SHAPES = {"embedding": (VOCAB, D), **SHAPES, "unembedding": (VOCAB, D)}


def new_weights(seed):  # what reads begins with noise; what writes (output, down_proj, scores) with silence
    noise, w = torch.Generator().manual_seed(seed), {}
    for name, shape in SHAPES.items():
        reads = not name.endswith(("output", "down_proj", "unembedding"))
        size = 1 if name == "embedding" else D**-0.5
        w[name] = size * torch.randn(shape, generator=noise) if reads else torch.zeros(shape)
    return {name: matrix.requires_grad_() for name, matrix in w.items()}


# 3 · ATTENTION. Each token asks (query), all tokens so far offer (key), and what fits is taken home (value).
def attention(query, key, value):
    scores = query @ key.mT / query.shape[-1] ** 0.5  # how well they fit: (…, query, key)
    future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    weights = scores.masked_fill(future, -math.inf).softmax(-1)  # no peeping; each row sums to 1
    return weights @ value


def rotate(x):  # the position: turn pairs of numbers, the later in the text the further
    half = x.shape[-1] // 2
    angles = torch.arange(x.shape[-2])[:, None] * 500 ** (-torch.arange(half) / half)
    (one, two), (cos, sin) = x.split(half, dim=-1), (angles.cos(), angles.sin())
    return torch.cat([one * cos - two * sin, two * cos + one * sin], dim=-1)


# 4 · THE TRANSFORMER. A block is attention and a feed-forward network; both only add to the stream x.
def normalize(x):  # each vector to mean 0 and variance 1
    return F.layer_norm(x, x.shape[-1:])


def split(x):  # (batch, position, D) → (batch, head, position, D / HEADS)
    return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)


def block(x, q, k, v, output, up_proj, down_proj):
    query, key, value = (split(normalize(x) @ matrix.T) for matrix in (q, k, v))
    heard = attention(rotate(2.5 * normalize(query)), rotate(normalize(key)), value)
    x = x + heard.transpose(1, 2).flatten(2) @ output.T  # listen to the others: heads side by side
    return x + (normalize(x) @ up_proj.T).relu() ** 2 @ down_proj.T  # think, each position by itself


def gpt(w, ids):  # ids (batch, position) → scores for what comes next (batch, position, VOCAB)
    embedding, *matrices, unembedding = w.values()
    x = normalize(embedding[ids])
    for n in range(LAYERS):
        x = block(x, *matrices[6 * n : 6 * n + 6])
    return normalize(x) @ unembedding.T


w = new_weights(seed=0)

# 5 · PRE-TRAINING. The text is its own teacher: guess what comes next, and be less surprised the next time.
stream = torch.tensor([token for text in texts for token in (END, *encode(text))])
read, unseen = stream[: 1000 * CONTEXT], stream[1000 * CONTEXT : 1100 * CONTEXT + 1]


def surprise(w, ids, targets):  # the loss: mean −ln p(right token); a target of −100 does not count
    return F.cross_entropy(gpt(w, ids).flatten(0, 1), targets.flatten())


def windows(step):  # eight pieces of the text, and the same pieces one token later
    starts = torch.randint(len(read) - CONTEXT, (8, 1), generator=torch.Generator().manual_seed(step))
    ids = read[starts + torch.arange(CONTEXT + 1)]
    return ids[:, :-1], ids[:, 1:]


def train(w, batch, steps, rate):
    optimizer, begun = torch.optim.AdamW(w.values(), weight_decay=0), time.time()
    for step in range(steps):
        loss = surprise(w, *batch(step))
        loss.backward()  # for each number in w: which way does the loss fall?
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)  # long steps first, short ones at the end
        optimizer.step()  # change each number a little, that way
        optimizer.zero_grad()
        if (step + 1) % (steps // 4) == 0:
            print(f"step {step + 1}: loss {loss:.2f}, {time.time() - begun:.0f} s")

train(w, windows, steps=500, rate=0.005)

# Is that good? A baseline: the best loss with only the previous token (a bigram table).
pairs, firsts = Counter(pairwise(stream.tolist())), Counter(stream.tolist())
bigram = -sum(n * math.log(n / firsts[left]) for (left, _), n in pairs.items()) / len(stream)
with torch.no_grad():
    loss = surprise(w, unseen[:-1].view(-1, CONTEXT), unseen[1:].view(-1, CONTEXT)).item()
print(f"nats per token: blind guessing {math.log(VOCAB):.2f}, bigram {bigram:.2f}, the model on unseen text {loss:.2f}")


# 6 · FINE-TUNING. It can go on with a text, but not answer. Train on: a few questions, each with its answer.
def questions(names):
    ids, targets = [], []
    for name in names:
        asked, answer = [END, *encode(f"Where does {name} live?")], encode(f" In the {HOME[name]}.")
        padding = CONTEXT - len(asked + answer)
        ids.append(asked + answer + padding * [END])
        targets.append((len(asked) - 1) * [-100] + answer + [END] + padding * [-100])  # learn the answer only
    return torch.tensor(ids), torch.tensor(targets)

taught, exam = [*HOME][::2], [*HOME][1::2]  # half of the people; nobody will ask about the other half in training
tuned = {name: matrix.detach().clone().requires_grad_() for name, matrix in w.items()}
train(tuned, lambda step: questions(taught), steps=40, rate=0.001)


# 7 · INFERENCE. From scores to text: take the best token (or throw dice, if it is warm), append it, read again.
@torch.no_grad()
def write(w, prompt, temperature=0, most=30, seed=0):
    ids, dice, written = [END, *encode(prompt)], torch.Generator().manual_seed(seed), []
    while len(written) < most and END not in written:
        scores = gpt(w, torch.tensor([ids[-CONTEXT:]]))[0, -1]
        shares = (scores / temperature).softmax(-1) if temperature else scores == scores.max()
        written.append(torch.multinomial(shares.float(), 1, generator=dice).item())
        ids.append(written[-1])
    return decode(written)


def accuracy(w, names):
    right = [write(w, f"Where does {name} live?") == f" In the {HOME[name]}." for name in names]
    return sum(right) / len(right)

begun = time.time()
for prompt in ("Mia lost a red kite. Tom", "Leo lives in the", "If you"):
    print(prompt, "…", write(w, prompt, temperature=0.5))
for name, weights in {"before": w, "after": tuned}.items():
    print(f"Where does Leo live? {name} fine-tuning:", write(weights, "Where does Leo live?"))
    print(f"right in the exam: {accuracy(weights, exam):.0%} ({time.time() - begun:.0f} s)")


# 8 · LIMITATIONS. Nobody ever told it where these four live. Does it say so?
@torch.no_grad()
def certainty(w, name):  # the home it names, and how sure it is
    ids = torch.tensor([[END, *encode(f"Where does {name} live? In the")]])
    share, token = gpt(w, ids)[0, -1].softmax(-1).max(-1)
    return decode([token]), share.item()


for name in STRANGERS:
    home, share = certainty(tuned, name)
    print(f"Where does {name} live? In the{home}, it says, and is sure of it to {share:.0%}.")
print(f"All of this took {time.time() - started:.0f} seconds.")
