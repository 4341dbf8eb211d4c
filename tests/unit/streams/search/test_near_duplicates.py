"""Near-duplicates: chunks that say the same count as one."""

from __future__ import annotations

from streams.search.candidate import Candidate
from streams.search.near_duplicates import merged
from tests.unit.streams.search.candidates import a_candidate, a_chunk_of, ids

WORDS = [f"word{number}" for number in range(200)]
TEXT = " ".join(WORDS)
ALIKE = " ".join([*WORDS[:195], "another", "end"])
OTHER = " ".join(reversed(WORDS))


def saying(*texts: str) -> list[Candidate]:
    return [a_candidate(f"d{place}", 1 / (place + 1), a_chunk_of(f"d{place}", text=text)) for place, text in enumerate(texts)]


def test_the_best_stays_and_names_the_others() -> None:
    """Those that are alike by their runs of words, not by the words alone."""
    kept = merged(saying(TEXT, OTHER, ALIKE, TEXT.upper()), 0.85, 10)

    assert [("d0", ("d2", "d3")), ("d1", ())] == [(one.found.chunk_id, one.also_in) for one in kept]


def test_changed_words_all_over_a_text_do_not_hide_that_it_is_the_same() -> None:
    """Also where they stand in most of the places that are looked at first; the runs of the other text are there, if not each."""
    changed = " ".join("changed" if place in (1, 80, 160) else word for place, word in enumerate(WORDS))

    assert [("d0", ("d1",))] == [(one.found.chunk_id, one.also_in) for one in merged(saying(TEXT, changed), 0.85, 10)]
    assert [("d0", ("d1",))] == [(one.found.chunk_id, one.also_in) for one in merged(saying(changed, TEXT), 0.85, 10)]


def test_texts_that_share_half_of_their_runs_stay_two() -> None:
    """What is looked at first finds them alike; the signatures decide."""
    half = " ".join([*WORDS[:100], *(f"new{number}" for number in range(100))])

    assert ["d0", "d1"] == ids(merged(saying(TEXT, half), 0.85, 10))


def test_no_more_are_looked_at_than_are_asked_for() -> None:
    """Signatures cost time: what nobody will see is not compared."""
    kept = merged(saying(TEXT, ALIKE, OTHER, "never", ALIKE), 0.85, 2)

    assert [("d0", ("d1",)), ("d2", ())] == [(one.found.chunk_id, one.also_in) for one in kept]


def test_a_threshold_of_0_is_off() -> None:
    """Even the same text twice stays twice."""
    assert ["d0", "d1"] == ids(merged(saying(TEXT, TEXT), 0.0, 10))


def test_texts_of_a_word_or_none_are_compared_too() -> None:
    """They have no three words in a row."""
    assert ["d0", "d1", "d3"] == ids(merged(saying("Yes", "No", "yes", ""), 0.85, 10))
