"""The embedded MariaDB: how it comes into the cache, when it is good there, and what is said when it cannot come."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.distribution import FILES, LIBRARY, MARIADBD, SERVER, Distribution

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None, reason="not a Debian or Ubuntu"
)

# A process of its own: the module's children are to end with it, and it takes a folder and a PATH from its environment.
FETCH = """\
import json, os, sys
from fixtures.servers import mariadb


def say(line):
    print(json.dumps(line), flush=True)


exec(os.environ.get("BEFORE", ""))
try:
    found = {"installed": mariadb.fetch(say)}
except mariadb.CannotFetch as why:
    found = {"why": str(why)}
print(json.dumps({**found, "cached": mariadb.cached()}))
"""
# Against a fetch that does not end.
CEILING = 20.0
SAID = "fetching MariaDB, once: "


class Machine:
    """A machine with a distribution and a cache folder, both in a temporary folder, on which a fetch can be tried."""

    def __init__(self, folder, url, trusted=True):
        self.folder = folder
        self.cache = folder / "cache" / "asyncio-spec"
        self.sources = folder / "sources.list"
        self.configuration = folder / "apt.conf"
        (folder / "bin").mkdir(parents=True)
        self.sources.write_text(f"deb {'[trusted=yes] ' * trusted}{url}/ ./\n")
        self.configuration.write_text(
            f'Dir::Etc::main "/dev/null"; Dir::Etc::parts "/dev/null"; Dir::Etc::sourceparts "/dev/null";\n'
            f'Dir::Etc::sourcelist "{self.sources}"; Acquire::http::Proxy "DIRECT";\n'
        )
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "APT_CONFIG": str(self.configuration),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        }
        self.started = []

    @property
    def home(self):
        """The one folder in which a MariaDB is."""
        (home,) = self.cache.glob("mariadb-*")
        return home

    def program(self, name, text):
        """Put a program in front of all others of this name."""
        path = self.folder / "bin" / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def begin(self, **environment):
        """Begin a fetch, in a process of its own."""
        self.started.append(
            subprocess.Popen(
                [sys.executable, "-c", FETCH],
                env={**self.environment, **environment},
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return self.started[-1]

    def fetch(self, **environment):
        """Return what a fetch says, line by line, and then its end, as a dict."""
        return outcome(self.begin(**environment))

    def close(self):
        for process in self.started:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # As it should be: nothing of it is left.
            process.stdout.close()
            process.wait()


def outcome(process):
    *said, end = [json.loads(line) for line in process.communicate(timeout=CEILING)[0].splitlines()]
    assert process.returncode == 0
    return said, end


def why(machine, **environment):
    """Return why a fetch fails; nothing may be left of it."""
    _, end = machine.fetch(**environment)
    assert set(end) == {"why", "cached"}
    assert end["cached"] is None
    assert end["why"].startswith("MariaDB could not be fetched: ")
    assert "\n" not in end["why"]
    assert not machine.cache.is_dir() or set(os.listdir(machine.cache)) <= {"lock"}
    return end["why"].removeprefix("MariaDB could not be fetched: ")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A distribution that no test changes, with a MariaDB, and a library that it needs."""
    distribution = Distribution(tmp_path_factory.mktemp("served"))
    distribution.add("libfine1", LIBRARY)
    distribution.add(SERVER, FILES, depends="libfine1")
    yield distribution
    distribution.close()


@pytest.fixture
def distribution(tmp_path):
    """An empty distribution."""
    (tmp_path / "distribution").mkdir()
    distribution = Distribution(tmp_path / "distribution")
    distribution.list()
    yield distribution
    distribution.close()


@pytest.fixture
def new_machine(tmp_path):
    """Make a machine that fetches from the distribution at a URL."""
    machines = []

    def new_machine(url, trusted=True):
        machines.append(Machine(tmp_path / f"machine {len(machines)}", url, trusted))
        return machines[-1]

    yield new_machine
    for machine in machines:
        machine.close()


