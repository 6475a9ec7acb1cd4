"""`cnncli` and `python -m cnncli`."""

import signal
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from cnncli.commands.app import run
    except KeyboardInterrupt:
        sys.exit(130)
    code = run(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # While Python ends, it would only be a traceback.
    sys.exit(code)


if __name__ == "__main__":
    main()
