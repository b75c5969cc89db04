"""Have this host sign messages as it signs customers' mail, and show them as they lie in its queue.

Standard input is JSON: [{"account", "message"}], the message as text. Prints for each, in that order, JSON:
[[code, answer, signed message in base64]]. They go to a loopback service that holds what it takes: nothing
is delivered, and what was shown is deleted.
"""

from __future__ import annotations

import base64
import json
import re
import smtplib
import subprocess
import sys

PORT = 10029
TIMEOUT = 60.0
"""Seconds for each step."""

SENDER = "dkim-probe@probe.invalid"
"""Whoever finds one in the queue knows what it is, and the next run deletes it."""


def hand_over(smtp: smtplib.SMTP, ask: dict[str, str]) -> tuple[int, str]:
    """Send one; the answer to its end, or to what was refused before."""
    for code, said in (smtp.mail(SENDER), smtp.rcpt("nobody@probe.invalid")):
        if code >= 400:
            smtp.rset()
            return code, said.decode(errors="replace")
    code, said = smtp.data(f"X-Provisioner-Account: {ask['account']}\n{ask['message']}".encode())
    return code, said.decode(errors="replace")


def answers_to(asks: list[dict[str, str]]) -> list[tuple[int, str]]:
    """Send all, each with an answer: where the connection ends, that of a server to be asked later."""
    answers: list[tuple[int, str]] = []
    while len(answers) < len(asks):
        try:
            with smtplib.SMTP("127.0.0.1", PORT, "localhost", timeout=TIMEOUT) as smtp:
                smtp.ehlo_or_helo_if_needed()
                for ask in asks[len(answers) :]:
                    answers.append(hand_over(smtp, ask))
        except smtplib.SMTPException as error:
            answers.append((451, f"{type(error).__name__}: {error}"))
    return answers


def leftovers() -> list[str]:
    """What a run that was stopped has left in the queue."""
    queue = subprocess.run(["postqueue", "-j"], capture_output=True, text=True, check=True).stdout
    entries = [json.loads(line) for line in queue.splitlines()]
    return [entry["queue_id"] for entry in entries if entry["sender"] == SENDER]


def delete(ids: list[str]) -> None:
    """Take messages out of the queue."""
    if ids:
        subprocess.run(
            ["postsuper", "-d", "-"], input="\n".join(ids), text=True, check=True, capture_output=True
        )


def signed(queue_id: str) -> str:
    """A message's headers and body, as they would be sent, in base64."""
    shown = subprocess.run(["postcat", "-bhq", queue_id], capture_output=True, check=True)
    return base64.b64encode(shown.stdout).decode("ascii")


def main() -> None:
    """Have all signed, print what came of each."""
    delete(leftovers())
    try:
        found = []
        for code, answer in answers_to(json.load(sys.stdin)):
            queued = re.search(r"queued as (\w+)", answer)
            found.append([code, answer, signed(queued[1]) if queued else ""])
        print(json.dumps(found))
    finally:
        delete(leftovers())


if __name__ == "__main__":
    main()
