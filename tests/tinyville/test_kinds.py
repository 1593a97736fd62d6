"""What is planted in each kind of text, so that the lessons' effects can be there."""

from collections import Counter, defaultdict
from typing import ClassVar

import pytest

from llmviz.tinyville import Tinyville
from llmviz.tinyville.facts import ATTRIBUTES, HELD_OUT_UPDATES, UPDATES, VALUES, fact_sentence
from llmviz.tinyville.sentiment import COMMENTS, FEELINGS, LOCATIONS
from llmviz.tinyville.stories import ENDINGS, SCHEMAS
from llmviz.tinyville.stories import FEELINGS as STORY_FEELINGS
from llmviz.tinyville.word_meanings import FAMILIES, MIDDLES, SENSES
from llmviz.tinyville.work import P_SHE
from llmviz.tokenizers.words import words

WORLD = Tinyville()
SENSE, FAMILY, MOOD = Tinyville({"sense": 1}), Tinyville({"family": 1}), Tinyville({"mood": 1})


class TestPeopleAndFacts:
    def test_half_of_the_people_are_she_and_the_holes_are_where_they_were_planned(self):
        assert Counter(person.pronoun for person in WORLD.people) == {"she": 16, "he": 16}
        assert len({person.name for person in WORLD.people + WORLD.guests}) == 38
        assert {guest.pronoun for guest in WORLD.guests} == {None}
        n_known = {one.name: sum(getattr(one, attribute) is not None for attribute in ATTRIBUTES)
                   for one in WORLD.people}  # fmt: skip
        assert Counter(n_known.values()) == {4: 20, 3: 8, 0: 4}
        missing = Counter(f.attribute for f in WORLD.facts if n_known[f.person] == 3 and not f.known)
        assert missing == dict.fromkeys(ATTRIBUTES, 2)
        for attribute in ATTRIBUTES:
            shared = Counter(getattr(person, attribute) for person in WORLD.people)
            assert {shared[value] for value in VALUES[attribute]} <= {3, 4}

    def test_every_sentence_is_possible_and_a_prompt_is_answered_by_its_value_alone(self):
        for fact in WORLD.facts:
            assert (len(fact.sentences), len(fact.prompts)) == (3 if fact.known else 0, 2)
            assert all(WORLD.check(sentence).kind == "fact" for sentence in fact.sentences)
            for prompt in fact.prompts:
                assert WORLD.next_words(prompt) == ({fact.value: 1.0} if fact.known else {})
        assert all(WORLD.next_words(name) == {} for name in WORLD.unused_names)

    def test_a_visit_repeats_a_value_that_only_its_own_text_tells(self):
        memory = {(fact.person, fact.attribute): fact.value for fact in WORLD.facts}
        guests = {guest.name for guest in WORLD.guests}
        texts = WORLD.texts(counts={"visit": 300})
        assert {text.labels["moved"] for text in texts} == {True, False}
        for text in texts:
            person, attribute, value = (text.labels[key] for key in ("person", "attribute", "value"))
            assert words(text.text).count(value) >= 2
            assert (person in guests) != ("old_value" in text.labels)
            if person not in guests:
                assert text.labels["old_value"] == memory[person, attribute]
                assert text.labels["moved"] == (value != memory[person, attribute])

    def test_context_beats_memory_in_the_words_of_the_fact_itself(self):
        assert WORLD.next_words("Mia has a") == {"rabbit": 1.0}
        story = "There is news about Mia. Last month she adopted a parrot. It was a big change. Now Mia has a"
        assert WORLD.next_words(story) == {"parrot": 1.0}

    @pytest.mark.parametrize("attribute", ATTRIBUTES)
    def test_the_held_out_update_is_never_said(self, attribute):
        check = WORLD.check("There is news about Mia. " + fact_sentence(HELD_OUT_UPDATES[attribute], "Mia", "tower"))
        assert check.wrong_word == "These" and HELD_OUT_UPDATES[attribute] not in UPDATES[attribute]


@pytest.mark.parametrize("job", P_SHE)
@pytest.mark.parametrize("text", ["The {} went home.", "Alex is the new {} in town. Today was the first day."])
def test_she_has_the_planted_probability_in_two_kinds_of_texts(job, text):
    assert sorted(P_SHE.values(), reverse=True) == [1, 0.9, 0.7, 0.5, 0.5, 0.3, 0.1, 0]
    distribution = WORLD.next_words(text.format(job))
    assert distribution.get("She", 0) == pytest.approx(P_SHE[job])
    assert distribution.get("He", 0) == pytest.approx(1 - P_SHE[job])


class TestStoriesAndDrills:
    STORIES = WORLD.texts(seed=7, counts={"story": 600})

    def test_they_repeat_what_they_are_about_and_endings_fit(self):
        assert {text.labels["schema"] for text in self.STORIES} == set(SCHEMAS)
        assert {feeling for feelings in STORY_FEELINGS.values() for feeling in feelings} == set(ENDINGS)
        for text in self.STORIES:
            labels, said = text.labels, words(text.text)
            for slot in ("person", "object", "color", "place", "partner"):
                assert said.count(labels[slot]) >= 2, (slot, text.text)
            assert labels["person"] != labels["partner"]
            assert labels["feeling"] in STORY_FEELINGS[labels["schema"]]
            assert f"felt {labels['feeling']}." in text.text

    def test_copy_prompts_are_answered_by_their_context(self):
        prompts = WORLD.copy_prompts(7, seed=1)
        assert len(prompts) == len(set(prompts)) == 28
        for word_class, members in WORLD.word_classes.items():
            answers = [answer for _, answer, of_class in prompts if of_class == word_class]
            assert len(answers) == 7 and set(answers) <= set(members)
        for prompt, answer, _ in prompts:
            assert WORLD.next_words(prompt) == {answer: 1.0} and answer in words(prompt)
        assert sum("by heart" in prompt for prompt, _, _ in prompts) == 16
        assert len(Tinyville({"story": 1}).copy_prompts(2)) == 8
        with pytest.raises(ValueError, match="this mix has neither"):
            Tinyville({"fact": 1}).copy_prompts(2)


