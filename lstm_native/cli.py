"""The command `lstm-native`.

Exit codes: 0 done; 1 the data or a file is at fault (also when only the picture could not be
drawn); 2 the command line is; 130 interrupted; 141 the reader of the output went away. Results go
to stdout, all else to stderr.
"""

from __future__ import annotations

import argparse
import importlib.resources
import io
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from lstm_native.forecast.backtest import Score
    from lstm_native.forecast.forecaster import Forecast, Forecaster
    from lstm_native.forecast.outputs import Outputs
    from lstm_native.forecast.series import Series

_DATA_ERROR = 1
_INTERRUPTED = 128 + 2  # as a shell shows a death by SIGINT
_READER_GONE = 128 + 13  # by SIGPIPE

_FORECAST_HELP = """\
Forecast a series, and show on data the network has not seen how good the forecast is.

Without SERIES.csv the bundled series is taken: monthly mean sunspot numbers, 1749 to 2008.

  1. The last fifth of the rows is held out. A network is trained on the rows before.
  2. Back-test: from every possible origin in the held-out part, HORIZON rows are forecast and
     compared with what came; next to it a naive forecast (the last value stays), a
     seasonal-naive one (the value one season ago) and a linear autoregression over the same
     window of past rows.
  3. The same network is trained again, on all rows: that one is saved, and forecasts what comes
     after the last row. The intervals come from the errors of the back-test.

The network joins a linear autoregression with five small LSTMs that learn what the linear one
cannot say. Where no value is negative and the spread grows with the level, it works on square
roots. Nothing about it is chosen by a look at the held-out rows.
"""

