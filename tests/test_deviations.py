"""Known deviations of loops: from the catalogue and from a file, strict, and told apart from what failed."""

import json

import pytest

from tests.conftest import entry, green

LOOPS = """
import asyncio, os

class Forgetful(asyncio.SelectorEventLoop):
    def call_soon_threadsafe(self, *arguments, **more):
        raise RuntimeError("forgotten")

class Crashing(asyncio.SelectorEventLoop):
    def call_soon_threadsafe(self, *arguments, **more):
        os.abort()

class Leaking(asyncio.SelectorEventLoop):
    def call_soon_threadsafe(self, *arguments, **more):
        os.pipe()
        return super().call_soon_threadsafe(*arguments, **more)
"""
WAKES = """
@claim("wakes")
async def test_wakes():
    asyncio.get_running_loop().call_soon_threadsafe(int)
    await asyncio.sleep(0)

@claim("wakes")
async def test_sleeps():
    await asyncio.sleep(0)
"""
FILE = '[wakes]\ndeviates.theirs = { thread = "them/theirs#3", instead = "call_soon_threadsafe() forgets" }\n'


@pytest.fixture
def two_claims(house):
    """One that loops do not keep, by one of its two tests, and one that all do."""
    house.write("their.py", LOOPS)
    house.claims(entry("wakes"), entry("sleeps"))
    house.tests(WAKES + green("sleeps").replace("\n    ", "\n").replace("test_sleeps", "test_sleeps_once_more"))
    return house


def outcomes(house):
    claims = json.loads((house.path / "results.json").read_text(encoding="utf-8"))["claims"]
    return {claim["id"]: {result["loop"]: result for result in claim["results"]} for claim in claims}


def run(house, file, *options, loop="Forgetful"):
    house.write("known.toml", file)
    chosen = ("--loop", "asyncio", "--loop", f"theirs=their:{loop}", "--deviations", "known.toml")
    return house.run("spec", "--results", "results.json", *chosen, *options)


@pytest.mark.parametrize("options", [(), ("-n", "0"), ("-n", "2", "--dist", "load")], ids=str)
@pytest.mark.parametrize("loop", ["Forgetful", "Crashing", "Leaking"])
def test_what_is_known_to_fail_is_an_expected_difference(two_claims, loop, options):
    if loop == "Crashing" and options == ("-n", "0"):
        pytest.skip("in one process the run would crash with it")

    ended = run(two_claims, FILE, *options, loop=loop)

    assert ended.ret == 0, ended.stdout.str()
    found = outcomes(two_claims)
    assert found["wakes"]["theirs"]["outcome"] == "expected difference"
    assert found["wakes"]["theirs"]["reason"] == "call_soon_threadsafe() forgets (them/theirs#3)"
    assert [found["wakes"]["asyncio"]["outcome"], found["sleeps"]["theirs"]["outcome"]] == ["verified", "verified"]
    assert "  holds      ✓ ↔  asyncio.sleep gives back None\n" in ended.stdout.str()
    assert "theirs: expected difference: call_soon_threadsafe() forgets" in ended.stdout.str()


def test_a_claim_that_deviates_wherever_it_runs_is_not_counted_as_holding(two_claims):
    two_claims.write("known.toml", FILE)

    ended = two_claims.run("spec", "--loop", "theirs=their:Forgetful", "--deviations", "known.toml")

    assert "2 claims: 1 hold, 0 refuted, 0 changed, 0 cannot run; 0 failed, 1 expected" in ended.stdout.str()
    assert ended.ret == 0


@pytest.mark.parametrize("options", [(), ("-n", "0")], ids=str)
def test_what_no_longer_happens_fails_and_says_where_to_remove_it(two_claims, options):
    ended = run(two_claims, "\n" + FILE.replace("wakes", "sleeps"), *options, "-k", "sleeps_once_more")

    assert ended.ret == 1
    result = outcomes(two_claims)["sleeps"]["theirs"]
    assert result["outcome"] == "failed"
    assert result["reason"] == "mended upstream: remove 'deviates.theirs' of [sleeps] in known.toml:2"
    assert "failed: theirs: mended upstream: remove" in ended.stdout.str()


def test_what_did_not_run_is_not_verified_whatever_is_known_of_it(two_claims):
    two_claims.tests(
        '@claim("wakes")\nasync def test_wakes():\n    pytest.skip("no server")\n'
        + green("sleeps").replace("\n    ", "\n")
    )

    run(two_claims, FILE)

    assert outcomes(two_claims)["wakes"]["theirs"]["outcome"] == "not verified"