@pytest.fixture(scope="module")
def fetched(served, tmp_path_factory):
    """The machine on which a fetch has been done, and its outcome; not to be changed."""
    machine = Machine(tmp_path_factory.mktemp("fetched") / "machine", served.url)
    yield machine, machine.fetch()
    machine.close()


@pytest.fixture
def ready(fetched, served, new_machine):
    """A machine with MariaDB in its cache."""
    machine = new_machine(served.url)
    shutil.copytree(fetched[0].folder / "cache", machine.folder / "cache", symlinks=True)
    return machine


def test_a_fetch_gives_a_server_with_data_and_tells_its_steps(fetched):
    machine, (said, end) = fetched

    program, environment, version, arguments, data = end["installed"]
    home = machine.home
    assert Path(program) == home / "usr/sbin/mariadbd"
    assert environment == {"LD_LIBRARY_PATH": f"{home}/usr/lib/riscv-linux-gnu"}
    assert version == "MariaDB 12.3.4"
    assert arguments[:4] == [
        f"--basedir={home}/usr",
        f"--lc-messages-dir={home}/usr/share/mysql",
        f"--character-sets-dir={home}/usr/share/mysql/charsets",
        f"--plugin-dir={home}/usr/lib/plugin",
    ]
    assert Path(data) == home / "data"
    assert end["cached"] == end["installed"]
    for line in ("asking the distribution", "unpacking", "making its system tables"):
        assert said.count(SAID + line) == 1
    assert said[0] == SAID + "asking the distribution"
    assert said[-2:] == [SAID + "unpacking", SAID + "making its system tables"]
    assert all(line.startswith(SAID) for line in said)


def test_only_what_is_needed_to_run_stays_in_the_cache(fetched):
    machine = fetched[0]

    files = {str(path.relative_to(machine.home)) for path in machine.home.rglob("*") if path.is_file()}

    assert files == {
        "manifest.json",
        "data/arguments",
        "data/libraries",
        "data/statements",
        "usr/lib/riscv-linux-gnu/libfine.so.1t64.0.2",
        "usr/sbin/mariadbd",
        "usr/share/mysql/charsets/Index.xml",
        "usr/share/mysql/english/errmsg.sys",
    }
    assert set(os.listdir(machine.cache)) == {machine.home.name, "lock"}
    assert machine.cache.stat().st_mode & 0o777 == 0o700


def test_the_data_are_made_by_the_server_with_the_arguments_it_will_be_started_with(fetched):
    machine, (_, end) = fetched
    arguments = (machine.home / "data/arguments").read_text().split()
    statements = (machine.home / "data/statements").read_text()

    tuning = end["installed"][3][4:]
    assert "--skip-name-resolve" in tuning
    assert [word for word in arguments if word in tuning] == tuning
    assert "--bootstrap" in arguments
    assert [word for word in arguments if "fast-shutdown" in word][-1] == "--loose-innodb-fast-shutdown=1"
    assert ("--user=root" in arguments) == (os.geteuid() == 0)
    assert "CREATE TABLE global_priv;" in statements
    assert "REPLACE root;" in statements
    assert "@current_hostname" not in statements
    assert "account_locked" in statements
    assert (machine.home / "data/libraries").read_text().strip().endswith("/usr/lib/riscv-linux-gnu")


def test_what_is_in_the_cache_is_not_fetched_again(ready, served):
    before = len(served.requests)

    said, end = ready.fetch()

    assert said == []
    assert end["installed"] == end["cached"]
    assert end["installed"][0] == str(ready.home / "usr/sbin/mariadbd")
    assert len(served.requests) == before


def truncate(home):
    os.truncate(home / "usr/lib/riscv-linux-gnu/libfine.so.1t64.0.2", 3)


def lose_a_file_of_the_data(home):
    os.remove(home / "data/statements")


def cut_the_manifest(home):
    os.truncate(home / "manifest.json", 30)


def lose_the_manifest(home):
    os.remove(home / "manifest.json")


