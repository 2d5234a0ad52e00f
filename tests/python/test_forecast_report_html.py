"""The report in HTML: one file, for managers, that nothing in the data can break."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import product as p
import pytest
import report_helpers as made

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.report.html import html, write_html

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements with their attributes; fails where an end does not belong to its beginning."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data + " "

    def names(self):
        return [tag for tag, _ in self.elements]


def page(panel, horizon=12, **more):
    forecast, backtest = made.forecast(panel, horizon), made.backtest(panel, horizon)
    return Page(html(panel, forecast, more.pop("backtest", backtest), **more))


def words(text):
    return " ".join(text.split())


def test_a_page_needs_nothing_but_itself():
    """No script, no address, no file beside it; and its policy forbids the browser to fetch one."""
    panel = made.panel(["a", "b"])
    text = html(panel, made.forecast(panel), made.backtest(panel))
    found = Page(text)
    assert "http" not in text.replace("http-equiv", "")
    assert not {"script", "link", "img", "iframe", "object", "a"} & set(found.names())
    for _, attributes in found.elements:
        assert not {"src", "href", "xlink:href", "style"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert "@import" not in text
    assert "url(" not in text
    policies = [a["content"] for t, a in found.elements if a.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><svg onload=alert(1)>",
    "a & b &lt; c",
    "]]><!-- -->",
    "tab\tand\nline",
    "zero\x00bell\x07",
    "right\u202eto left",
    "half \ud800 a pair",
    "",
]


def test_hostile_names_stay_text():
    panel = made.panel(HOSTILE, source="<b>.csv", notes=("<i>note</i>",), past_names=("<u>x</u>",))
    tags = set(page(made.panel([str(n) for n in range(len(HOSTILE))])).names())
    found = page(panel, settings={"<s>": "</footer>"}, versions={"v": ["<q>"]})
    assert set(found.names()) <= tags | {"ul", "li"}
    for name in [*HOSTILE[:5], "<b>.csv", "<i>note</i>", "<u>x</u>", "<s>: </footer>", "<q>"]:
        assert name in found.text
    # What would act on the text around it, or cannot be written, is spelled out.
    for name in (r"zero\x00bell\x07", r"right\u202eto left", r"half \ud800 a pair"):
        assert name in found.text


def test_it_says_what_is_expected_how_sure_and_what_was_best():
    text = words(page(made.panel()).text)
    assert "shop is expected to be 190.4 on average over the next 12 months" in text
    assert "In 2026-01 it should lie between 165.8 and 194.6, with a probability of 80 %" in text
    assert "it was off by 4.000 on average" in text
    assert "79 % of them were inside of the 80 % interval" in text
    assert "96 % of them were inside of the 95 % interval" in text
    assert "lstm is best on this data." in text
    assert "50 % smaller than that of seasonal-naive, on held-out data" in text


def test_a_series_is_drawn_with_its_forecast_and_intervals():
    found = page(made.panel(rows=96))
    shapes = [(t, a.get("class")) for t, a in found.elements if t in ("polyline", "polygon")]
    for shape in (
        ("polyline", "past"),
        ("polyline", "m0"),
        ("polygon", "outer"),
        ("polygon", "inner"),
    ):
        assert shape in shapes
    assert "2026-01: forecast 180.2, 95 % 163.1 to 197.3, 80 % 165.8 to 194.6" in words(found.text)
    assert "2025-12: observed" in words(found.text)


def test_missing_values_are_a_gap_and_are_counted():
    values = made.panel().series[0].values.copy()
    values[[50, 51, 60, 62]] = np.nan
    panel = made.with_values(made.panel(), values)
    found = page(panel)
    past = [a for t, a in found.elements if t == "polyline" and a["class"] == "past"]
    assert len(past) == 3 + 1  # three stretches, and the key
    assert sum(t == "circle" and a["class"] == "past" for t, a in found.elements) == 1  # row 61
    assert "4 values (4.2 %) are missing" in words(found.text)
    assert "2022-03: missing" in words(found.text)
    assert "nan" not in found.text.lower()


def test_the_back_test_is_there_by_step_and_by_series():
    found = page(made.panel(["north", "south"]))
    text = words(found.text)
    assert "lstm (best) 4.000 5.200 0.40 2.0 % 79 % 96 %" in text
    assert "By step" in text
    assert "By series 2 series could be tested. On 2 of them (100 %) lstm was closer" in text
    # The worst comes first.
    assert text.index("south 4.100") < text.index("north 4.000")


def test_of_3000_series_the_worst_typical_and_best_are_drawn_in_a_small_file(tmp_path):
    panel = made.panel([f"shop {index}" for index in range(3000)], rows=300, alias="D")
    path = tmp_path / "report.html"
    write_html(path, panel, made.forecast(panel, 30), made.backtest(panel, 30))
    assert path.stat().st_size < 1_000_000
    found = Page(path.read_text(encoding="utf-8"))
    titles = re.findall(r"(shop \d+): the last", found.text)
    assert titles[:4] == ["shop 2999", "shop 2998", "shop 2997", "shop 2996"]
    assert titles[4:8] == ["shop 1501", "shop 1500", "shop 1499", "shop 1498"]
    assert titles[8:] == ["shop 3", "shop 2", "shop 1", "shop 0"]
    assert "the first 100 of 3,000 series; all are in forecast.csv" in words(found.text)


def test_a_horizon_of_thousands_stays_small_too():
    panel = made.panel(rows=20_000, alias="h")
    text = html(panel, made.forecast(panel, 5000), made.backtest(panel, 5000))
    assert len(text) < 1_000_000
    assert "the first 200 of 5,000 steps" in text


def test_without_a_back_test_it_says_so():
    text = words(page(made.panel(), backtest=None).text)
    assert "nothing was held out" in text
    assert "By step" not in text


def test_series_too_short_to_hold_anything_out():
    """A single row is drawn as a dot, and the page says that nothing was tested."""
    panel = made.panel(rows=1)
    found = page(panel, backtest=made.NOTHING)
    assert "too few rows to hold any out" in words(found.text)
    assert any(t == "circle" and a["class"] == "past" for t, a in found.elements)


@pytest.mark.parametrize(
    "values", [[5.0] * 24, [0.0] * 24, [1e12, 2e12] * 12, [-1e300, 1e300] * 12]
)
def test_any_values_can_be_drawn(values):
    panel = made.with_values(made.panel(rows=24), values)
    found = page(panel)
    points = " ".join(a["points"] or "" for _, a in found.elements if "points" in a)
    assert points
    assert not re.search(r"nan|inf", points)


def test_a_series_without_any_value_is_no_error():
    panel = made.with_values(made.panel(["a", "b"]), [np.nan] * 96)
    assert "96 values" in words(page(panel).text)


def test_one_step_ahead_is_drawn():
    found = page(made.panel(), horizon=1)
    assert any(t == "circle" and a["class"] == "m0" for t, a in found.elements)
    assert "shop is expected to be 180.2 in 2026-01" in words(found.text)


def test_other_levels_and_none():
    panel = made.panel()
    text = html(panel, made.forecast(panel, levels=(50,)))
    assert "with a probability of 50 %" in text
    without = html(panel, made.forecast(panel, levels=()))
    assert "probability" not in without
    # Coverage is said of what the forecast shows alone.
    tested = words(Page(html(panel, made.forecast(panel, levels=(95,)), made.backtest(panel))).text)
    assert "inside 95 %" in tested
    assert "inside 80 %" not in tested.replace("Inside", "")


def test_a_frame_that_is_no_forecast_is_refused():
    panel = made.panel(["a", "b"])
    forecast = made.forecast(panel)
    with pytest.raises(DataError, match="here high_80 is missing"):
        html(panel, forecast.drop(columns="high_80"))
    with pytest.raises(DataError, match="no rows for the series 'b'"):
        html(panel, forecast[forecast["unique_id"] == "a"])


def test_the_same_input_gives_the_same_bytes():
    panel = made.panel(["a", "b"])
    texts = {html(panel, made.forecast(panel), made.backtest(panel)) for _ in range(2)}
    assert len(texts) == 1


def test_it_needs_no_matplotlib():
    script = """
