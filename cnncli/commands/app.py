"""The command line as a whole: its commands, and the one place where an error becomes a line and an exit code."""

import errno
import os
import sys
import traceback
from typing import Annotated

import typer

from cnncli import __version__
from cnncli.commands import data, listing
from cnncli.commands.evaluate import evaluate
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
app.command()(summary)
app.command()(size)
app.add_typer(listing.app, name="list")
app.add_typer(data.app, name="data")


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
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Versions and the device, then exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error (anywhere in the line).")
    ] = False,
) -> None:
    """Size, train, evaluate, summarize and look inside convolutional networks."""


def run(arguments: list[str]) -> int:
    """Run one command line and give its exit code; errors are one line on standard error."""
    debug = "--debug" in arguments
    try:
        code = app([word for word in arguments if word != "--debug"], standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except typer.Exit as ended:
        return ended.exit_code
    except KeyboardInterrupt:
        return _failed("interrupted", Exit.INTERRUPTED, debug)
    except BrokenPipeError:
        # Whoever read our output has had enough; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except CnncliError as error:
        return _failed(str(error), error.exit, debug)
    except typer.TyperException as error:
        return _failed(error.format_message(), Exit.USAGE, debug)
    except (MemoryError, OSError) as error:
        return _failed(_resource(error), Exit.DATA, debug)
    except Exception as error:
        if "RESOURCE_EXHAUSTED" in str(error):
            return _failed("out of memory on the device: choose a smaller --batch-size", Exit.DATA, debug)
        return _failed(f"{type(error).__name__}: {error} (this is our bug; --debug shows more)", Exit.BUG, debug)


def _resource(error: Exception) -> str:
    if not isinstance(error, OSError):
        return "out of memory: choose a smaller --batch-size"
    reason = os.strerror(error.errno) if error.errno else str(error)
    hint = "; free some space or choose another folder" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return f"{error.filename or 'a file'}: {reason}{hint}"


def _failed(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    terminal.complain(message)
    return int(code)
