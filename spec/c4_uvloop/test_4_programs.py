"""4: programs moved to uvloop, by its policy, by `uvloop.run` and by a loop factory, and those that cannot be."""

from __future__ import annotations

import asyncio
import textwrap
import warnings

from fixtures.claims import claim

BEGINNING = """
import asyncio
import contextlib
import threading
import warnings

import uvloop


def whose(loop):
    if isinstance(loop, asyncio.BaseEventLoop):
        return "asyncio"
    return "uvloop" if isinstance(loop, uvloop.Loop) else repr(loop)


async def running_loop():
    return whose(asyncio.get_running_loop())


async def break_down():
    raise ArithmeticError


def run_each_way():
    print(asyncio.run(running_loop()), asyncio.run(running_loop(), debug=True))
    try:
        asyncio.run(break_down())
    except ArithmeticError:
        print("after a failure:", asyncio.run(running_loop()))


def in_another_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def set_uvloops_policy():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # since Python 3.14, which is a claim of its own
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

"""


def after_the_beginning(source: str) -> str:
    """A program that begins with the imports and the functions above."""
    return BEGINNING + textwrap.dedent(source)


@claim("uvloop-stays-out-until-asked-for")
def test_import_uvloop_alone_leaves_asyncio_run_new_event_loop_and_asyncios_class_as_they_are(plain_program):
    ended = plain_program(after_the_beginning("""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # since Python 3.14 for asking, too
            print(type(asyncio.get_event_loop_policy()) is asyncio.DefaultEventLoopPolicy)
        run_each_way()
        in_another_thread(run_each_way)
        for made in (asyncio.new_event_loop(), asyncio.SelectorEventLoop()):
            print(whose(made))
            made.close()
        set_uvloops_policy()
        print(asyncio.run(running_loop()))
    """))  # fmt: skip

    alone = ["asyncio asyncio", "after a failure: asyncio"] * 2
    assert ended.lines == ["True", *alone, "asyncio", "asyncio", "uvloop"], ended.error


SETS_THE_POLICY = after_the_beginning("""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    print(asyncio.run(running_loop()))
""")


@claim("uvloop-policy-is-set-silently-before-3-14")
def test_uvloops_policy_is_taken_without_a_warning(plain_program):
    ended = plain_program(SETS_THE_POLICY, warnings="default")

    assert ended.stderr == ""
    assert ended.lines == ["uvloop"]


@claim("uvloop-policy-is-deprecated-since-3-14")
def test_uvloops_policy_is_taken_with_a_deprecation_warning(plain_program):
    ended = plain_program(SETS_THE_POLICY, warnings="default")

    assert ended.lines == ["uvloop"]
    assert "DeprecationWarning: 'asyncio.set_event_loop_policy' is deprecated" in ended.stderr


INSTALLS = after_the_beginning("""
    uvloop.install()
    print(asyncio.run(running_loop()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # since Python 3.14 for asking, too
        print("its policy:", isinstance(asyncio.get_event_loop_policy(), uvloop.EventLoopPolicy))
""")


@claim("uvloop-install-is-silent-before-3-12")
def test_uvloop_install_sets_the_policy_without_a_warning(plain_program):
    ended = plain_program(INSTALLS, warnings="default")

    assert ended.stderr == ""
    assert ended.lines == ["uvloop", "its policy: True"]


@claim("uvloop-install-is-deprecated")
def test_uvloop_install_sets_the_policy_and_gives_a_deprecation_warning(plain_program):
    ended = plain_program(INSTALLS, warnings="default")

    assert ended.lines == ["uvloop", "its policy: True"]
    assert "DeprecationWarning: uvloop.install() is deprecated" in ended.stderr


@claim("uvloop-policy-follows-asyncios-policy-interface")
def test_uvloops_policy_is_an_event_loop_policy_and_no_kind_of_asyncios_default_one():
    import uvloop

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # since Python 3.14, for each of these names
        policy = uvloop.EventLoopPolicy()
        interface, default = asyncio.AbstractEventLoopPolicy, asyncio.DefaultEventLoopPolicy

    assert isinstance(policy, interface)
    assert not isinstance(policy, default)


@claim("asyncio-run-uses-uvloop-once-the-policy-is-set")
def test_with_uvloops_policy_each_asyncio_run_is_on_uvloop_in_the_main_and_in_another_thread(plain_program):
    ended = plain_program(after_the_beginning("""
        async def meanwhile():
            in_another_thread(run_each_way)

        set_uvloops_policy()
        run_each_way()
        in_another_thread(run_each_way)
        asyncio.run(meanwhile())
    """))  # fmt: skip

    assert ended.lines == ["uvloop uvloop", "after a failure: uvloop"] * 3, ended.error


