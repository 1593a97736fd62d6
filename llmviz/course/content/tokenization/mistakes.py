"""Wrong answers to the exercises of lesson 1, as functions: an answer that gives the same names its mistake."""


def all_at_once(pieces, pair):
    """Replace every piece of the pair."""
    return ["".join(pair) if piece in pair else piece for piece in pieces]


def only_the_first(pieces, pair):
    """Join one place."""
    for place in range(len(pieces) - 1):
        if (pieces[place], pieces[place + 1]) == pair:
            return [*pieces[:place], "".join(pair), *pieces[place + 2 :]]
    return list(pieces)


def overlapping(pieces, pair):
    """Use a piece twice."""
    merged, skip = [], False
    for place, piece in enumerate(pieces):
        if tuple(pieces[place : place + 2]) == pair:
            merged.append("".join(pair))
            skip = True
        elif not skip:
            merged.append(piece)
        else:
            skip = False
    return merged


def both_kept(pieces, pair):
    """Keep the second half."""
    merged = []
    for place, piece in enumerate(pieces):
        merged.append("".join(pair) if tuple(pieces[place : place + 2]) == pair else piece)
    return merged


def loses_the_last(pieces, pair):
    """Stop before the last piece."""
    merged, place = [], 0
    while place < len(pieces) - 1:
        if (pieces[place], pieces[place + 1]) == pair:
            merged.append("".join(pair))
            place += 2
        else:
            merged.append(pieces[place])
            place += 1
    return merged


def shortest(word, vocabulary):
    """Take the shortest piece."""
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        ends = [end for end in range(start + 1, len(word) + 1) if mark + word[start:end] in vocabulary]
        if not ends:
            return ["<unk>"]
        pieces.append(mark + word[start : ends[0]])
        start = ends[0]
    return pieces


def without_marks(word, vocabulary):
    """Look pieces up without their mark."""
    pieces, start = [], 0
    while start < len(word):
        ends = [end for end in range(len(word), start, -1) if word[start:end] in vocabulary]
        if not ends:
            return ["<unk>"]
        pieces.append(word[start : ends[0]])
        start = ends[0]
    return pieces


def keeps_what_fits(word, vocabulary):
    """Give up only the rest."""
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        ends = [end for end in range(len(word), start, -1) if mark + word[start:end] in vocabulary]
        if not ends:
            return [*pieces, "<unk>"]
        pieces.append(mark + word[start : ends[0]])
        start = ends[0]
    return pieces


def longest_first(word, ranks):
    """Take the longest token."""
    ids, start = [], 0
    while start < len(word):
        end = max(end for end in range(start + 1, len(word) + 1) if word[start:end] in ranks)
        ids.append(ranks[word[start:end]])
        start = end
    return ids


def _joined(word, ranks, choose):
    pieces = [word[place : place + 1] for place in range(len(word))]
    while True:
        known = [place for place in range(len(pieces) - 1) if pieces[place] + pieces[place + 1] in ranks]
        if not known:
            return [ranks[piece] for piece in pieces]
        place = choose(known, pieces)
        pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]


def leftmost(word, ranks):
    """Join the leftmost neighbors."""
    return _joined(word, ranks, lambda known, pieces: known[0])


def highest(word, ranks):
    """Join the neighbors with the highest id."""
    return _joined(word, ranks, lambda known, pieces: max(known, key=lambda p: ranks[pieces[p] + pieces[p + 1]]))


def only_bytes(word, ranks):
    """Join nothing."""
    return [ranks[word[place : place + 1]] for place in range(len(word))]
