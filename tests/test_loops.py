"""Which loops claims run on, and what `--loop` does to names, choices and mistakes."""

import sys
from importlib.util import find_spec

import pytest

from tests.conftest import entry

HERE = ", ".join(filter(find_spec, ("asyncio", "uvloop", "rloop", "winloop", "zuvloop")))
TESTS = """
    @claim("on-loops")
    async def test_async():
        print(type(asyncio.get_running_loop()).__module__)

    @claim("makes-loops")
    def test_makes_loops(new_loop):
        loop = new_loop()
        assert loop is not new_loop()
        print(type(loop).__module__)

    @claim("programs")
    def test_program(program):
        ended = program('''
            import asyncio
            async def main():
                print(type(asyncio.get_running_loop()).__module__)
            asyncio.run(main())
        ''')
        print(ended.stdout)

    @claim("no-loop")
    def test_no_loop():
        pass
"""


@pytest.fixture
def four_claims(house):
    house.claims(*(entry(id) for id in ("on-loops", "makes-loops", "programs", "no-loop")))
    house.tests(TESTS)
    return house


def names(result):
    return [line.split("::")[1] for line in result.outlines if "::" in line]


def test_each_claim_about_a_loop_runs_on_both(four_claims):
    assert names(four_claims.run("--collect-only", "-q", "spec")) == [
        "test_async[asyncio]",
        "test_async[uvloop]",
        "test_makes_loops[asyncio]",
        "test_makes_loops[uvloop]",
        "test_program[asyncio]",
        "test_program[uvloop]",
        "test_no_loop",
    ]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_one_chosen_loop_keeps_the_names(four_claims, loop):
    assert names(four_claims.run("--collect-only", "-q", "spec", "--loop", loop)) == [
        f"test_async[{loop}]",
        f"test_makes_loops[{loop}]",
        f"test_program[{loop}]",
        "test_no_loop",
    ]


@pytest.mark.parametrize(("loop", "module"), [("asyncio", "asyncio.unix_events"), ("uvloop", "uvloop")])
def test_the_chosen_loop_is_the_one_that_runs(four_claims, loop, module):
    ended = four_claims.run("-s", "-q", "spec", "--loop", loop)

    assert ended.ret == 0
    assert ended.stdout.str().count(f"{module}\n") == 3


def test_claims_of_one_loop_do_not_run_on_the_other(house):
    house.claims(entry("only", applies='{ loop = "uvloop" }'), entry("both"))
    house.tests("""
        @claim("only")
        async def test_only(): pass

        @claim("both")
        async def test_both(): pass
    """)

    collected = house.run("--collect-only", "-q", "spec")

    assert names(collected) == ["test_only[uvloop]", "test_both[asyncio]", "test_both[uvloop]"]


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=str)
def test_an_unknown_loop_is_a_usage_error_that_lists_the_known(four_claims, options):
    ended = four_claims.run("spec", "--loop", "nonsense", *options)

    assert ended.ret == 4
    assert ended.errlines[0] == (
        f"ERROR: --loop nonsense: no such event loop here; there are: {HERE}, or NAME=MODULE:FACTORY"
    )
    assert "passed" not in ended.stdout.str()


def test_an_unknown_loop_of_two_lines_is_told_in_one(four_claims):
    ended = four_claims.run("spec", "--loop", "no\nsuch")

    assert ended.ret == 4
    assert ended.errlines[0] == (
        rf"ERROR: --loop no\nsuch: no such event loop here; there are: {HERE}, or NAME=MODULE:FACTORY"
    )


MY_LOOPS = """
import asyncio

class Mine(asyncio.SelectorEventLoop):
    pass

class Loops:
    new = staticmethod(lambda: Mine())

def through_asyncio():
    loop = asyncio.new_event_loop()
    loop.mark = "mine"
    return loop

not_one = 3

def raises():
    raise ValueError("not today")
"""


@pytest.fixture
def with_my_loops(four_claims):
    (four_claims.path / "my_loops.py").write_text(MY_LOOPS)
    return four_claims


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=str)
def test_any_loop_can_be_named_and_runs_tests_and_programs(with_my_loops, options):
    ended = with_my_loops.run("-v", "spec", "--loop", "mine=my_loops:Loops.new", *options)

    ended.assert_outcomes(passed=4)
    assert "loops: mine" in ended.stdout.str()
    assert "test_async[mine]" in ended.stdout.str()


def test_the_loop_that_was_named_is_the_one_that_runs(with_my_loops):
    ended = with_my_loops.run("-s", "-q", "spec", "--loop", "mine=my_loops:Loops.new")

    assert ended.stdout.str().count("my_loops\n") == 3


def test_a_factory_may_ask_asyncio_for_its_loop(with_my_loops):
    with_my_loops.tests("""
        @claim("on-loops")
        async def test_async():
            assert asyncio.get_running_loop().mark == "mine"

        @claim("programs")
        def test_program(program):
            ended = program('''
                import asyncio
                async def main():
                    print(asyncio.get_running_loop().mark)
                for _ in range(2):
                    asyncio.run(main())
            ''')
            assert ended.lines == ["mine", "mine"], ended.stderr

        @claim("makes-loops")
        def test_makes(): pass

        @claim("no-loop")
        def test_no_loop(): pass
    """)

    with_my_loops.run("spec", "--loop", "mine=my_loops:through_asyncio").assert_outcomes(passed=4)


