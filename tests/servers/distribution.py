"""A small distribution on loopback: an apt repository with a MariaDB of a few lines, served as a test wants it."""

import hashlib
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler

from fixtures.servers.http import Server

SERVER = "mariadb-server-core"

# A server for the logic of a fetch: it knows its version, and to make data is to write down what it is told.
MARIADBD = """\
#!/bin/sh
test "$1" = --no-defaults || exit 9
for word; do
    case $word in
        --version) echo "mariadbd  Ver 12.3.4-MariaDB-test for debian-linux-gnu"; exit;;
        --datadir=*) data=${word#--datadir=};;
    esac
done
cat > "$data/statements"
echo "$LD_LIBRARY_PATH" > "$data/libraries"
echo "$*" > "$data/arguments"
"""
SYSTEM_TABLES = "CREATE TABLE global_priv;\n"
SYSTEM_DATA = "REPLACE root;\nREPLACE root at @current_hostname;\n"
FILES = {
    "usr/sbin/mariadbd": MARIADBD,
    "usr/share/mysql/english/errmsg.sys": "messages",
    "usr/share/mysql/german/errmsg.sys": "Meldungen",
    "usr/share/mysql/charsets/Index.xml": "<charsets/>",
    "usr/share/mysql/mysql_system_tables.sql": SYSTEM_TABLES,
    "usr/share/mysql/mysql_system_tables_data.sql": SYSTEM_DATA,
    "usr/share/doc/mariadb-server-core/copyright": "free",
}
LIBRARY = {
    "usr/lib/riscv-linux-gnu/libfine.so.1t64.0.2": "library",
    "usr/lib/riscv-linux-gnu/engines/fine.so": "engine",
    "usr/share/doc/libfine1/copyright": "free",
}


class Distribution:
    """Packages in a folder, their lists, and a web server for both: `requests` so far, and `answering` to hold it."""

    def __init__(self, folder):
        self.folder = folder
        self.packages = {}
        self.requests = []
        self.answering = threading.Event()
        self.answering.set()
        distribution = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=folder)

            def do_GET(self):
                distribution.requests.append(self.path)
                distribution.answering.wait()
                super().do_GET()

            def log_message(self, *_):
                """Say nothing."""

        self.http = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.answering.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def add(self, name, files, depends="", version="1.0"):
        """Build a package, and list it."""
        tree = self.folder / f"{name}.tree"
        for path, text in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
            (tree / path).chmod(0o755)
        control = [f"Package: {name}", f"Version: {version}", "Architecture: all", "Maintainer: T <t@example.org>"]
        control += [f"Depends: {depends}"] * bool(depends) + ["Description: a test"]
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN" / "control").write_text("\n".join([*control, ""]))
        deb = self.folder / f"{name}.deb"
        subprocess.run(
            ["dpkg-deb", "-Znone", "--root-owner-group", "--build", tree, deb], check=True, capture_output=True
        )
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        files = [f"Filename: {deb.name}", f"Size: {deb.stat().st_size}", f"SHA256: {digest}"]
        self.packages[name] = "\n".join([*control, *files, "", ""])
        self.list()

    def packages_asked_for(self):
        return [path.rpartition("/")[2] for path in self.requests if path.endswith(".deb")]

    def list(self):
        """Write the lists anew."""
        text = "".join(self.packages.values())
        (self.folder / "Packages").write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        release = f"Date: Sat, 01 Jan 2022 00:00:00 UTC\nSHA256:\n {digest} {len(text.encode())} Packages\n"
        (self.folder / "Release").write_text(release)
