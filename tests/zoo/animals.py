"""Domains broken in each plausible way, and sound ones that look odd: the latter must not be reported."""

from __future__ import annotations

from tests.zoo.cage import Animal, Told

LONG = "v=DMARC1; p=none; rua=mailto:dmarc@{D}"
INCLUDE = "include:_spf.op.{Z}"


def spf(name: str, status: str, seen: str, *records: str, **more: tuple[str, ...]) -> Animal:
    """A domain with other SPF records; `more`: helpers by label, TXT."""
    helpers = {f"{label} TXT": texts for label, texts in more.items()}
    return Animal(name, (Told("spf", status, seen),), {"@ TXT": records, **helpers})


def dmarc(name: str, status: str, seen: str, *records: str) -> Animal:
    return Animal(name, (Told("dmarc", status, seen),), {"_dmarc TXT": records})


def dkim(name: str, seen: str, changes: dict[str, tuple[str, ...]], status: str = "fail") -> Animal:
    return Animal(name, (Told("dkim", status, seen),), changes)


def replies(name: str, status: str, seen: str, mx: tuple[str, ...], **more: tuple[str, ...]) -> Animal:
    helpers = {key.replace("_", " "): value for key, value in more.items()}
    return Animal(name, (Told("replies", status, seen),), {"@ MX": mx, **helpers})


def sound(name: str, **changes: tuple[str, ...]) -> Animal:
    return Animal(name, (), {key.replace("__", " "): value for key, value in changes.items()})


TEN = " ".join(f"include:i{n}.{{D}}" for n in range(11))
NINE = " ".join(f"include:i{n}.{{D}}" for n in range(8))

