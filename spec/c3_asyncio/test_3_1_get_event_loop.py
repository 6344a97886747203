"""What `asyncio.get_event_loop` returns, makes or refuses: by Python, thread, policy and what ran before."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fixtures.claims import claim

# Fetches a loop again and again where none is set, and says what came of it.
FETCH_AGAIN = """
    import asyncio, warnings

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            loop = asyncio.get_event_loop()
        except RuntimeError as error:
            print(f"RuntimeError: {error}")
        else:
            print("the same loop again:", asyncio.get_event_loop() is loop, "| closed:", loop.is_closed())
            loop.run_until_complete(asyncio.sleep(0))
            print("also when it has run:", asyncio.get_event_loop() is loop)
            loop.close()
            print("also when it is closed:", asyncio.get_event_loop() is loop)
    print("warnings:", [f"{one.category.__name__}: {one.message}" for one in seen])
"""
MADE_AND_KEPT = [
    "the same loop again: True | closed: False",
    "also when it has run: True",
    "also when it is closed: True",
]
NONE_IN_THE_MAIN_THREAD = "RuntimeError: There is no current event loop in thread 'MainThread'."


@claim("get-event-loop-makes-a-loop-silently-before-3-12")
def test_get_event_loop_makes_a_loop_without_a_warning_and_keeps_it(plain_program):
    ended = plain_program(FETCH_AGAIN)

    assert ended.lines == [*MADE_AND_KEPT, "warnings: []"]


@claim("get-event-loop-warns-on-3-12-and-3-13")
def test_get_event_loop_warns_when_it_makes_a_loop_and_then_keeps_it(plain_program):
    ended = plain_program(FETCH_AGAIN)

    one_warning = ["DeprecationWarning: There is no current event loop"]
    assert ended.lines == [*MADE_AND_KEPT, f"warnings: {one_warning}"]


@claim("get-event-loop-raises-without-a-loop-since-3-14")
def test_get_event_loop_makes_none_where_none_is_set(plain_program):
    ended = plain_program(FETCH_AGAIN)

    assert ended.lines == [NONE_IN_THE_MAIN_THREAD, "warnings: []"]


@claim("get-event-loop-makes-none-after-asyncio-run")
def test_get_event_loop_makes_none_once_asyncio_run_was_used_even_if_one_was_set_or_what_it_ran_failed(program):
    ended = program("""
        import asyncio

        async def work():
            print("running, there is one:", asyncio.get_event_loop().is_running())

        async def fail():
            raise LookupError("it failed")

        async def cancel():
            raise asyncio.CancelledError("it was cancelled")

        set_before = asyncio.new_event_loop()
        asyncio.set_event_loop(set_before)
        for coroutine_function in (work, fail, cancel):
            try:
                asyncio.run(coroutine_function())
            except (LookupError, asyncio.CancelledError) as error:
                print(type(error).__name__)
            try:
                asyncio.get_event_loop().close()
                print("there is one still")
            except RuntimeError as error:
                print(f"RuntimeError: {error}")
        set_before.close()
    """)

    after_it = NONE_IN_THE_MAIN_THREAD
    what_came_of_it = "running, there is one: True", "LookupError", "CancelledError"
    assert ended.lines == [line for came in what_came_of_it for line in (came, after_it)]


@claim("get-event-loop-makes-none-after-asyncio-run")
def test_get_event_loop_makes_none_in_another_thread_either_once_asyncio_run_was_used_there():
    async def work():
        return asyncio.get_event_loop().is_running()

    with ThreadPoolExecutor(1, "another") as another_thread:
        ran = another_thread.submit(asyncio.run, work())
        refused = another_thread.submit(asyncio.get_event_loop).exception()

    assert ran.result() is True
    assert repr(refused) == """RuntimeError("There is no current event loop in thread 'another_0'.")"""


@claim("get-event-loop-makes-none-in-another-thread")
def test_get_event_loop_makes_none_in_another_thread_and_returns_one_set_in_that_very_thread(new_loop):
    loop = new_loop()

    def set_and_get():
        asyncio.set_event_loop(loop)
        return asyncio.get_event_loop()

    with ThreadPoolExecutor(1, "another") as another_thread, ThreadPoolExecutor(1, "third") as third_thread:
        refused = [another_thread.submit(asyncio.get_event_loop).exception() for _ in range(2)]
        fetched = another_thread.submit(set_and_get)
        failed = fetched.exception()  # waits until it is set
        refused_there = third_thread.submit(asyncio.get_event_loop).exception()
        another_thread.submit(asyncio.set_event_loop, None)
        refused.append(another_thread.submit(asyncio.get_event_loop).exception())

    assert [repr(error) for error in refused] == [
        """RuntimeError("There is no current event loop in thread 'another_0'.")"""
    ] * 3
    assert failed is None
    assert fetched.result() is loop
    assert repr(refused_there) == """RuntimeError("There is no current event loop in thread 'third_0'.")"""


@claim("uvloop-policy-made-a-loop-before-0-22")
def test_get_event_loop_under_uvloops_policy_makes_a_loop_of_uvloop(program):
    ended = program(
        """
        import asyncio, uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        loop = asyncio.get_event_loop()
        print("a loop of uvloop:", type(loop) is uvloop.Loop, "| the same again:", asyncio.get_event_loop() is loop)
        loop.close()
        """,
        warnings="ignore",
    )

    assert ended.lines == ["a loop of uvloop: True | the same again: True"]


@claim("uvloop-policy-makes-no-loop-since-0-22")
def test_get_event_loop_under_uvloops_policy_makes_none_and_returns_one_that_is_set(program):
    ended = program(
        """
        import asyncio, uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        try:
            asyncio.get_event_loop().close()
            print("made one")
        except RuntimeError as error:
            print(f"RuntimeError: {error}")
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        print("the one set:", asyncio.get_event_loop() is loop)
        loop.close()
        print("by uvloop's policy:", isinstance(asyncio.get_event_loop_policy(), uvloop.EventLoopPolicy))
        """,
        warnings="ignore",
    )

    assert ended.lines == [NONE_IN_THE_MAIN_THREAD, "the one set: True", "by uvloop's policy: True"]


@claim("get-event-loop-returns-the-loop-that-is-set")
def test_get_event_loop_returns_the_loop_that_was_set_in_that_thread_each_time_and_not_one_only_made(program):
    ended = program("""
        import asyncio, threading

        first, second = asyncio.new_event_loop(), asyncio.new_event_loop()

        def set_and_get(loop):
            asyncio.set_event_loop(loop)
            asyncio.new_event_loop().close()
            try:
                print(asyncio.get_event_loop() is loop, asyncio.get_event_loop() is loop)
            except RuntimeError as error:
                print(error)

        set_and_get(first)
        set_and_get(second)
        thread = threading.Thread(target=set_and_get, args=[first])
        thread.start()
        thread.join()
        first.close()
        second.close()
        print(asyncio.get_event_loop() is second)
    """)

    assert ended.lines == ["True True"] * 3 + ["True"]


@claim("get-event-loop-returns-the-loop-that-is-set")
def test_get_event_loop_in_a_coroutine_or_callback_returns_the_running_loop_and_not_the_one_set(program):
    ended = program("""
        import asyncio

        async def fetch():
            return asyncio.get_event_loop()

        set_one, running = asyncio.new_event_loop(), asyncio.new_event_loop()
        asyncio.set_event_loop(set_one)
        running.call_soon(lambda: print("the running one:", asyncio.get_event_loop() is running))
        fetched = running.create_future()
        running.call_later(0.001, lambda: fetched.set_result(asyncio.get_event_loop()))
        print("the running one:", running.run_until_complete(fetched) is running)
        print("the running one:", running.run_until_complete(fetch()) is running)
        print("the one set:", asyncio.get_event_loop() is set_one)
        set_one.close()
        running.close()
    """)

    assert ended.lines == ["the running one: True"] * 3 + ["the one set: True"]
