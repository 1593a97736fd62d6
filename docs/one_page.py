# AN LLM ON ONE PAGE: a small GPT in plain Python and torch, from the data to the answers.
# Run it: python one_page.py. It takes about 30 seconds on a laptop and needs torch, nothing else.
#
# A tensor is a table of numbers with any number of dimensions. Its shape is written like (batch, position): a
# batch is several texts that are computed at once; x[b, p] is one number. The last dimension is called -1:
# x.shape[-1] is its size, and x.softmax(-1) works along it. A @ B is the matrix product; A.T is A with rows and
# columns exchanged (A.mT: the same in each matrix of a batch). x[:, None] adds a dimension of size 1.
import math
import random
import re
from collections import Counter
from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F

# 1. DATA. The sentences that the model learns from: facts (who lives where) and short stories.
TOWN = {
    "mill": "Nora Leo Otto Hana", "tower": "Ben Paul Tara Emil", "lighthouse": "Mia Finn Ella",
    "castle": "Tom Zoe Dan", "cottage": "Rosa Noah Ravi", "farmhouse": "Ivy Omar Ruth",
    "boathouse": "Ada Maya Lucy", "treehouse": "Ida Jack Theo",
}
HOME = {name: home for home, names in TOWN.items() for name in names.split()}  # {"Nora": "mill", ...}
NO_HOME = ["Lena", "Max", "Clara", "Luke"]  # they appear in stories, but no text says where they live
FACTS = ["{name} lives in the {home}.", "The home of {name} is the {home}.",
         "If you look for {name}, go to the {home}.", "The {home} is the home of {name}."]
STORY = ("{owner} lost a {color} {thing}. {finder} found the {color} {thing} and gave it to {owner}. "
         "Now {owner} has the {color} {thing} again.")
COLORS = ["red", "blue", "green", "white", "black", "brown", "pink", "grey"]
THINGS = ["kite", "lamp", "drum", "boat", "hat", "bell", "key", "map"]


def make_text(rng):
    """Make one text: a fact or a story, each with probability 1/2."""
    name = rng.choice(list(HOME))
    owner, finder = rng.sample([*HOME, *NO_HOME], 2)  # two different people
    fact = rng.choice(FACTS).format(name=name, home=HOME[name])
    story = STORY.format(owner=owner, finder=finder, color=rng.choice(COLORS), thing=rng.choice(THINGS))
    return rng.choice([fact, story])


rng = random.Random(0)  # random numbers with a fixed seed: every run makes the same texts
texts = [make_text(rng) for _ in range(4000)]  # each of the 26 facts occurs about 75 times
print(*texts[:4], sep="\n")

# 2. TOKENIZER. It turns a text into a list of integers, the token ids, and back. The method is byte-level
# byte-pair encoding (BPE), as in GPT-2: start with the 256 bytes; then, 205 times, find the pair of neighbors
# that occurs most often in the texts, and give this pair a new token id.
# Before that, cut the text into words, each with the space before it. Pairs are counted only inside words.
# The pattern, much like GPT-2's: an English ending ('s), letters, digits, or other signs, or spaces alone.
WORD = re.compile(r"'(?:[sdmt]|ll|ve|re)| ?[^\W\d_]+| ?\d+| ?(?:[^\w\s]|_)+|\s+(?!\S)|\s+")


def merge(ids, pair, new_id):
    """Replace the pair by the new id, wherever it occurs: [5, 6, 7], (5, 6), 9 → [9, 7]."""
    merged = []
    for token in ids:
        if merged and (merged[-1], token) == pair:
            merged[-1] = new_id
        else:
            merged.append(token)
    return merged


def learn_merges(texts, n_merges):
    """Find the pairs to merge: {(left id, right id): new id}, in the order in which they are found."""
    counts = Counter(word for text in texts for word in WORD.findall(text))  # word → how often it occurs
    spelling = {word: list(word.encode()) for word in counts}  # word → its token ids; at first, its bytes
    merges = {}
    for new_id in range(256, 256 + n_merges):  # ids 0 to 255 are the bytes
        pairs = Counter()  # pair of neighbors → how often it occurs
        for word, ids in spelling.items():
            for pair in pairwise(ids):
                pairs[pair] += counts[word]
        best = max(pairs, key=lambda pair: (pairs[pair], -pair[0], -pair[1]))  # if equal: the smaller ids
        merges[best] = new_id
        spelling = {word: merge(ids, best, new_id) for word, ids in spelling.items()}
    return merges

merges = learn_merges(texts, n_merges=205)  # enough to make one token of each home, color and thing
TOKEN_BYTES = [bytes([byte]) for byte in range(256)]  # token id → the bytes that it stands for
for left, right in merges:
    TOKEN_BYTES.append(TOKEN_BYTES[left] + TOKEN_BYTES[right])
