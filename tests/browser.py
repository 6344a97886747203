"""Debian's Chromium without a window, for tests of the page and for its picture; nothing is downloaded for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PROGRAMS = ("chromium", "chromedriver")


def missing() -> str:
    """Why there is no browser here, and what to do; empty where there is one."""
    gone = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"no {' and no '.join(gone)} on PATH: apt-get install chromium chromium-driver" if gone else ""


def started(profile: Path, language: str = "en", width: int = 1280, height: int = 900):
    """A browser with an empty profile in that folder; whoever starts it quits it."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--disable-gpu", f"--user-data-dir={profile}", f"--accept-lang={language}"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # which Chromium does not make for root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(executable_path=shutil.which("chromedriver")))
    browser.set_script_timeout(120)  # against a hang: axe reads all of a page, and machines may be busy
    sized(browser, width, height)
    return browser


def sized(browser, width: int, height: int) -> None:
    """Give the page exactly this room: a window has a least width."""
    measures = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", measures)


def coloured(browser, scheme: str) -> None:
    """Have the page shown as to a reader who prefers "dark" or "light"."""
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
