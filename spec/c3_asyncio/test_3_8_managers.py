"""3.8: when `async with` enters and leaves its manager, what it tells it, and how the article's manager is repaired."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections import Counter

import pytest

from fixtures.claims import claim
from fixtures.errors import error_of, exactly
from fixtures.trace import Rendezvous, turn, until


class Manager:
    """A manager that traces what is asked of it, waits a turn in both methods, and keeps what `__aexit__` was told."""

    def __init__(self, trace, answer: object = None, name: str = "") -> None:
        self.trace = trace
        self.answer = answer
        self.name = name
        self.told: tuple = ()

    async def __aenter__(self) -> Manager:
        self.trace(f"entering {self.name}".strip())
        await turn()
        self.trace(f"entered {self.name}".strip())
        return self

    async def __aexit__(self, kind, error, traceback) -> object:
        self.trace(f"leaving {self.name}".strip())
        self.told = (kind, error, traceback)
        await turn()
        self.trace(f"left {self.name}".strip())
        return self.answer


ENTER, LEAVE = ["entering", "entered"], ["leaving", "left"]


@claim("async-with-enters-before-and-exits-after")
async def test_async_with_awaits_aenter_once_before_its_body_and_aexit_once_after_it(trace):
    manager = Manager(trace)
    for _ in range(2):  # each time, also for a manager that was entered and left before
        async with manager:
            trace("body begins")
            await turn()
            trace("body ends")
        trace("after")

    assert trace.steps == [*ENTER, "body begins", "body ends", *LEAVE, "after"] * 2


@claim("tab-and-space-mix-does-not-compile")
def test_a_class_indented_by_tabs_and_by_spaces_does_not_compile_and_by_either_alone_does():
    mixed = (
        "class Mixed:\n"
        "\tdef __init__(self, link):\n"
        "        self.link = link\n"
        "\n"
        "    async def __aexit__(self, *exception):\n"
        "\t\tself.link = None\n"
    )
    by_spaces = mixed.expandtabs(4)
    by_tabs = by_spaces.replace(" " * 4, "\t")

    assert isinstance(error_of(compile, mixed, "source", "exec"), IndentationError)
    assert error_of(compile, by_spaces, "source", "exec") is None
    assert error_of(compile, by_tabs, "source", "exec") is None


@claim("undefined-name-in-init-raises-nameerror")
async def test_a_manager_that_stores_an_undefined_name_cannot_be_made_and_with_a_parameter_it_can(trace):
    class WithoutParameter(Manager):
        def __init__(self, trace):
            super().__init__(trace)
            self.link = link_to_the_database  # noqa: F821

    class WithParameter(Manager):
        def __init__(self, trace, link_to_the_database):
            super().__init__(trace)
            self.link = link_to_the_database

    with exactly(NameError, match="link_to_the_database"):
        async with WithoutParameter(trace):
            trace("body")
    assert trace.steps == []

    async with WithParameter(trace, "a link") as manager:
        trace(manager.link)
    assert trace.steps == [*ENTER, "a link", *LEAVE]


@claim("repaired-manager-gives-666")
async def test_in_the_repaired_manager_the_awaited_method_gives_666_which_is_printed(capsys):
    class Database:
        def __init__(self, link):
            self.link = link

        async def __aenter__(self):
            await asyncio.sleep(0)
            return self

        async def __aexit__(self, *exception):
            await asyncio.sleep(0)

        async def query(self):
            return 666

    async with Database("a link") as database:
        answer = await database.query()
        print(answer)

    assert answer == 666
    assert capsys.readouterr() == ("666\n", "")


@claim("as-binds-what-aenter-returns")
async def test_as_binds_the_manager_where_aenter_returns_it(trace):
    manager = Manager(trace)

    async with manager as bound:
        assert bound is manager


@claim("as-binds-what-aenter-returns")
async def test_as_binds_another_value_where_aenter_returns_that(trace):
    class Gives(Manager):
        async def __aenter__(self):
            return self.answer

    awaitable = asyncio.get_running_loop().create_future()
    awaitable.set_result("its result")

    for value in ("a connection", None, 0, awaitable):
        async with Gives(trace, value) as bound:
            trace("body")
        assert bound is value  # not in the body, whose exceptions a true value suppresses


@claim("awaited-sleep-stores-none-as-connection")
@pytest.mark.parametrize("delay", [0, 0.001])
async def test_the_value_of_an_awaited_sleep_is_none_and_no_connection(delay):
    class Database:
        link = "not opened"

        async def __aenter__(self):
            self.link = await asyncio.sleep(delay)
            return self

        async def __aexit__(self, *exception):
            await asyncio.sleep(0)

    database = Database()
    assert database.link == "not opened"
    async with database:
        assert database.link is None


@claim("aexit-gets-three-nones-on-normal-exit")
async def test_aexit_is_awaited_with_three_nones_when_the_body_ends_normally(trace):
    manager = Manager(trace)
    try:
        raise KeyError("being handled around the statement, and none of its business")
    except KeyError:
        async with manager:
            trace("body")

    assert trace.steps == [*ENTER, "body", *LEAVE]
    assert manager.told == (None, None, None)


@claim("aexit-gets-the-exception-and-lets-it-out")
@pytest.mark.parametrize("error", [ValueError, BaseException, asyncio.CancelledError])
async def test_aexit_gets_type_value_and_traceback_and_returning_none_lets_the_exception_out(trace, error):
    manager = Manager(trace)
    raised = error("from the body")

    with pytest.raises(error) as caught:
        async with manager:
            trace("body")
            raise raised

    assert trace.steps == [*ENTER, "body", *LEAVE]
    assert caught.value is raised
    kind, value, traceback = manager.told
    assert kind is error
    assert value is raised
    assert traceback is not None and traceback.tb_frame is inspect.currentframe()


@claim("aexit-returning-true-suppresses-the-exception")
@pytest.mark.parametrize("error", [ValueError, StopIteration, asyncio.CancelledError, SystemExit])
async def test_a_true_value_from_aexit_suppresses_the_exception_and_a_false_one_does_not(trace, error):
    async def work(answer):
        async with Manager(lambda step: None, answer):
            trace("body")
            raise error("from the body")
        trace((answer, "went on"))

    for answer in (True, "any true value", False, 0, ""):
        try:
            await work(answer)
        except (error, RuntimeError):  # which a StopIteration becomes that comes out of a coroutine
            trace((answer, "came out"))

    suppressed = [step for answer in (True, "any true value") for step in ("body", (answer, "went on"))]
    came_out = [step for answer in (False, 0, "") for step in ("body", (answer, "came out"))]
    assert trace.steps == suppressed + came_out


@claim("aexit-returning-true-suppresses-the-exception")
@pytest.mark.parametrize("answers", [(True, False), (False, True)])
async def test_either_of_two_managers_suppresses_the_exception(trace, answers):
    first, second = [Manager(lambda step: None, answer) for answer in answers]

    async def work():
        async with first, second:
            raise ValueError("from the body")
        trace("went on")

    try:
        await work()
    except ValueError:
        trace("came out")

    assert trace.steps == ["went on"]


@claim("aexit-runs-on-return-and-break")
@pytest.mark.parametrize("value", ["the value", 0])
async def test_aexit_runs_when_the_body_returns_and_the_value_is_kept(trace, value):
    manager = Manager(trace, "a true value")

    async def read():
        async with manager:
            trace("body")
            return value
        trace("never")

    assert await read() == value
    assert trace.steps == [*ENTER, "body", *LEAVE]
    assert manager.told == (None, None, None)


@claim("aexit-runs-on-return-and-break")
async def test_aexit_runs_when_the_body_is_left_by_break(trace):
    manager = Manager(trace, "a true value")

    for attempt in ("first", "second"):
        async with manager:
            trace(attempt)
            break
        trace("never")

    assert trace.steps == [*ENTER, "first", *LEAVE]
    assert manager.told == (None, None, None)


@claim("aexit-runs-when-the-task-is-cancelled")
async def test_aexit_runs_and_gets_cancellederror_when_the_task_is_cancelled_while_its_body_waits(trace):
    manager = Manager(trace)

    async def work():
        async with manager:
            trace("body")
            await asyncio.get_running_loop().create_future()
            trace("never")

    task = asyncio.create_task(work())
    await until(lambda: "body" in trace.steps, "the task came to its body")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert trace.steps == [*ENTER, "body", *LEAVE]
    assert manager.told[0] is asyncio.CancelledError
    assert isinstance(manager.told[1], asyncio.CancelledError)


@claim("no-aexit-after-a-failed-aenter")
@pytest.mark.parametrize("error", [ConnectionError, asyncio.CancelledError])
async def test_neither_body_nor_aexit_runs_after_a_failed_aenter(trace, error):
    class Unreachable(Manager):
        async def __aenter__(self):
            trace("opening")
            await turn()
            raise error("no server")

    with pytest.raises(error, match="no server"):
        async with Unreachable(trace):
            trace("body")

    assert trace.steps == ["opening"]


@claim("no-aexit-after-a-failed-aenter")
async def test_where_the_second_of_two_managers_fails_to_enter_only_the_first_is_left(trace):
    class Unreachable(Manager):
        async def __aenter__(self):
            trace("opening")
            raise ConnectionError("no server")

    with pytest.raises(ConnectionError, match="no server"):
        async with Manager(trace, name="first"), Unreachable(trace, name="second"):
            trace("body")

    assert trace.steps == ["entering first", "entered first", "opening", "leaving first", "left first"]


@claim("no-aexit-after-a-failed-aenter")
async def test_an_aenter_that_fails_half_way_has_to_clean_up_by_itself(trace):
    class HalfOpened(Manager):
        async def __aenter__(self):
            try:
                trace("half opened")
                raise ConnectionError("no answer")
            except ConnectionError:
                trace("closed again")
                raise

    with pytest.raises(ConnectionError, match="no answer"):
        async with HalfOpened(trace):
            trace("body")

    assert trace.steps == ["half opened", "closed again"]


@claim("opening-and-closing-may-wait-while-others-run")
@pytest.mark.parametrize("raises", [False, True])
async def test_aenter_and_aexit_may_both_wait_for_another_task_also_after_an_exception(raises):
    opening, closing = Rendezvous(2), Rendezvous(2)

    class Meeting:
        async def __aenter__(self):
            await opening.meet("aenter")

        async def __aexit__(self, *exception):
            await closing.meet("aexit")

    async def other():
        await opening.meet("other task")
        await until(lambda: closing.came, "nobody waits at the closing")
        await closing.meet("other task")

    task = asyncio.create_task(other())
    with pytest.raises(LookupError) if raises else contextlib.nullcontext():
        async with Meeting():
            if raises:
                raise LookupError
    await task

    assert Counter(opening.came) == {"aenter": 1, "other task": 1}
    assert Counter(closing.came) == {"aexit": 1, "other task": 1}


@claim("two-managers-close-in-reverse-order")
@pytest.mark.parametrize("raises", [False, True])
async def test_two_managers_in_one_async_with_are_left_in_the_reverse_order_also_after_an_exception(trace, raises):
    with pytest.raises(LookupError) if raises else contextlib.nullcontext():
        async with Manager(trace, name="first"), Manager(trace, name="second"):
            trace("body")
            if raises:
                raise LookupError

    assert trace.steps == [
        "entering first", "entered first", "entering second", "entered second",
        "body",
        "leaving second", "left second", "leaving first", "left first",
    ]  # fmt: skip


def halves(trace):
    """Managers without `__aexit__`, without `__aenter__` or without both, each with what is missed in it."""

    class OnlyEnters:
        async def __aenter__(self):
            trace("entered")

    class OnlyLeaves:
        async def __aexit__(self, *exception):
            trace("left")

    class Plain:
        def __enter__(self):
            trace("entered as a plain manager")

        def __exit__(self, *exception):
            trace("left as a plain manager")

    enters, leaves = OnlyEnters(), OnlyLeaves()
    enters.__aexit__, leaves.__aenter__ = leaves.__aexit__, enters.__aenter__  # which their classes lack nevertheless
    without_aexit, without_aenter = (OnlyEnters(), enters), (OnlyLeaves(), leaves, Plain())
    return [(half, "__aexit__") for half in without_aexit] + [(half, "__aenter__") for half in without_aenter]


@claim("half-an-async-manager-is-an-attributeerror")
async def test_async_with_raises_attributeerror_for_half_a_manager_before_anything_is_entered(trace):
    for half, missing in halves(trace):
        with exactly(AttributeError, match=missing):
            async with half:
                trace("body")

    assert trace.steps == []


@claim("half-an-async-manager-is-a-typeerror")
async def test_async_with_raises_typeerror_for_half_a_manager_before_anything_is_entered(trace):
    for half, _ in halves(trace):
        with exactly(TypeError, match="asynchronous context manager protocol"):
            async with half:
                trace("body")

    assert trace.steps == []


@claim("plain-with-refuses-an-async-manager")
async def test_a_plain_with_refuses_an_asynchronous_context_manager(trace):
    class TracesCalls(Manager):
        def __aenter__(self):
            trace("__aenter__ is called")
            return super().__aenter__()

        def __aexit__(self, *told):
            trace("__aexit__ is called")
            return super().__aexit__(*told)

    @contextlib.asynccontextmanager
    async def made_of_a_generator():
        yield trace("the generator runs")

    manager = TracesCalls(trace)

    for refused in (manager, made_of_a_generator()):
        with pytest.raises((AttributeError, TypeError), match="__enter__|__exit__|context manager protocol"):
            with refused:
                trace("body")
    assert trace.steps == []

    async with manager:
        trace("body")
    assert trace.steps == ["__aenter__ is called", *ENTER, "body", "__aexit__ is called", *LEAVE]
