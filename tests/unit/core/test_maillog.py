# ruff: noqa: E501 - lines as Postfix writes them
from __future__ import annotations

from provisioner.core import maillog

ID = "4jXxsy69n9zDmHW"
LOG = f"""\
Nov 23 07:49:30 be1 postfix/handover/smtpd[61]: {ID}: client=unknown[10.77.0.21], orig_client=unknown[10.77.0.1]
Nov 23 07:49:30 be1 postfix/smtp[71]: Verified TLS connection established to mx.gmail.test[10.77.0.61]:25: TLSv1.3 with \
cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
Nov 23 07:49:30 be1 postfix/smtp[72]: Untrusted TLS connection established to mx.gmail.test[10.77.0.61]:25: TLSv1.2 with \
cipher ECDHE (256/256 bits)
Nov 23 07:49:31 be1 postfix/smtp[71]: {ID}: to=<a@gmail.test>, relay=mx.gmail.test[10.77.0.61]:25, delay=0.14, \
delays=0.01/0/0.1/0.03, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4jXxsy6mz2zDPX4)
Nov 23 07:49:31 be1 postfix/google/smtp[73]: {ID}: to=<b@gmail.test>, relay=none, delay=3, delays=0.01/0/3/0, \
dsn=4.4.1, status=deferred (connect to mx.gmail.test[10.77.0.61]:25: Connection timed out)
Nov 23 07:49:31 be1 postfix/smtp[71]: 4jXxsyOTHERzDmH: to=<x@gmail.test>, relay=mx.gmail.test[10.77.0.61]:25, \
delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok)
Nov 23 07:54:31 be1 postfix/google/smtp[73]: {ID}: to=<b@gmail.test>, orig_to=<c@gmail.test>, \
relay=mx.gmail.test[10.77.0.61]:25, conn_use=2, delay=303, delays=303/0/0/0.1, dsn=5.1.1, status=bounced \
(host mx.gmail.test[10.77.0.61] said: 550 5.1.1 no such user (in reply to RCPT TO command))
Nov 23 07:54:31 be1 postfix/bounce[80]: {ID}: sender non-delivery notification: 4jXxszDSNDSNzDm1
not a line of Postfix
""".splitlines()


FRONTEND = f"""\
Nov 23 07:49:30 fe1 postfix/submission587/smtpd[9]: proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as {ID}; from=<x@a.example> to=<a@gmail.test> proto=ESMTP helo=<c> sasl_username=<a>
Nov 23 07:49:31 fe1 postfix/submission587/smtpd[9]: proxy-reject: END-OF-MESSAGE: 554 5.7.1 no; from=<queued.as.4jXxsyOTHERzDmH;@a.example> to=<a@gmail.test> proto=ESMTP helo=<c>
""".splitlines()
HANDED = f"""\
Nov 23 07:49:30 be1 postfix/customers/cleanup[6]: {ID}: info: header X-Provisioner-Account: acme from unknown[10.77.0.21]; from=<x@a.example> to=<a@gmail.test> proto=ESMTP helo=<fe1.operator.example>
Nov 23 07:49:30 be1 postfix/customers/cleanup[6]: {ID}: info: header Received: from fe1.operator.example (unknown [10.77.0.21])??(using TLSv1.2 with cipher ECDHE-ECDSA-AES256-GCM-SHA384 (256/256 bits))??(Client CN "fe1.operator.example", Issuer "lab from unknown[10.77.0.21]; from=<x@a.example> to=<a@gmail.test> proto=ESMTP helo=<fe1.operator.example>
Nov 23 07:49:30 be1 postfix/customers/cleanup[6]: {ID}: info: header Received: from forged (unknown [10.77.0.21])??(using TLSv1.0 with cipher NULL (0/0 bits))??by be1.operator.example (Postfix) from unknown[10.77.0.21]; from=<x@a.example> to=<a@gmail.test> proto=ESMTP helo=<fe1.operator.example>
""".splitlines()


def test_the_frontend_that_took_it_says_so() -> None:
    assert maillog.accepted(FRONTEND, ID)
    assert not maillog.accepted(FRONTEND, "4jXxsyOTHERzDmH")
    assert not maillog.accepted(LOG, ID)


def test_the_hand_overs_protocol_is_what_the_backend_itself_saw() -> None:
    assert maillog.handover_tls(HANDED, ID) == ("TLSv1.2", "fe1.operator.example")
    assert maillog.handover_tls(HANDED, "4jXxsyOTHERzDmH") == ("", "")
    assert maillog.handover_tls(LOG, ID) == ("", "")


def test_the_last_attempt_of_each_recipient_counts() -> None:
    found = maillog.deliveries(LOG, ID)
    assert {name: each.status for name, each in found.items()} == {
        "a@gmail.test": "sent",
        "b@gmail.test": "bounced",
    }
    assert found["b@gmail.test"].dsn == "5.1.1"
    assert found["b@gmail.test"].delay == 303
    assert found["b@gmail.test"].reason.endswith("(in reply to RCPT TO command)")


def test_tls_is_that_of_the_process_which_delivered() -> None:
    found = maillog.deliveries(LOG, ID)
    assert found["a@gmail.test"].tls == "TLSv1.3"
    assert found["b@gmail.test"].tls == ""


def test_a_deferred_delivery_is_not_final() -> None:
    assert not maillog.deliveries(LOG[:5], ID)["b@gmail.test"].final
    assert maillog.deliveries(LOG, ID)["b@gmail.test"].final


def test_notifications_name_the_dsn_of_this_message_alone() -> None:
    assert maillog.notifications(LOG, ID) == ("4jXxszDSNDSNzDm1",)
    assert maillog.notifications(LOG, "4jXxsyOTHERzDmH") == ()


def test_queue_id_in_a_reply() -> None:
    assert maillog.queue_id(f"2.0.0 Ok: queued as {ID}") == ID
    assert maillog.queue_id("2.0.0 Ok") is None
