"""7.7: what asyncio.Runner does with any event loop, and what Ctrl-C does to a loop that runs."""

import asyncio
import contextlib
import contextvars
import threading

import pytest

from fixtures.claims import claim
from fixtures.trace import turn

WHERE = contextvars.ContextVar("WHERE", default="nowhere")


@claim("runner-keeps-one-loop-and-one-context")
def test_a_runner_runs_one_after_the_other_on_one_loop_and_in_one_context_that_is_not_ours(new_loop):
    async def set_it(where):
        WHERE.set(where)
        return asyncio.get_running_loop()

    async def see_it():
        return asyncio.get_running_loop(), WHERE.get()

    async def fail():
        raise LookupError

    with asyncio.Runner(loop_factory=new_loop) as runner:
        first = runner.run(set_it("in the runner"))
        second, seen = runner.run(see_it())
        its_loop = runner.get_loop()
        given = contextvars.Context()
        _, seen_in_another = runner.run(see_it(), context=given)
        for where in ("given", "given again"):  # by then it is not empty
            runner.run(set_it(where), context=given)
        with pytest.raises(LookupError):
            runner.run(fail())
        third, seen_again = runner.run(see_it())

    assert first is second is its_loop is third
    assert (seen, seen_again) == ("in the runner", "in the runner")
    assert (seen_in_another, WHERE.get()) == ("nowhere", "nowhere")
    assert given.get(WHERE) == "given again"


@claim("runner-keeps-one-loop-and-one-context")
def test_the_context_of_a_runner_is_a_copy_of_ours_and_what_it_sets_does_not_come_back(new_loop):
    ours = contextvars.copy_context()
    ours.run(WHERE.set, "ours")

    async def see_and_set():
        seen = WHERE.get()
        WHERE.set("in the runner")
        return seen

    with contextlib.closing(asyncio.Runner(loop_factory=new_loop)) as runner:
        seen = ours.run(runner.run, see_and_set())

    assert (seen, ours[WHERE]) == ("ours", "ours")


@pytest.mark.parametrize("debug, then", [(True, True), (False, False), (None, True)])
@claim("runner-makes-its-loop-when-it-is-needed")
def test_a_runner_makes_no_loop_until_it_is_entered_or_asked_and_then_only_one(new_loop, debug, then):
    made = []

    def counting():
        made.append(new_loop())
        made[-1].set_debug(not debug)
        return made[-1]

    entered, asked = (asyncio.Runner(loop_factory=counting, debug=debug) for _ in range(2))
    before = len(made)
    with entered:
        when_it_is_entered = len(made)
        entered.run(asyncio.sleep(0))
        loops = [entered.get_loop(), asked.get_loop(), asked.get_loop()]
    with asked:  # which has its loop by now
        loops.append(asked.get_loop())

    assert (before, when_it_is_entered) == (0, 1)
    assert made == loops[:2] and loops[3] is loops[2] is loops[1]
    assert [loop.get_debug() for loop in made] == [then] * 2


@claim("runner-cleans-up-at-its-end")
@pytest.mark.parametrize(
    "leaving, manager",
    [
        (contextlib.nullcontext(), lambda runner: runner),
        (pytest.raises(LookupError), lambda runner: runner),
        (contextlib.nullcontext(), contextlib.closing),
    ],
    ids=["ends", "raises", "is closed"],
)
def test_at_its_end_a_runner_cancels_tasks_ends_generators_and_threads_and_closes_the_loop(
    new_loop, trace, leaving, manager
):
    threads = threading.active_count()

    async def wait():
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for _ in range(5):
                await turn()
            trace("a task ends")

    async def numbers():
        try:
            yield 1
        finally:
            trace("a generator ends")

    async def main(generator):
        tasks = [asyncio.ensure_future(wait()) for _ in range(2)]
        await generator.__anext__()
        await asyncio.to_thread(trace, "in a thread")
        return tasks

    generator = numbers()
    with leaving as raised, manager(asyncio.Runner(loop_factory=new_loop)) as runner:
        tasks, loop = runner.run(main(generator)), runner.get_loop()
        before = list(trace.steps)
        if raised is not None:
            raise LookupError

    assert before == ["in a thread"]
    assert trace.steps == ["in a thread", "a task ends", "a task ends", "a generator ends"]
    assert [task.cancelled() for task in tasks] == [True, True]
    assert (loop.is_closed(), threading.active_count()) == (True, threads)


