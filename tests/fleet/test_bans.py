"""Whoever guesses passwords is refused on every frontend for a while; the customer itself is not."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.fleet.fleet import Account, Fleet

GUESSER = "world1"
_LOGINS = """
import smtplib, ssl, sys
from concurrent.futures import ThreadPoolExecutor
address, login, *passwords = sys.stdin.read().split()
def attempt(password):
    smtp = smtplib.SMTP(address, 587)
    smtp.starttls(context=ssl._create_unverified_context())
    smtp.ehlo()
    try:
        smtp.user, smtp.password = login, password
        return smtp.auth("PLAIN", smtp.auth_plain)[0]
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    finally:
        smtp.close()
with ThreadPoolExecutor(6) as pool:
    print(*pool.map(attempt, passwords))
"""


@pytest.fixture
def customer(fleet: Fleet) -> Iterator[Account]:
    try:
        yield fleet.add_customer("guessed", "guessed.hooli.example", sends=False)
    finally:
        fleet.cli("customer", "unban", "guessed")
        fleet.done("customer", "remove", "guessed", "--yes")


def attempts(fleet: Fleet, login: str, passwords: list[str]) -> list[str]:
    """The answers to logins from the world's machine, several at a time, over both frontends."""
    assert fleet.on(GUESSER, "tee", "/root/logins.py", stdin=_LOGINS.encode()).ok
    words = " ".join([str(fleet.inventory.settings.virtual_address), login, *passwords])
    said = fleet.on(GUESSER, "python3", "/root/logins.py", stdin=words.encode())
    assert said.ok, said.complaint
    return said.text.split()


def test_a_guesser_is_banned_everywhere_and_the_customer_is_not(fleet: Fleet, customer: Account) -> None:
    right = customer.password
    assert attempts(fleet, customer.login, [right]) == ["235"]
    assert set(attempts(fleet, customer.login, [f"wrong{number}" for number in range(12)])) == {"535"}
    # Whichever frontend it reaches, the right password does not help it now.
    assert attempts(fleet, customer.login, [right] * 4) == ["535"] * 4
    with fleet.session(customer):
        pass  # from elsewhere, the customer goes on

    shown = json.loads(fleet.done("customer", "show", customer.customer, "--json"))
    source = str(fleet.host(GUESSER).address)
    assert [(ban["source"], ban["failures"]) for ban in shown["bans"]] == [(source, 10)]
    assert 0 < shown["bans"][0]["seconds"] <= 900
    assert "1 ban(s)" in fleet.done("customer", "unban", customer.customer)
    assert attempts(fleet, customer.login, [right]) == ["235"]
    assert json.loads(fleet.done("customer", "show", customer.customer, "--json"))["bans"] == []
