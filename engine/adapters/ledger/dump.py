"""
Copies of a ledger: made while it works, put back into an empty place.

A copy of SQLite is a SQLite file. A copy of PostgreSQL is a zip file, for the tools of the server may be elsewhere:

    manifest.json    format, revision of the tables, and for each table its columns and how many rows it has
    TABLE.copy       its rows, as PostgreSQL's COPY writes them as text (https://www.postgresql.org/docs/current/sql-copy.html)

It shows one moment, whatever happens meanwhile. The numbers of transactions begin anew in another database, so events
that were put back are all of transaction 0; webhooks go on with the first event that they may not have had.
"""

import json
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.adapters.ledger.bulk import freeze
from engine.adapters.ledger.dialect import connect
from engine.adapters.ledger.migrate import revision_of, upgrade
from engine.adapters.ledger.schema import metadata
from engine.domain.errors import InputError

FORMAT = "sourcewise-ledger-1"
SEQUENCES = (("feed", "seq"), ("events", "event_no"), ("audit", "audit_no"), ("moves", "move_no"))
CHUNK_BYTES = 1 << 20
REWIND = (
    """
    UPDATE webhooks SET after_xid = 0, after_no = coalesce(
        (SELECT min(event_no) - 1 FROM events WHERE (xid, event_no) > (after_xid, after_no)),
        (SELECT max(event_no) FROM events), after_no)
    """,
    "UPDATE events SET xid = 0",
    "DELETE FROM feed",
)


def backup(url: str, path: Path) -> None:
    """
    Copy a ledger into a file that is not there yet; calls may be under way.

    Raises
    ------
    InputError
        Where there is no ledger, or the file is there.
    """
    if path.exists():
        raise InputError(f"File ({path}) is there already.", "give each copy a name of its own.")
    revision = _revision(url)
    if revision is None:
        raise InputError(f"There is no ledger at ({_shown(url)}).", "check the address; serve or upgrade makes one.")
    part = path.with_name(path.name + ".part")  # so that half a copy is never taken for one
    part.unlink(missing_ok=True)
    if url.startswith("sqlite"):
        _copied(_file(url), part)
    else:
        _dumped(url, part, revision)
    part.rename(path)


def restore(url: str, path: Path) -> None:
    """
    Put a copy back, into a place where no ledger is, and upgrade it to this version.

    Raises
    ------
    InputError
        Where the file is no copy, or a ledger is there.
    """
    if not path.is_file():
        raise InputError(f"File ({path}) is not there.", "check its name.")
    if _revision(url) is not None:
        raise InputError(f"There is a ledger at ({_shown(url)}) already.", "restore into an empty place.")
    if url.startswith("sqlite"):
        if _revision(f"sqlite:///{path}") is None:
            raise InputError(f"File ({path}) is no copy of a SQLite ledger.", "check its name.")
        _copied(path, Path(_file(url)))
    else:
        _undumped(url, path)
    upgrade(url)


def _revision(url: str) -> str | None:
    if url.startswith("sqlite") and not Path(_file(url)).exists():
        return None
    try:
        return revision_of(url)
    except sa.exc.DatabaseError as error:
        raise InputError(f"No ledger can be read at ({_shown(url)}): {error.orig}.", "check the address.") from error


def _file(url: str) -> str:
    return url.removeprefix("sqlite:///")


def _shown(url: str) -> str:
    return sa.make_url(url).render_as_string(hide_password=True)


def _copied(source: str | Path, target: Path) -> None:
    there, here = sqlite3.connect(source), sqlite3.connect(target)
    try:
        there.backup(here)
    finally:
        here.close()
        there.close()


def _dumped(url: str, path: Path, revision: str) -> None:
    engine, _ = connect(url, 1)
    tables: dict[str, Any] = {}
    with engine.connect() as connection, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        freeze("postgresql", connection)
        cursor: Any = connection.connection.cursor()
        for table in _tables(connection):
            columns = _columns(connection, table)
            names = ", ".join(f'"{name}"' for name in columns)
            with (
                packed.open(f"{table}.copy", "w", force_zip64=True) as file,
                cursor.copy(f'COPY "{table}" ({names}) TO STDOUT') as copy,
            ):
                for chunk in copy:
                    file.write(chunk)
            tables[table] = {"columns": columns, "rows": cursor.rowcount}
        last = {
            name: connection.execute(sa.text(f"SELECT last_value FROM {_sequence(name)}")).scalar()
            for name in SEQUENCES
        }
        manifest = {
            "format": FORMAT,
            "revision": revision,
            "tables": tables,
            "sequences": {table: last[table, column] for table, column in SEQUENCES},
        }
        packed.writestr("manifest.json", json.dumps(manifest, indent=1))
    engine.dispose()


def _undumped(url: str, path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as packed:
            manifest = json.loads(packed.read("manifest.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"File ({path}) is no copy of a PostgreSQL ledger: {error}.", "check its name.") from error
    if manifest.get("format") != FORMAT:
        raise InputError(f"Format ({manifest.get('format')}) of file ({path}) is unknown.", f"it should be {FORMAT}.")
    upgrade(url, manifest["revision"])
    engine, _ = connect(url, 1)
    with zipfile.ZipFile(path) as packed, engine.begin() as connection:
        cursor: Any = connection.connection.cursor()
        for table, told in manifest["tables"].items():
            cursor.execute(f'DELETE FROM "{table}"')  # a migration may have written rows
            names = ", ".join(f'"{name}"' for name in told["columns"])
            with packed.open(f"{table}.copy") as file, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                while chunk := file.read(CHUNK_BYTES):
                    copy.write(chunk)
            if cursor.rowcount != told["rows"]:
                raise InputError(f"Table ({table}) in file ({path}) has {cursor.rowcount} rows of {told['rows']}.")
        for table, column in SEQUENCES:
            last = manifest["sequences"][table]
            connection.execute(sa.text(f"SELECT setval('{_sequence((table, column))}', :last)"), {"last": last})
        for statement in REWIND:
            connection.execute(sa.text(statement))
    engine.dispose()


def _tables(connection: sa.Connection) -> list[str]:
    there = set(sa.inspect(connection).get_table_names())
    return sorted(there & set(metadata.tables))


def _columns(connection: sa.Connection, table: str) -> list[str]:
    return [str(column["name"]) for column in sa.inspect(connection).get_columns(table)]


def _sequence(numbered: tuple[str, str]) -> str:
    return f"{numbered[0]}_{numbered[1]}_seq"