@claim("runner-refuses-a-second-life-and-a-running-loop")
def test_a_closed_runner_and_one_within_a_running_loop_raise_runtimeerror(new_loop):
    runner, said = asyncio.Runner(loop_factory=new_loop), []

    def attempt(coroutine):
        try:
            runner.run(coroutine)
        except Exception as error:
            said.append((type(error), str(error)))
        coroutine.close()

    async def within():
        attempt(asyncio.sleep(0))

    new_loop().run_until_complete(within())
    with runner:
        runner.run(within())  # that is its own
        new_loop().run_until_complete(within())
    runner.close()
    attempt(asyncio.sleep(0))

    assert said == [
        *[(RuntimeError, "Runner.run() cannot be called from a running event loop")] * 3,
        (RuntimeError, "Runner is closed"),
    ]


INTERRUPTED = """
    import asyncio, os, signal

    async def main(then):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            print("runs on")
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("cancelled")
            for _ in range(3):
                await asyncio.sleep(0)
            print("and ended")
            if then == "goes on":
                return then
            if then == "fails":
                raise LookupError
            raise

    with asyncio.Runner() as runner:
        for then in ("cancelled", "cancelled", "goes on", "fails"):
            try:
                print(runner.run(main(then)))
            except (KeyboardInterrupt, LookupError) as error:
                print(repr(error))
    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@claim("ctrl-c-cancels-the-task-of-a-runner")
def test_ctrl_c_cancels_the_task_of_a_runner_each_time_and_run_raises_keyboardinterrupt_unless_it_ends_otherwise(
    program,
):
    ended = program(INTERRUPTED)

    ends = ["KeyboardInterrupt()", "KeyboardInterrupt()", "goes on", "LookupError()"]
    assert ended.lines == [*(line for end in ends for line in ("runs on", "cancelled", "and ended", end)), "True"]


INTERRUPTED_TWICE = """
    import asyncio, os, signal

    async def main():
        os.kill(os.getpid(), signal.SIGINT)
        print("after the first")
        os.kill(os.getpid(), signal.SIGINT)
        print("after the second")

    with asyncio.Runner() as runner:
        try:
            runner.run(main())
        except KeyboardInterrupt:
            print("KeyboardInterrupt")
"""


@claim("second-ctrl-c-breaks-into-a-runner")
def test_a_second_ctrl_c_raises_keyboardinterrupt_in_the_middle_of_what_does_not_give_way(program):
    ended = program(INTERRUPTED_TWICE)

    assert ended.lines == ["after the first", "KeyboardInterrupt"]


INTERRUPTED_WHILE_IT_WAITS = """
    import asyncio, os, signal, socket, threading

    loop = asyncio.new_event_loop()
    here, there = socket.socketpair()

    def run(what_it_waits_for):
        loop.call_soon(threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT)).start)
        try:
            loop.run_forever()
        except KeyboardInterrupt:
            print("KeyboardInterrupt", what_it_waits_for, loop.is_running())

    run("nothing")
    run("nothing again")
    loop.call_later(1000, print)
    run("a timer")
    loop.add_reader(here, print)
    run("a reader, too")
    loop.remove_reader(here)
    loop.close()
"""


@claim("ctrl-c-comes-out-of-a-loop-that-waits")
def test_ctrl_c_comes_out_of_run_forever_where_the_loop_has_nothing_to_do(program):
    ended = program(INTERRUPTED_WHILE_IT_WAITS)

    waited_for = ("nothing", "nothing again", "a timer", "a reader, too")
    assert (ended.lines, ended.status) == ([f"KeyboardInterrupt {what} False" for what in waited_for], 0)
