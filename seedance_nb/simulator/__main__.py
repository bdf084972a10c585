"""`python -m seedance_nb.simulator`: serve the simulated API until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

import msgspec

from .faults import KINDS, Fault
from .scenario import Pace
from .server import Simulator


def main(arguments: list[str] | None = None) -> int:
    """Parse the line, print where the simulator is, serve until SIGINT or SIGTERM; returns the exit code."""
    options = _parser().parse_args(arguments)
    simulator = Simulator(
        port=options.port,
        folder=options.folder,
        pace=Pace(options.queue_seconds, options.render_seconds),
        faults=options.fault,
        credits=options.credits,
        max_concurrent=options.max_concurrent,
    )
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with simulator:
        print(
            f"{simulator.base_url}  (use it with SEEDANCE_BASE_URL={simulator.base_url} SEEDANCE_API_KEY=any)",
            flush=True,
        )
        while not ended.wait(0.5):  # short waits: on Windows a signal does not end a long one
            pass
    return 0


def _parser() -> argparse.ArgumentParser:
    usual = Pace()
    kinds = "\n".join(f"  {name:22} {kind.does}" for name, kind in KINDS.items())
    parser = argparse.ArgumentParser(
        prog="python -m seedance_nb.simulator",
        description="The Seedance Open API on 127.0.0.1, with real MP4s and no cost.",
        epilog=f"fault kinds:\n{kinds}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=8765, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--queue-seconds", type=float, default=usual.queue_seconds, help="median, default %(default)s")
    parser.add_argument(
        "--render-seconds", type=float, default=usual.render_seconds, help="median, default %(default)s"
    )
    parser.add_argument("--folder", type=Path, help="keep films and journal here (default: a temporary folder)")
    parser.add_argument("--credits", type=int, help="budget; without it everything is accepted")
    parser.add_argument("--max-concurrent", type=int, help="answer 429 while this many generations are running")
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="JSON",
        help='e.g. \'{"call": "create", "kind": "drop_after", "times": 1}\'; may be given several times',
    )
    return parser


def _fault(text: str) -> Fault:
    try:
        return msgspec.json.decode(text.encode(), type=Fault)
    except (msgspec.DecodeError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    raise SystemExit(main())