@claim("uvloop-policy-changes-only-loops-made-through-it")
def test_with_uvloops_policy_a_selector_loop_and_a_loop_made_before_stay_asyncios(plain_program):
    ended = plain_program(after_the_beginning("""
        before = asyncio.new_event_loop()
        set_uvloops_policy()
        loops = {
            "made before": before,
            "made through the policy": asyncio.new_event_loop(),
            "made by its class": asyncio.SelectorEventLoop(),
        }
        for how, loop in loops.items():
            print(f"{how}: {loop.run_until_complete(running_loop())}")
            loop.close()
    """))  # fmt: skip

    assert ended.lines == [
        "made before: asyncio",
        "made through the policy: uvloop",
        "made by its class: asyncio",
    ], ended.error


@claim("uvloop-run-needs-no-policy")
def test_uvloop_run_is_on_uvloop_without_a_policy_and_asyncio_run_is_not_after_it(plain_program):
    ended = plain_program(after_the_beginning("""
        async def fails():
            raise LookupError(await running_loop())

        async def running_loop_and_a_new_one():
            with contextlib.closing(asyncio.new_event_loop()) as new:
                print(await running_loop(), whose(new))

        uvloop.run(running_loop_and_a_new_one())
        print(asyncio.run(running_loop()))
        try:
            uvloop.run(fails())
        except LookupError as error:
            print("after a failure on", error, "again:", asyncio.run(running_loop()))
    """))  # fmt: skip

    assert ended.lines == ["uvloop asyncio", "asyncio", "after a failure on uvloop again: asyncio"], ended.error


@claim("runner-takes-uvloops-loop-factory")
def test_a_runner_given_uvloops_loop_factory_is_on_uvloop_whenever_it_runs(plain_program):
    ended = plain_program(after_the_beginning("""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            print(runner.run(running_loop()), runner.run(running_loop()))
        with asyncio.Runner() as runner:
            print(runner.run(running_loop()))
    """))  # fmt: skip

    assert ended.lines == ["uvloop uvloop", "asyncio"], ended.error


RUNS_WITH_A_FACTORY = after_the_beginning("""
    main = running_loop()
    try:
        print(asyncio.run(main, loop_factory=uvloop.new_event_loop))
    except TypeError as error:
        print(error)
        main.close()
    print(asyncio.run(running_loop()))
""")


@claim("asyncio-run-takes-no-loop-factory-before-3-12")
def test_asyncio_run_refuses_a_loop_factory(plain_program):
    ended = plain_program(RUNS_WITH_A_FACTORY)

    assert ended.lines == ["run() got an unexpected keyword argument 'loop_factory'", "asyncio"], ended.error


@claim("asyncio-run-takes-uvloops-loop-factory")
def test_asyncio_run_given_uvloops_loop_factory_is_on_uvloop_that_once(plain_program):
    ended = plain_program(RUNS_WITH_A_FACTORY)

    assert ended.lines == ["uvloop", "asyncio"], ended.error


RUNS_DOTS_AND_A_COROUTINE = """
    import asyncio


    async def main():
        return "a coroutine is run"


    print(asyncio.run(main()))
    asyncio.run(...)
    print("the dots were run")
"""


@claim("ellipsis-is-no-coroutine-to-run")
def test_asyncio_run_refuses_three_dots_with_valueerror(program):
    ended = program(RUNS_DOTS_AND_A_COROUTINE)

    assert ended.lines == ["a coroutine is run"]
    assert ended.error == "ValueError: a coroutine was expected, got Ellipsis"
    assert ended.status == 1


@claim("ellipsis-is-a-typeerror-to-run-since-3-14")
def test_asyncio_run_refuses_three_dots_with_typeerror(program):
    ended = program(RUNS_DOTS_AND_A_COROUTINE)

    assert ended.lines == ["a coroutine is run"]
    assert ended.error.startswith("TypeError: ")
    assert ended.status == 1


