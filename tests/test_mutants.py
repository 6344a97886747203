"""The mutants' engine: how a claim's death is judged, what is refused, and which deaths are surprising."""

import sys
import textwrap
from collections import Counter

import pytest

from tests.conftest import ROOT, entry, green

LOOPS = ("asyncio", "uvloop")
TESTS = """
    @claim("sleep-gives-none")
    async def test_sleep_gives_none():
        assert await asyncio.sleep(0) is None

    @claim("program-sleeps")
    def test_program_sleeps(program):
        assert program("import asyncio; print(asyncio.run(asyncio.sleep(0)))").stdout == "None\\n"
"""
WORLDS = '''
    """Worlds of a small house."""
    import ast
    import asyncio
    import sys
    from tests.mutants.worlds import world

    async def something(delay):
        return "something"

    async def nothing(delay):
        return None

    async def breaks(delay):
        raise OSError("no more time")

    async def hangs(delay):
        await asyncio.Event().wait()
'''


@pytest.fixture
def mutated(house):
    """Runs the engine over one world, whose body is given, in a house of two claims."""
    house.claims(entry("sleep-gives-none"), entry("program-sleeps"))
    house.tests(TESTS)
    for name in (
        "__init__.py",
        "mutants/__init__.py",
        "mutants/__main__.py",
        "mutants/engine.py",
        "mutants/standing.py",
        "mutants/surprises.py",
        "mutants/worlds/__init__.py",
    ):
        house.write(f"tests/{name}", (ROOT / "tests" / name).read_text(encoding="utf-8"))

    def run(body, falsifies=("sleep-gives-none", "program-sleeps"), *options):
        source = f'\n\n    @world("the world", falsifies={list(falsifies)})\n    def _(patch):\n        {body}\n'
        house.write("tests/mutants/worlds/section_3_3.py", WORLDS + source)
        return house.pytester.run(sys.executable, "-m", "tests.mutants", *options)

    return run


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "3")


def fates(result):
    return [" ".join(line.split()) for line in result.outlines if line.startswith("    ")]


def test_a_claim_that_asserts_is_killed_on_each_loop_and_in_its_program(mutated):
    ended = mutated('patch.setattr(asyncio, "sleep", something)')

    assert fates(ended) == [
        "killed asyncio sleep-gives-none",
        "killed uvloop sleep-gives-none",
        "killed asyncio program-sleeps",
        "killed uvloop program-sleeps",
    ]
    assert ended.ret == 0


def test_a_claim_that_is_killed_on_a_loop_is_asked_no_further_there_and_others_are(mutated, house):
    house.claims(entry("sleep-gives-none"), entry("program-sleeps", pending="later"), entry("of-another-file"))
    house.tests("""
        import pathlib

        def ran(name):
            with pathlib.Path("ran").open("a") as file:
                file.write(name + "\\n")

        @claim("sleep-gives-none")
        async def test_sleep_gives_none():
            ran("first")
            assert await asyncio.sleep(0) is None

        @claim("sleep-gives-none")
        async def test_sleep_gives_none_again():
            ran("second")
            assert await asyncio.sleep(0) is None
    """)
    house.write(
        "spec/c3_asyncio/test_3_3_more.py",
        """
        import asyncio
        from fixtures.claims import claim

        @claim("of-another-file")
        async def test_sleep_there_gives_none():
            assert await asyncio.sleep(0) is None
    """,
    )

    ended = mutated('patch.setattr(asyncio, "sleep", something)', ["sleep-gives-none", "of-another-file"])

    assert fates(ended) == [f"killed {loop} {of}" for of in ("sleep-gives-none", "of-another-file") for loop in LOOPS]
    # All of them in the true world, and the second of them there only.
    assert Counter((house.path / "ran").read_text().split()) == {"first": 4, "second": 2}


