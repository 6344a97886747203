"""Which calls are foreseen from a test's source, and which are not."""

import textwrap

import pytest

from fixtures import foreseen


@pytest.fixture
def foresee(tmp_path):
    """What is foreseen of the test in a source: calls of `run` and `walk`."""

    def foresee(source):
        path = tmp_path / "test_it.py"
        path.write_text(textwrap.dedent(source))
        names = {}
        exec(compile(path.read_text(), path, "exec"), names)
        foreseen._functions.cache_clear()
        return list(foreseen.calls(names["test_it"], {"run", "walk"}))

    return foresee


def test_a_call_with_what_the_module_knows_is_foreseen_with_its_values(foresee):
    found = foresee("""
        PLACE = "here"

        def to(place):
            return f"to {place}"

        def test_it(run, walk):
            run(PLACE, warnings="ignore")
            assert walk(to("there") + f" and {PLACE}") == 1
    """)

    assert found == [("run", ("here",), {"warnings": "ignore"}), ("walk", ("to there and here",), {})]


def test_calls_come_in_the_order_of_the_source(foresee):
    assert [call.args for call in foresee("async def test_it(run): run(1) or run(2); [run(3)]")] == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    "call",
    [
        "run(place)",
        "run(run.name)",
        "[run(each) for each in 'ab']",
        "other(1)",
        "self.run(1)",
        "run(unknown)",
        "run(1 / 0)",
    ],
)
def test_what_hangs_on_the_test_itself_or_cannot_be_known_is_not_foreseen(foresee, call):
    assert foresee(f"def test_it(run, place=1): {call}") == []


def test_of_a_test_in_a_class_nothing_is_foreseen(foresee):
    assert foresee("class Tests:\n    def test_it(self, run): run(1)\n\ntest_it = Tests().test_it") == []


def test_a_test_that_is_wrapped_is_looked_through(foresee):
    found = foresee("""
        import functools

        def wrapping(function):
            @functools.wraps(function)
            def wrapper(**arguments):
                function(**arguments)
            return wrapper

        @wrapping
        def test_it(run):
            run(1)
    """)

    assert [call.args for call in found] == [(1,)]
