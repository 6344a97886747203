"""Errors whose very type is claimed: only that very type passes, and all else fails by an assertion."""

import asyncio

import pytest

from fixtures.errors import error_of, exactly, outcome_of


def fail(error):
    raise error


def test_the_very_type_passes_and_can_be_looked_at():
    error = LookupError("not found")

    with exactly(LookupError, match="not f") as raised:
        fail(error)

    assert raised.value is error


@pytest.mark.parametrize(
    "error",
    [KeyError("a derived type"), OSError("another"), asyncio.CancelledError("no Exception")],
    ids=["derived", "other", "cancelled"],
)
def test_another_type_fails_with_what_was_raised(error):
    with pytest.raises(AssertionError, match="it is no LookupError that was raised: ") as failed:
        with exactly(LookupError):
            fail(error)

    assert repr(error) in str(failed.value)


def test_other_words_fail():
    with pytest.raises(AssertionError, match="not found"):
        with exactly(LookupError, match="lost"):
            fail(LookupError("not found"))


def test_no_error_at_all_fails():
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        with exactly(LookupError):
            pass


def test_error_of_is_the_error_of_a_call_or_none():
    error = LookupError("not found")

    assert error_of(fail, error) is error
    assert error_of(int, "8") is None


def test_outcome_of_is_the_value_of_a_call_or_its_error():
    cancelled = asyncio.CancelledError()

    assert outcome_of(int, "8") == 8
    assert outcome_of(fail, cancelled) is cancelled


@pytest.mark.parametrize("ask", [error_of, outcome_of])
def test_what_ends_the_claim_itself_is_no_error_of_its_own(ask):
    with pytest.raises(SystemExit):
        ask(fail, SystemExit())
