"""The command `lstm-native forecast`: its options, and what it prints and writes."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_native.forecast.errors import DataError
from lstm_native.forecast.reading.options import (
    add_reading_options,
    in_command,
    options_to_kwargs,
)
from lstm_native.forecast.reading.text import counted

if TYPE_CHECKING:
    import pandas as pd

    from lstm_native.forecast.backtest import BackTest
    from lstm_native.forecast.forecaster import Forecaster
    from lstm_native.forecast.job import Result
    from lstm_native.forecast.outputs import Outputs
    from lstm_native.forecast.panel import Panel

_FILE_ERROR = 1
_BAD_INPUT = 2
_NEEDS_PANDAS = "forecasts need pandas: pip install 'lstm-native[forecast]'"

HELP = """\
Forecast one series or many, and show on held-out rows how good the forecast is.

Without FILE the bundled series is taken: monthly mean sunspot numbers, 1749 to 2008.

  1. The last part of each series is held out. What is trained, is trained on the rows before.
  2. Back-test: from origins in the held-out part, HORIZON rows are forecast by several methods
     and compared with what came.
  3. The method, or mean of several, that the back-test favours is trained again, on all rows:
     that one is saved, and forecasts what comes after the last row. Held-out errors have
     calibrated the intervals.

Nothing about the networks is chosen by a look at the held-out rows.
"""

EPILOG = """\
FILE: CSV or Parquet, "-" for standard input; wide (a column for each series) or long (with a
column that says which series a row is of). Gaps are no error: they are left out of all scores.

Methods for --model:
  auto            what the back-test favours, never worse than seasonal-naive in it
  pretrained      a global network that has seen many other series
  tuned           the same, trained further on these series
  lstm            a network of its own, for one long series without missing values
  naive           the last value
  seasonal-naive  the value one season before
  linear          a linear autoregression
  theta, ets      Theta and exponential smoothing (pip install 'lstm-native[baselines]')
  MODEL FILE      what an earlier run has saved: no training

The tables: MAE and RMSE are in the unit of the series; of several they are means over all
values, each in its own unit, so that series of large numbers rule them. MASE is MAE divided by the
mean change from row to row in the training part: below 1, the forecast of HORIZON rows is on
average closer than yesterday's value is for one row. sMAPE is the error in percent. MASE and sMAPE
have no unit. Smaller is better in these columns.

In DIR:
  forecast.csv         unique_id, ds, forecast, and the ends of 80 % and 95 % intervals
  forecast.html        the report, for any browser
  forecast.png         a plot (needs matplotlib: pip install 'lstm-native[plot]')
  report.json          data, settings, scores, seconds, versions
  model.safetensors    what was trained, with all that it needs to forecast again

Exit codes: 0 done; 1 a file cannot be read or written; 2 the data or the command line are at
fault: nothing is written then.

Examples:
  lstm-native forecast
  lstm-native forecast sales.csv --column units --horizon 6 --out sales
  lstm-native forecast shops.csv --id shop --time day --column revenue
  lstm-native forecast sales.csv --model sales/model.safetensors --out today

The last one does not train: it forecasts what follows the file's last row.
"""


def add_forecast(commands: Any) -> None:
    """Add the command to those of the parser."""
    parser = commands.add_parser(
        "forecast",
        help="forecast series, with a back-test against simple methods",
        description=HELP,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("file", nargs="?", metavar="FILE", help="by default the bundled sunspot series")
    add("--horizon", type=_positive, metavar="N", help="rows to forecast (12 months, 14 days ...)")
    add("--season", type=_positive, metavar="N", help="rows in a season (12 for months ...)")
    add("--model", metavar="METHOD|FILE", help="how to forecast (auto), see below")
    add(
        "--timesteps",
        type=_positive,
        metavar="N",
        help="rows that the method lstm looks back (96, or a fifth of the training rows if less)",
    )
    add(
        "--epochs",
        type=_positive,
        metavar="N",
        help="its passes over the training data (20, fewer for long series)",
    )
    add("--seed", type=_seed, metavar="N", help="of all that is random (0); repeats bit for bit")
    add(
        "--out", type=Path, default=Path("forecast"), metavar="DIR", help="for the files (forecast)"
    )
    add("--threads", type=_positive, metavar="N", help="by default one for each processor")
    add("--quiet", action="store_true", help="write the files, print errors only")
    add_reading_options(parser)
    parser.set_defaults(run=run, parser=parser)


def _positive(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return value


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 0")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Do what the command line says, and return the exit code."""
    reading = options_to_kwargs(options)
    path = _check_options(options, reading)
    try:
        import pandas  # noqa: F401  # said here, once, where it is missing
    except ImportError:
        return _fail(_NEEDS_PANDAS, _FILE_ERROR)
    import lstm_native

    if options.threads is not None:
        lstm_native.set_num_threads(options.threads)
    if options.out.exists() and not options.out.is_dir():
        return _fail(f"--out {options.out} is a file, not a folder", _FILE_ERROR)
    made = not options.out.exists()
    try:
        return _run(options, reading, path)
    except DataError as error:
        if made and options.out.is_dir() and not any(options.out.iterdir()):
            options.out.rmdir()
        return _fail(in_command(str(error)), _BAD_INPUT)


