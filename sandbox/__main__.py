"""``python -m sandbox up | down | status | drill FILE-OR-FOLDER... | demo``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sandbox.places import SandboxError, Up


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 done, 1 an expectation did not hold or the sandbox failed, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A payment platform that breaks.")
    words = parser.add_subparsers(dest="word", required=True)
    start = words.add_parser("up", help="start the sandbox and deploy the responder to it")
    start.add_argument("--without-responder", action="store_true",
                       help="the platform alone, as a team has it before it takes the responder into use")
    words.add_parser("down", help="stop the sandbox")
    words.add_parser("environment", help="print the variables by which commands reach the sandbox, for a shell's eval")
    words.add_parser("status", help="show whether a sandbox is up, and its addresses")
    drill = words.add_parser("drill", help="run drills")
    drill.add_argument("paths", nargs="+", type=Path, metavar="FILE-OR-FOLDER")
    drill.add_argument("--json", type=Path, metavar="OUT-FOLDER", help="write OUT-FOLDER/NAME.json for each")
    drill.add_argument("--record", type=Path, metavar="FOLDER",
                       help="keep FOLDER/NAME.json.gz of each, for a replay, in FOLDER/truth what really happened, in "
                            "FOLDER/calls what was asked of AWS")
    drill.add_argument("--messages", type=Path, metavar="FOLDER",
                       help="write FOLDER/NAME.md for each: all that people were told, in order")
    drill.add_argument("--world", metavar="KEY=VALUE[,KEY=VALUE…]", default="",
                       help="how the sandbox speaks in all drills, such as account=quiet (docs/drills.md)")
    drill.add_argument("--eyes", metavar="NAME", default="",
                       help="other vendors that see the platform in all drills: aws is CloudWatch, Prometheus and "
                            "CloudWatch Logs alone (docs/drills.md)")
    drill.add_argument("--config", type=Path, metavar="FILE",
                       help="the service's configuration, as `responder init` wrote it, in place of the shipped one")
    drill.add_argument("--keep", action="store_true", help="leave the sandbox up")
    drill.add_argument("--history", action="store_true",
                       help="keep what the vendors have of each drill, for questions about its time (docs/drills.md); "
                            "each begins a minute later")
    demo = words.add_parser("demo", help="a bad release, from alarm to postmortem")
    demo.add_argument("--keep", action="store_true", help="leave the sandbox up")
    given = parser.parse_args(arguments)
    try:
        return _WORDS[given.word](given)
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _up(given: argparse.Namespace) -> int:
    from sandbox import run
    from sandbox.remote import Remote

    sandbox = run.up(responder=not given.without_responder)
    Remote(sandbox.ports).reset()
    return _status(given)


def _down(given: argparse.Namespace) -> int:
    from sandbox import run

    print("the sandbox is down" if run.down() else "no sandbox was up")
    return 0


def _environment(given: argparse.Namespace) -> int:
    from sandbox.places import STATE, aws_environment, stand_ins
    from sandbox.vendors import newrelic, splunk

    sandbox = Up.load()
    if sandbox is None:
        print("no sandbox is up; `make up` starts one", file=sys.stderr)
        return 1
    variables = {**aws_environment(sandbox.ports), **stand_ins(sandbox.ports),
                 "KUBECONFIG": str(STATE / "control-plane" / "admin.kubeconfig"), "NEW_RELIC_API_KEY": newrelic.KEY,
                 "SPLUNK_TOKEN": splunk.TOKEN, "SANDBOX_VENDORS": f"http://127.0.0.1:{sandbox.ports.world}"}
    for name, value in variables.items():
        print(f"export {name}={value}")
    return 0


def _status(given: argparse.Namespace) -> int:
    sandbox = Up.load()
    if sandbox is None:
        print("no sandbox is up; `make up` starts one")
        return 1
    print(f"the sandbox is up. AWS: --endpoint-url http://127.0.0.1:{sandbox.ports.aws} (any credentials)")
    for name, value in sandbox.outputs.items():
        print(f"  {name}: {value}")
    return 0


def _drill(given: argparse.Namespace) -> int:
    from sandbox.drill.contract import ContractError, read
    from sandbox.drill.run import run_all
    from sandbox.eyes import overrides
    from sandbox.worlds import parsed

    if given.config:
        if not given.config.is_file():
            print(f"nothing was started:\n--config {given.config}: expected a readable file", file=sys.stderr)
            return 2
        os.environ["SANDBOX_CONFIG"] = str(given.config.resolve())
    if given.eyes:
        overrides(given.eyes)
        os.environ["SANDBOX_EYES"] = given.eyes
    try:
        world = parsed(given.world) if given.world else {}
    except ValueError as error:
        print(f"nothing was started:\n--world: expected {error}", file=sys.stderr)
        return 2
    try:
        drills = read(given.paths)
    except ContractError as error:
        print(f"nothing was started:\n{error}", file=sys.stderr)
        return 2
    return 0 if run_all(drills, given.json, given.keep, given.record, given.messages, world,
                        given.history) else 1


def _demo(given: argparse.Namespace) -> int:
    from sandbox.demo import demo

    return demo(keep=given.keep)


_WORDS = {"up": _up, "environment": _environment, "down": _down, "status": _status, "drill": _drill, "demo": _demo}


if __name__ == "__main__":
    # The responder's own folder holds the configuration's model, which the sandbox reads too.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lambdas"))
    sys.exit(main(sys.argv[1:]))