_FORECAST_EPILOG = """\
The file: CSV with or without a header, oldest row first, evenly spaced, no missing values; comma,
semicolon, tab or bar between the cells. Time stamps may be years, YYYY-MM, ISO dates, ISO
date-times or numbers.

The tables: MAE and RMSE are in the unit of the series. MASE is MAE divided by the mean change
from row to row in the training part: below 1, the forecast of HORIZON rows is on average closer
than yesterday's value is for one row. Smaller is better in every column.

In DIR:
  forecast.csv         the forecast with 80 % and 95 % intervals
  forecast.png         a plot (needs matplotlib: pip install 'lstm-native[plot]')
  report.json          data, settings, scores, seconds, versions
  model.safetensors    the network; its metadata hold scale, window, horizon, interval widths

Examples:
  lstm-native forecast
  lstm-native forecast sales.csv --column units --horizon 6 --out sales
  lstm-native forecast sales.csv --model sales/model.safetensors --out today

The last one does not train: it forecasts what follows the file's last row.
"""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the command line."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name the terminal cannot show is no failure
            stream.reconfigure(errors="backslashreplace")
    try:
        options = _parser().parse_args(arguments)
        code: int = options.run(options)
        if sys.stdout is not None:  # it may have been closed from the start
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Python would flush stdout again at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _READER_GONE
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)
    except OSError as error:
        text = error.strerror or str(error)
        named = error.filename is not None and str(error.filename) not in text
        return _fail(f"{error.filename}: {text}" if named else text, _DATA_ERROR)
    except (ValueError, FloatingPointError) as error:
        return _fail(str(error), _DATA_ERROR)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="lstm-native",
        description="LSTM networks on CPUs: the command line of lstm_native.",
        epilog="lstm-native COMMAND --help says more about a command.",
    )
    parser.add_argument(
        "--cmake-dir",
        action=_PrintCMakeFolder,
        nargs=0,
        help="print the folder to give to CMake as lstm_native_DIR, and end",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_forecast(commands)
    info = commands.add_parser(
        "info",
        help="what this build is and how it runs",
        description="Print version, compiler, instruction sets and threads of this build.",
    )
    info.set_defaults(run=_info)
    return parser


def _add_forecast(commands: Any) -> None:
    parser = commands.add_parser(
        "forecast",
        help="forecast a series, with a back-test against simple methods",
        description=_FORECAST_HELP,
        epilog=_FORECAST_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("series", nargs="?", metavar="SERIES.csv", help="by default the bundled sunspot series")
    add("--column", metavar="NAME", help="what to forecast: a column's name or number from 1")
    add("--time", metavar="NAME", help="the column of time stamps, by name or number")
    add("--horizon", type=_positive, metavar="N", help="rows to forecast (12)")
    add(
        "--timesteps",
        type=_positive,
        metavar="N",
        help="rows that each forecast looks back (96, or a fifth of the training rows if less)",
    )
    add(
        "--season",
        type=_positive,
        metavar="N",
        help="rows in a season, for the seasonal-naive forecast (132 for the sunspots; otherwise "
        "what the training part shows, if anything)",
    )
    add(
        "--epochs",
        type=_positive,
        metavar="N",
        help="passes over the training data (20, fewer for long series)",
    )
    add("--seed", type=_seed, metavar="N", help="of all that is random (0); repeats bit for bit")
    add(
        "--out", type=Path, default=Path("forecast"), metavar="DIR", help="for the files (forecast)"
    )
    add("--model", type=Path, metavar="FILE", help="forecast with this file, without training")
    add("--threads", type=_positive, metavar="N", help="by default one for each processor")
    add("--quiet", action="store_true", help="write the files, print errors only")
    parser.set_defaults(run=_forecast, parser=parser)


def _positive(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return value


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 0")
    return int(text)


class _PrintCMakeFolder(argparse.Action):
    """Prints and ends, as --help does."""

    def __call__(self, parser: Any, *ignored: Any) -> NoReturn:
        folder = Path(str(importlib.resources.files("lstm_native"))) / "lib/cmake/lstm_native"
        if not (folder / "lstm_nativeConfig.cmake").is_file():
            print(
                f"{parser.prog}: {folder} holds no lstm_nativeConfig.cmake; "
                "was the package installed without its C++ library?",
                file=sys.stderr,
            )
            raise SystemExit(_DATA_ERROR)
        print(folder)
        raise SystemExit(0)


def _info(options: argparse.Namespace) -> int:
    import lstm_native

    for name, value in lstm_native.build_info().items():
        shown = ", ".join(value) if isinstance(value, (list, tuple)) else value
        print(f"{name.replace('_', ' '):15} {shown}")
    return 0


def _forecast(options: argparse.Namespace) -> int:
    _check_options(options)
    import lstm_native
    from lstm_native.forecast import series as sources
    from lstm_native.forecast.forecaster import Forecaster

    if options.threads is not None:
        lstm_native.set_num_threads(options.threads)
    forecaster = Forecaster.load(options.model) if options.model else None
    if options.series is None:
        series = sources.bundled()
    else:
        series = sources.read_csv(
            options.series,
            column=options.column,
            time=options.time,
            prefer=forecaster.column if forecaster else None,
        )
    if series.time.note and not options.quiet:
        _note(series.time.note)
    if options.out.exists() and not options.out.is_dir():
        return _fail(f"--out {options.out} is a file, not a folder", _DATA_ERROR)
    options.out.mkdir(parents=True, exist_ok=True)
    from lstm_native.forecast.outputs import Outputs

    with Outputs(options.out) as outputs:
        if forecaster is None:
            return _train(options, series, outputs)
        forecast, _ = _write_forecast(options, series, forecaster, outputs)
        return _finish(options, series, outputs, forecast, None)


def _check_options(options: argparse.Namespace) -> None:
    """Refuse options that would be ignored."""
    if options.series is None:
        for name in ("column", "time"):
            if getattr(options, name) is not None:
                options.parser.error(f"--{name} needs a SERIES.csv")
    if options.model is not None:
        for name in ("horizon", "timesteps", "season", "epochs", "seed"):
            if getattr(options, name) is not None:
                options.parser.error(f"--{name} cannot go with --model, whose file has settled it")


def _train(options: argparse.Namespace, series: Series, outputs: Outputs) -> int:
    from lstm_native.forecast import job, report
    from lstm_native.forecast.forecaster import Forecaster

    began = time.perf_counter()
    wishes = job.Wishes(
        horizon=options.horizon,
        timesteps=options.timesteps,
        epochs=options.epochs,
        season=options.season,
        seed=options.seed or 0,
    )
    result = job.run(series, wishes, show=not options.quiet)
    data, test = result.summary["data"], result.summary["backtest"]
    horizon = result.forecaster.horizon
    if not options.quiet:
        print(
            f"{data['column']}: {data['rows']} rows, {data['first']} to {data['last']} "
            f"({data['source']})\n"
            f"back-test: trained on the first {test['training_rows']} rows, {horizon} ahead from "
            f"{test['origins']} origins, {test['first_origin']} to {test['last_origin']}\n"
        )
        print(report.score_table(result.scores), end="\n\n")
    path = outputs.path("model.safetensors")
    result.forecaster.save(path)
    # What is shown comes from the file, as it will when the file is used again.
    forecast, rows = _write_forecast(options, series, Forecaster.load(path), outputs)
    seconds = {**result.summary["seconds"], "total": time.perf_counter() - began}
    content = {
        **result.summary,
        "forecast": rows,
        "seconds": seconds,
        "versions": report.versions(),
    }
    report.write_json(outputs.path("report.json"), content)
    code = _finish(options, series, outputs, forecast, result.scores)
    if not options.quiet:
        print(f"report: {options.out / 'report.json'}\nmodel: {options.out / 'model.safetensors'}")
        print(f"{seconds['total']:.1f} s")
    return code


def _write_forecast(
    options: argparse.Namespace, series: Series, forecaster: Forecaster, outputs: Outputs
) -> tuple[Forecast, list[dict[str, Any]]]:
    """Print and write the forecast; return it, and its rows for the report."""
    from lstm_native.forecast import report

    forecast = forecaster.forecast(series.values, source=series.source)
    stamps = series.time.future(forecaster.horizon)
    if not options.quiet:
        last = series.time.label(len(series) - 1)
        print(f"{series.name} after {last}, from a network trained on all rows then known:")
        print(report.forecast_table(stamps, forecast), end="\n\n")
    report.write_forecast(outputs.path("forecast.csv"), stamps=stamps, forecast=forecast)
    return forecast, report.forecast_rows(stamps, forecast)


def _finish(
    options: argparse.Namespace,
    series: Series,
    outputs: Outputs,
    forecast: Forecast,
    scores: dict[str, Score] | None,
) -> int:
    """Draw the picture, put all files in place whatever becomes of it, and return the exit code."""
    from lstm_native.forecast import plot

    code = 0
    try:
        plot.write_plot(outputs.path("forecast.png"), series, forecast, scores)
        drawn = f"plot: {options.out / 'forecast.png'}"
    except ImportError:
        drawn = plot.INSTALL_HINT
    except Exception as error:
        drawn = ""
        code = _fail(f"no plot: {error or type(error).__name__}", _DATA_ERROR)
    finally:  # also when interrupted
        outputs.publish()
    if not options.quiet:
        print(f"forecast: {options.out / 'forecast.csv'}", *filter(None, [drawn]), sep="\n")
    return code


def _note(text: str) -> None:
    print(f"lstm-native: note: {text}", file=sys.stderr)


def _fail(text: str, code: int) -> int:
    print(f"lstm-native: {text}", file=sys.stderr)
    return code