def _check_options(options: argparse.Namespace, reading: dict[str, Any]) -> Path | None:
    """Refuse options that would be ignored; return the model file, if one was given."""
    from lstm_native.forecast import methods

    error = options.parser.error
    if options.file is None:
        for name in reading:
            shown = name.replace("_frame", "_file").replace("_", "-")
            error(f"--{shown} needs a FILE")
    model = options.model
    if model is None or model == "auto" or model in methods.NAMES:
        return None
    path = Path(model)
    if not (path.is_file() or path.suffix == ".safetensors"):
        error(f"--model {model} is neither a file nor a method: auto, {', '.join(methods.NAMES)}")
    for name in ("timesteps", "season", "epochs", "seed"):
        if getattr(options, name) is not None:
            error(f"--{name} cannot go with a model file, which has settled it")
    return path


def _run(options: argparse.Namespace, reading: dict[str, Any], path: Path | None) -> int:
    from lstm_native.forecast.forecaster import Forecaster
    from lstm_native.forecast.horizons import check_horizon, check_season, usual_horizon
    from lstm_native.forecast.outputs import Outputs
    from lstm_native.forecast.reading import bundled, read_table

    loaded = Forecaster.load(path) if path else None
    panel: Panel
    if options.file is not None:
        if loaded and "column" not in reading:
            reading["prefer"] = loaded.panel.target
        panel = read_table(options.file, season=options.season, **reading)
    elif loaded:
        panel = loaded.panel
    else:
        panel = bundled(options.season)
    if not options.quiet:
        for note in panel.notes:
            print(f"lstm-native: note: {in_command(note)}", file=sys.stderr)
    check_season(panel, options.season)
    check_horizon(panel, options.horizon or usual_horizon(panel))
    forecaster = loaded or Forecaster(
        options.horizon,
        model=options.model or "auto",
        timesteps=options.timesteps,
        epochs=options.epochs,
        seed=options.seed or 0,
        show=not options.quiet,
    )
    options.out.mkdir(parents=True, exist_ok=True)
    with Outputs(options.out) as outputs:
        if loaded is None:
            return _train(options, panel, forecaster, outputs)
        forecast = forecaster.predict_panel(panel, options.horizon)
        _print_forecast(options, panel, forecast, forecaster)
        return _finish(options, panel, outputs, forecast, None, {})


def _train(
    options: argparse.Namespace, panel: Panel, forecaster: Forecaster, outputs: Outputs
) -> int:
    from lstm_native.forecast import job
    from lstm_native.forecast.forecaster import Forecaster as Saved
    from lstm_native.forecast.report import files

    began = time.perf_counter()
    result = job.run(panel, forecaster)
    if not options.quiet:
        _print_back_test(panel, result)
    path = outputs.path("model.safetensors")
    forecaster.save(path)
    # What is shown comes from the file, as it will when the file is used again.
    forecast = Saved.load(path).predict_panel(panel)
    _print_forecast(options, panel, forecast, forecaster)
    seconds = {**result.summary["seconds"], "total": time.perf_counter() - began}
    content = {
        **result.summary,
        "forecast": job.records(forecast),
        "seconds": seconds,
        "versions": files.versions(),
    }
    files.write_json(outputs.path("report.json"), content)
    code = _finish(options, panel, outputs, forecast, forecaster.backtest, content)
    if not options.quiet:
        print(f"model: {options.out / 'model.safetensors'}")
        print(f"{time.perf_counter() - began:.1f} s")
    return code


