"""What receivers insist on, and what they leave at advice."""

from __future__ import annotations

import pytest

from provisioner.core.findings import Finding, Status
from provisioner.core.profiles import Profile, insists, judge


def judged(check: str, status: Status, profile: Profile) -> Status:
    (found,) = judge([Finding(check, "acme.example", status, "seen")], profile)
    return found.status


@pytest.mark.parametrize("profile", Profile)
def test_advice_that_is_wrong_is_a_warning_and_doubt_stays_doubt(profile: Profile) -> None:
    assert judged("mta-sts", Status.FAIL, profile) is Status.WARN
    assert judged("mta-sts", Status.UNKNOWN, profile) is Status.UNKNOWN
    assert judged("spf", Status.FAIL, profile) is Status.FAIL
    assert not insists(profile, Finding("mta-sts", "acme.example", Status.UNKNOWN, "seen"))


@pytest.mark.parametrize(
    ("check", "strict", "lenient"),
    [
        ("one-click", {Profile.GOOGLE, Profile.YAHOO}, {Profile.MICROSOFT, Profile.LIBERO}),
        ("helo", {Profile.YAHOO, Profile.LIBERO}, {Profile.GOOGLE, Profile.MICROSOFT}),
        ("replies", {Profile.MICROSOFT, Profile.LIBERO}, {Profile.GOOGLE, Profile.YAHOO}),
        ("tls", {Profile.GOOGLE}, {Profile.YAHOO, Profile.MICROSOFT, Profile.LIBERO}),
        ("spf-helo", {Profile.LIBERO}, {Profile.GOOGLE, Profile.YAHOO, Profile.MICROSOFT}),
    ],
)
def test_each_receiver_insists_on_its_own(check: str, strict: set[Profile], lenient: set[Profile]) -> None:
    found = {profile: judged(check, Status.FAIL, profile) for profile in Profile}
    assert found == dict.fromkeys({*strict, Profile.ALL}, Status.FAIL) | dict.fromkeys(lenient, Status.WARN)