def test_a_claim_that_passes_survives_and_fails_the_run(mutated):
    ended = mutated('patch.setattr(asyncio, "sleep", nothing)')

    assert "SURVIVED asyncio sleep-gives-none" in fates(ended)
    assert "[uvloop] SURVIVED in 'the world'" in ended.stdout.str()
    assert "claim × world × loop: 0 killed, 0 weak, 4 SURVIVED, 0 not run, 0 BROKEN" in ended.stdout.str()
    assert ended.ret == 1


def test_another_error_than_an_assertion_is_a_weak_death(mutated):
    ended = mutated('patch.setattr(asyncio, "sleep", breaks)', ["sleep-gives-none", "program-sleeps"])

    assert "weak asyncio sleep-gives-none: no more time" in fates(ended)
    assert "killed asyncio program-sleeps" in fates(ended)


def test_an_assertion_of_a_library_is_a_weak_death_wherever_that_library_is(mutated, house):
    source = "async def fails(delay):\n    raise AssertionError('of the library')\n"
    house.write("environments/spec/library.py", source)
    house.claims(entry("sleep-gives-none"), entry("program-sleeps", pending="later"))
    house.tests("""
        @claim("sleep-gives-none")
        async def test_sleep_gives_none():
            assert await asyncio.sleep(0) is None
    """)

    ended = mutated(
        'sys.path.insert(0, "environments/spec"); import library; patch.setattr(asyncio, "sleep", library.fails)',
        ["sleep-gives-none"],
    )

    assert fates(ended) == [f"weak {loop} sleep-gives-none: of the library" for loop in LOOPS]


def test_a_hang_is_a_weak_death(mutated):
    assert "weak uvloop sleep-gives-none: did not end within 3 s" in fates(
        mutated('patch.setattr(asyncio, "sleep", hangs)')
    )


def test_worlds_leave_no_folder_of_temporary_paths_behind(mutated, house, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_DEBUG_TEMPROOT", str(tmp_path))
    house.claims(entry("sleep-gives-none"), entry("program-sleeps", pending="later"))
    house.tests("""
        @claim("sleep-gives-none")
        async def test_sleep_gives_none(tmp_path):
            (tmp_path / "file").touch()
            assert await asyncio.sleep(0) is None
    """)

    ended = mutated('patch.setattr(asyncio, "sleep", something)', ["sleep-gives-none"])

    assert ended.ret == 0
    assert list(tmp_path.glob("*/*")) == []


REWRITE = """
        class Other(ast.NodeTransformer):
            def visit_Await(self, node):
                return ast.copy_location(ast.Constant(3), node)
        patch.rewrite(Other())
"""


def test_a_world_may_rewrite_the_claims_own_source(mutated, house):
    house.claims(entry("sleep-gives-none"), entry("program-sleeps", pending="later"))
    house.tests(TESTS.partition('@claim("program')[0])

    assert fates(mutated(REWRITE.strip(), ["sleep-gives-none"])) == [
        "killed asyncio sleep-gives-none",
        "killed uvloop sleep-gives-none",
    ]


BROKEN_WORLDS = {
    "raise OSError('no way in')": "no way in",
    "import os; os._exit(3)": "its process ended with status 3",
    "import ctypes; ctypes.string_at(0)": "Segmentation fault",
    "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]); import time; time.sleep(600)": (
        "its process ended with status -9"
    ),
}


@pytest.mark.parametrize("body", BROKEN_WORLDS)
def test_a_world_that_cannot_be_entered_is_broken_and_fails_the_run(mutated, body, monkeypatch):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "1.5")

    ended = mutated(body)

    (wrong,) = (part for part in ended.stdout.str().split("\n\n") if part.startswith("tests.mutants.worlds."))
    assert "section_3_3: 'the world' is BROKEN: " in wrong
    assert BROKEN_WORLDS[body] in wrong
    assert ended.ret == 1


