"""Who lives in Tinyville, and what is known about them."""

from collections import Counter

import pytest

from llmviz.tinyville import Tinyville
from llmviz.tinyville.in_context_facts import HELD_OUT_UPDATES, UPDATES, update_sentence
from llmviz.tinyville.people import ATTRIBUTES, VALUES

WORLD = Tinyville()


def n_known(person):
    return sum(getattr(person, attribute) is not None for attribute in ATTRIBUTES)


def test_half_of_the_people_are_she_and_half_he():
    assert Counter(person.pronoun for person in WORLD.people) == {"she": 16, "he": 16}
    assert len({person.name for person in WORLD.people + WORLD.guests}) == 38
    assert {guest.pronoun for guest in WORLD.guests} == {None}


def test_the_holes_are_where_they_were_planned():
    assert Counter(n_known(person) for person in WORLD.people) == {4: 20, 3: 8, 0: 4}
    nearly_complete = {person.name for person in WORLD.people if n_known(person) == 3}
    missing = Counter(f.attribute for f in WORLD.facts if f.person in nearly_complete and not f.known)
    assert missing == dict.fromkeys(ATTRIBUTES, 2)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_value_is_shared_by_three_or_four_people(attribute):
    shared = Counter(getattr(person, attribute) for person in WORLD.people)
    assert {shared[value] for value in VALUES[attribute]} <= {3, 4}


def test_every_sentence_of_a_known_fact_is_possible_alone():
    for fact in WORLD.facts:
        assert len(fact.sentences) == (3 if fact.known else 0)
        for sentence in fact.sentences:
            assert WORLD.check(sentence).kind == "fact"
            assert WORLD.check(sentence).valid


def test_a_prompt_is_answered_by_its_value_and_an_unknown_fact_by_nothing():
    for fact in WORLD.facts:
        assert len(fact.prompts) == 2
        for prompt in fact.prompts:
            assert WORLD.next_words(prompt) == ({fact.value: 1.0} if fact.known else {})


def test_the_labels_of_a_fact_tell_it():
    known = {(fact.person, fact.attribute, fact.value) for fact in WORLD.facts if fact.known}
    texts = WORLD.texts(counts={"fact": 2000})
    assert {(t.labels["person"], t.labels["attribute"], t.labels["value"]) for t in texts} == known
    for text in texts:
        assert text.labels["person"] in text.text
        assert text.labels["value"] in text.text.lower()


def test_nobody_says_anything_about_unheard_of_people():
    for name in WORLD.unused_names:
        assert WORLD.next_words(name) == {}


def test_a_visit_repeats_a_value_that_only_its_own_text_tells():
    memory = {(fact.person, fact.attribute): fact.value for fact in WORLD.facts}
    guests = {guest.name for guest in WORLD.guests}
    texts = WORLD.texts(counts={"visit": 300})
    assert {text.labels["moved"] for text in texts} == {True, False}
    for text in texts:
        person, attribute, value = (text.labels[key] for key in ("person", "attribute", "value"))
        assert WORLD.words(text.text).count(value) >= 2
        assert (person in guests) != ("old_value" in text.labels)
        if person not in guests:
            assert text.labels["old_value"] == memory[person, attribute]
            assert text.labels["moved"] == (value != memory[person, attribute])


def test_context_beats_memory_in_the_words_of_the_fact_itself():
    assert WORLD.next_words("Mia has a") == {"rabbit": 1.0}
    story = "There is news about Mia. Last month she adopted a parrot. It was a big change. Now Mia has a"
    assert WORLD.next_words(story) == {"parrot": 1.0}


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_the_held_out_update_is_never_said(attribute):
    changes = (text for text in WORLD.texts(counts={"visit": 300}) if text.labels["moved"])
    text = next(text for text in changes if text.labels["attribute"] == attribute)
    first_sentence = text.text.split(".")[0] + "."
    held_out = update_sentence(HELD_OUT_UPDATES[attribute], text.labels["person"], text.labels["value"])
    check = WORLD.check(f"{first_sentence} {held_out}")
    assert check.wrong_word == "These"
    assert HELD_OUT_UPDATES[attribute] not in UPDATES[attribute]
