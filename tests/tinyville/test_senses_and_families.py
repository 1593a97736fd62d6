"""Ambiguous words and analogies: what must be planted in them so that the lessons' effects can be there."""

from collections import Counter, defaultdict

import pytest

from llmviz.tinyville import Tinyville
from llmviz.tinyville.analogies import FAMILIES
from llmviz.tinyville.grammar import join
from llmviz.tinyville.word_senses import MIDDLES, SENSES

SENSE, FAMILY = Tinyville({"sense": 1}), Tinyville({"family": 1})
SENSE_TEXTS, FAMILY_TEXTS = SENSE.texts(seed=2, counts={"sense": 3000}), FAMILY.texts(seed=2, counts={"family": 6400})


def left_of(text):
    """The text up to and with its ambiguous word."""
    before, word, _ = text.text.partition(text.labels["word"])
    return before + word


@pytest.mark.parametrize("sense", SENSES, ids=str)
def test_the_beginnings_are_those_of_the_texts(sense):
    texts = [text for text in SENSE_TEXTS if (text.labels["word"], text.labels["sense"]) == (sense.word, sense.name)]
    told = set(map(left_of, texts))
    assert told == set(sense.beginnings)
    assert len(sense.beginnings) == len(sense.cues) * len(MIDDLES[sense.word])


def test_each_ambiguous_word_has_two_senses_with_at_least_twenty_left_contexts():
    contexts = defaultdict(set)
    for text in SENSE_TEXTS:
        contexts[text.labels["word"], text.labels["sense"]].add(left_of(text))
    assert Counter(word for word, _ in contexts) == {"bank": 2, "bat": 2, "May": 2, "Will": 2, "Rose": 2}
    assert min(map(len, contexts.values())) >= 20


@pytest.mark.parametrize("sense", SENSES, ids=str)
def test_the_cue_stands_before_the_word_and_alone_decides_how_it_goes_on(sense):
    after = {SENSE.words(rest)[0] for rest in sense.rests}
    others = [other for other in SENSES if other.word == sense.word and other is not sense]
    for other in others:
        assert after.isdisjoint(SENSE.words(rest)[0] for rest in other.rests)
    for cue in sense.cues:
        for middle in MIDDLES[sense.word]:
            words = SENSE.words(f"Somebody {cue} {middle} {sense.word}")
            assert set(SENSE.next_words(join(words))) == after


def test_the_words_next_to_an_ambiguous_word_do_not_give_its_sense_away():
    before = defaultdict(Counter)
    for text in SENSE_TEXTS:
        words = SENSE.words(left_of(text))
        before[text.labels["word"], words[-2]][text.labels["sense"]] += 1
    for (word, _), senses in before.items():
        assert len(senses) == 2, word


def test_cues_belong_to_one_sense_only():
    cues = Counter(cue for sense in SENSES for cue in sense.cues)
    assert set(cues.values()) == {1}
    assert all(cue in text.text for text in SENSE_TEXTS for cue in [text.labels["cue"]])


def test_families_have_eight_pairs_whose_roles_nobody_else_shares():
    roles = Counter(role for family in FAMILIES for roles in family.pairs.values() for role in roles)
    members = Counter(word for family in FAMILIES for pair in family.pairs for word in pair)
    assert set(roles.values()) == set(members.values()) == {1}
    for family in FAMILIES:
        assert len(family.pairs) >= 8
        assert all(3 <= len(roles) <= 4 for roles in family.pairs.values())
        assert all(2 <= len(set(side.values())) <= 4 for side in family.relations)
        assert set(family.relations[0].values()).isdisjoint(family.relations[1].values())


def test_every_member_occurs_a_hundred_times_and_partners_meet_their_roles_equally_often():
    said, met = Counter(), defaultdict(Counter)
    roles_of = {word: roles for family in FAMILIES for pair, roles in family.pairs.items() for word in pair}
    for text in FAMILY_TEXTS:
        word = text.labels["word"]
        said[word] += 1
        met[word].update(role for role in FAMILY.words(text.text) if role in roles_of[word])
    assert len(said) == 32
    assert min(said.values()) >= 100
    for word, counts in met.items():
        for role in roles_of[word]:
            assert counts[role] / said[word] == pytest.approx(2 / 3, abs=0.17), (word, role)


def test_partners_are_told_of_in_the_same_sentences_with_the_other_sides_words():
    for family in FAMILIES:
        swap = dict(zip(family.relations[0].values(), family.relations[1].values(), strict=True))
        swap |= dict(tuple(family.pairs))
        texts = [text for text in FAMILY_TEXTS if text.labels["family"] == family.name]
        for text in (text for text in texts[:300] if text.labels["side"] == 0):
            partner = join(swap.get(word, word) for word in FAMILY.words(text.text))
            assert FAMILY.log_probability(partner) == pytest.approx(text.log_probability)


def test_the_texts_are_short():
    for text in (*SENSE_TEXTS, *FAMILY_TEXTS):
        assert 8 <= len(text.text.split()) <= 20, text.text
