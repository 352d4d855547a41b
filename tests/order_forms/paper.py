"""Order forms as other tools make them: the same terms in seven layouts by three producers, with what must be read.

Every value is invented; the expected reading is made from the terms and never from a document.
"""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

from connector.order_forms.layouts import Layout

CUSTOMER, SELLER, PO = "Aurora Analytics GmbH", "Countersign Demo Inc", "PO-4711"
STARTS_ON, LAST_DAY = date(2026, 4, 1), date(2027, 3, 31)
Line = tuple[str, str, Decimal, Decimal]
LINES: tuple[Line, ...] = (
    ("PLATFORM", "Platform fee", Decimal(1), Decimal("1000.00")),
    ("SEAT", "Seats", Decimal(50), Decimal("24.00")),
)
_MONTHS = {
    "en": ("April", "March"),
    "fr": ("avril", "mars"),
}


@dataclass(frozen=True)
class Style:
    """One layout as it is drawn, and the description by which it is read."""

    layout: Layout
    labels: tuple[tuple[str, str], ...]
    heads: tuple[tuple[str, str], ...]
    total: str
    money: Callable[[Decimal], str]
    day: Callable[[date], str]
    title: str = "Order form"
    placing: str = "right"
    lines: tuple[Line, ...] = LINES


def _us(value: Decimal) -> str:
    return f"{value:,.2f}"


def _eu(value: Decimal) -> str:
    return _us(value).translate(str.maketrans(",.", ".,"))


def _worded(day: date, language: str) -> str:
    names = dict(zip((4, 3), _MONTHS[language], strict=True))
    return f"{day.day} {names[day.month]} {day.year}"


_ENGLISH = (
    ("Customer", "customer_name"), ("Seller", "seller"), ("Start date", "starts_on"), ("End date", "ends_on"),
    ("Purchase order", "po_number"), ("Payment terms", "payment_terms_days"), ("Currency", "currency"),
)  # fmt: skip
_GERMAN = (
    ("Kunde", "customer_name"), ("Anbieter", "seller"), ("Beginn", "starts_on"), ("Ende", "ends_on"),
    ("Bestellnummer", "po_number"), ("Zahlungsziel", "payment_terms_days"),
)  # fmt: skip
_FRENCH = (
    ("Client", "customer_name"), ("Fournisseur", "seller"), ("Début", "starts_on"), ("Fin", "ends_on"),
    ("Bon de commande", "po_number"),
)  # fmt: skip
_FOUR = (("Product", "product_name"), ("Qty", "quantity"), ("Unit price", "unit_price"), ("Amount", "amount"))
_FIVE = (("Code", "product_code"), ("Service", "product_name"), ("Quantity", "quantity"), ("Price", "unit_price"),
         ("Line total", "amount"))  # fmt: skip


def _style(
    name: str, labels: Sequence[tuple[str, str]], heads: Sequence[tuple[str, str]], total: str, **more: object
) -> Style:
    drawn = {key: more.pop(key) for key in ("money", "day", "title", "placing", "lines") if key in more}
    layout = Layout(
        name=name,
        when=(str(drawn.get("title", "Order form")), f"Template {name}."),
        labels={key: (label,) for label, key in labels} | {"total": (total,)},
        columns={key: (head,) for head, key in heads},
        table_ends=(total,),
        **more,  # type: ignore[arg-type]
    )
    return Style(layout, tuple(labels), tuple(heads), total, **({"money": _us, "day": date.isoformat} | drawn))  # type: ignore[arg-type]


def _long() -> tuple[Line, ...]:
    return tuple((f"P-{n:03}", f"Service number {n}", Decimal(n), Decimal(n) / 4 + 1) for n in range(1, 61))


