"""MySQL's data directory in the cache: how it comes there, when it is good, and that containers start on copies."""

import contextlib
import io
import os
import shutil
import signal
import tarfile
from pathlib import Path

import pytest

from fixtures.servers import cache, containers, engine, initialised, mysql

IMAGE = "mysql:9"
FILES = {"data/auto": b"1", "data/mysql/user.ibd": b"users" * 1000, "data/undo": b"\0" * 2000}
# What MySQL says at the beginning of it.
INITIALISES = "initializing of server in progress"

KEEPS = """\
import sys
from fixtures.servers import initialised

def archive():
    with open(sys.argv[2], "rb") as file:
        yield file.read(4000)
        print("half of it", flush=True)
        sys.stdin.read()

initialised.keep(sys.argv[1], archive(), lambda: None)
"""

WAITS_UNTIL_KEPT = """\
import glob, os, time


def test_it(mysql_pair):
    ceiling = time.monotonic() + 60
    while not glob.glob(os.environ["XDG_CACHE_HOME"] + "/asyncio-spec/mysql-*/manifest.json"):
        assert time.monotonic() < ceiling, "it is not kept"
        time.sleep(0.01)
"""

WRITES_LOGS = """\
import docker
from fixtures.servers import plugin
from fixtures.servers.engine import LABEL, owner


def test_it(mysql_pair, request):
    label = owner(plugin.run_of(request.config).keeper.directory)
    for container in docker.from_env().containers.list(filters={"label": f"{LABEL}={label}"}):
        with open(f"log {container.id}", "wb") as file:
            file.write(container.logs())
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache folder of the test's own, which is not there yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "asyncio-spec"


@pytest.fixture
def home(folder):
    return initialised.home_of("sha256:one")


def packed(files=FILES, **other):
    """Return a tar archive of files, by name, and of other members, by the type that each has."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name in sorted({*files, "data", "data/mysql"}):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files.get(name, b"")), 0o777
            member.type = tarfile.REGTYPE if name in files else tarfile.DIRTYPE
            archive.addfile(member, io.BytesIO(files.get(name, b"")))
        for kind, name in other.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = getattr(tarfile, kind), "/etc/passwd"
            archive.addfile(member)
    return written.getvalue()


def keep(home, archive, go_on=lambda: None):
    initialised.keep(home, (archive[at : at + 1000] for at in range(0, len(archive), 1000)), go_on)


def contents(home):
    return {name: (Path(home) / name).read_bytes() for name in cache.names_in(home) if name != "manifest.json"}


def test_what_is_kept_is_what_came_and_for_its_owner_only(folder, home):
    assert not initialised.is_kept(home)

    keep(home, packed())

    assert initialised.is_kept(home)
    assert contents(home) == FILES
    assert set(os.listdir(folder)) == {os.path.basename(home), "lock"}
    assert {oct(path.stat().st_mode & 0o777) for path in Path(home).rglob("*") if path.is_file()} == {"0o600"}
    folders = [folder, Path(home), *(path for path in Path(home).rglob("*") if path.is_dir())]
    assert {oct(path.stat().st_mode & 0o777) for path in folders} == {"0o700"}


def test_one_image_s_is_not_another_s_nor_that_of_other_arguments_or_of_an_older_form(home, monkeypatch):
    keep(home, packed())

    assert not initialised.is_kept(initialised.home_of("sha256:two"))
    with monkeypatch.context() as changed:
        changed.setitem(initialised.ARGUMENTS, "MySQL", [*initialised.ARGUMENTS["MySQL"], "--more"])
        assert not initialised.is_kept(initialised.home_of("sha256:one"))
    with monkeypatch.context() as changed:
        changed.setattr(initialised, "FORM", initialised.FORM + 1)
        assert not initialised.is_kept(home)
    assert initialised.is_kept(home)


def test_a_new_one_takes_the_place_of_another_image_s_and_of_nothing_else(folder, home):
    other = initialised.home_of("sha256:two")
    keep(other, packed())
    (folder / "mariadb-one").mkdir()

    keep(home, packed())

    assert set(os.listdir(folder)) == {os.path.basename(home), "lock", "mariadb-one"}


def test_what_is_kept_already_is_left_alone(home):
    keep(home, packed())

    keep(home, packed({"data/auto": b"2"}))

    assert contents(home) == FILES


def truncate(home):
    os.truncate(home / "data/undo", 3)


def lose_a_file(home):
    os.remove(home / "data/mysql/user.ibd")


def cut_the_manifest(home):
    os.truncate(home / "manifest.json", 30)


def lose_the_manifest(home):
    os.remove(home / "manifest.json")


@pytest.mark.parametrize("damage", [truncate, lose_a_file, cut_the_manifest, lose_the_manifest])
def test_a_damaged_one_is_not_used_but_made_again(home, damage):
    keep(home, packed())
    damage(Path(home))
    assert not initialised.is_kept(home)

    keep(home, packed())

    assert initialised.is_kept(home)
    assert contents(home) == FILES


