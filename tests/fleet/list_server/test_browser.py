"""The list server in a real browser: a reader comes, confirms and leaves; the administrator logs in.

PROVISIONER_SCREENSHOTS=docs/images keeps what is seen there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from provisioner.core import web_forms
from tests.browser.conftest import CHROMIUM
from tests.fleet.fleet import Fleet, eventually
from tests.fleet.list_server.conftest import ListServer

READER = "browser@gmail.test"
LIST = "news"

Snap = Callable[[Page, str], None]


def chromium_in_the_world(fleet: Fleet, folder: Path) -> Path:
    """Chromium at a reader's, in the network of the lab's world.

    In this machine's own it would drop a page (ERR_NETWORK_CHANGED) whenever other tests make a container.
    Only root gets there: sudo would close the pipes by which it is driven.
    """
    if os.geteuid() != 0:
        return Path(CHROMIUM)
    machine = fleet.machines.lab.container("world1")
    found = fleet.machines.substrate.podman("inspect", "--format={{.State.Pid}}", machine)
    script = folder / "chromium"
    network = f"/proc/{found.stdout.decode().strip()}/ns/net"
    script.write_text(f'#!/bin/sh\nexec nsenter --net={network} {CHROMIUM} "$@"\n')
    script.chmod(0o755)
    return script


@pytest.fixture(scope="module")
def browser(fleet: Fleet, server: ListServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium that finds the site where `dem create` put it; its certificate is checked by `dem check`."""
    rule = f"MAP {server.site} {server.told['address']}"
    chromium = chromium_in_the_world(fleet, tmp_path_factory.mktemp("browser"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", f"--host-resolver-rules={rule}"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of a reader who has no cookies yet."""
    context = browser.new_context(
        ignore_https_errors=True,
        locale="en-GB",
        viewport={"width": 1000, "height": 700},
        # Sympa gives what calls itself headless no session, as it does with other robots.
        user_agent=f"Mozilla/5.0 (X11; Linux x86_64) Chrome/{browser.version}",
    )
    yield context.new_page()
    context.close()


@pytest.fixture
def snap() -> Snap:
    """Keeps a picture of a page, where a folder for them is named."""
    folder = os.environ.get("PROVISIONER_SCREENSHOTS")

    def take(page: Page, name: str) -> None:
        if folder:
            page.screenshot(path=Path(folder) / f"list-server-{name}.png")

    return take


def link_in_mail(fleet: Fleet, since: float, part: str) -> str:
    """A link with this part, from a mail to the reader, once there is one."""

    def look() -> str | None:
        mails = [each.raw for each in fleet.world_received(since) if each.recipient == READER]
        links = [link for raw in mails for link in (*web_forms.links(raw), web_forms.one_click(raw))]
        return next((link for link in links if part in link), None)

    return eventually(look, f"a link to {part} for {READER}")


def on_the_list(fleet: Fleet, server: ListServer) -> bool:
    return READER in fleet.shell(server.told["host"], f"provisioner-dem subscribers {LIST}")


def test_a_reader_subscribes_and_leaves(fleet: Fleet, server: ListServer, page: Page, snap: Snap) -> None:
    since = time.time() - 1
    page.goto(f"https://{server.site}/sympa/subscribe/{LIST}")
    page.locator("form input[name=email]").last.fill(READER)
    snap(page, "subscribe")
    page.locator("[name=action_subscribe]").click()
    page.locator("[name=response_action_confirm]").click()
    page.goto(link_in_mail(fleet, since, "/auth/"))
    snap(page, "confirm")
    assert not on_the_list(fleet, server)
    page.get_by_role("button", name="Confirm").click()
    assert on_the_list(fleet, server)

    question = f'{{"list": "{LIST}", "subject": "Spring", "text": "Hello", "html": "<p>Hello</p>"}}'
    fleet.shell(server.told["host"], f"echo '{question}' | provisioner-dem send")
    page.goto(link_in_mail(fleet, since, "/oneclick/"))
    snap(page, "unsubscribe")
    assert on_the_list(fleet, server)
    page.get_by_role("button", name="Unsubscribe").click()
    assert page.get_by_role("heading", name="Done").is_visible()
    snap(page, "done")
    assert not on_the_list(fleet, server)


def test_the_administrator_logs_in(server: ListServer, page: Page, snap: Snap) -> None:
    page.goto(f"https://{server.site}/sympa/login")
    page.locator("input[name=email]:visible").fill(server.told["admin"])
    page.locator("input[name=passwd]:visible").fill(server.told["admin_password"])
    page.locator("input[name=passwd]:visible").press("Enter")
    page.get_by_text("Logout").first.wait_for(state="attached")
    page.goto(f"https://{server.site}/sympa/admin/{LIST}")
    snap(page, "administration")
    page.get_by_role("link", name="Edit List Config").first.wait_for()