END = len(TOKEN_BYTES)  # id 461, a special token: it stands between two texts
VOCAB_SIZE = END + 1  # 462 token ids: 256 bytes, 205 merges, 1 special token


@cache  # keep the result of each word, because the same words come again and again
def encode_word(word):
    """Turn one word into its token ids: apply the merges, in the order in which they were learned."""
    ids = list(word.encode())
    for pair, new_id in merges.items():
        ids = merge(ids, pair, new_id)
    return ids


def encode(text):
    """Turn a text into a list of token ids."""
    return [token for word in WORD.findall(text) for token in encode_word(word)]


def decode(ids):
    """Turn token ids into a text. Bytes that are not valid UTF-8 become the sign �."""
    return b"".join(TOKEN_BYTES[token] for token in ids if token != END).decode(errors="replace")


print([decode([token]) for token in encode("Noah lives in the mill.")])

# 3. EMBEDDING AND PARAMETERS. The numbers that training changes, the parameters, are in w: a dict of matrices.
# The first one, the embedding matrix, has one row for each token id: the vector that stands for this token.
D_MODEL = 128  # the vector of a token has this many numbers
N_HEADS = 4  # attention heads in each block; each works with D_MODEL / N_HEADS = 32 numbers
N_LAYERS = 2  # Transformer blocks, one after the other
CONTEXT = 64  # tokens that the model reads at once: about three texts


def parameter_shapes():
    """Name → shape of each matrix, (numbers out, numbers in). The factor 4 is that of GPT-2."""
    square, up, down = (D_MODEL, D_MODEL), (4 * D_MODEL, D_MODEL), (D_MODEL, 4 * D_MODEL)
    block = {"attention.query": square, "attention.key": square, "attention.value": square,
             "attention.output": square, "feed_forward.up_proj": up, "feed_forward.down_proj": down}
    blocks = {f"blocks.{n}.{name}": shape for n in range(N_LAYERS) for name, shape in block.items()}
    return {"embedding": (VOCAB_SIZE, D_MODEL), **blocks, "unembedding": (VOCAB_SIZE, D_MODEL)}


def init_weights(seed):
    """Make the parameters of a new model: {name: matrix}, random numbers and zeros."""
    generator, w = torch.Generator().manual_seed(seed), {}  # the same seed gives the same numbers
    for name, shape in parameter_shapes().items():
        if name.endswith(("attention.output", "down_proj", "unembedding")):
            w[name] = torch.zeros(shape)  # at 0, all tokens are equally probable; training moves the unembedding first
        else:
            # A sum of D_MODEL random products has about the size sqrt(D_MODEL); this factor makes it 1.
            scale = 1 if name == "embedding" else D_MODEL**-0.5
            w[name] = scale * torch.randn(shape, generator=generator)  # normal distribution
        w[name].requires_grad_()  # torch will compute a gradient for each number in it (see 8)
    return w


# 4. ATTENTION. The only step in which a token gets information from other tokens. It compares the query of a
# token with the keys of this and all earlier tokens, makes attention weights from the scores, and adds up the values.
def attention(query, key, value):
    """Causal scaled dot-product attention. Inputs and result: (batch, head, position, numbers in a head)."""
    # One score for each pair of tokens: (batch, head, position of the query, position of the key).
    # A dot product of random vectors of 32 numbers has about the size sqrt(32); the division makes that 1.
    scores = query @ key.mT / query.shape[-1] ** 0.5
    n_tokens = query.shape[-2]
    future = torch.ones(n_tokens, n_tokens, dtype=torch.bool).triu(1)  # True where the key comes later
    scores = scores.masked_fill(future, -math.inf)  # the causal mask: weight exp(-inf) = 0
    weights = scores.softmax(-1)  # exp(score) / sum: from 0 to 1, and each row adds up to 1
    return weights @ value  # for each token the weighted sum of the values


# So far, a score does not depend on where two tokens stand. Rotary position embedding (RoPE) changes that. It
# rotates pairs of numbers in queries and keys by an angle that grows with the position: a score now depends on the
# difference of two angles, and so on how far apart the two tokens stand.
def apply_rotary(x):
    """Rotate the points (number i, number i + half) of each vector. x: (..., position, numbers)."""
    half = x.shape[-1] // 2
    # Angle of one step to the next position, in radians: from 1 (first pair) to 1/339 (last pair). The base 500
    # is small, for short texts; models that read long texts use 10,000 or more.
    speed = 500 ** (-torch.arange(half) / half)
    angles = torch.arange(x.shape[-2])[:, None] * speed  # (position, 1) · (half) → (position, half)
    a, b = x.split(half, dim=-1)  # the first and the second numbers of the pairs
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


