"""Stacks: claims about the libraries of another day run where those are; elsewhere their file is not imported."""

import pytest

from tests.conftest import entry

OLD = "spec/c3_asyncio/test_3_4_old.py"


@pytest.fixture
def house(house):
    house.claims(entry("of-today"), entry("of-old", section="3.4", stack="article"))
    house.tests("""
        @claim("of-today")
        def test_of_today():
            pass
    """)
    house.tests(
        """
        @claim("of-old")
        def test_of_old():
            pass
    """,
        OLD,
    )
    return house


def install(house, version):
    """Have the house find this version of the article's client for Redis."""
    house.write(
        f"aioredis-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: aioredis\nVersion: {version}\n"
    )


def without_library(house, file):
    path = house.path / file
    path.write_text("import no_such_library\n" + path.read_text(encoding="utf-8"), encoding="utf-8")


@pytest.mark.parametrize("asked", ["spec", OLD])
def test_todays_run_does_not_import_a_file_about_another_stack_and_says_why(house, asked):
    without_library(house, OLD)

    ended = house.run(asked, "-v")

    ended.stdout.fnmatch_lines(["*needs the libraries of the article's day*"])
    ended.assert_outcomes(passed=asked == "spec")


def test_a_test_outside_of_the_document_is_collected_as_ever(house, tmp_path_factory):
    outside = tmp_path_factory.mktemp("elsewhere") / "test_outside.py"
    outside.write_text("def test_it(): pass\n", encoding="utf-8")

    ended = house.run("-c", "pyproject.toml", "--rootdir=.", str(outside))

    ended.assert_outcomes(passed=1)


def test_a_claim_of_another_stack_is_not_missed_by_complete(house):
    without_library(house, OLD)

    assert house.run("spec", "--complete").ret == 0


def test_a_run_on_the_stack_imports_and_shows_its_claims_only(house):
    install(house, "1.3.1")
    without_library(house, "spec/c3_asyncio/test_3_3_await.py")

    ended = house.run("spec", "--stack", "article", "--complete", "-v")

    assert ended.ret == 0
    ended.assert_outcomes(passed=1)
    ended.stdout.fnmatch_lines(["*shown with the libraries of today*", "2 claims: 1 hold,*1 do not*"])


def test_a_run_on_the_stack_in_processes_is_the_same(house):
    install(house, "1.3.1")
    without_library(house, "spec/c3_asyncio/test_3_3_await.py")

    ended = house.run("spec", "--stack", "article", "--complete", "-n", "1")

    assert ended.ret == 0
    ended.assert_outcomes(passed=1)


def test_a_stack_whose_libraries_are_not_installed_is_refused(house):
    install(house, "2.0.1")

    ended = house.run("spec", "--stack", "article")

    assert ended.ret == 4
    ended.stderr.fnmatch_lines(["ERROR: --stack article: only with aioredis <2; tox -e article installs what it needs"])


def test_an_unknown_stack_is_refused(house):
    ended = house.run("spec", "--stack", "modern")

    assert ended.ret == 4
    assert "--stack: invalid choice: 'modern'" in ended.stderr.str()
