"""`hutong`: the commands, and what becomes of errors.

Exit status: 0 done, 1 failed with a remedy, 2 wrong usage, 130 and 143 interrupted. Heavy imports stand inside commands,
so that `--help` answers at once.
"""

from __future__ import annotations

import sys
import traceback

import typer

from cli.commands import (
    access,
    audit,
    backup,
    batches,
    catalog,
    certificate,
    checks,
    clients,
    codes,
    decisions,
    demo,
    documents,
    evidence,
    feeds,
    judgements,
    keys,
    library,
    provenance,
    quality,
    quarantine,
    rebuild,
    records,
    restore,
    retention,
    services,
    values,
)
from cli.interrupt import Interrupted
from cli.output import refuse
from core.errors import HutongError
from core.text import T

app = typer.Typer(
    name="hutong",
    help=str(T("互通:一市之内,群众材料只交一次。", "Hutong: a city's once-only data exchange.")),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for room in (
    services,
    demo,
    feeds,
    evidence,
    quality,
    checks,
    batches,
    quarantine,
    codes,
    decisions,
    certificate,
    judgements,
    library,
    provenance,
    records,
    catalog,
    documents,
    clients,
    access,
    keys,
    backup,
    rebuild,
    restore,
    retention,
    audit,
    values,
):
    room.register(app)


def main() -> None:
    """Run the command line and end the program with its exit status."""
    try:
        app()
    except HutongError as error:
        refuse(error, as_json=_json())
        sys.exit(1)
    except Interrupted as stop:
        sys.stderr.write(str(T("已中断,已开始的均已撤回。", "Interrupted; what had begun was undone.")) + "\n")
        sys.exit(stop.status)
    except Exception as error:
        refuse(HutongError(_unexpected(error), code="unexpected"), as_json=_json())
        sys.exit(1)


def _json() -> bool:
    """Whether --json was said: what reads standard output then reads the refusal there too."""
    return "--json" in sys.argv[1:]


def _unexpected(error: Exception) -> T:
    """Keep the traceback in the log, masked, and say where."""
    from core.log import redact
    from core.settings import home

    log = home() / "log" / "hutong.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with log.open("a", encoding="utf-8") as stream:
            stream.write(redact("".join(traceback.format_exception(error))))
    except OSError as refused:
        return T(
            f"程序出错({type(error).__name__}),且日志 {log} 不可写:{refused.strerror}。",
            f"The program failed ({type(error).__name__}), and its log {log} cannot be written: {refused.strerror}.",
        )
    return T(
        f"程序出错({type(error).__name__}),详情见 {log};请把该日志附在问题报告中。",
        f"The program failed ({type(error).__name__}); details are in {log}. Please add it to a report of the problem.",
    )


if __name__ == "__main__":
    main()