SPF = (
    spf("spf-none", "fail", "no SPF record"),
    spf("spf-two", "fail", "|", "v=spf1 {I} ~all", "v=spf1 mx -all"),
    spf("spf-anyone", "fail", "lets anyone send", "v=spf1 {I} +all"),
    spf("spf-anyone-bare", "fail", "lets anyone send", "v=spf1 all"),
    spf("spf-anyone-network", "fail", "lets anyone send", "v=spf1 ip4:0.0.0.0/0 -all"),
    spf("spf-anyone-behind", "fail", "lets anyone send", "v=spf1 redirect=open.{D}", open=("v=spf1 +all",)),
    spf("spf-not-us", "fail", "fail for", "v=spf1 mx -all"),
    spf("spf-not-us-softly", "fail", "softfail for", "v=spf1 mx ~all"),
    spf("spf-some-of-us", "fail", "fail for", "v=spf1 ip4:10.77.0.201 -all"),
    spf("spf-too-late", "fail", "-all in the record", "v=spf1 mx -all {I}"),
    spf("spf-denied", "fail", "fail for", "v=spf1 -{I} ~all"),
    spf("spf-typo-include", "fail", "has no SPF record", "v=spf1 include:_spf.opp.{Z} ~all"),
    spf("spf-typo-term", "fail", "no such mechanism", "v=spf1 {I} ipv4:192.0.2.1 ~all"),
    spf("spf-typo-colon", "fail", "no such mechanism", "v=spf1 include=_spf.op.{Z} inc:x ~all"),
    spf("spf-bad-address", "fail", "no valid address", "v=spf1 ip4:192.0.2.300 {I} ~all"),
    spf("spf-wrong-family", "fail", "other family", "v=spf1 ip4:2001:db8::1 {I} ~all"),
    spf("spf-bad-prefix", "fail", "prefix length", "v=spf1 ip4:192.0.2.0/33x {I} ~all"),
    spf(
        "spf-eleven",
        "fail",
        "more than 10 lookups",
        f"v=spf1 {TEN} {{I}} ~all",
        **{f"i{n}": ("v=spf1 -all",) for n in range(11)},
    ),
    spf(
        "spf-eleven-behind",
        "fail",
        "more than 10 lookups",
        f"v=spf1 {{I}} {TEN} ~all",
        **{f"i{n}": ("v=spf1 -all",) for n in range(11)},
    ),
    spf(
        "spf-nearly",
        "warn",
        "9 of 10 lookups",
        f"v=spf1 {{I}} {NINE} ~all",
        **{f"i{n}": ("v=spf1 -all",) for n in range(8)},
    ),
    spf("spf-loop", "fail", "more than 10 lookups", "v=spf1 include:{D} ~all"),
    spf("spf-void", "fail", "found nothing", "v=spf1 a:x.{D} a:y.{D} mx:z.{D} {I} ~all"),
    spf("spf-ptr", "warn", "ptr is slow", "v=spf1 {I} ptr:nobody.{Z} ~all"),
    spf("spf-neutral", "warn", "says nothing of others", "v=spf1 {I} ?all"),
    spf("spf-no-end", "warn", "says nothing of others", "v=spf1 {I}"),
    spf("spf-redirect-nowhere", "fail", "redirect", "v=spf1 redirect=nowhere.{Z}"),
    spf("spf-two-redirects", "fail", "appears twice", "v=spf1 redirect=_spf.op.{Z} redirect=x.{Z}"),
    spf("spf-no-version", "fail", "no SPF record, though", "spf1 {I} ~all"),
    spf("spf-semicolons", "fail", "no SPF record, though", "v=spf1; {I}; ~all"),
    spf("spf-sender-id", "fail", "no SPF record, though", "spf2.0/pra {I} ~all"),
    spf(
        "spf-include-two",
        "fail",
        "has 2 SPF records",
        "v=spf1 include:two.{D} {I} ~all",
        two=("v=spf1 -all", "v=spf1 mx -all"),
    ),
    spf("spf-ends-in-number", "fail", "neither in a top-level name", "v=spf1 include:_spf.123 {I} ~all"),
    sound("spf-sound-split", **{"@__TXT": ('"v=spf1 " "{I} ~all"',)}),
    sound("spf-sound-redirect", **{"@__TXT": ("v=spf1 redirect=_spf.op.{Z}",)}),
    sound("spf-sound-capitals", **{"@__TXT": ("V=SPF1 INCLUDE:_SPF.OP.{Z} ~ALL",)}),
    sound(
        "spf-sound-company",
        **{"@__TXT": ("google-site-verification=x", "v=spf1 mx a {I} -all"), "@__A": ("192.0.2.9",)},
    ),
    sound("spf-sound-macro", **{"@__TXT": ("v=spf1 exists:%{ir}.ok.{D} {I} -all",)}),
)