# 5. TRANSFORMER BLOCK. Two steps, attention and a feed-forward network. Each reads a normalized copy of x and
# adds its result to x (a residual connection): x is changed step by step, and never replaced.
def normalize(x):
    """Layer normalization: shift and scale each vector to mean 0 and variance 1. The shape stays the same."""
    return F.layer_norm(x, x.shape[-1:])


def split_heads(x):
    """Give each head its own part of each vector: (batch, position, 128) → (batch, head, position, 32)."""
    return x.unflatten(-1, (N_HEADS, -1)).transpose(1, 2)  # as a size, -1 means: whatever is left, here 32


def block(w, n, x):
    """Apply Transformer block n. x: (batch, position, D_MODEL), a vector for each token. Result: the same shape."""
    name, y = f"blocks.{n}.", normalize(x)
    query = split_heads(y @ w[name + "attention.query"].T)  # what a token looks for
    key = split_heads(y @ w[name + "attention.key"].T)  # what it shows, so that queries can find it
    value = split_heads(y @ w[name + "attention.value"].T)  # what it passes on
    # QK-norm keeps training stable: normalized vectors of 32 numbers have length sqrt(32), so a score is at most
    # 32 / sqrt(32) = 5.7. With the factor 2.5 it is 14: now one token can get nearly all of the weight, where useful.
    mixed = attention(apply_rotary(2.5 * normalize(query)), apply_rotary(normalize(key)), value)
    mixed = mixed.transpose(1, 2).flatten(2)  # the heads side by side again: (batch, position, D_MODEL)
    x = x + mixed @ w[name + "attention.output"].T
    # Feed-forward network, for each token by itself: 128 → 512 numbers, ReLU squared, 512 → 128 numbers. ReLU
    # makes negative numbers 0; without such a bend, two matrices could do no more than one.
    hidden = (normalize(x) @ w[name + "feed_forward.up_proj"].T).relu() ** 2
    return x + hidden @ w[name + "feed_forward.down_proj"].T


def gpt(w, ids):
    """Token ids (batch, position) → logits (batch, position, VOCAB_SIZE), scores of the next token."""
    x = normalize(w["embedding"][ids])  # look up the row of each token id: (batch, position, D_MODEL)
    for n in range(N_LAYERS):
        x = block(w, n, x)
    return normalize(x) @ w["unembedding"].T  # compare each vector with a vector for every token


w = init_weights(seed=0)
print(f"parameters: {sum(matrix.numel() for matrix in w.values()):,}")


# 6. GENERATION. Predict the next token, append it to the text, and predict again.
@torch.no_grad()  # compute no gradients: nothing is learned here
def generate(w, prompt, temperature=0, max_new_tokens=30, seed=0):
    """Continue the prompt. Temperature 0: the most probable token; above 0: a random choice."""
    generator = torch.Generator().manual_seed(seed)  # the same seed gives the same text
    ids, new_ids = [END, *encode(prompt)], []
    while len(new_ids) < max_new_tokens and END not in new_ids:  # the token END says that the text is complete
        logits = gpt(w, torch.tensor([(ids + new_ids)[-CONTEXT:]]))[0, -1]  # at the last token: (VOCAB_SIZE,)
        if temperature == 0:
            new_ids.append(logits.argmax().item())
        else:
            probabilities = (logits / temperature).softmax(-1)  # a higher temperature makes them more equal
            new_ids.append(torch.multinomial(probabilities, 1, generator=generator).item())
    return decode(new_ids)

# A new model, before it has learned anything.
print("before training:", repr(generate(w, "Mia lost a", temperature=1)))

# 7. CROSS-ENTROPY, the loss: the mean of -ln(probability that the model gave to the token that really came).
# Its unit is nats per token. Probability 1 costs 0 nats, 1/2 costs 0.69, 1/462 costs 6.14.
stream = torch.tensor([token for text in texts for token in (END, *encode(text))])  # all texts in one row
train_tokens = stream[: 1000 * CONTEXT]  # 64,000 tokens
test_tokens = stream[1000 * CONTEXT : 1100 * CONTEXT + 1]  # the next 6,401. Nearly all of their
# stories are new to the model. Their facts stand in the training tokens, too: 26 people × 4 facts = 104 sentences.


def compute_loss(w, ids, targets):
    """Cross-entropy, one number. ids, targets: (batch, position); targets of -100 do not count."""
    logits = gpt(w, ids)
    # It does the softmax itself.
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)


def get_batch(step):
    """8 random windows of the stream. Inputs and targets, each (8, CONTEXT): the target is the next token."""
    starts = torch.randint(len(train_tokens) - CONTEXT, (8, 1), generator=torch.Generator().manual_seed(step))
    windows = train_tokens[starts + torch.arange(CONTEXT + 1)]  # (8, 1) + (65): 65 neighbors from each start
    return windows[:, :-1], windows[:, 1:]


