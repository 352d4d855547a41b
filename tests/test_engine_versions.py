"""Which SQLite the durable engine can use."""

from __future__ import annotations

import pytest

from connector.engine import refuse_old_sqlite
from connector.errors import Misconfigured

OLD, NEW = (3, 40, 1), (3, 42, 0)


def test_a_new_python_with_an_old_sqlite_is_refused_in_words() -> None:
    with pytest.raises(Misconfigured, match=r"SQLite 3\.40\.1") as refused:
        refuse_old_sqlite(is_sqlite=True, python=(3, 12), sqlite=OLD)

    assert "PostgreSQL" in refused.value.fix


@pytest.mark.parametrize(
    ("is_sqlite", "python", "sqlite"), [(True, (3, 11), OLD), (True, (3, 13), NEW), (False, (3, 13), OLD)]
)
def test_other_pairs_are_welcome(is_sqlite: bool, python: tuple[int, int], sqlite: tuple[int, int, int]) -> None:
    refuse_old_sqlite(is_sqlite=is_sqlite, python=python, sqlite=sqlite)
