"""The ceiling of claims as a variable: what is no number of seconds is told before anything runs."""

import pytest

from fixtures.ceiling import ceiling
from tests.conftest import entry, green


def test_without_a_word_it_is_half_a_minute_and_with_one_it_is_that():
    assert ceiling({}) == 30
    assert ceiling({"ASYNCIO_SPEC_CEILING": "0.5"}) == 0.5
    assert ceiling({"ASYNCIO_SPEC_CEILING": "86400"}) == 86_400


@pytest.mark.parametrize("text", ["", "soon", "0", "-1", "nan", "inf", "1e999", "86401", "1\n2"])
def test_what_is_no_number_of_seconds_is_told_in_a_line(text):
    with pytest.raises(ValueError) as told:
        ceiling({"ASYNCIO_SPEC_CEILING": text})

    assert str(told.value) == (f"ASYNCIO_SPEC_CEILING: it is not a number of seconds above 0 and up to 86400: {text!r}")


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=str)
def test_a_run_with_such_a_ceiling_ends_with_status_4(house, monkeypatch, options):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "soon")
    house.claims(entry("first"))
    house.tests(green("first"))

    ended = house.run("spec", *options)

    assert ended.ret == 4
    assert [line for line in ended.errlines if line] == [
        "ERROR: ASYNCIO_SPEC_CEILING: it is not a number of seconds above 0 and up to 86400: 'soon'"
    ]
    assert ended.outlines == []
