"""Data directories: which program they are made for, how it is told to, and what is said when it fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# In a process of its own, as its users are, and without threads: it forks.
INITIALISE = """\
import sys
from fixtures.servers import initialise

print(initialise.identify(sys.argv[1], {}))
try:
    initialise.initialise(sys.argv[1], sys.argv[2], {"WORD": "from us"}, ["--tuned"])
except initialise.CannotInitialise as why:
    print(why)
"""
MYSQLD = """\
#!/bin/sh
echo "$*" >> {folder}/asked
for word; do
    case $word in
        --version) echo "/usr/sbin/mysqld  Ver {version}"; exit;;
        --init-file=*) cat "${{word#--init-file=}}" >> {folder}/statements;;
        --datadir=*) test -z "$(ls -A "${{word#--datadir=}}")" && echo $WORD > "${{word#--datadir=}}/made";;
    esac
done
{end}
"""


@pytest.fixture
def initialise(tmp_path):
    """Run `initialise` with a fake server; return the lines that come out."""

    def initialise(version, end=""):
        program = tmp_path / "bin" / "mysqld"
        program.parent.mkdir()
        program.write_text(MYSQLD.format(version=version, end=end, folder=tmp_path))
        program.chmod(0o755)
        command = [sys.executable, "-c", INITIALISE, program, tmp_path / "data"]
        return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True).stdout.splitlines()

    return initialise


@pytest.mark.parametrize(
    "version, kind",
    [
        ("9.7.4 for Linux on x86_64 (MySQL Community Server - GPL)", ("MySQL", "9.7.4")),
        ("8.0.36-0ubuntu0.22.04.1 for Linux on x86_64 ((Ubuntu))", ("MySQL", "8.0.36")),
        ("10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)", ("MariaDB", "10.11.19")),
    ],
)
def test_a_program_is_known_by_what_it_says_of_its_version(initialise, version, kind):
    assert initialise(version)[0] == str(kind)


def test_a_mysql_makes_its_data_itself_and_root_is_locked(initialise, tmp_path):
    assert initialise("9.7.4 for Linux") == ["('MySQL', '9.7.4')"]

    asked = (tmp_path / "asked").read_text().splitlines()[-1].split()
    assert asked[:3] == ["--no-defaults", f"--datadir={tmp_path}/data", "--tuned"]
    assert "--initialize-insecure" in asked
    assert [word for word in asked if "fast-shutdown" in word][-1] == "--loose-innodb-fast-shutdown=1"
    assert ("--user=root" in asked) == (os.geteuid() == 0)
    assert (tmp_path / "statements").read_text() == "ALTER USER 'root'@'localhost' ACCOUNT LOCK;\n"
    assert (tmp_path / "data" / "made").read_text() == "from us\n"
    assert set(os.listdir(tmp_path)) == {"asked", "bin", "data", "statements"}


def test_a_mariadb_without_its_statements_cannot_be_used(initialise, tmp_path):
    assert initialise("10.11.19-MariaDB for debian-linux-gnu")[1] == (
        f"{tmp_path}/bin/mysqld comes without its system tables, there is no share/*/*_system_tables.sql"
    )


def test_a_failure_is_told_by_the_first_error(initialise, tmp_path):
    end = "echo '[Note] begins'; echo '[ERROR] the reason'; echo '[ERROR] Aborting'; exit 1"

    assert initialise("9.7.4 for Linux", end)[1] == (
        f"{tmp_path}/bin/mysqld could not make its system tables: [ERROR] the reason"
    )


@pytest.mark.parametrize("said", ["[ERROR] write: No space left on device", "[ERROR] InnoDB: write (errno: 28)"])
def test_a_full_disk_is_told(initialise, tmp_path, said):
    assert initialise("9.7.4 for Linux", f"echo '{said}'; exit 1")[1] == f"the disk is full: {tmp_path}/data"


def test_a_place_that_cannot_be_written_to_is_told(initialise, tmp_path):
    (tmp_path / "data").write_text("a file")

    assert initialise("9.7.4 for Linux")[1] == f"File exists: {tmp_path}/data"
