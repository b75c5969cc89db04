"""The list server in a real browser: a reader comes, confirms and leaves; the administrator logs in.

PROVISIONER_SCREENSHOTS=docs/images keeps what is seen there.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Kind:
    """What is different with one kind of list software: addresses of pages, and what is done there.

    made: the fixture of its server. pictures: how the names of its own pages' pictures begin. filled, ticked,
    pressed: in the form to subscribe. confirming, leaving: a part of the links in mails. goodbye: what the
    last page says. door: where the administrator logs in, with fields login and password. lists: a page for
    the administrator alone, and a link on it.
    """

    made: str
    pictures: str
    form: str
    filled: tuple[str, ...]
    ticked: tuple[str, ...]
    pressed: tuple[str, ...]
    confirming: str
    leaving: str
    goodbye: str
    door: str
    login: str
    password: str
    lists: tuple[str, str]


SYMPA = Kind(
    made="server",
    pictures="",
    form=f"/sympa/subscribe/{LIST}",
    filled=("form input[name=email] >> nth=-1",),
    ticked=(),
    pressed=("[name=action_subscribe]", "[name=response_action_confirm]"),
    confirming="/auth/",
    leaving="/oneclick/",
    goodbye="Your request has been carried out",
    door="/sympa/login",
    login="input[name=email]:visible",
    password="input[name=passwd]:visible",
    lists=(f"/sympa/admin/{LIST}", "Edit List Config"),
)
PHPLIST = Kind(
    made="phplist",
    pictures="phplist-",
    form="/lists/?p=subscribe",
    filled=("[name=email]", "[name=emailconfirm]"),
    ticked=(f"b:text-is('{LIST}')",),
    pressed=("[name=subscribe]",),
    confirming="p=confirm",
    leaving="p=unsubscribe",
    goodbye="You have been unsubscribed",
    door="/lists/admin/",
    login="[name=login]",
    password="[name=password]",
    lists=("/lists/admin/?page=list", "Add a list"),
)


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


@pytest.fixture(scope="module", params=[SYMPA, PHPLIST], ids=lambda kind: kind.made)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(scope="module")
def site(kind: Kind, request: pytest.FixtureRequest) -> ListServer:
    found: ListServer = request.getfixturevalue(kind.made)
    return found


@pytest.fixture(scope="module")
def browser(fleet: Fleet, site: ListServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium that finds the site where `dem create` put it; its certificate is checked by `dem check`."""
    rule = f"MAP {site.site} {site.told['address']}"
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


def on_the_list(fleet: Fleet, site: ListServer) -> bool:
    readers = json.loads(fleet.shell(site.told["host"], f"provisioner-dem subscribers {LIST}"))
    return any(each["email"] == READER and each["confirmed"] for each in readers)


def test_a_reader_subscribes_and_leaves(
    fleet: Fleet, kind: Kind, site: ListServer, page: Page, snap: Snap
) -> None:
    since = time.time() - 1
    page.goto(f"https://{site.site}{kind.form}")
    for field in kind.filled:
        page.locator(field).fill(READER)
    for box in kind.ticked:
        page.locator(box).click()
    snap(page, f"{kind.pictures}subscribe")
    for button in kind.pressed:
        page.locator(button).click()
    page.goto(link_in_mail(fleet, since, kind.confirming))
    snap(page, "confirm")
    assert not on_the_list(fleet, site)
    page.get_by_role("button", name="Confirm").click()
    assert on_the_list(fleet, site)

    question = f'{{"list": "{LIST}", "subject": "Spring", "text": "Hello", "html": "<p>Hello</p>"}}'
    fleet.shell(site.told["host"], f"echo '{question}' | provisioner-dem send")
    page.goto(link_in_mail(fleet, since, kind.leaving))
    snap(page, "unsubscribe")
    assert on_the_list(fleet, site)
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_text(kind.goodbye).wait_for()
    snap(page, f"{kind.pictures}done")
    assert not on_the_list(fleet, site)


def test_the_administrator_logs_in(kind: Kind, site: ListServer, page: Page, snap: Snap) -> None:
    page.goto(f"https://{site.site}{kind.door}")
    page.locator(kind.login).fill(site.told["admin_login"])
    page.locator(kind.password).fill(site.told["admin_password"])
    page.locator(kind.password).press("Enter")
    page.get_by_text("Logout").first.wait_for(state="attached")
    # phpList fetches the language for whoever comes first, and then loads its page again.
    page.wait_for_load_state("networkidle")
    address, link = kind.lists
    page.goto(f"https://{site.site}{address}")
    page.get_by_role("link", name=link).first.wait_for()
    snap(page, f"{kind.pictures}administration")
