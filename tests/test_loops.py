"""Which loops claims run on, and what `--loop` does to names, choices and mistakes."""

import pytest

from tests.conftest import entry

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
    assert ended.errlines[0] == "ERROR: --loop nonsense: no such event loop here; there are: asyncio, uvloop"
    assert "passed" not in ended.stdout.str()


def test_an_unknown_loop_of_two_lines_is_told_in_one(four_claims):
    ended = four_claims.run("spec", "--loop", "no\nsuch")

    assert ended.ret == 4
    assert ended.errlines[0] == r"ERROR: --loop no\nsuch: no such event loop here; there are: asyncio, uvloop"