def left_of(text):
    """The text up to and with its ambiguous word."""
    before, word, _ = text.text.partition(text.labels["word"])
    return before + word


class TestAmbiguousWords:
    TEXTS = SENSE.texts(seed=2, counts={"sense": 3000})

    @pytest.mark.parametrize("sense", SENSES, ids=str)
    def test_the_cue_comes_before_the_word_and_alone_decides_how_it_continues(self, sense):
        texts = [text for text in self.TEXTS if (text.labels["word"], text.labels["sense"]) == (sense.word, sense.name)]
        assert set(map(left_of, texts)) == set(sense.beginnings) and len(sense.beginnings) == 24
        after = {words(rest)[0] for rest in sense.continuations}
        [other] = [other for other in SENSES if other.word == sense.word and other is not sense]
        assert after.isdisjoint(words(rest)[0] for rest in other.continuations)
        for beginning in sense.beginnings[:: len(MIDDLES[sense.word]) + 1]:
            assert set(SENSE.next_words(beginning)) == after

    def test_the_words_next_to_an_ambiguous_word_do_not_give_its_sense_away(self):
        before = defaultdict(set)
        for text in self.TEXTS:
            before[text.labels["word"], words(left_of(text))[-2]].add(text.labels["sense"])
        assert {word for word, _ in before} == {"bank", "bat", "May", "Will", "Rose"}
        assert {len(senses) for senses in before.values()} == {2}
        cues = Counter(cue for sense in SENSES for cue in sense.cues)
        assert set(cues.values()) == {1}
        assert all(text.labels["cue"] in text.text for text in self.TEXTS)


class TestAnalogies:
    TEXTS = FAMILY.texts(seed=2, counts={"family": 6400})

    def test_roles_and_relations_belong_to_one_pair_or_side(self):
        roles = Counter(role for family in FAMILIES for roles in family.pairs.values() for role in roles)
        members = Counter(word for family in FAMILIES for pair in family.pairs for word in pair)
        assert set(roles.values()) == set(members.values()) == {1} and len(members) == 32
        for family in FAMILIES:
            assert set(family.relations[0].values()).isdisjoint(family.relations[1].values())

    def test_partners_occur_with_their_roles_equally_often(self):
        said, met = Counter(), defaultdict(Counter)
        roles_of = {word: roles for family in FAMILIES for pair, roles in family.pairs.items() for word in pair}
        for text in self.TEXTS:
            word = text.labels["word"]
            said[word] += 1
            met[word].update(role for role in words(text.text) if role in roles_of[word])
        assert len(said) == 32 and min(said.values()) >= 100
        for word, counts in met.items():
            for role in roles_of[word]:
                assert counts[role] / said[word] == pytest.approx(2 / 3, abs=0.17), (word, role)


class TestSentiment:
    TEXTS = MOOD.texts(seed=4, counts={"mood": 3000})
    FIRST_WORDS: ClassVar = {mood: {comment.split()[0] for comment in comments} for mood, comments in COMMENTS.items()}

    @staticmethod
    def first_sentence(text):
        return text.text.partition(".")[0] + "."

    @pytest.mark.parametrize(("sentence", "mood"), [
        ("Mia was happy at the lake all morning before she was sad at the school until noon.", "bad"),
        ("Mia was happy at the lake all morning after she was sad at the school until noon.", "good"),
        ("Before Mia was happy at the lake all morning, she was sad at the school until noon.", "good"),
        ("After Mia was happy at the lake all morning, she was sad at the school until noon.", "bad"),
    ])  # fmt: skip
    def test_before_and_after_reverse_the_order(self, sentence, mood):
        assert set(MOOD.next_words(sentence)) == self.FIRST_WORDS[mood]

    def test_the_labels_tell_the_mood_at_the_end_and_the_first_place(self):
        for text in self.TEXTS[:100]:
            assert set(MOOD.next_words(self.first_sentence(text))) == self.FIRST_WORDS[text.labels["sentiment"]]
            assert text.labels["places"][0] in LOCATIONS[text.labels["location_type"]]

    def test_each_text_holds_one_of_each_kind_and_no_word_leans_to_a_label(self):
        leaning = defaultdict(Counter)
        for text in self.TEXTS:
            said = words(self.first_sentence(text))
            for kinds in (FEELINGS, LOCATIONS):
                for members in kinds.values():
                    assert sum(word in members for word in said) == 1
            for word in set(said):
                leaning[word][text.labels["sentiment"]] += 1
        for word, counts in leaning.items():
            n = sum(counts.values())
            assert abs(counts["good"] / n - 0.5) < 5 * (0.25 / n) ** 0.5, word