def have_an_older_form(home):
    manifest = json.loads((home / "manifest.json").read_text())
    (home / "manifest.json").write_text(json.dumps({**manifest, "form": 0}))


@pytest.mark.parametrize(
    "damage", [truncate, lose_a_file_of_the_data, cut_the_manifest, lose_the_manifest, have_an_older_form]
)
def test_a_damaged_cache_is_not_used_but_fetched_again(ready, damage):
    whole = (ready.home / "manifest.json").read_text()
    damage(ready.home)

    said, end = ready.fetch(BEFORE="assert mariadb.cached() is None")

    assert said[0] == SAID + "asking the distribution"
    assert end["installed"] == end["cached"]
    assert end["cached"] is not None
    assert json.loads((ready.home / "manifest.json").read_text())["files"].keys() == json.loads(whole)["files"].keys()


def test_of_two_runs_at_once_one_fetches_and_the_other_waits(distribution, new_machine):
    distribution.add("libfine1", LIBRARY)
    distribution.add(SERVER, FILES, depends="libfine1")
    distribution.answering.clear()
    machine = new_machine(distribution.url)
    first = machine.begin()
    assert json.loads(first.stdout.readline()) == SAID + "asking the distribution"
    second = machine.begin()
    assert json.loads(second.stdout.readline()) == "waiting for another run, which fills the cache"

    distribution.answering.set()
    _, end = outcome(first)
    said, second_end = outcome(second)

    assert said == []
    assert second_end == end
    assert end["installed"] == end["cached"]
    assert distribution.packages_asked_for() == ["libfine1.deb", f"{SERVER}.deb"]


def test_after_a_kill_in_the_middle_no_process_is_left_and_the_next_fetch_removes_the_rest(
    distribution, new_machine, wait_until
):
    distribution.add(SERVER, FILES)
    distribution.answering.clear()
    machine = new_machine(distribution.url)
    process = machine.begin()
    wait_until(lambda: distribution.requests, "apt asks")

    process.kill()
    process.wait()

    wait_until(lambda: not members_of_group(process.pid), "nothing of the fetch runs")
    (left,) = machine.cache.glob("*.part")
    distribution.answering.set()
    _, end = machine.fetch()
    assert end["installed"] == end["cached"]
    assert not left.exists()
    assert set(os.listdir(machine.cache)) == {machine.home.name, "lock"}


def members_of_group(group):
    members = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its_group) == group and state not in "ZX":
            members.append(path.parent.name)
    return members


@pytest.mark.parametrize("daring", ["", 'APT::Get::AllowUnauthenticated "1"; Acquire::AllowInsecureRepositories "1";'])
def test_packages_that_nobody_signed_are_refused_whatever_the_machine_is_used_to(distribution, new_machine, daring):
    distribution.add(SERVER, FILES)
    machine = new_machine(distribution.url, trusted=False)
    with open(machine.configuration, "a") as file:
        file.write(daring)

    assert "is not signed" in why(machine)
    assert distribution.packages_asked_for() == []


def test_a_signature_that_is_none_is_refused(distribution, new_machine):
    distribution.add(SERVER, FILES)
    signed = (distribution.folder / "Release").read_text()
    (distribution.folder / "InRelease").write_text(
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{signed}"
        "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEE\n=AAAA\n-----END PGP SIGNATURE-----\n"
    )

    reason = why(new_machine(distribution.url, trusted=False))

    assert re.search("GPG error|OpenPGP|not signed", reason)
    assert distribution.packages_asked_for() == []


def test_a_package_that_is_not_the_listed_one_is_refused(distribution, new_machine):
    distribution.add(SERVER, FILES)
    deb = distribution.folder / f"{SERVER}.deb"
    deb.write_bytes(deb.read_bytes()[:-1] + b"!")

    assert "Hash Sum mismatch" in why(new_machine(distribution.url))