MANY_STEPS = """
import contextvars

worker = contextvars.ContextVar("worker")


async def work(name):
    worker.set(name)
    print(name, "begins")
    await asyncio.sleep(0)
    print(name, "ends")
    return name


async def nap(seconds):
    await asyncio.sleep(seconds)
    print("slept", seconds)


async def letters():
    try:
        yield "a"
        yield "b"
    finally:
        print("letters closed")


async def fails():
    raise LookupError("of main")


class Numbers:
    left = [1, 2]

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(0)
        if not self.left:
            raise StopAsyncIteration
        return self.left.pop(0)


class Connection:
    async def __aenter__(self):
        print("opened")

    async def __aexit__(self, *exception):
        print("closed")


def set_timers(loop):
    now = loop.time()
    timers = [loop.call_at(now + milliseconds / 1000, print, "due", milliseconds) for milliseconds in (3, 1, 2)]
    if loop.time() - now > 0.0005:  # so long that one may have been due when it was set
        for timer in timers:
            timer.cancel()
        set_timers(loop)


def raise_an_error():
    raise LookupError("of a callback")


async def go_wrong(loop):
    try:
        await loop.run_in_executor(None, int, "no number")
    except ValueError:
        print("failed in a thread")
    loop.set_exception_handler(lambda loop, context: print("handled:", context["exception"]))
    loop.call_soon(raise_an_error)
    loop.call_later(0, print, "due without delay")
    print("called later")
    await nap(0.001)


async def stay():
    try:
        await asyncio.Event().wait()
    finally:
        print("cancelled at the end")


async def main():
    print("awaited:", await work("first"))
    tasks = [asyncio.create_task(work("second")), asyncio.create_task(work("third"))]
    print("tasks made")
    done, pending = await asyncio.wait(tasks)
    print("done:", done == set(tasks), "pending:", pending)
    print("gathered:", *await asyncio.gather(work("fourth"), work("fifth")))
    print("in main's context:", worker.get())
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(future.set_result, "a result")
    print("future:", await future)
    print("executor:", await loop.run_in_executor(None, str.upper, "done"))
    opened = threading.Event()
    waiting = loop.run_in_executor(None, opened.wait, 1)
    print("meanwhile")
    opened.set()
    print("executor:", await waiting)
    set_timers(loop)
    await nap(0.01)
    timer = loop.call_later(60, print, "the timer is due")
    await nap(0.001)
    timer.cancel()
    task = asyncio.create_task(nap(0.02))
    await asyncio.sleep(0)
    print("cancelling:", task.cancel())
    await asyncio.wait([task])
    print("cancelled:", task.cancelled())
    async with Connection():
        async for number in Numbers():
            print("number", number)
    await go_wrong(loop)
    left_over = asyncio.create_task(stay())
    print("letter", await left_open.__anext__())
    await asyncio.sleep(0)


left_open = letters()
print(asyncio.run(running_loop()))
asyncio.run(main())
try:
    asyncio.run(fails())
except LookupError as error:
    print("raised:", error)
"""


@claim("programs-under-asyncio-run-leave-the-same-trace")
def test_a_program_that_starts_with_asyncio_run_takes_the_same_steps_under_uvloops_policy(plain_program):
    on_asyncio = plain_program(BEGINNING + MANY_STEPS)
    on_uvloop = plain_program(BEGINNING + "set_uvloops_policy()\n" + MANY_STEPS)

    steps = [
        "first begins", "first ends", "awaited: first",
        "tasks made", "second begins", "third begins", "second ends", "third ends", "done: True pending: set()",
        "fourth begins", "fifth begins", "fourth ends", "fifth ends", "gathered: fourth fifth",
        "in main's context: first",
        "future: a result",
        "executor: DONE", "meanwhile", "executor: True",
        "due 1", "due 2", "due 3", "slept 0.01",
        "slept 0.001",
        "cancelling: True", "cancelled: True",
        "opened", "number 1", "number 2", "closed",
        "failed in a thread", "called later", "handled: of a callback",
        "due without delay", "slept 0.001",
        "letter a", "cancelled at the end", "letters closed",
        "raised: of main",
    ]  # fmt: skip
    assert on_asyncio.lines == ["asyncio", *steps], on_asyncio.error
    assert on_uvloop.lines == ["uvloop", *steps], on_uvloop.error


GETS_A_LOOP = """
loop = asyncio.get_event_loop()
print(loop.run_until_complete(running_loop()))
loop.close()
"""
MAKES_A_TASK = """
task = asyncio.ensure_future(running_loop())
print(task.get_loop().run_until_complete(task))
task.get_loop().close()
"""
NO_LOOP = "RuntimeError: There is no current event loop in thread 'MainThread'."


@claim("module-level-get-event-loop-fails-under-uvloops-policy")
def test_get_event_loop_at_module_level_fails_under_uvloops_policy_and_works_on_asyncio(plain_program):
    # Warnings are left out: on some Pythons asyncio's own side is deprecated, which section 3.1 shows.
    on_asyncio = plain_program(BEGINNING + GETS_A_LOOP, warnings="ignore")
    on_uvloop = plain_program(BEGINNING + "set_uvloops_policy()\n" + GETS_A_LOOP, warnings="ignore")

    assert on_asyncio.lines == ["asyncio"], on_asyncio.error
    assert (on_uvloop.lines, on_uvloop.error) == ([], NO_LOOP)


@claim("module-level-get-event-loop-fails-under-uvloops-policy")
def test_ensure_future_at_module_level_fails_under_uvloops_policy_and_works_on_asyncio(plain_program):
    on_asyncio = plain_program(BEGINNING + MAKES_A_TASK, warnings="ignore")
    on_uvloop = plain_program(BEGINNING + "set_uvloops_policy()\n" + MAKES_A_TASK, warnings="ignore")

    assert on_asyncio.lines == ["asyncio"], on_asyncio.error
    assert (on_uvloop.lines, on_uvloop.error) == ([], NO_LOOP)
