"""Whole fleets whose own names are broken in each plausible way: SPF, HELO, bounces, reports on TLS."""

from __future__ import annotations

from tests.zoo.cage import Changes, Stable, Told


def broken(name: str, changes: Changes, *told: tuple[str, str], status: str = "fail") -> Stable:
    """A fleet, what is changed, and what is told of it: check and words."""
    return Stable(name, tuple(Told(check, status, seen) for check, seen in told), changes)


def spf(name: str, *records: str, seen: str) -> Stable:
    """The record that all customers include, and how mail from the bounce domain fares."""
    return broken(
        name, {"_spf TXT": records}, ("spf", seen), ("spf", records[0] if records else "no such name")
    )


NO_MAIL = "replies"
STABLES = (
    Stable("sound"),
    spf("spf-none", seen="has no SPF record"),
    spf("spf-short", "v=spf1 ip4:192.0.2.1 -all", seen="fail for {A}"),
    spf("spf-soft", "v=spf1 ~all", seen="fail for {A}"),
    spf("spf-two", "v=spf1 {SPF} -all", "v=spf1 {SPF} ~all", seen="has 2 SPF records"),
    spf("spf-typo", "v=spf1 ipv4:{A} -all", seen="there is no such mechanism"),
    spf("spf-self", "v=spf1 include:_spf.{F} -all", seen="more than 10 lookups"),
    broken("bounce-spf", {"bounce TXT": ()}, ("spf", "no SPF record")),
    broken("helo-spf", {"be1 TXT": ("v=spf1 -all",)}, ("spf-helo", "v=spf1 -all")),
    broken("helo-spf-none", {"be1 TXT": ()}, ("spf-helo", "no such record")),
    broken("mx-none", {"bounce MX": ()}, ("bounce-mx", "no such record"), (NO_MAIL, "no MX and no address")),
    broken("mx-other", {"bounce MX": ("10 mail.{Z}.",)}, ("bounce-mx", "10 mail.{Z}")),
    broken("mx-null", {"bounce MX": ("0 .",)}, ("bounce-mx", "0"), (NO_MAIL, "a null MX")),
    broken("smtp-none", {"smtp A": ()}, ("address", "no such name"), (NO_MAIL, "has no address")),
    broken("smtp-wrong", {"smtp A": ("192.0.2.9",)}, ("address", "192.0.2.9")),
    broken("sts-none", {"_mta-sts.bounce TXT": ()}, ("mta-sts", "none")),
    broken(
        "sts-typo", {"_mta-sts.bounce TXT": ("v=STSv1 id=1",)}, ("mta-sts", "does not begin with v=STSv1")
    ),
    broken("sts-two", {"_mta-sts.bounce TXT": ("v=STSv1; id=1;", "v=STSv1; id=2;")}, ("mta-sts", "several")),
    broken("sts-host", {"mta-sts.bounce CNAME": ()}, ("mta-sts-host", "no such name")),
    broken("sts-host-other", {"mta-sts.bounce CNAME": ("mail.{Z}.",)}, ("mta-sts-host", "mail.{Z}")),
    broken("rpt-none", {"_smtp._tls.bounce TXT": ()}, ("tls-rpt", "none")),
    broken("rpt-typo", {"_smtp._tls.bounce TXT": ("v=TLSRPTv1; ruf=mailto:x@{Z}",)}, ("tls-rpt", "no rua=")),
    broken(
        "loop",
        {"smtp A": (), "smtp CNAME": ("again.{F}.",), "again CNAME": ("smtp.{F}.",)},
        ("address", "in a circle: smtp.{F} → again.{F} → smtp.{F}"),
        ("mta-sts-host", "in a circle: mta-sts.bounce.{F} → smtp.{F} → again.{F} → smtp.{F}"),
        (NO_MAIL, "in a circle: smtp.{F} → again.{F} → smtp.{F}"),
        status="unknown",
    ),
)
