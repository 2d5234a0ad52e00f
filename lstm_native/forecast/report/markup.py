"""Elements of HTML and SVG, built as a tree so that every text is escaped by the one who writes it.

Names of series and columns come from files of strangers. They are texts and values of attributes of
`xml.etree` here, and never become markup.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

from lstm_native.forecast.report.wording import readable


def element(
    name: str, attributes: dict[str, str] | None = None, *children: Element | str | None
) -> Element:
    """Return an element with its children in order: elements, texts, or None for nothing."""
    made = Element(name, attributes or {})
    last: Element | None = None
    for child in children:
        if child is None:
            continue
        if isinstance(child, Element):
            made.append(child)
            last = child
        elif last is None:
            made.text = (made.text or "") + child
        else:
            last.tail = (last.tail or "") + child
    return made


def page(root: Element) -> str:
    """Return a document of HTML, all of it readable."""
    return readable("<!DOCTYPE html>\n" + tostring(root, encoding="unicode", method="html") + "\n")