@torch.no_grad()
def test_loss(w):
    """Cross-entropy on the test tokens, in nats per token: 100 windows of 64 tokens."""
    return compute_loss(w, test_tokens[:-1].view(-1, CONTEXT), test_tokens[1:].view(-1, CONTEXT)).item()


# 8. TRAINING LOOP AND OPTIMIZER. Repeat: predict, compute the loss, compute the gradients, change the parameters.
def train(w, batches, steps, learning_rate):
    """Change the parameters in w; return the loss of each step. batches(step) gives inputs and targets."""
    # AdamW divides each gradient by its usual size. Weight decay, a pull toward 0, is not needed here.
    optimizer, losses = torch.optim.AdamW(w.values(), weight_decay=0), []
    for step in range(steps):
        loss = compute_loss(w, *batches(step))
        loss.backward()  # backpropagation: the gradient says how the loss changes if a parameter grows a little
        optimizer.param_groups[0]["lr"] = learning_rate * (1 - step / steps)  # falls to 0: ever smaller steps
        optimizer.step()  # change each parameter by up to about the learning rate, against its gradients
        optimizer.zero_grad()  # delete the gradients; otherwise the next backward() would add to them
        losses.append(loss.item())
        if step % 100 == 0:
            print(f"step {step}: loss {losses[-1]:.2f}")
    return losses

losses = train(w, get_batch, steps=500, learning_rate=0.005)  # 4,000 windows: each token about 4 times

# Two baselines. Uniform: each token is equally probable. Bigram: only the token before is known; the
# probability of right after left is how often the pair occurs, divided by how often left occurs.
uniform_loss = math.log(VOCAB_SIZE)
pairs, lefts = Counter(pairwise(train_tokens.tolist())), Counter(train_tokens[:-1].tolist())
bigram_loss = -sum(n * math.log(n / lefts[left]) for (left, right), n in pairs.items()) / pairs.total()

print(f"nats per token: uniform {uniform_loss:.2f}, bigram {bigram_loss:.2f}, test loss {test_loss(w):.2f}")
for prompt in ("Mia lost a", "Leo lives in the", "If you"):
    print("after training:", prompt, "→", generate(w, prompt, temperature=0.5))
print("after training:", "Where does Leo live?", "→", generate(w, "Where does Leo live?"))


# 9. FINE-TUNING. The model continues texts, but it does not answer questions: none was in its texts.
# Train it a little more, on questions with their answers.
def make_questions(names):
    """Inputs and targets, each (name, 16): a question and its answer, filled up with END to 16 tokens."""
    rows, targets = [], []
    for name in names:
        question = [END, *encode(f"Where does {name} live?")]
        answer = [*encode(f" in the {HOME[name]}."), END]  # as in the texts: "lives in the mill."
        n_padding = 17 - len(question + answer)
        rows.append(question + answer + n_padding * [END])  # 17 tokens
        # Only the answer counts. Its first token is the target of the last token of the question: hence "- 1".
        targets.append((len(question) - 1) * [-100] + answer + n_padding * [-100])
    return torch.tensor(rows)[:, :-1], torch.tensor(targets)

# The homes of all 26 people are in the texts, but only 13 people are in the questions.
# Can the model answer for the other 13? (Leo is one of them.)
train_names, test_names = list(HOME)[::2], list(HOME)[1::2]
tuned = {name: matrix.detach().clone().requires_grad_() for name, matrix in w.items()}  # a copy of w
train(tuned, lambda step: make_questions(train_names), steps=40, learning_rate=0.001)  # small steps: it forgets less


def accuracy(w, names):
    """Share of the people for whom the model gives exactly the right answer."""
    right = [generate(w, f"Where does {name} live?") == f" in the {HOME[name]}." for name in names]
    return sum(right) / len(right)

for name, weights in {"before": w, "after": tuned}.items():
    print(f"right answers {name} fine-tuning, of 13 test people: {13 * accuracy(weights, test_names):.0f}")
print("Where does Leo live?", generate(tuned, "Where does Leo live?"))


# 10. HALLUCINATION: an answer that sounds sure and is not true. No text says where these four live, and none says
# "I do not know": the model has learned only to name a home.
@torch.no_grad()
def most_probable_home(w, name):
    """The home that the model names, and the probability that it gives to this home (0 to 1)."""
    ids = torch.tensor([[END, *encode(f"Where does {name} live? in the")]])
    probability, token = gpt(w, ids)[0, -1].softmax(-1).max(-1)
    return decode([token]), probability.item()


for name in NO_HOME:
    home, probability = most_probable_home(tuned, name)
    print(f"Where does {name} live? in the{home}, with probability {probability:.2f}.")
