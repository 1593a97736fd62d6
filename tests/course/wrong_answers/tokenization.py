"""Wrong answers as learners write them, with the mistake that must be recognized."""


def over_the_end(pieces, pair):
    out = []
    for i in range(len(pieces)):
        if (pieces[i], pieces[i + 1]) == pair:
            out.append(pieces[i] + pieces[i + 1])
        else:
            out.append(pieces[i])
    return out


def bytes_as_numbers(word, ranks):
    pieces = list(word)
    return [ranks[piece] for piece in pieces]


def pieces_instead(word, ranks):
    pieces = [word[i : i + 1] for i in range(len(word))]
    while True:
        places = [i for i in range(len(pieces) - 1) if pieces[i] + pieces[i + 1] in ranks]
        if not places:
            return pieces
        i = min(places, key=lambda i: ranks[pieces[i] + pieces[i + 1]])
        pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]


WRONG_ANSWERS = {
    "merge_pair": [
        ("one_text", lambda pieces, pair: "".join(pieces).replace(pair[0] + pair[1], "|" + pair[0] + pair[1] + "|")),
        ("past_the_end", over_the_end),
    ],
    "longest_match": [],
    "encode_word": [
        ("index_of_bytes", bytes_as_numbers),
        ("bytes_only", lambda word, ranks: [ranks[bytes([byte])] for byte in word]),
        ("pieces", pieces_instead),
    ],
}