REFUSED = {
    "a claim without a world": (["sleep-gives-none"], "[program-sleeps] has neither a world"),
    "a world of an unknown claim": (
        ["sleep-gives-none", "program-sleeps", "other"],
        "falsifies an unknown claim 'other'",
    ),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_worlds_and_catalogue_must_fit_together(mutated, case):
    falsifies, message = REFUSED[case]

    ended = mutated('patch.setattr(asyncio, "sleep", something)', falsifies)

    assert ended.ret == 4
    assert message in ended.stderr.str()


def test_a_claim_that_fails_in_the_true_world_is_no_proof(mutated, house):
    house.tests(TESTS.replace("is None", "is not None"))

    ended = mutated('patch.setattr(asyncio, "sleep", something)')

    assert "in the true world spec/c3_asyncio/test_3_3_await.py::test_sleep_gives_none[asyncio] did not pass" in (
        ended.stdout.str()
    )
    assert ended.ret == 1


def test_a_claim_that_turns_out_not_to_apply_in_the_run_is_neither_killed_nor_missed(mutated, house):
    house.claims(entry("sleep-gives-none"), entry("program-sleeps", applies='{ server = "MySQL" }'))
    house.tests("""
        from fixtures.claims import only_with

        @pytest.fixture
        def mariadb(request):
            only_with(request.node, "MariaDB")

        @claim("sleep-gives-none")
        async def test_sleep_gives_none(mariadb):
            assert await asyncio.sleep(0) is None

        @claim("program-sleeps")
        async def test_program_sleeps(mariadb):
            assert await asyncio.sleep(0) is None
    """)

    ended = mutated('patch.setattr(asyncio, "sleep", something)')

    assert fates(ended) == [
        "killed asyncio sleep-gives-none",
        "killed uvloop sleep-gives-none",
        "does not apply here: program-sleeps",
    ]
    assert ended.ret == 0


# Each names one of the two claims that die in it, and breaks what they use behind the back of `patch`.
TWO_WORLDS = """asyncio.sleep = something

    @world("another", falsifies=["program-sleeps"]{more})
    def _(patch):
        asyncio.sleep = breaks
"""


def test_a_claim_that_dies_where_no_world_says_so_is_listed_with_its_message(mutated, monkeypatch):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "30")  # nothing hangs here, and programs have most of it
    ended = mutated(TWO_WORLDS.format(more=""), ["sleep-gives-none"], "--all")

    told = ended.stdout.str()
    assert (
        "\nprogram-sleeps dies in 1 worlds that do not name it\n  killed in 3.3 the world (asyncio, uvloop): " in told
    )
    assert "assert 'something\\n' == 'None\\n'\n" in told
    # In the other world it is an error, and no assertion, that ends sleep-gives-none.
    assert "sleep-gives-none dies" not in told
    assert "2 worlds, 8 tests run in them; 0 worlds were cut; 1 weak kills; 1 surprising kills of 1 claims" in told
    assert ended.ret == 0


def test_a_broken_world_fails_a_run_of_all(mutated):
    ended = mutated(
        TWO_WORLDS.format(more="").replace("asyncio.sleep = breaks", "raise OSError"), ["sleep-gives-none"], "--all"
    )

    assert "3.3 another: BROKEN: Traceback" in ended.stdout.str()
    assert ended.ret == 1


def test_what_runs_is_ended_when_the_true_world_is_false(mutated, house, alive):
    until_begun = "while not os.path.exists('begun'):\n            await asyncio.sleep(0.001)"
    waits = f"import os\n        {until_begun}\n        assert False"
    house.tests(TESTS.replace("assert await asyncio.sleep(0) is None", waits))
    body = "import os, time; open('pid', 'w').write(str(os.getpid())); open('begun', 'w'); time.sleep(600)"

    assert mutated(body).ret == 1

    assert not alive((house.path / "pid").read_text())


# Ways in which the test of sleep-gives-none names what it uses.
NAMED = {
    "in its source": "    assert await asyncio.sleep(0) is None\n",
    "for getattr()": '    assert await getattr(asyncio, "sleep")(0) is None\n',
    "in a program": """    for delay in "0":
        source = f"import asyncio\\nasync def main(): print(await asyncio.sleep({delay}))\\nasyncio.run(main())"
        assert program(source).stdout == "None\\n"
""",
}


