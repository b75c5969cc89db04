"""The software's database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pymysql

from provisioner_dem.settings import Database
from provisioner_dem.software import DemError

SOCKET = "/run/mysqld/mysqld.sock"

Row = tuple[Any, ...]


class Store:
    """A connection for each piece of work: the tool lives for a moment, and restores put the server aside."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        try:
            connection = pymysql.connect(
                unix_socket=SOCKET,
                user=self.database.user,
                password=self.database.password,
                database=self.database.name,
                charset="utf8mb4",
            )
        except pymysql.Error as error:
            raise OSError(f"the database does not answer: {error}") from error
        try:
            with connection.cursor() as cursor:
                yield cursor
            connection.commit()
        except pymysql.Error as error:
            raise DemError(f"the database refuses: {error}") from error
        finally:
            connection.close()

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """What a query finds."""
        with self._cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())

    def change(self, *statements: tuple[str, Sequence[object]]) -> int:
        """Run statements as one transaction; how many rows they touched."""
        with self._cursor() as cursor:
            return sum(cursor.execute(query, values) for query, values in statements)