def _print_back_test(panel: Panel, result: Result) -> None:
    from lstm_native.forecast.report.tables import score_table

    data, test = result.summary["data"], result.summary["backtest"]
    if len(panel.series) == 1:
        what = f"{_called(panel)}: {counted(data['rows'], 'row')}, "
    else:
        each = counted(data["longest"], "row")
        each = each if data["shortest"] == data["longest"] else f"{data['shortest']} to {each}"
        what = f"{data['target']}: {data['series']} series of {each}, "
    what += f"{data['first']} to {data['last']}"
    missing = f", {counted(data['missing'], 'value')} missing" if data["missing"] else ""
    print(f"{what}{missing} ({data['source']})")
    backtest = result.forecaster.backtest
    if backtest.methods:
        stamps = [stamp for each in backtest.origins.values() for stamp in each]
        span = stamps[0] if len(stamps) == 1 else f"{stamps[0]} to {stamps[-1]}"
        where = f", {span}" if len(panel.series) == 1 else ""
        print(
            f"back-test: trained on the first {_training(test, len(panel.series))}, "
            f"{test['horizon']} ahead from {counted(test['origins'], 'origin')}{where}\n"
        )
        print(score_table(backtest), end="\n\n")
    print(backtest.text, end="\n\n")


def _training(test: dict[str, Any], series: int) -> str:
    """Return how many rows came before the held-out ones: of each, where there are several."""
    least, most = test["training_rows_each"]
    rows = counted(most, "row")
    if series == 1:
        return rows
    return f"{rows} of each" if least == most else f"{least} to {rows} of each"


def _called(panel: Panel) -> str:
    """Return what a single series is called: by its column where it has no id of its own."""
    name = panel.series[0].name
    return panel.target if name.isdecimal() else name


def _print_forecast(
    options: argparse.Namespace, panel: Panel, forecast: pd.DataFrame, forecaster: Forecaster
) -> None:
    from lstm_native.forecast import job
    from lstm_native.forecast.report.tables import forecast_table

    if options.quiet:
        return
    by = forecaster.fitted.choice.name
    what = _called(panel) if len(panel.series) == 1 else panel.target
    last = job.data_summary(panel)["last"]
    print(f"{what} after {last}, by {by}, from all rows then known:")
    print(forecast_table(panel, forecast), end="\n\n")


def _finish(
    options: argparse.Namespace,
    panel: Panel,
    outputs: Outputs,
    forecast: pd.DataFrame,
    backtest: BackTest | None,
    content: dict[str, Any],
) -> int:
    """Write table, page and picture, put all files in place, and return the exit code.

    Whatever becomes of the picture, the other files are put in place.
    """
    from lstm_native.forecast import job
    from lstm_native.forecast.report import html, plot

    tested = backtest if backtest is not None and backtest.methods else None
    table = outputs.path("forecast.csv")
    job.as_text(forecast).to_csv(table, index=False, lineterminator="\n", encoding="utf-8")
    html.write_html(
        outputs.path("forecast.html"),
        panel,
        forecast,
        tested,
        settings=content.get("settings"),
        versions=content.get("versions"),
    )
    code = 0
    try:
        plot.write_plot(outputs.path("forecast.png"), panel, forecast, tested)
        drawn = f"plot: {options.out / 'forecast.png'}"
    except ImportError:
        drawn = plot.INSTALL_HINT
    except Exception as error:
        drawn = ""
        code = _fail(f"no plot: {error or type(error).__name__}", _FILE_ERROR)
    finally:  # also when interrupted
        outputs.publish()
    if not options.quiet:
        print(f"report: {options.out / 'forecast.html'}\nforecast: {options.out / 'forecast.csv'}")
        if drawn:
            print(drawn)
    return code


def _fail(text: str, code: int) -> int:
    print(f"lstm-native: {text}", file=sys.stderr)
    return code