@pytest.mark.parametrize("how", NAMED)
def test_a_claim_whose_test_names_what_a_world_breaks_is_not_run_in_it_as_its_fall_would_tell_nothing(
    mutated, house, monkeypatch, how
):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "30")
    head, other = TESTS.partition("    async def test_sleep")[0], TESTS.partition("is None\n")[2]
    kind = (
        "    def test_sleep_gives_none(program)" if how == "in a program" else "    async def test_sleep_gives_none()"
    )
    house.tests(textwrap.dedent(f"{head}{kind}:\n{textwrap.indent(NAMED[how], '    ')}{other}"))
    known = TWO_WORLDS.format(more="").replace("asyncio.sleep = breaks", 'patch.setattr(asyncio, "sleep", breaks)')
    ended = mutated(known, ["sleep-gives-none"], "--all")

    told = ended.stdout.str()
    assert "sleep-gives-none dies" not in told
    assert "2 worlds, 6 tests run in them; 0 worlds were cut; 0 weak kills; 1 surprising kills of 1 claims" in told


def test_a_world_that_changes_sources_leaves_out_a_claim_that_it_does_not_name_whether_or_not_that_could_run(mutated):
    rewrites = """patch.rewrite(Awaits())

    class Awaits(ast.NodeTransformer):
        def visit_Call(self, node):
            return ast.Await(node)

    @world("another", falsifies=["program-sleeps"])
    def _(patch):
        asyncio.sleep = something
    """
    ended = mutated(rewrites, ["sleep-gives-none"], "--all")

    told = ended.stdout.str()
    assert "BROKEN" not in told
    assert "3.3 the world: 0 surprising, 0 not run\n" in told
    assert "2 worlds, 6 tests run in them" in told


def test_what_a_world_says_is_false_in_it_too_is_no_surprise_where_it_dies_and_a_failure_where_it_stands(
    mutated, monkeypatch
):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "30")
    more = ', also=["sleep-gives-none"]'
    ended = mutated(TWO_WORLDS.format(more=more), ["sleep-gives-none"], "--all")

    assert "; 0 weak kills; 1 surprising kills of 1 claims" in ended.stdout.str()
    assert ended.ret == 0

    # A world in which only programs are broken, by what they print.
    quiet = TWO_WORLDS.format(more=more).replace("asyncio.sleep = breaks", 'patch.setattr(asyncio, "run", print)')
    ended = mutated(quiet, ["sleep-gives-none"], "--all")

    told = "3.3 another: sleep-gives-none stands, though the world says that it is false here too\n"
    assert told in ended.stdout.str()
    assert ended.ret == 1


def test_only_what_it_names_is_run_in_a_world_in_which_much_is_broken(mutated, monkeypatch):
    monkeypatch.setenv("ASYNCIO_SPEC_CEILING", "30")  # nothing hangs here, and programs have most of it
    ended = mutated(TWO_WORLDS.format(more=', breaks_much="everything sleeps"'), ["sleep-gives-none"], "--all")

    told = ended.stdout.str()
    assert "sleep-gives-none dies" not in told
    why = "Only what they name was run in worlds that break what much stands on\n  3.3 another: everything sleeps\n"
    assert why in told
    assert "2 worlds, 6 tests run in them; 0 worlds were cut; 0 weak kills; 1 surprising kills of 1 claims" in told


def test_a_world_in_which_all_hangs_is_cut_and_what_did_not_run_is_no_surprise(mutated, house):
    ids = [f"claim-{number}" for number in range(8)]
    house.claims(*map(entry, ids))
    house.tests("".join(map(green, ids)))
    # A second world, because each claim must have one.
    other = (
        '\n\n    @world("good", falsifies={ids})\n    def _(patch):\n        patch.setattr(asyncio, "sleep", nothing)'
    )
    body = "asyncio.sleep = hangs" + other.format(ids=ids)
    told = mutated(body, ids[:1], "--all", "--loop", "asyncio").stdout.str()

    assert "3.3 the world: 4 surprising, 3 not run" in told
    assert "2 worlds, 13 tests run in them; 1 worlds were cut; 4 weak kills; 0 surprising kills of 0 claims" in told