DMARC = (
    dmarc("dmarc-none", "fail", "no DMARC record"),
    dmarc("dmarc-two", "fail", "|", "v=DMARC1; p=none", "v=DMARC1; p=reject"),
    dmarc("dmarc-policy", "fail", "p=monitor is none of", "v=DMARC1; p=monitor"),
    dmarc("dmarc-no-policy", "fail", "no p=", "v=DMARC1; rua=mailto:dmarc@{D}"),
    dmarc("dmarc-version-late", "fail", "no DMARC record, though", "p=none; v=DMARC1"),
    dmarc("dmarc-version-small", "fail", "no DMARC record, though", "v=dmarc1; p=none"),
    dmarc("dmarc-version-two", "fail", "no DMARC record, though", "v=DMARC2; p=none"),
    dmarc("dmarc-twice", "fail", "p= appears twice", "v=DMARC1; p=none; p=reject"),
    dmarc("dmarc-no-semicolons", "fail", "no DMARC record, though", "v=DMARC1 p=none"),
    dmarc("dmarc-no-tag", "fail", "is not a tag", "v=DMARC1; p=none; reject"),
    dmarc("dmarc-silent", "warn", "p=none", "v=DMARC1; p=none"),
    dmarc("dmarc-rua-bare", "warn", "no mailto: address", "v=DMARC1; p=none; rua=dmarc@{D}"),
    dmarc("dmarc-rua-web", "warn", "no mailto: address", "v=DMARC1; p=none; rua=https://{D}/x"),
    dmarc("dmarc-part", "warn", "part of the mail", "v=DMARC1; p=reject; pct=20; rua=mailto:x@{D}"),
    dmarc("dmarc-pct", "warn", "pct=many is not valid", "v=DMARC1; p=none; pct=many; rua=mailto:x@{D}"),
    dmarc("dmarc-mode", "warn", "adkim=x is not valid", "v=DMARC1; p=none; adkim=x; rua=mailto:x@{D}"),
    dmarc("dmarc-sub", "warn", "sp=maybe is not valid", "v=DMARC1; p=none; sp=maybe; rua=mailto:x@{D}"),
    dmarc("dmarc-suffix", "warn", "another organisation", "v=DMARC1; p=none; psd=y; rua=mailto:x@{D}"),
    Animal(
        "dmarc-misplaced",
        (Told("dmarc", "fail", "no DMARC record"),),
        {"_dmarc TXT": (), "dmarc TXT": ("v=DMARC1; p=none",)},
    ),
    Animal(
        "dmarc-abroad",
        (Told("dmarc-reports", "fail", "does not say that it takes"),),
        {"_dmarc TXT": ("v=DMARC1; p=none; rua=mailto:x@{E}",)},
    ),
    Animal(
        "dmarc-sound-abroad",
        (),
        {
            "_dmarc TXT": ("v=DMARC1; p=none; rua=mailto:x@{E}",),
            "dmarc-sound-abroad.{Z}._report._dmarc.{E}. TXT": ("v=DMARC1",),
        },
    ),
    Animal("dmarc-sound-inherited", (), {"_dmarc TXT": ()}, parent="{E}"),
    Animal(
        "dmarc-sound-alias", (), {"_dmarc TXT": (), "_dmarc CNAME": ("policy.{D}.",), "policy TXT": (LONG,)}
    ),
    sound(
        "dmarc-sound-loose", **{"_dmarc__TXT": ("v = DMARC1 ; p = quarantine ; rua = mailto:x@{D}!10m ;",)}
    ),
    sound("dmarc-sound-subject", **{"_dmarc__TXT": ("v=DMARC1; p=none; rua=mailto:x@{D}?subject=dmarc",)}),
    Animal(
        "align-strict",
        (Told("alignment", "fail", "adkim=s"),),
        {"_dmarc TXT": ("v=DMARC1; p=none; adkim=s; rua=mailto:x@{D}",)},
        subdomains=True,
    ),
    Animal(
        "align-sound-strict", (), {"_dmarc TXT": ("v=DMARC1; p=none; adkim=s; aspf=s; rua=mailto:x@{D}",)}
    ),
)

