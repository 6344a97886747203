"""The article as a whole: how it counts its sections, which of its examples run, and what asyncio is good for."""

import asyncio
import threading

from fixtures import catalogue
from fixtures.claims import claim
from fixtures.trace import InFlight, until


@claim("section-number-three-five-is-used-twice")
def test_two_sections_bear_the_number_three_five_and_none_three_six():
    numbers = [key.removesuffix("b") for key in catalogue.SECTIONS if key.startswith("3.")]

    assert numbers == ["3.1", "3.2", "3.3", "3.4", "3.5", "3.5", "3.7", "3.8"]
    assert catalogue.SECTIONS["3.5"] != catalogue.SECTIONS["3.5b"]


@claim("not-every-printed-example-runs")
def test_a_line_that_matches_no_indentation_above_it_is_an_indentation_error(plain_program):
    printed = plain_program("def greet():\n\tprint('hello')\n    print('again')\n\nprint('starts')\ngreet()\n")
    mended = plain_program("def greet():\n    print('hello')\n    print('again')\n\nprint('starts')\ngreet()\n")

    assert printed.error == "IndentationError: unindent does not match any outer indentation level"
    assert (printed.status, printed.stdout) == (1, "")
    assert (mended.status, mended.lines) == (0, ["starts", "hello", "again"])


@claim("not-every-printed-example-runs")
def test_running_a_name_that_stands_for_work_nobody_wrote_is_a_name_error(program):
    printed = """
        import asyncio

        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(whatever_there_is)
        finally:
            loop.close()
    """
    mended = """
        import asyncio

        async def whatever_there_is():
            print("runs")

        loop = asyncio.new_event_loop()
        loop.run_until_complete(whatever_there_is())
        loop.close()
    """

    ended = program(printed)
    assert (ended.status, ended.error) == (1, "NameError: name 'whatever_there_is' is not defined")
    assert program(mended).lines == ["runs"]


@claim("not-every-printed-example-runs")
def test_tabs_beside_spaces_are_a_tab_error_and_hide_a_name_error(plain_program):
    printed = "class Line:\n\tdef __init__(self):\n\t\tself.peer = peer\n                self.open = True\n\nLine()\n"
    respaced = "class Line:\n    def __init__(self):\n        self.peer = peer\n        self.open = True\n\nLine()\n"
    mended = respaced.replace("(self)", "(self, peer)").replace("Line()", "print(Line('there').peer)")

    assert plain_program(printed).error == "TabError: inconsistent use of tabs and spaces in indentation"
    assert plain_program(respaced).error == "NameError: name 'peer' is not defined"
    assert plain_program(mended).lines == ["there"]


@claim("not-every-printed-example-runs")
def test_three_dots_are_no_coroutine_that_asyncio_run_could_run(program):
    ended = program("import asyncio\nasyncio.run(...)\nprint('ran')\n", warnings="ignore")

    # A ValueError up to Python 3.13, a TypeError since: the claim is that no Python takes it.
    assert ended.error.startswith(("ValueError: a coroutine was expected, got Ellipsis", "TypeError: "))
    assert (ended.status, ended.stdout) == (1, "")
    assert program("import asyncio\nasync def main(): print('ran')\nasyncio.run(main())\n").lines == ["ran"]


@claim("asyncio-keeps-more-requests-in-flight")
async def test_one_thread_keeps_three_requests_in_flight_and_plain_calls_one():
    plain, concurrent, replies, threads = InFlight(), InFlight(), asyncio.Event(), set()

    def call():
        with plain:
            threads.add(threading.get_ident())

    async def request():
        with concurrent:
            threads.add(threading.get_ident())
            await replies.wait()

    for _ in range(3):
        call()
    tasks = [asyncio.create_task(request()) for _ in range(3)]
    await until(lambda: concurrent.now == 3, "the three requests are not in flight together")
    replies.set()
    await asyncio.gather(*tasks)

    assert (plain.peak, concurrent.peak) == (1, 3)
    assert threads == {threading.get_ident()}