@pytest.mark.parametrize("version, expected", [("<0.1", "failed"), (">=0.1", "expected difference")])
def test_a_deviation_is_one_of_the_versions_that_it_names(two_claims, version, expected):
    two_claims.claims(
        entry("wakes")
        + f'deviates.uvloop = {{ version = "{version}", instead = "it forgets", instead-zh = "它忘记" }}\n',
        entry("sleeps"),
    )
    two_claims.tests(
        WAKES.replace("await", "assert 'uvloop' not in str(asyncio.get_running_loop()); await", 1)
        + green("sleeps").replace("\n    ", "\n").replace("test_sleeps", "test_s")
    )

    ended = two_claims.run("spec", "--results", "results.json", "--lang", "zh")

    assert outcomes(two_claims)["wakes"]["uvloop"]["outcome"] == expected
    assert ended.ret == (expected == "failed")
    assert ("uvloop: 预期差异：它忘记" in ended.stdout.str()) is (expected != "failed")


@pytest.mark.parametrize("mode", ["+debug", ""])
def test_a_deviation_of_a_mode_is_one_of_every_loop_in_it(two_claims, mode):
    two_claims.write("known.toml", FILE.replace("deviates.theirs", 'deviates."+debug"'))

    chosen = ("--loop", f"theirs{mode}=their:Forgetful", "--loop", "asyncio+debug")
    ended = two_claims.run("spec", "-k", "not once_more", *chosen, "--deviations", "known.toml")

    assert ended.ret == 1  # asyncio's loop keeps it in debug mode
    assert "asyncio+debug: mended upstream: remove" in " ".join(ended.stdout.str().split())
    # set_debug() of a running loop goes by call_soon_threadsafe(), so that in that mode both tests fail.
    ended.assert_outcomes(**({"passed": 2, "xfailed": 2} if mode else {"passed": 3, "failed": 1}), deselected=2)


def test_a_deviation_is_one_of_the_pythons_that_it_names(two_claims):
    ended = run(two_claims, FILE.replace("thread =", 'python = ">=3.19", thread ='))

    assert ended.ret == 1
    assert outcomes(two_claims)["wakes"]["theirs"]["outcome"] == "failed"


WRONG_FILES = {
    "[nothing]\ndeviates.theirs = { instead = 'x' }": "known.toml:1: [nothing] is no claim of the catalogue",
    "[wakes]\nsays = 'x'": "known.toml:1: [wakes] must have deviates.NAME and nothing else",
    "[wakes]\ndeviates = 3": "[wakes] 'deviates' must be written as deviates.NAME = { instead",
    "[wakes]\ndeviates.theirs = {}": "[wakes] 'deviates.theirs' has no 'instead': say what the loop does",
    "[wakes]\ndeviates.theirs = { instead = 'x', why = 'y' }": "'deviates.theirs' has an unknown field 'why'",
    "[wakes]\ndeviates.theirs = { instead = 3 }": "'deviates.theirs' has a 'instead' that is not a text of one line",
    "[wakes]\ndeviates.theirs = { instead = 'x', version = 'old' }": "version = 'old' is no version specifier",
    "[wakes]\ndeviates.'the irs' = { instead = 'x' }": "'deviates.the irs' is not about a loop's name",
    "[wakes]\ndeviates.rloop = { instead = 'x' }": "is about rloop, and the loops of this run are asyncio, theirs",
    "[wakes": "known.toml: not valid TOML",
}


@pytest.mark.parametrize("file", WRONG_FILES)
def test_a_file_that_is_wrong_is_a_usage_error_in_a_line(two_claims, file):
    ended = run(two_claims, file)

    assert ended.ret == 4
    assert ended.errlines[0].startswith("ERROR: --deviations ")
    assert WRONG_FILES[file] in ended.errlines[0]
    assert "passed" not in ended.stdout.str()


def test_a_file_that_is_not_there_is_a_usage_error(two_claims):
    ended = two_claims.run("spec", "--deviations", "nowhere.toml")

    assert ended.ret == 4
    assert "nowhere.toml: cannot be read: No such file or directory" in ended.errlines[0]


def test_a_deviation_in_the_catalogue_is_told_in_both_languages(house):
    house.claims(entry("sleeps") + 'deviates.uvloop = { instead = "it does not" }\n')
    house.tests(green("sleeps"))

    ended = house.run("spec")

    assert ended.ret == 4
    assert "[sleeps] 'deviates.uvloop' has no 'instead-zh'" in ended.stderr.str()