def test_several_loops_are_shown_in_the_order_of_the_known_and_then_as_given(with_my_loops):
    loops = ["b=my_loops:Mine", "a=my_loops:Mine", "uvloop", "asyncio"]
    ended = with_my_loops.run("--collect-only", "-q", "spec", *(f"--loop={loop}" for loop in loops))

    assert names(ended)[:4] == [f"test_async[{loop}]" for loop in ("asyncio", "uvloop", "b", "a")]


def test_a_loop_in_debug_mode_is_one_of_its_own_beside_the_plain_one(four_claims):
    four_claims.tests("""
        @claim("on-loops")
        async def test_async(request):
            assert asyncio.get_running_loop().get_debug() is ("+debug" in request.node.name)

        @claim("programs")
        def test_program(program, loop_name):
            ended = program("import asyncio; loop = asyncio.new_event_loop(); print(loop.get_debug()); loop.close()")
            assert ended.lines == [str("+debug" in loop_name)]

        @claim("makes-loops")
        def test_makes(): pass

        @claim("no-loop")
        def test_no_loop(): pass
    """)

    four_claims.run("spec", "--loop", "asyncio", "--loop", "asyncio+debug").assert_outcomes(passed=6)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are eager tasks since Python 3.12")
def test_with_eager_tasks_a_first_step_is_taken_at_once(house):
    house.claims(entry("eager"))
    house.tests("""
        @claim("eager")
        async def test_eager():
            steps = []
            async def step():
                steps.append("a step")
            task = asyncio.create_task(step())
            assert (steps, task.done()) == (["a step"], True)
    """)

    house.run("spec", "--loop", "asyncio+eager").assert_outcomes(passed=1)


def test_claims_of_asyncios_loop_run_on_it_in_debug_mode_and_on_no_other(house):
    house.claims(entry("only", applies='{ loop = "asyncio" }'), entry("newest", applies='{ uvloop = ">999" }'))
    house.tests("""
        @claim("only")
        async def test_only(): pass

        @claim("newest")
        async def test_newest(): pass
    """)
    (house.path / "my_loops.py").write_text(MY_LOOPS)
    loops = ("asyncio+debug", "uvloop", "mine=my_loops:Mine")

    collected = house.run("--collect-only", "-q", "spec", *(f"--loop={loop}" for loop in loops))

    assert sorted(names(collected)) == [
        "test_newest[asyncio+debug]",
        "test_newest[mine]",
        "test_only[asyncio+debug]",
    ]


MISTAKES = {
    "mine=nowhere:new": "nowhere:new cannot be imported: ModuleNotFoundError: No module named 'nowhere'",
    "mine=my_loops:no": "my_loops:no cannot be imported: AttributeError: module 'my_loops' has no attribute 'no'",
    "mine=my_loops:not_one": "my_loops:not_one is not callable, it is of type int",
    "mine=my_loops:raises": "my_loops:raises() raised ValueError: not today",
    "mine=builtins:object": "builtins:object() returned no event loop, but one of type object",
    "mine=my_loops": "what makes the loop is named by MODULE:FACTORY",
    "mine=": "what makes the loop is named by MODULE:FACTORY",
    "my loop=my_loops:Mine": "a name has letters, digits, dots and underscores, and begins with a letter",
    "uvloop=my_loops:Mine": "uvloop is the name of another loop",
    "winloop": "winloop is not installed",
    "asyncio+fast": "after a + there can be eager or debug, once",
    "asyncio+debug+debug": "after a + there can be eager or debug, once",
}


@pytest.mark.parametrize("loop", MISTAKES)
def test_a_loop_that_cannot_be_had_is_a_usage_error_that_says_why(with_my_loops, loop):
    ended = with_my_loops.run("spec", "--loop", loop)

    assert ended.ret == 4
    assert ended.errlines == [f"ERROR: --loop {loop}: {MISTAKES[loop]}", ""]


def test_two_loops_of_one_name_are_a_usage_error(with_my_loops):
    ended = with_my_loops.run("spec", "--loop", "mine=my_loops:Mine", "--loop", "mine=my_loops:Loops.new")

    assert ended.ret == 4
    assert ended.errlines[0] == (
        "ERROR: --loop mine=my_loops:Loops.new: mine is two loops: my_loops:Mine and my_loops:Loops.new"
    )


KEEPS_ONE = """
import asyncio, os

class KeepsOne(asyncio.SelectorEventLoop):
    kept = None

    def __init__(self):
        super().__init__()
        KeepsOne.kept = KeepsOne.kept or os.pipe()
"""


@pytest.mark.parametrize("options", [(), ("-n", "0"), ("-n", "1", "--dist", "load")], ids=str)
def test_what_the_module_of_a_foreign_loop_keeps_from_its_first_loop_is_no_claims(four_claims, options):
    four_claims.write("keeps.py", KEEPS_ONE)

    four_claims.run("spec", "--loop", "mine=keeps:KeepsOne", *options).assert_outcomes(passed=4)
