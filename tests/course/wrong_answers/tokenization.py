"""Wrong answers as learners write them, with the mistake that must be recognized."""


def first_only(pieces, pair):
    for i in range(len(pieces) - 1):
        if pieces[i] == pair[0] and pieces[i + 1] == pair[1]:
            return [*pieces[:i], pair[0] + pair[1], *pieces[i + 2 :]]
    return pieces


def over_the_end(pieces, pair):
    out = []
    for i in range(len(pieces)):
        if (pieces[i], pieces[i + 1]) == pair:
            out.append(pieces[i] + pieces[i + 1])
        else:
            out.append(pieces[i])
    return out


def second_half_stays(pieces, pair):
    out = []
    for i in range(len(pieces)):
        if i + 1 < len(pieces) and (pieces[i], pieces[i + 1]) == pair:
            out.append(pieces[i] + pieces[i + 1])
        else:
            out.append(pieces[i])
    return out


def forgets_the_last(pieces, pair):
    out = []
    i = 0
    while i < len(pieces) - 1:
        if (pieces[i], pieces[i + 1]) == pair:
            out += [pieces[i] + pieces[i + 1]]
            i += 2
        else:
            out += [pieces[i]]
            i += 1
    return out


def shortest_first(word, vocabulary):
    out, start = [], 0
    while start < len(word):
        for end in range(start + 1, len(word) + 1):
            piece = ("##" if start > 0 else "") + word[start:end]
            if piece in vocabulary:
                out.append(piece)
                start = end
                break
        else:
            return ["<unk>"]
    return out


def no_marks(word, vocabulary):
    out = []
    while word:
        for end in range(len(word), 0, -1):
            if word[:end] in vocabulary:
                out.append(word[:end])
                word = word[end:]
                break
        else:
            return ["<unk>"]
    return out


def part_of_a_word(word, vocabulary):
    out, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary:
                out.append(piece)
                start = end
                break
        else:
            out.append("<unk>")
            break
    return out


def longest_token(word, ranks):
    ids = []
    while word:
        end = len(word)
        while word[:end] not in ranks:
            end -= 1
        ids.append(ranks[word[:end]])
        word = word[end:]
    return ids


def left_to_right(word, ranks):
    pieces = [word[i : i + 1] for i in range(len(word))]
    joined = True
    while joined:
        joined = False
        for i in range(len(pieces) - 1):
            if pieces[i] + pieces[i + 1] in ranks:
                pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
                joined = True
                break
    return [ranks[piece] for piece in pieces]


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


def the_wrong_end(word, ranks):
    pieces = [word[i : i + 1] for i in range(len(word))]
    while True:
        places = [i for i in range(len(pieces) - 1) if pieces[i] + pieces[i + 1] in ranks]
        if not places:
            return [ranks[piece] for piece in pieces]
        i = max(places, key=lambda i: ranks[pieces[i] + pieces[i + 1]])
        pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]


WRONG_ANSWERS = {
    "merge_pair": [
        ("one_text", lambda pieces, pair: "".join(pieces).replace(pair[0] + pair[1], "|" + pair[0] + pair[1] + "|")),
        ("first_only", first_only),
        ("past_the_end", over_the_end),
        ("second_kept", second_half_stays),
        ("last_lost", forgets_the_last),
    ],
    "longest_match": [
        ("shortest", shortest_first),
        ("without_marks", no_marks),
        ("beginning_kept", part_of_a_word),
    ],
    "encode_word": [
        ("longest_first", longest_token),
        ("leftmost", left_to_right),
        ("index_of_bytes", bytes_as_numbers),
        ("bytes_only", lambda word, ranks: [ranks[bytes([byte])] for byte in word]),
        ("pieces", pieces_instead),
        ("highest_id", the_wrong_end),
    ],
}