import sys; sys.modules["matplotlib"] = None
import report_helpers as made
from lstm_native.forecast.report.html import html
panel = made.panel()
print(len(html(panel, made.forecast(panel), made.backtest(panel))))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        check=True,
        **p.fresh_process(PYTHONPATH=str(Path(__file__).parent)),
    )
    assert int(done.stdout) > 10_000


def test_an_error_that_hardly_differs_is_called_equal(monkeypatch):
    panel = made.panel(["a"])
    monkeypatch.setattr("lstm_native.forecast.report.html.gain", lambda _: -1e-5)
    text = words(page(panel).text)
    assert "its error equal to that of seasonal" in text
    assert "0.0 %" not in text


def test_errors_over_several_series_say_what_they_are():
    assert "mean absolute error, in the unit of the series." in words(page(made.panel()).text)
    text = words(page(made.panel(["a", "b"])).text)
    assert "in the unit of the series" not in text
    assert "of all series together, each in its own unit" in text
    assert "(mean absolute error of each series, relative to the mean of all methods" in text


def test_an_error_many_times_as_large_as_the_reference_is_said_in_times():
    panel = made.panel()
    backtest = made.backtest(panel, methods=("linear", "naive"))
    first, second = backtest.methods
    tiny = dataclasses.replace(second.score, mae=1e-12)
    second = dataclasses.replace(second, score=tiny, by_series={"shop": tiny})
    backtest = dataclasses.replace(backtest, methods=(first, second), best="naive")
    text = words(page(panel, backtest=backtest).text)
    assert "more than 1,000 times as large as that of naive, on held-out data" in text
