"""The quota service without its store: questions, accounts, windows, and answers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from provisioner_quota import policy, verdicts
from provisioner_quota.accounts import FRESH, Account, Accounts, parse
from provisioner_quota.windows import clock, windows
from provisioner_store.suppressions import Entry

from provisioner.core.bundle import compile_bundle
from provisioner.core.grants import grant
from provisioner.core.plans import SHIPPED, Override, Suppression
from tests.unit.core.test_bundle import ACME, INVENTORY

ROME = ZoneInfo("Europe/Rome")
ZONES = ["UTC", "Europe/Rome", "America/St_Johns", "Pacific/Chatham", "Asia/Kolkata", "America/Sao_Paulo"]
ASKED = (
    b"request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\nclient_address=203.0.113.7\n"
    b"sender=a@acme.example\nrecipient=\nrecipient_count=3\nsize=2048\nsasl_username=acme\ninstance=1a.6f.0"
)


def account(**facts: object) -> Account:
    basic = {"customer": "acme", "time_zone": "Europe/Rome", "above_limit": "defer", "limits": {}}
    return parse(json.dumps(basic | facts).encode())


def question(**fields: object) -> policy.Request:
    known = {"state": policy.END_OF_MESSAGE, "instance": "1", "login": "acme", "recipients": 1, "size": 100}
    return policy.Request(**{**known, "client": "203.0.113.7", **fields})  # type: ignore[arg-type]


def test_a_question_of_postfix() -> None:
    found = policy.parse(ASKED)
    assert (found.state, found.login, found.recipients, found.size) == ("END-OF-MESSAGE", "acme", 3, 2048)
    assert found.client == "203.0.113.7"


@pytest.mark.parametrize("bad", [b"", b"GET / HTTP/1.1", b"protocol_state=DATA", ASKED.replace(b"=3", b"=x")])
def test_what_is_no_question(bad: bytes) -> None:
    with pytest.raises(policy.BadRequestError):
        policy.parse(bad)


def test_an_answer_is_one_line_whatever_a_reason_holds() -> None:
    assert policy.answer("554 5.7.1 unpaid\naction=OK\n\n") == b"action=554 5.7.1 unpaid action=OK\n\n"


def test_the_service_reads_what_the_inventory_compiles(tmp_path: Path) -> None:
    customer = ACME.model_copy(
        update={
            "overrides": {
                "recipients_per_day": Override.model_validate(
                    {"value": None, "until": "2030-03-30", "reason": "sale"}
                )
            }
        }
    )
    found = parse(json.dumps(grant(customer, customer.accounts[0], SHIPPED["base"], "Europe/Rome")).encode())
    midnight = datetime(2030, 3, 31, tzinfo=ROME).timestamp()
    assert found.limit("recipients_per_day", midnight - 1) is None
    assert found.limit("recipients_per_day", midnight) == 1000
    assert found.suppresses
    careless = SHIPPED["base"].model_copy(update={"suppression": Suppression.OFF})
    assert not parse(json.dumps(grant(customer, customer.accounts[0], careless, "UTC")).encode()).suppresses
    (tmp_path / "accounts").write_bytes(compile_bundle(INVENTORY).frontend["accounts"])
    accounts = Accounts(tmp_path)
    assert accounts.get("globex") is not None
    assert accounts.get("nobody") is None


def test_a_switched_bundle_counts_soon(tmp_path: Path) -> None:
    for name, reason in (("one", None), ("two", "unpaid")):
        (tmp_path / name).mkdir()
        facts: dict[str, object] = {
            "customer": "a",
            "time_zone": "UTC",
            "above_limit": "defer",
            "limits": {},
            "suspended": reason,
        }
        (tmp_path / name / "accounts").write_text(f"a {json.dumps(facts)}\n")
    link = tmp_path / "current"
    link.symlink_to("one")
    moments = iter((0.0, FRESH))
    accounts = Accounts(link, now=lambda: next(moments))
    before = accounts.get("a")
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").replace(link)
    after = accounts.get("a")
    assert before is not None
    assert after is not None
    assert (before.suspended, after.suspended) == (None, "unpaid")


@pytest.mark.parametrize(
    ("facts", "fields", "code"),
    [
        ({}, {}, None),
        ({"suspended": "unpaid"}, {}, "554 5.7.1 sending is suspended: unpaid; contact help@x"),
        ({"networks": ["203.0.113.0/24"]}, {}, None),
        ({"networks": ["198.51.100.0/24", "2001:db8::/32"]}, {}, "554 5.7.1 this account may not be used"),
        ({"networks": ["203.0.113.0/24"]}, {"client": "unknown"}, "554 5.7.1"),
        ({"limits": {"recipients_per_message": 2}}, {"recipients": 2}, None),
        (
            {"limits": {"recipients_per_message": 2}},
            {"recipients": 3},
            "554 5.5.3 3 recipients; the plan allows 2",
        ),
        ({"limits": {"message_size": 100}}, {"size": 101}, "552 5.3.4"),
        ({"limits": {"recipients_per_day": 5}}, {"recipients": 5}, None),
        (
            {"limits": {"recipients_per_day": 5}},
            {"recipients": 6},
            "554 5.5.3 6 recipients in one message; the plan allows 5 a day",
        ),
        (
            {"limits": {"recipients_per_day": 9, "recipients_per_hour": 5}},
            {"recipients": 6},
            "554 5.5.3 6 recipients in one message; the plan allows 5 an hour",
        ),
    ],
)
def test_what_is_refused_without_counting(
    facts: dict[str, object], fields: dict[str, object], code: str | None
) -> None:
    said = verdicts.local(question(**fields), account(**facts), 0, "help@x")
    assert said is None if code is None else str(said).startswith(code)


def test_a_refused_recipient_is_told_why_in_plain_signs() -> None:
    told = verdicts.suppressed("Anna@b.example", "acme", Entry("bounce", 1767225600, "caff\u00e8\x1b[1m"))
    assert told == (
        "550 5.7.1 <Anna@b.example> is on the suppression list of acme: bounce on 2026-01-01, caff??[1m"
    )


def test_a_full_day_says_when_it_opens_again() -> None:
    now = datetime(2026, 10, 24, 18, 30, tzinfo=ROME).timestamp()
    plan = account(limits={"recipients_per_day": 1000})
    said = verdicts.counted(verdicts.DAY, plan, question(), (1000, 10), now)
    assert said == (
        "450 4.7.1 1000 of 1000 recipients of this day are used, 1 more do not fit; "
        "it opens again at 2026-10-25 00:00 Europe/Rome"
    )
    rejecting = account(limits={"recipients_per_day": 1000}, above_limit="reject")
    again = verdicts.counted(verdicts.DAY, rejecting, question(), (1000, 10), now)
    assert str(again).startswith("554 5.7.1")


@pytest.mark.parametrize("verdict", [verdicts.DAY, verdicts.HOUR, verdicts.MINUTE, verdicts.CONNECTIONS])
@pytest.mark.parametrize(("above", "code"), [("defer", "450 4.7.1 "), ("reject", "554 5.7.1 ")])
def test_above_any_limit_the_plan_says_what_happens(verdict: int, above: str, code: str) -> None:
    plan = account(above_limit=above, limits={"messages_per_minute": 2, "connections": 1})
    assert str(verdicts.counted(verdict, plan, question(), (1, 1), 0)).startswith(code)


@pytest.mark.parametrize(("date", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 7, 1), 24)])
def test_a_day_has_the_hours_that_its_clocks_give_it(date: tuple[int, int, int], hours: int) -> None:
    begin = int(datetime(*date, tzinfo=ROME).timestamp())
    moments = [windows(begin + step, "Europe/Rome") for step in range(0, hours * 3600, 900)]
    assert {found.day for found in moments} == {datetime(*date).date().isoformat()}
    assert len({found.hour for found in moments}) == hours
    assert windows(begin + hours * 3600, "Europe/Rome").day != moments[0].day
    assert all(found.day_ends == begin + hours * 3600 for found in moments)


@given(st.floats(min_value=1.6e9, max_value=2.2e9), st.sampled_from(ZONES))
def test_every_moment_lies_in_its_day_and_hour(moment: float, zone: str) -> None:
    found = windows(moment, zone)
    local = datetime.fromtimestamp(moment, ZoneInfo(zone))
    assert found.day == local.date().isoformat()
    assert int(found.hour) <= moment < found.hour_ends
    assert moment < found.day_ends
    after = datetime.fromtimestamp(found.day_ends, ZoneInfo(zone))
    assert after.date() == local.date() + timedelta(days=1)
    assert windows(found.day_ends, zone).day != found.day
    assert windows(found.day_ends - 1, zone).day == found.day
    assert clock(moment, zone).startswith(found.day)
