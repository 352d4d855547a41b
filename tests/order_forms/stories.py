"""A world with order forms: one company's own layout, the test authority trusted, documents that come in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connector.order_forms.apart import FormReader
from connector.store import tables_order_forms
from connector.store.unit_of_work import Database
from connector.usecases.take_in_forms import FormIntake
from tests.order_forms.authority import root
from tests.order_forms.paper import STYLES, by_fpdf2
from tests.world import World

SELLER = {"entities": [{"code": "US", "country": "US", "name": "Countersign Demo Inc"}]}
STYLE = STYLES["codes"]
EXAMPLE = {
    "name": "codes",
    "when": list(STYLE.layout.when),
    "labels": {name: list(texts) for name, texts in STYLE.layout.labels.items()},
    "columns": {name: list(texts) for name, texts in STYLE.layout.columns.items()},
    "table_ends": list(STYLE.layout.table_ends),
}


class FormWorld:
    """A world with order forms: documents come in, and everything that follows happens."""

    def __init__(self, world: World, reader: FormReader) -> None:
        self.world = world
        self.desk = world.services.forms
        self.intake = FormIntake(self.desk, check=reader.check)

    def receive(self, content: bytes, **more: Any) -> int:
        """A document arrives through the API; answers the id of its order form."""
        found = self.desk.receive(content=content, source="api", received_by="token crm", **more)
        self.settle()
        return found.form.id

    def settle(self) -> None:
        """Read what waits, look, and tell Salesforce."""
        self.intake.take_in()
        self.world.settle()

    def form(self, form_id: int) -> Any:
        """The row of an order form."""
        table = tables_order_forms.order_forms
        with self.world.database.reading() as connection:
            return connection.execute(sa.select(table).where(table.c.id == form_id)).one()


def form_world(
    make_world: Callable[..., World],
    database: Database,
    reader: FormReader,
    folder: Path,
    *,
    signed: Any = None,
    packages: Any = (),
    more: Any = None,
    **settings: Any,
) -> FormWorld:
    """A world whose settings trust the test authority and describe its order form; `more` are further sections."""
    file = folder / "root.pem"
    file.write_bytes(root().pem)
    section = {"trust": [str(file)], "layouts": [EXAMPLE]} | settings
    sections = {"billing": SELLER} | ({"signed": signed} if signed else {}) | (more or {})
    options = {"packages": packages}
    return FormWorld(make_world(database, sandbox_options=options, order_forms=section, **sections), reader)


def paper(**values: str) -> bytes:
    """The order form of the example deal, as a company's own tool makes it; unsigned."""
    return by_fpdf2(STYLE, {"seller": "Countersign Demo Inc"} | values)