STYLES = {
    "us": _style("us", _ENGLISH, _FOUR, "Total", dates=("MM/DD/YYYY",), day=lambda day: day.strftime("%m/%d/%Y")),
    "codes": _style("codes", _ENGLISH, _FIVE, "Total due"),
    "german": _style(
        "german", _GERMAN, (("Leistung", "product_name"), ("Menge", "quantity"), ("Preis", "unit_price"),
        ("Betrag", "amount")), "Gesamtbetrag", language="de", decimal=",", thousands=".", dates=("DD.MM.YYYY",),
        money=lambda value: f"{_eu(value)} €", day=lambda day: day.strftime("%d.%m.%Y"), title="Auftrag",
    ),
    "colons": _style(
        "colons", _ENGLISH, _FOUR, "Total", dates=("D MMMM YYYY",), placing="colon",
        money=lambda value: f"USD {_us(value)}", day=lambda day: _worded(day, "en"),
    ),
    "below": _style("below", _ENGLISH, _FIVE, "Grand total", placing="below"),
    "long": _style("long", _ENGLISH, _FIVE, "Total", lines=_long()),
    "french": _style(
        "french", _FRENCH, (("Service", "product_name"), ("Quantité", "quantity"), ("Prix", "unit_price"),
        ("Montant", "amount")), "Total", language="fr", decimal=",", thousands=" ", dates=("D MMMM YYYY",),
        money=lambda value: f"{_us(value).replace(',', ' ').replace('.', ',')} €", day=lambda day: _worded(day, "fr"),
        title="Bon de commande client",
    ),
}  # fmt: skip
LAYOUTS = tuple(style.layout for style in STYLES.values())


def total_of(style: Style) -> Decimal:
    """What the lines of the document add up to."""
    return sum((quantity * price for _, _, quantity, price in style.lines), Decimal(0))


def written(style: Style) -> dict[str, str]:
    """Each header value as the document writes it."""
    return {
        "customer_name": CUSTOMER,
        "seller": SELLER,
        "starts_on": style.day(STARTS_ON),
        "ends_on": style.day(LAST_DAY),
        "po_number": PO,
        "payment_terms_days": "30 Tage" if style.layout.language == "de" else "Net 30",
        "currency": "USD",
        "total": style.money(total_of(style)),
    }


def expected(style: Style) -> tuple[dict[str, str], list[dict[str, str]]]:
    """What must be read from the document: header values and lines, canonical."""
    names = {key for _, key in style.labels} | {"total", "currency"}
    values = {
        "customer_name": CUSTOMER,
        "seller": SELLER,
        "starts_on": STARTS_ON.isoformat(),
        "ends_on": (LAST_DAY + timedelta(days=1)).isoformat(),
        "po_number": PO,
        "payment_terms_days": "30",
        "currency": "EUR" if "€" in style.money(Decimal(1)) else "USD",
        "total": _plain(total_of(style)),
    }
    lines = []
    for code, name, quantity, price in style.lines:
        cells = {"product_code": code, "product_name": name, "quantity": str(quantity), "unit_price": _plain(price),
                 "amount": _plain(quantity * price)}  # fmt: skip
        lines.append({key: cells[key] for _, key in style.heads})
    return {key: value for key, value in values.items() if key in names}, lines


def _plain(value: Decimal) -> str:
    return f"{value:.2f}"


def _cells(style: Style) -> list[list[str]]:
    rows = []
    for code, name, quantity, price in style.lines:
        cells = {"product_code": code, "product_name": name, "quantity": str(quantity)}
        cells |= {"unit_price": style.money(price), "amount": style.money(quantity * price)}
        rows.append([cells[key] for _, key in style.heads])
    return rows


def with_changes(style: Style, **changes: object) -> Style:
    """The style with other lines or another way of writing."""
    return replace(style, **changes)  # type: ignore[arg-type]


@cache
def _font() -> str:
    from connector.documents.fonts import fonts_folder

    return str(fonts_folder() / "NotoSans-Regular.ttf")