S1 = "s1._domainkey"
DKIM = (
    dkim("dkim-none", "no such name", {f"{S1} CNAME": ()}),
    dkim(
        "dkim-no-text",
        "no such record",
        {"s1.{D}.dkim.op.{Z}. TXT": (), "s1.{D}.dkim.op.{Z}. A": ("192.0.2.1",)},
    ),
    dkim(
        "dkim-to-itself",
        f"its CNAMEs go in a circle: {S1}.{{D}} → {S1}.{{D}}",
        {f"{S1} CNAME": (f"{S1}.{{D}}.",)},
        "unknown",
    ),
    dkim(
        "dkim-circle",
        f"its CNAMEs go in a circle: {S1}.{{D}} → a.{{D}} → b.{{D}} → a.{{D}}",
        {f"{S1} CNAME": ("a.{D}.",), "a CNAME": ("b.{D}.",), "b CNAME": ("a.{D}.",)},
        "unknown",
    ),
    dkim("dkim-elsewhere", "key.{Z}", {f"{S1} CNAME": ("key.{Z}.",), "key.{Z}. TXT": ("v=DKIM1; p=",)}),
    dkim("dkim-neighbour", "spf-none", {f"{S1} CNAME": ("s1.spf-none.{Z}.dkim.op.{Z}.",)}),
    dkim("dkim-dangling", "no such", {"s1.{D}.dkim.op.{Z}. TXT": ()}),
    dkim("dkim-another", "another key", {"s1.{D}.dkim.op.{Z}. TXT": ("v=DKIM1; k=rsa; p=" + "A" * 44,)}),
    dkim("dkim-two", "2 TXT records", {"s1.{D}.dkim.op.{Z}. TXT": ("{RSA}", "v=DKIM1; p=")}),
    dkim("dkim-revoked", "revoked", {"s1.{D}.dkim.op.{Z}. TXT": ("v=DKIM1; k=rsa; p=",)}),
    dkim("dkim-testing", "t=y", {"s1.{D}.dkim.op.{Z}. TXT": ("{RSA}; t=y",)}),
    dkim("dkim-hash", "sha256", {"s1.{D}.dkim.op.{Z}. TXT": ("{RSA}; h=sha1",)}),
    dkim("dkim-service", "e-mail", {"s1.{D}.dkim.op.{Z}. TXT": ("{RSA}; s=tlsrpt",)}),
    dkim("dkim-version", "v= must be", {"s1.{D}.dkim.op.{Z}. TXT": ("v=DKIM2; k=rsa; p=AAAA",)}),
    dkim("dkim-type", "another key", {"s1.{D}.dkim.op.{Z}. TXT": ("{RSA:k=ed25519}",)}),
    dkim("dkim-no-p", "no p=", {"s1.{D}.dkim.op.{Z}. TXT": ("v=DKIM1; k=rsa",)}),
    dkim("dkim-no-base64", "p=", {"s1.{D}.dkim.op.{Z}. TXT": ("v=DKIM1; k=rsa; p=MIIB*BAD",)}),
    dkim("dkim-cut", "", {"s1.{D}.dkim.op.{Z}. TXT": ("{RSA:255}",)}),
    dkim("dkim-escaped", "", {f"{S1} CNAME": (), f"{S1} TXT": ("{RSA:escaped}",)}),
    dkim(
        "dkim-by-hand-old",
        "another key",
        {f"{S1} CNAME": (), f"{S1} TXT": ("v=DKIM1; k=rsa; p=" + "B" * 44,)},
    ),
    Animal("dkim-weak", (Told("dkim", "warn", "1024 bits"),), strength=1024),
    Animal("dkim-slot", (Told("dkim-cname", "fail", "no such"),), {"s2._domainkey CNAME": ()}),
    Animal(
        "dkim-slot-typo",
        (Told("dkim-cname", "fail", "s2.{D}.dkim.{Z}"),),
        {"s2._domainkey CNAME": ("s2.{D}.dkim.{Z}.",)},
    ),
    sound("dkim-sound-by-hand", **{f"{S1}__CNAME": (), f"{S1}__TXT": ("{RSA}",)}),
    sound("dkim-sound-chain", **{f"{S1}__CNAME": ("via.{D}.",), "via__CNAME": ("s1.{D}.dkim.op.{Z}.",)}),
)

REPLIES = (
    replies("mx-none", "fail", "no MX and no address", ()),
    replies("mx-null", "fail", "null MX", ("0 .",)),
    replies("mx-address", "fail", "an address, not a name", ("10 192.0.2.1.",)),
    replies("mx-nowhere", "fail", "has no address", ("10 gone.{D}.",)),
    replies("mx-alias", "warn", "alias", ("10 alias.{D}.",), alias_CNAME=("mail.{Z}.",)),
    replies("mx-one-dead", "warn", "has no address", ("10 mail.{Z}.", "20 gone.{D}.")),
    replies("mx-implicit", "warn", "no MX; mail goes to its address", (), **{"@_A": ("192.0.2.7",)}),
    sound("mx-sound-six", **{"@__MX": ("10 six.{D}.",), "six__AAAA": ("2001:db8::25",)}),
    sound("xn--mnchen-3ya"),
    sound("sound"),
)

ANIMALS = (*SPF, *DMARC, *DKIM, *REPLIES)
