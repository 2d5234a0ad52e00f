"""The command `lstm-native`.

Exit codes: 0 done; 1 a file is at fault (also when only the picture could not be drawn); 2 the data
or the command line are; 130 interrupted; 141 the reader of the output went away. Results go to
stdout, all else to stderr.
"""

from __future__ import annotations

import argparse
import importlib.resources
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from lstm_native.forecast.command import add_forecast

_FILE_ERROR = 1
_INTERRUPTED = 128 + 2  # as a shell shows a death by SIGINT
_READER_GONE = 128 + 13  # by SIGPIPE


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
        return _fail(f"{error.filename}: {text}" if named else text, _FILE_ERROR)
    except (ValueError, FloatingPointError) as error:
        return _fail(str(error), _FILE_ERROR)


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
    add_forecast(commands)
    info = commands.add_parser(
        "info",
        help="what this build is and how it runs",
        description="Print version, compiler, instruction sets and threads of this build.",
    )
    info.set_defaults(run=_info)
    return parser


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
            raise SystemExit(_FILE_ERROR)
        print(folder)
        raise SystemExit(0)


def _info(options: argparse.Namespace) -> int:
    import lstm_native

    for name, value in lstm_native.build_info().items():
        shown = ", ".join(value) if isinstance(value, (list, tuple)) else value
        print(f"{name.replace('_', ' '):15} {shown}")
    return 0


def _fail(text: str, code: int) -> int:
    print(f"lstm-native: {text}", file=sys.stderr)
    return code
