"""Makes the README's pictures of the page: `python -m tests.picture FILES`, with files of --results and --timeline."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from fixtures.checklist.html.written import written
from fixtures.checklist.matrix import CannotJoin, files_in, join
from tests import browser
from tests.conftest import ROOT

PICTURES = ROOT / "pictures"
PAGE = "#tasks-run-coroutines-concurrently?lang=en&section=3.4&rows=all"
COMPARED = "aiohttp-downloads-are-all-in-flight-at-once"


def main(files: list[str]) -> int:
    """Return the exit status: 2 where there are no such files, nothing was recorded in them, or there is no browser."""
    try:
        why = browser.missing() if files else "no files: make some with pytest spec --timeline --results FILE"
        page = "" if why else written(join(files_in(files)), ROOT)
    except CannotJoin as error:
        why = str(error)
    if page and 'class=\\"timeline' not in page:
        why = "no timelines in these files: make some with pytest spec --timeline --results FILE"
    if why:
        print(f"picture: {why}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(page, encoding="utf-8")
        driver = browser.started(Path(folder) / "profile", width=1120, height=760)
        try:
            _take(driver, path.as_uri())
        finally:
            driver.quit()
    return 0


def _take(driver, address: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    driver.get(address + PAGE)
    driver.save_screenshot(str(PICTURES / "page.png"))
    driver.get(f"{address}#{COMPARED}?lang=en&rows=all")
    drawn = driver.find_element("css selector", f"#{COMPARED} .timeline")
    driver.execute_script("document.body.replaceChildren(arguments[0])", drawn)
    browser.sized(driver, 1120, 1_600)  # no more of it is taken than can be seen at once
    drawn.screenshot(str(PICTURES / "timeline.png"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
