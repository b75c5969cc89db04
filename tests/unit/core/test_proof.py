from __future__ import annotations

import pytest

from provisioner.core import proof

WORLD = "world1.operator.example"
MESSAGE = """\
Delivered-To: reader@gmail.test
Received: from be2.operator.example (be2.operator.example [10.77.0.32])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
\t key-exchange x25519)
\t(No client certificate requested)
\tby world1.operator.example (Postfix) with ESMTPS id 4jXyfm6msrzDPXC
\tfor <reader@gmail.test>; Mon, 23 Nov 2026 07:45:52 +0000 (UTC)
Authentication-Results: world1.operator.example;
\tdkim=pass header.d=acme.example header.s=e1 header.b=4AYo5WWo;
\tdkim=pass header.d=acme.example header.s=s1 header.b=skQfKa+M;
\tdmarc=pass (policy=none) header.from=acme.example;
\tspf=pass (world1.operator.example: domain of bounce@acme.example designates 10.77.0.32 as permitted
\t sender) smtp.mailfrom=bounce@acme.example
Received: from fe2.operator.example (unknown [10.77.0.22])
\t(using TLSv1.2 with cipher ECDHE-ECDSA-AES256-GCM-SHA384 (256/256 bits))
\t(Client CN "fe2.operator.example", Issuer "provisioner CA of lab" (verified OK))
\tby be2.operator.example (Postfix) with ESMTPS id 4jXyfm6QXGzDlyC
\tfor <reader@gmail.test>; Mon, 23 Nov 2026 07:45:52 +0000 (UTC)
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=acme.example;
\ts=e1; t=1795419952; h=from:from; bh=AAAA; b=BBBB
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=acme.example;
\ts=s1; t=1795419952; h=from:from; bh=AAAA; b=CCCC
Received: from [127.0.0.1] (unknown [10.77.0.1])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
\tby fe2.operator.example (Postfix) with ESMTPSA
\tfor <reader@gmail.test>; Mon, 23 Nov 2026 07:45:51 +0000 (UTC)
From: Delivery test <postmaster@acme.example>
Message-ID: <1.provisioner@acme.example>

text
"""


def read(text: str) -> proof.Proof:
    return proof.read(text.replace("\n", "\r\n").encode(), "reader@gmail.test", [WORLD])


def test_a_right_message_has_no_fault() -> None:
    seen = read(MESSAGE)
    assert seen.faults == ()
    assert (seen.message_id, seen.frontend, seen.backend) == ("<1.provisioner@acme.example>", "fe2", "be2")
    assert seen.tls == ("TLSv1.3", "TLSv1.2", "TLSv1.3")
    assert seen.dkim == {"rsa": "pass", "ed25519": "pass"}


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        (
            "dkim=pass header.d=acme.example header.s=s1",
            "dkim=fail header.d=acme.example header.s=s1",
            "DKIM rsa fail",
        ),
        ("\tdkim=pass header.d=acme.example header.s=e1 header.b=4AYo5WWo;\n", "", "DKIM ed25519 missing"),
        ("dmarc=pass (policy=none)", "dmarc=fail (policy=reject)", "DMARC fail"),
        ("spf=pass (", "spf=softfail (", "SPF softfail"),
        (
            "\t(using TLSv1.2 with cipher ECDHE-ECDSA-AES256-GCM-SHA384 (256/256 bits))\n",
            "",
            "TLS over 2 of 3 hops",
        ),
        ("(verified OK)", "(not verified)", "no frontend's certificate was verified"),
    ],
)
def test_each_wrong_thing_is_a_fault_of_its_own(right: str, wrong: str, fault: str) -> None:
    assert right in MESSAGE
    assert read(MESSAGE.replace(right, wrong)).faults == (fault,)


def test_results_that_came_with_the_message_count_for_nothing() -> None:
    forged = MESSAGE.replace(
        f"Authentication-Results: {WORLD};", "Authentication-Results: elsewhere.example;"
    )
    assert "SPF none" in read(forged).faults