def test_each_quarter_of_the_way_is_told(served, new_machine):
    machine = new_machine(served.url)
    lists = "".join(f"dlstatus:1:{percent}:Retrieving file 1 of 1\\n" for percent in (0, 20, 26.1, 26.1, 49, 80, 100))
    size = "dlstatus:1:0.0:it is kept back\\nNeed to get 12.3 MB of archives.\\n"
    fake = f"""case "$*" in
    *update*) printf '{lists}';;
    *install*) printf '{size + lists}';;
    esac
    exec {shutil.which("apt-get")} -o APT::Status-Fd=-1 "$@"
    """
    machine.program("apt-get", fake)

    said, _ = machine.fetch()

    assert said == [
        SAID + step
        for step in (
            "asking the distribution",
            "asking the distribution, 26 %",
            "asking the distribution, 80 %",
            "0 % of 12.3 MB",
            "26 % of 12.3 MB",
            "80 % of 12.3 MB",
            "unpacking",
            "making its system tables",
        )
    ]


def test_what_a_machine_does_after_an_update_is_not_done(served, new_machine, tmp_path):
    machine = new_machine(served.url)
    with open(machine.configuration, "a") as file:
        for hook in ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success"):
            file.write(f'{hook} {{ "touch {tmp_path}/done"; }};\n')

    _, end = machine.fetch()

    assert end["installed"] == end["cached"]
    assert not (tmp_path / "done").exists()


def test_another_source_that_is_broken_is_no_obstacle(served, new_machine):
    machine = new_machine(served.url)
    with open(machine.sources, "a") as file:
        file.write(f"deb {served.url}/missing/ ./\n")

    _, end = machine.fetch()

    assert end["installed"] == end["cached"]


def test_of_packages_with_a_version_in_their_names_it_is_the_newest(distribution, new_machine):
    for number, text in (("10.6", "no"), ("10.11", MARIADBD), ("9.9", "no")):
        distribution.add(f"{SERVER}-{number}", {**FILES, "usr/sbin/mariadbd": text})

    _, end = new_machine(distribution.url).fetch()

    assert end["installed"][2] == "MariaDB 12.3.4"
    assert distribution.packages_asked_for() == [f"{SERVER}-10.11.deb"]


@pytest.mark.parametrize(
    "depends, asked_for",
    [("libc6", []), ("libc6 (>= 9999)", ["libc6.deb"])],
    ids=["any will do", "this one is too old"],
)
def test_the_c_library_stays_that_of_the_machine(distribution, new_machine, depends, asked_for):
    distribution.add("libc6", {"usr/lib/riscv-linux-gnu/libc.so.6": "library"}, version="9999")
    distribution.add(SERVER, FILES, depends=depends)
    machine = new_machine(distribution.url)

    _, end = machine.fetch()

    assert end["installed"] == end["cached"]
    assert distribution.packages_asked_for() == [*asked_for, f"{SERVER}.deb"]
    assert not list(machine.home.rglob("libc.so*"))


def test_without_apt_it_says_so(served, new_machine):
    machine = new_machine(served.url)

    reason = why(machine, PATH=str(machine.folder / "bin"))

    assert reason == "there is no apt-get, so this is no Debian or Ubuntu to fetch it from"


def test_a_distribution_without_it_is_told(distribution, new_machine):
    assert why(new_machine(distribution.url)) == "the sources of this machine's apt have no mariadb-server-core"


def test_without_a_network_it_says_what_could_not_be_reached(distribution, new_machine):
    distribution.close()

    reason = why(new_machine(distribution.url))

    assert reason.startswith(f"Failed to fetch {distribution.url}/./")
    assert "Connection refused" in reason


def test_where_nobody_answers_it_ends(distribution, new_machine, wait_until):
    distribution.answering.clear()
    machine = new_machine(distribution.url)

    reason = why(machine, BEFORE="from fixtures.servers import apt; apt.PATIENCE = 0.5")

    assert reason.startswith("apt-get got no further for 0.5 s and was ended: ")
    wait_until(lambda: not members_of_group(machine.started[-1].pid), "nothing of the fetch runs")


