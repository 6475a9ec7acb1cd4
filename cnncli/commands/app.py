"""The command line as a whole: its commands, and the one place where an error becomes a line and an exit code."""

import errno
import os
import traceback
from typing import Annotated

import typer

from cnncli import __version__
from cnncli.commands import data, listing, visualize, weights
from cnncli.commands.evaluate import evaluate
from cnncli.commands.predict import predict
from cnncli.commands.signals import interruptible
from cnncli.commands.size import size
from cnncli.commands.summary import summary
from cnncli.commands.train import train
from cnncli.console import terminal
from cnncli.errors import CnncliError, Exit

app = typer.Typer(
    name="cnncli",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train)
app.command("eval")(evaluate)
app.command()(predict)
app.command()(summary)
app.command()(size)
app.add_typer(listing.app, name="list")
app.add_typer(data.app, name="data")
app.add_typer(visualize.app, name="visualize")
app.add_typer(weights.app, name="weights")


def _version(wanted: bool) -> None:
    if wanted:
        from cnncli import runtime

        runtime.configure()
        device = runtime.describe()
        versions = runtime.versions()
        terminal.line(f"cnncli {__version__}")
        terminal.line(f"jax {versions['jax']}, flax {versions['flax']}, python {versions['python']}")
        threads = f", {device['threads']} threads" if device["platform"] == "cpu" else ""
        terminal.line(f"{device['count']} x {device['platform']} ({device['kind']}{threads})")
        raise typer.Exit()


@app.callback()
def cnncli(
    version: Annotated[
        bool,
        typer.Option(
            "--version", metavar="", callback=_version, is_eager=True, help="Versions and the device, then exit."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", metavar="", help="Show the traceback of an error (anywhere in the line).")
    ] = False,
) -> None:
    """Size, train, evaluate, summarize and look inside convolutional networks, and predict with them."""


def run(arguments: list[str]) -> int:
    """Run one command line and give its exit code; errors are one line on standard error."""
    terminal.open_streams()
    code = _run([word for word in arguments if word != "--debug"], "--debug" in arguments)
    terminal.close_streams()
    return code


def _run(arguments: list[str], debug: bool) -> int:
    try:
        with interruptible():
            code = int(app(arguments, prog_name="cnncli", standalone_mode=False) or Exit.DONE)
        # Typer has no other way to say it.
        return code if code != Exit.INTERRUPTED else _failed("interrupted", code, debug=False)
    except SystemExit:
        # Typer's ways out: the shell's completion is printed, or the reader of the help has gone.
        return Exit.DONE
    except KeyboardInterrupt:
        return _failed("interrupted", Exit.INTERRUPTED, debug)
    except CnncliError as error:
        return _failed(str(error), error.exit, debug)
    except typer.TyperException as error:
        return _failed(_misread(error), Exit.USAGE, debug)
    except (MemoryError, OSError) as error:
        return _failed(_resource(error), Exit.DATA, debug)
    except Exception as error:
        if "RESOURCE_EXHAUSTED" in str(error):
            return _failed("out of memory on the device: choose a smaller --batch-size", Exit.DATA, debug)
        return _failed(f"{type(error).__name__}: {error} (this is our bug; --debug shows more)", Exit.BUG, debug)


def _misread(error: typer.TyperException) -> str:
    """What Typer could not read, in one line: what was given, what was expected, and where that is written."""
    said, context = error.format_message(), getattr(error, "ctx", None)
    if not said:  # The help was shown instead.
        return ""
    if cause := getattr(error.__cause__, "errors", None):
        given, expected = cause()[0]["input"], error.message.removeprefix("Input should be ").partition(",")[0]
        said = f"{error.param.opts[0]} is '{given}'; expected {expected}"  # type: ignore[attr-defined]
    elif option := getattr(error, "option_name", ""):
        near = " or ".join(f"'{name}'" for name in getattr(error, "possibilities", None) or ())
        said = f"no option '{option}'" + (f"; did you mean {near}?" if near else "") if "No such" in said else said
    hint = f" ({context.command_path} --help shows more)" if context else ""
    return said[0].lower() + said[1:].rstrip(".") + hint


def _resource(error: Exception) -> str:
    if not isinstance(error, OSError):
        return "out of memory: choose a smaller --batch-size"
    reason = os.strerror(error.errno) if error.errno else str(error)
    hint = "; free some space or choose another folder" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return (f"{error.filename}: " if error.filename else "") + reason + hint


def _failed(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    if message:
        terminal.complain(message)
    return int(code)