@pytest.mark.parametrize("whose", ["others may write to it", "it is another's"])
def test_one_in_a_folder_that_is_not_ours_alone_is_not_used_and_none_put_there(folder, home, monkeypatch, whose):
    keep(home, packed())
    if whose == "it is another's":
        monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    else:
        folder.chmod(0o770)

    assert not initialised.is_kept(home)
    with pytest.raises(cache.Unsafe, match="^others may write to "):
        keep(home, packed())


def test_an_archive_that_is_cut_off_anywhere_is_not_kept(folder, home):
    whole = packed()
    end = len(whole.rstrip(b"\0")) // tarfile.BLOCKSIZE * tarfile.BLOCKSIZE + 5 * tarfile.BLOCKSIZE

    for size in range(0, end + tarfile.BLOCKSIZE + 1, tarfile.BLOCKSIZE // 2):
        with pytest.raises((tarfile.ReadError, initialised.CannotKeep)):
            keep(home, whole[:size])
        assert os.listdir(folder) == ["lock"]
    keep(home, whole[: end + 2 * tarfile.BLOCKSIZE])
    assert contents(home) == FILES


@pytest.mark.parametrize(
    "other",
    [{"REGTYPE": "../out"}, {"REGTYPE": "data/../../out"}, {"REGTYPE": "/out"}, {"DIRTYPE": "data/../../out"}]
    + [{kind: "data/out"} for kind in ("SYMTYPE", "LNKTYPE", "FIFOTYPE", "CHRTYPE")],
    ids=str,
)
def test_an_archive_with_more_than_files_and_folders_of_its_own_is_not_kept(folder, home, other):
    with pytest.raises(initialised.CannotKeep, match="^in a data directory there should be no '.*out'$"):
        keep(home, packed(**other))

    assert os.listdir(folder) == ["lock"]
    assert not (folder / "out").exists()


def test_when_the_run_ends_in_the_middle_nothing_is_left(folder, home):
    asked = iter([True, True, False])

    def go_on():
        if not next(asked):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        keep(home, packed(), go_on)

    assert os.listdir(folder) == ["lock"]


def test_after_a_kill_in_the_middle_what_is_left_is_not_used_and_removed_by_the_next(folder, home, begin, tmp_path):
    (tmp_path / "archive").write_bytes(packed())
    process = begin(KEEPS, home, str(tmp_path / "archive"))
    assert process.stdout.readline() == "half of it\n"

    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    (left,) = folder.glob("*.part")
    assert not initialised.is_kept(home)
    keep(home, packed())
    assert not left.exists()
    assert set(os.listdir(folder)) == {os.path.basename(home), "lock"}


def test_of_two_runs_at_once_one_keeps_it_and_the_other_does_not_wait(folder, home):
    refused = []

    def archive():
        with pytest.raises(initialised.CannotKeep, match="^another run fills the cache just now$"):
            keep(home, packed({"data/auto": b"2"}))
        refused.append(True)
        yield packed()

    initialised.keep(home, archive(), lambda: None)

    assert refused == [True]
    assert contents(home) == FILES
    assert set(os.listdir(folder)) == {os.path.basename(home), "lock"}


def test_the_manifest_is_the_first_to_go_so_that_a_copy_is_known_to_be_whole(home, monkeypatch):
    keep(home, packed())
    there = []
    rmtree = shutil.rmtree

    def watched(path, **more):
        there.append(os.path.exists(os.path.join(path, "manifest.json")))
        rmtree(path, **more)

    monkeypatch.setattr(shutil, "rmtree", watched)

    initialised.forget(home)

    assert there == [False]
    assert not os.path.exists(home)


class Docker:
    """This machine's, with containers that are removed after the test and a cache folder of the test's own."""

    def __init__(self, here):
        self.here = here
        self.home = Path(initialised.home_of(here.id_of(IMAGE)))

    def start(self):
        container, self.answer = containers.start(self.here, "mysql", IMAGE, "asyncio_spec_test", lambda: None)
        return container

    def logs(self):
        """What the containers have said so far, the oldest first."""
        made = sorted(
            self.here.labelled(f"{engine.LABEL}={self.here.label}"), key=lambda container: container.attrs["Created"]
        )
        return [container.logs().decode() for container in made]


@contextlib.contextmanager
def docker_with_cache(here, path):
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(here, "label", engine.owner(str(path)))
        changed.setenv("XDG_CACHE_HOME", str(path / "cache"))
        try:
            yield Docker(here)
        finally:
            here.remove_ours()


@pytest.fixture
def docker(docker_here, tmp_path):
    with docker_with_cache(docker_here, tmp_path) as docker:
        yield docker


@pytest.fixture(scope="module")
def made(docker_here, tmp_path_factory):
    """What a container kept (a path, not to be changed), its log, and who the server was."""
    with docker_with_cache(docker_here, tmp_path_factory.mktemp("made")) as docker:
        container = docker.start()
        container.keep_data(lambda: None)
        yield docker.home, docker.logs(), identity(docker.answer)


@pytest.fixture
def kept(docker, made):
    """That in the cache folder of this test; its path."""
    shutil.copytree(made[0].parent, docker.home.parent)
    return docker.home


def identity(answer):
    """What no other server may have: its id, and its public key."""
    place = (answer["host"], answer["port"], answer["username"], answer["password"])
    with mysql.connect(*place, ssl_disabled=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@server_uuid")
        ((id,),) = cursor.fetchall()
        cursor.execute("SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key'")
        ((_, key),) = cursor.fetchall()
    return id, key


def test_a_container_leaves_the_directory_that_it_made_without_id_and_keys(made):
    home, (log,), _ = made

    assert INITIALISES in log
    names = set(cache.names_in(home))
    assert {"manifest.json", "data/ibdata1", "data/mysql.ibd"} < names
    assert [name for name in names if name.endswith((".pem", "auto.cnf"))] == []


def test_servers_that_start_on_it_do_not_initialise_and_have_ids_and_keys_of_their_own(docker, kept, made):
    before = contents(kept)
    both, identities = [], [made[2]]
    for _ in range(2):
        both.append(docker.start())
        identities.append(identity(docker.answer))

    assert docker.answer["state"] == "ready"
    mounted = [mount for container in both for mount in container.get_wrapped_container().attrs["Mounts"]]
    assert [mount["RW"] for mount in mounted if mount["Source"] == str(kept)] == [False, False]
    assert [INITIALISES in log for log in docker.logs()] == [False, False]
    assert [len(set(seen)) for seen in zip(*identities)] == [3, 3]
    assert all(key.startswith("-----BEGIN PUBLIC KEY-----") for _, key in identities)
    assert len({container.secret for container in both}) == 2
    assert contents(kept) == before


def test_when_it_is_removed_while_a_container_copies_it_the_server_initialises(docker, kept, monkeypatch):
    monkeypatch.setattr(initialised, "is_kept", lambda _: True)
    (kept / "manifest.json").unlink()

    docker.start()

    assert [INITIALISES in log for log in docker.logs()] == [True]
    assert docker.answer["state"] == "ready"


def test_when_a_container_cannot_read_it_the_server_initialises_and_it_stays(docker, kept, monkeypatch):
    monkeypatch.setattr(initialised, "is_kept", lambda _: True)
    shutil.rmtree(kept / "data")

    container = docker.start()
    container.keep_data(lambda: None)

    (log,) = docker.logs()
    assert INITIALISES in log
    assert "cannot stat '/initialised/data/.'" in log
    assert "/part" not in log  # of what is kept already no copy is made
    assert os.listdir(kept) == ["manifest.json"]


def test_when_a_server_does_not_start_on_it_it_is_removed_and_another_starts_without(docker, kept, capfd):
    with open(kept / "data/mysql.ibd", "r+b") as file:
        file.write(os.urandom(200_000))
    assert initialised.is_kept(kept)

    container = docker.start()

    assert docker.answer["state"] == "ready"
    assert [INITIALISES in log for log in docker.logs()] == [False, True]
    assert not kept.exists()
    assert f"tried without what is kept at {kept}: Docker does not start {IMAGE}: " in capfd.readouterr().err
    container.keep_data(lambda: None)
    assert initialised.is_kept(kept)


def test_when_the_run_has_ended_there_is_no_second_try_and_it_stays(docker, kept, monkeypatch):
    monkeypatch.setattr(containers, "MYSQL_SCRIPT", "exit 1")

    def go_on():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        containers.start(docker.here, "mysql", IMAGE, "asyncio_spec_test", go_on)

    assert len(docker.logs()) == 1
    assert initialised.is_kept(kept)


def test_an_engine_that_does_not_see_it_starts_without_and_makes_no_folder_there(docker, monkeypatch):
    monkeypatch.setattr(initialised, "is_kept", lambda _: True)

    docker.start()

    assert docker.answer["state"] == "ready"
    assert [INITIALISES in log for log in docker.logs()] == [True]
    assert not docker.home.exists()


def test_of_an_image_that_goes_its_own_way_nothing_is_kept(docker_here, folder):
    container = containers.OurMysql(IMAGE, "label", "asyncio_spec_test", str(folder / "mysql-one"), kept=False)
    container.version = "MariaDB 12.3.4"

    container.keep_data(lambda: None)  # it has no container to ask

    assert not folder.exists()


def test_one_run_keeps_it_and_the_next_starts_on_it(project, with_docker, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project.test(WAITS_UNTIL_KEPT)
    project.run("--servers=docker").assert_outcomes(passed=1)
    assert sorted(os.listdir(tmp_path / "cache" / "asyncio-spec"))[0] == "lock"

    project.test(WRITES_LOGS)
    project.run("--servers=docker").assert_outcomes(passed=1)

    logs = [path.read_text() for path in project.path.glob("log *")]
    assert ["ready for connections" in log for log in logs] == [True, True]
    assert [INITIALISES in log for log in logs] == [False, False]
