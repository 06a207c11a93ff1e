"""A headless Chromium, driven by selenium, and how to get into Airflow and onto the page with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from selenium import webdriver
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from demo.standalone import USER, Standalone

_OPTIONS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1440,1000")


class NoChromium(RuntimeError):
    """There is no browser here; the message says how to get one."""


@contextmanager
def chromium() -> Iterator[WebDriver]:
    """A browser at the size of a laptop's screen."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        raise NoChromium("no chromium with chromedriver here: install them (Debian: apt install chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in _OPTIONS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield started
    finally:
        started.quit()


def wait_for(browser: WebDriver, selector: str, text: str = "", timeout: float = 20) -> WebElement:
    """The first element of `selector` that shows `text`; selenium's TimeoutException says what was missing."""

    def found(_: WebDriver) -> WebElement | bool:
        elements = browser.find_elements(By.CSS_SELECTOR, selector)
        return next((element for element in elements if text in element.text), False)

    # An element may be redrawn while it is read: then the next look finds the new one.
    return WebDriverWait(browser, timeout, ignored_exceptions=[Exception]).until(found, f"no {selector} with {text!r}")


def log_in(browser: WebDriver, airflow: Standalone, user: str = USER) -> None:
    """Log in through Airflow's own form."""
    browser.switch_to.default_content()
    browser.get(airflow.url)
    browser.delete_all_cookies()
    browser.get(airflow.url)
    wait_for(browser, "input[name=username]").send_keys(user)
    browser.find_element(By.NAME, "password").send_keys(airflow.passwords[user] + Keys.ENTER)
    wait_for(browser, "a[href='/dags']")


def open_page(browser: WebDriver, query: str = "") -> None:
    """The page anew, in its frame inside Airflow's UI."""
    browser.switch_to.default_content()
    browser.get(browser.execute_script("return location.origin") + "/plugin/dns" + query)
    enter_frame(browser)


def enter_frame(browser: WebDriver) -> None:
    """Into the page's frame, once it has read what it shows."""
    browser.switch_to.frame(wait_for(browser, "iframe"))
    settle(browser)


def settle(browser: WebDriver) -> None:
    """Until the page has read and drawn what it was asked for."""
    WebDriverWait(browser, 20).until(
        lambda _: browser.find_element(By.ID, "content").get_attribute("aria-busy") == "false"
    )


def row_of(browser: WebDriver, job: str, state: str = "") -> WebElement:
    """The row of a job, once it is there, in `state` if given."""
    return wait_for(browser, f"tr[data-job-row='{job}']" + (f"[data-state={state}]" if state else ""))
