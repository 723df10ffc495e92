"""Chromium without a window, driven by chromedriver: what a page shows, what it fetches, and what goes wrong in it."""

import json
import shutil
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

PROGRAM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = " and no ".join(
    name for name, path in {"chromium": PROGRAM, "chromedriver": DRIVER}.items() if path is None
)  # Debian has them in the packages chromium and chromium-driver
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1000,800",
)
SECONDS = 60  # no page takes so long


class Browser:
    """A browser that opens pages and takes note of their requests and errors; a context manager that ends it.

    Parameters
    ----------
    profile : Path
        An empty folder for its settings.

    Attributes
    ----------
    driver : WebDriver
        Selenium's handle, for all that a page has.
    """

    def __init__(self, profile: Path) -> None:
        options = ChromeOptions()
        options.binary_location = str(PROGRAM)
        for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = Chrome(options, Service(str(DRIVER)))
        self.driver.set_page_load_timeout(SECONDS)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()

    def open(self, page: Path) -> None:
        """Open a page, and forget what pages before it did."""
        self.driver.get("about:blank")
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(page.resolve().as_uri())

    def prefer(self, scheme: str) -> None:
        """Let pages follow a reader who prefers ``light`` or ``dark``."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a function of JavaScript in the page and return its result."""
        return self.driver.execute_script(script, *arguments)

    def requests(self) -> list[str]:
        """Return what was asked for since the page was opened or this was asked last, without the page itself."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        sockets = [m["params"]["url"] for m in messages if m["method"] == "Network.webSocketCreated"]
        return [url for url in asked + sockets if url != self.driver.current_url]

    def errors(self) -> list[str]:
        """Return what the console has complained of, such as violations of the content security policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]