HANGS = {
    "says nothing": ("exec sleep 60", "it said nothing"),
    "says how far it is": ("while echo dlstatus:1:0.0:on; do sleep 0.1; done", "it said nothing"),
    "tries again": (
        "i=0; while echo Ign:$i http://one; echo dlstatus:1:$i:on; do i=$((i + 1)); sleep 0.1; done",
        "http://one",
    ),
}


@pytest.mark.parametrize("step, how", [*(("update", how) for how in HANGS), ("install", "says nothing")])
def test_a_hanging_apt_is_ended(served, new_machine, step, how, wait_until):
    hang, said = HANGS[how]
    machine = new_machine(served.url)
    machine.program("apt-get", f'case "$*" in *{step}*) {hang};; esac\n')
    if step == "install":
        # The real one would have to find it within the patience.
        machine.program("apt-cache", f"echo '{SERVER} - a test'\n")

    reason = why(machine, BEFORE="from fixtures.servers import apt; apt.PATIENCE = 1.0")

    assert reason.endswith(f"apt-get got no further for 1 s and was ended: {said}")
    wait_until(lambda: not members_of_group(machine.started[-1].pid), "nothing of the fetch runs")


@pytest.mark.parametrize("step", ["update", "install"])
def test_a_disk_that_is_full_while_apt_writes_is_told(served, new_machine, step):
    machine = new_machine(served.url)
    # It may go on trying.
    failure = "echo 'E: Write error - write (28: No space left on device)'; exec sleep 60"
    machine.program("apt-get", f'case "$*" in *{step}*) {failure};; esac\nexec {shutil.which("apt-get")} "$@"\n')

    assert why(machine) == "the disk is full: Write error - write (28: No space left on device)"


def test_a_disk_that_is_full_while_we_write_is_told(served, new_machine):
    machine = new_machine(served.url)
    full = "import errno, shutil\ndef full(*_): raise OSError(errno.ENOSPC, 'No space left on device')\n"

    reason = why(machine, BEFORE=full + "shutil.copyfileobj = full")

    assert reason == f"the disk is full: {machine.cache}"


def test_a_package_that_cannot_be_unpacked_is_told(served, new_machine):
    machine = new_machine(served.url)
    real = shutil.which("dpkg-deb")
    machine.program("dpkg-deb", f'{real} "$@" | head -c 2000\necho "dpkg-deb: error: cannot" >&2\nexit 2\n')

    assert why(machine) == "dpkg-deb could not unpack libfine1_1.0_all.deb: dpkg-deb: error: cannot"


def test_a_server_that_does_not_run_here_is_told(distribution, new_machine):
    loader = "mariadbd: error while loading shared libraries: libfine.so.1: cannot open shared object file"
    distribution.add(SERVER, {**FILES, "usr/sbin/mariadbd": f"#!/bin/sh\necho '{loader}' >&2; exit 127"})

    assert why(new_machine(distribution.url)).endswith(f"/usr/sbin/mariadbd does not run here: {loader}")


def test_a_server_that_cannot_make_its_tables_is_told(distribution, new_machine):
    failing = MARIADBD + 'echo "ERROR: 1 no"\necho "[ERROR] Aborting"\nexit 1\n'
    distribution.add(SERVER, {**FILES, "usr/sbin/mariadbd": failing})

    assert why(new_machine(distribution.url)).endswith("could not make its system tables: ERROR: 1 no")


def test_a_cache_that_cannot_be_made_is_told(served, new_machine):
    machine = new_machine(served.url)
    (machine.folder / "cache").write_text("a file")

    assert why(machine) == f"File exists: {machine.folder}/cache"


def test_a_cache_that_others_may_write_to_is_not_used(ready):
    ready.cache.chmod(0o770)

    _, end = ready.fetch()

    assert end["cached"] is None
    assert end["why"] == (
        f"MariaDB could not be fetched: others may write to {ready.cache} (set XDG_CACHE_HOME to a folder of your own)"
    )
