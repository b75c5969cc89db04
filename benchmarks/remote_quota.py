"""Runs on a frontend: asks its quota service and a bare one in turns; prints milliseconds as JSON, by state.

Arguments: a login, and the states in which a message is asked about, in their order.
"""

import asyncio
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time

CLIENTS = 8
ROUNDS = 6
MESSAGES = 150
PAUSE = 0.01
"""Seconds until the next question, more or less: as a text takes from a client some milliseconds away."""

BARE = """
import asyncio, sys
class Bare(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""
    def data_received(self, data):
        self.buffer += data
        while b"\\n\\n" in self.buffer:
            request, _, self.buffer = self.buffer.partition(b"\\n\\n")
            dict(line.partition("=")[::2] for line in request.decode().splitlines())
            self.transport.write(b"action=DUNNO\\n\\n")
async def main():
    server = await asyncio.get_running_loop().create_unix_server(Bare, sys.argv[1])
    print("ready", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def question(login: str, state: str, instance: str) -> bytes:
    """A question as Postfix 3.10 asks it of a message to one recipient."""
    fields = {
        "request": "smtpd_access_policy",
        "protocol_state": state,
        "protocol_name": "ESMTP",
        "client_address": "203.0.113.7",
        "client_name": "unknown",
        "client_port": "51234",
        "reverse_client_name": "unknown",
        "server_address": "10.77.0.10",
        "server_port": "587",
        "helo_name": "client.example",
        "sender": "sender@acme.example",
        "recipient": "reader@gmail.test" if state == "RCPT" else "",
        "recipient_count": "1",
        "queue_id": "",
        "instance": instance,
        "size": "4096" if state == "END-OF-MESSAGE" else "0",
        "etrn_domain": "",
        "sasl_method": "PLAIN",
        "sasl_username": login,
        "sasl_sender": "",
        "encryption_protocol": "TLSv1.3",
        "encryption_cipher": "TLS_AES_256_GCM_SHA384",
        "encryption_keysize": "256",
    }
    return "".join(f"{name}={value}\n" for name, value in fields.items()).encode() + b"\n"


async def client(path: str, login: str, states: list[str], times: dict[str, list[float]]) -> None:
    reader, writer = await asyncio.open_unix_connection(path)
    for number in range(len(states) * MESSAGES):
        if number % len(states) == 0:
            instance = secrets.token_hex(8)
        state = states[number % len(states)]
        text = question(login, state, instance)
        await asyncio.sleep(PAUSE * (0.5 + random.random()))
        begun = time.perf_counter()
        writer.write(text)
        answer = await reader.readuntil(b"\n\n")
        times[state].append(time.perf_counter() - begun)
        if not answer.startswith((b"action=DUNNO\n", b"action=INFO counted as ")):
            raise SystemExit(answer.decode())
    writer.close()


async def measure(path: str, login: str, times: dict[str, list[float]]) -> None:
    await asyncio.gather(*(client(path, login, list(times), times) for _ in range(CLIENTS)))


def main(login: str, states: list[str]) -> None:
    times: dict[str, dict[str, list[float]]] = {
        name: {state: [] for state in states} for name in ("quota", "bare")
    }
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "bare.sock")  # noqa: PTH118 - a script for the host, without more imports
        bare = subprocess.Popen([sys.executable, "-c", BARE, path], stdout=subprocess.PIPE)
        try:
            assert bare.stdout is not None
            bare.stdout.readline()
            for _ in range(ROUNDS):
                asyncio.run(measure(path, login, times["bare"]))
                asyncio.run(measure("/run/provisioner-quota/policy.sock", login, times["quota"]))
        finally:
            bare.terminate()
            bare.wait()
    told = {name: {state: figures(each) for state, each in found.items()} for name, found in times.items()}
    print(json.dumps(told))


def figures(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {"median": ordered[len(ordered) // 2] * 1000, "p99": ordered[int(len(ordered) * 0.99)] * 1000}


main(sys.argv[1], sys.argv[2:])