def by_fpdf2(style: Style, values: dict[str, str] | None = None) -> bytes:
    """The document as fpdf2 draws it."""
    from fpdf import FPDF

    told = written(style) | (values or {})
    pdf = FPDF()
    pdf.add_page()
    pdf.add_font("Noto", fname=_font())
    pdf.add_font("Noto", style="B", fname=_font().replace("Regular", "Bold"))
    pdf.set_font("Noto", size=18)
    pdf.cell(0, 12, style.title, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Noto", size=8)
    pdf.cell(0, 8, f"Template {style.layout.name}.", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Noto", size=10)
    for label, key in style.labels:
        if style.placing == "colon":
            pdf.cell(0, 7, f"{label}: {told[key]}", new_x="LMARGIN", new_y="NEXT")
        elif style.placing == "below":
            pdf.cell(0, 5, label, new_x="LMARGIN", new_y="NEXT")
            pdf.cell(0, 7, told[key], new_x="LMARGIN", new_y="NEXT")
        else:
            pdf.cell(50, 7, label)
            pdf.cell(80, 7, told[key], new_x="LMARGIN", new_y="NEXT")
    pdf.ln(6)
    width = 180 / len(style.heads)
    with pdf.table(col_widths=[width] * len(style.heads), first_row_as_headings=True) as table:
        for cells in ([head for head, _ in style.heads], *_cells(style)):
            row = table.row()
            for cell in cells:
                row.cell(cell, align="R" if cell[:1].isdigit() else "L")
    pdf.ln(4)
    pdf.cell(120, 8, style.total)
    pdf.cell(60, 8, told["total"], align="R")
    return bytes(pdf.output())


def by_xhtml2pdf(style: Style, values: dict[str, str] | None = None) -> bytes:
    """The document as xhtml2pdf lays it out."""
    from xhtml2pdf import pisa

    told = {key: html.escape(value) for key, value in (written(style) | (values or {})).items()}
    if style.placing == "colon":
        labels = "".join(f"<p>{label}: {told[key]}</p>" for label, key in style.labels)
    elif style.placing == "below":
        labels = "".join(f"<p>{label}<br/>{told[key]}</p>" for label, key in style.labels)
    else:
        rows = "".join(f"<tr><td>{label}</td><td>{told[key]}</td></tr>" for label, key in style.labels)
        labels = f"<table>{rows}</table>"
    head = "".join(f"<th>{text}</th>" for text, _ in style.heads)
    body = "".join(
        "<tr>"
        + "".join(f'<td align="{"right" if cell[:1].isdigit() else "left"}">{cell}</td>' for cell in cells)
        + "</tr>"
        for cells in _cells(style)
    )
    source = f"""<html><head><style>@page {{ size: a4; margin: 2cm }}
        @font-face {{ font-family: Noto; src: url("{_font()}") }}
        body {{ font-family: Noto; font-size: 10pt }} td, th {{ padding: 2pt }}</style></head><body>
        <h1>{style.title}</h1><p>Template {style.layout.name}.</p>{labels}<br/>
        <table repeat="1"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>
        <table><tr><td>{style.total}</td><td align="right">{told["total"]}</td></tr></table></body></html>"""
    target = io.BytesIO()
    from pathlib import Path

    from xhtml2pdf.config.resources import ResourceAccessPolicy

    folder = Path(_font()).parent
    result = pisa.CreatePDF(
        source, dest=target, path=str(folder / "form.html"), resource_policy=ResourceAccessPolicy.server(folder)
    )
    assert not result.err
    return target.getvalue()


def by_typst(style: Style, values: dict[str, str] | None = None) -> bytes:
    """The document as Typst sets it."""
    import typst

    told = written(style) | (values or {})
    if style.placing == "colon":
        labels = "\n\n".join(_typed(f"{label}: {told[key]}") for label, key in style.labels)
    elif style.placing == "below":
        labels = "\n\n".join(f"{_typed(label)} \\\n{_typed(told[key])}" for label, key in style.labels)
    else:
        cells = ", ".join(f"[{_typed(text)}]" for label, key in style.labels for text in (label, told[key]))
        labels = f"#table(columns: (5cm, auto), stroke: none, {cells})"
    heads = ", ".join(f"[{_typed(text)}]" for text, _ in style.heads)
    aligned = ", ".join("right" if key in ("quantity", "unit_price", "amount") else "left" for _, key in style.heads)
    body = ", ".join(f"[{_typed(cell)}]" for cells in _cells(style) for cell in cells)
    source = f"""#set text(size: 10pt)
= {style.title}
Template {style.layout.name}.

{labels}

#table(columns: {len(style.heads)}, align: ({aligned}), table.header({heads}), {body})

#grid(columns: (1fr, auto), [{_typed(style.total)}], [{_typed(told["total"])}])
"""
    made = typst.compile(source.encode(), format="pdf")
    assert isinstance(made, bytes)
    return made


def _typed(text: str) -> str:
    return f"#{_quoted(text)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


PRODUCERS = {"fpdf2": by_fpdf2, "xhtml2pdf": by_xhtml2pdf, "typst": by_typst}
