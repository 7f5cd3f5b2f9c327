"""The cells of a workbook, read by a process of its own: `python connectors/cells.py FILE`.

Calamine holds a whole sheet as a rectangle, and a file of a few kilobytes can name a rectangle that no machine holds: what
it cannot allocate ends its process. So that process is not ours, and its memory has a limit. It imports nothing of the
product, nor much else: it starts in a few hundredths of a second.

Standard output, each a marshalled object: (sheet name, its first rows) for every sheet in turn, and for the one that
standard input answers `y`, lists of further rows until an empty one. A damaged file ends with ("", kind of the error).
"""

import marshal
import resource
import sys
from datetime import date, datetime
from itertools import islice

from python_calamine import CalamineWorkbook

ROWS = 20_000
SIZE = 16 << 20
"""Rows given out at a time, and characters in them."""
HEAD = 50
MOST_BYTES, MOST_SECONDS = 3 << 30, 1_800
_EXACT = 10**15


def main() -> None:
    """Read the workbook named first, its sheets or those named after it."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = sys.stdout.buffer
    try:
        with CalamineWorkbook.from_path(sys.argv[1]) as book:
            names = sys.argv[2:] or book.sheet_names
            for name in names:
                if name not in book.sheet_names:
                    continue
                rows = book.get_sheet_by_name(name).iter_rows()
                _say(out, (name, [[text(cell) for cell in row] for row in islice(rows, HEAD)]))
                if sys.stdin.buffer.read(1) != b"y":
                    continue
                # a million formatted, empty rows cost nothing
                full = ([text(cell) for cell in row] for row in rows if any(cell != "" for cell in row))
                chunk, size = [], 0
                for row in full:
                    chunk.append(row)
                    size += sum(len(cell) for cell in row if cell)
                    if len(chunk) == ROWS or size > SIZE:
                        _say(out, chunk)
                        chunk, size = [], 0
                if chunk:
                    _say(out, chunk)
                _say(out, [])
                return
        _say(out, None)
    except BrokenPipeError:
        sys.stderr.close()
    except BaseException as error:  # a panic of the Rust library is not an Exception
        _say(out, ("", type(error).__name__))


def _say(out, what) -> None:  # type: ignore[no-untyped-def]
    marshal.dump(what, out)
    out.flush()


def text(cell: object) -> str | None:
    """A cell as text: dates in ISO 8601, numbers with the 15 digits a spreadsheet keeps, text untouched."""
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if not cell.is_integer():
            return f"{cell:.15g}"
        return str(int(cell)) if abs(cell) < _EXACT else f"{cell:.14E}"
    if isinstance(cell, datetime):
        midnight = not (cell.hour or cell.minute or cell.second or cell.microsecond)
        return cell.date().isoformat() if midnight else cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


if __name__ == "__main__":
    main()
