"""Write a hand-over sheet as Markdown, as a page of HTML, or as PDF, from `templates/sheet`."""

from __future__ import annotations

import re
from dataclasses import asdict

from markupsafe import Markup

from provisioner.adapters.templates import environment
from provisioner.core.sheet import Sheet

_BLACK = 0
_HEADINGS = {"h1": 18, "h2": 14, "h3": 12}  # points
_WIDTHS = {2: (30, 70), 3: (34, 8, 58)}
"""Per cent of the page, by the number of columns."""

_ENVIRONMENT = environment("sheet")


def markdown(sheet: Sheet) -> str:
    """The sheet as Markdown with tables."""
    text = _ENVIRONMENT.get_template(f"{sheet.language}.md.j2").render(asdict(sheet))
    return f"{text.rstrip()}\n"


def html(sheet: Sheet) -> str:
    """The sheet as one page that needs nothing else."""
    values = {"language": sheet.language, "customer": sheet.customer, "body": Markup(_body(sheet))}  # noqa: S704
    return _ENVIRONMENT.get_template("page.html.j2").render(values)


def pdf(sheet: Sheet) -> bytes:
    """The sheet as PDF, A4 across: records are long."""
    from fpdf import FPDF, FontFace  # noqa: PLC0415 - takes longer to load than all other commands together

    document = FPDF(orientation="landscape", format="A4")
    document.set_title(sheet.customer)
    document.add_page()
    document.set_font("Helvetica", size=10)
    # The built-in fonts know Latin-1: all of it but the narrow space.
    text = _with_widths(_body(sheet)).replace("\u202f", " ")
    headings = {tag: FontFace(color=_BLACK, size_pt=size, emphasis="BOLD") for tag, size in _HEADINGS.items()}
    document.write_html(text, table_line_separators=True, tag_styles=headings)
    return bytes(document.output())


def _with_widths(body: str) -> str:
    """Columns as wide as what they hold: a PDF's tables don't find that out by themselves."""

    def head(found: re.Match[str]) -> str:
        widths = _WIDTHS[found[0].count("<th>")]
        cells = iter(widths)
        return re.sub("<th>", lambda _: f'<th align="left" width="{next(cells)}%">', found[0])

    return re.sub(r"<tr>\s*<th>.*?</tr>", head, body, flags=re.DOTALL).replace("<td>", '<td align="left">')


def _body(sheet: Sheet) -> str:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - as above

    # What customers are called is escaped: html is off, so a tag in a name stays text.
    return str(MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown(sheet)))
