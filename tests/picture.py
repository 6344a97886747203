"""Makes the picture of the page that the README shows: `python -m tests.picture FILES`, with files of --results."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from fixtures.checklist.html.written import written
from fixtures.checklist.matrix import CannotJoin, files_in, join
from tests import browser
from tests.conftest import ROOT

PICTURE = ROOT / "pictures" / "page.png"
SHOWN = "#tasks-run-coroutines-concurrently?lang=en&section=3.4&rows=all"


def main(files: list[str]) -> int:
    """Return the exit status: 2 where there are no such files, or no browser."""
    try:
        why = browser.missing() if files else "no files: make some with pytest spec --results FILE"
        page = "" if why else written(join(files_in(files)), ROOT)
    except CannotJoin as error:
        why = str(error)
    if why:
        print(f"picture: {why}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(page, encoding="utf-8")
        driver = browser.started(Path(folder) / "profile", width=1120, height=760)
        try:
            driver.get(path.as_uri() + SHOWN)
            PICTURE.parent.mkdir(exist_ok=True)
            driver.save_screenshot(str(PICTURE))
        finally:
            driver.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
