"""P6, e-mail: mails a second through the outbox to a real SMTP server (aiosmtpd in a process of its own).

    python bench/mail.py [--mails 4000] [--store sqlite|postgresql|both] [--json FILE]

Bar (design §10): ≥ 500 mails/s, intent and results committed in groups of 20. The baseline of the same run is
the standard library's smtplib on one reused connection with the same bytes and no store at all.
"""

import argparse
import json
import multiprocessing
import smtplib
import socket
import time
from dataclasses import replace
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from gate import NOW, PLACE, candidates, opened, people

from koipond.channels.email import EmailChannel, EmailSettings
from koipond.channels.mime import build
from koipond.channels.sheets import EMAIL
from koipond.outreach.ports import Message
from koipond.store import Store

SENDER = "hello@brand.example"
TEXT = "小王，您好：\n您上次带走的一件商品已经陪您 61 天了。需要补货或换一件，店里都在。\nhttps://brand.example/x\n"
HTML = f"<p>{TEXT}</p><p><a href='https://brand.example/u'>退订</a></p>"


class Sink:
    """Accepts everything."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
        return "250 OK"


def serve(port: int, ready: Event, done: Event) -> None:
    from aiosmtpd.controller import Controller

    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    ready.set()
    done.wait()
    controller.stop()


def written(key: str, number: int) -> Message:
    headers = {
        "List-Unsubscribe": f"<https://brand.example/unsubscribe/{key}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return Message(
        key=key,
        address=f"c{number}@example.org",
        subject="您的补货提醒",
        text=TEXT,
        html=HTML,
        headers=headers,
    )


def plain(port: int, count: int) -> float:
    """Mails a second of smtplib on one connection."""
    started = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port, local_hostname="brand.example") as smtp:
        for number in range(count):
            message = written(f"{number:032x}", number)
            to = message.address or ""
            body = build(message, to=to, sender=SENDER, sender_name="B", domain="brand.example", now=NOW)
            smtp.sendmail(SENDER, [to], body)
    return count / (time.perf_counter() - started)


def send(store: Store, channel: EmailChannel) -> int:
    """Send everything as the worker does; the text is ready, so that the channel is measured."""
    box, sheet, sent = store.outbox(PLACE), channel.sheet, 0
    while True:
        claim = box.claim(sheet, 1_000, NOW)
        if not claim.touches:
            return sent
        addresses = store.people.addresses([one.customer_no for one in claim.touches], "email")
        done: list[Any] = []
        for start in range(0, len(claim.touches), sheet.group_size):
            group = claim.touches[start : start + sheet.group_size]
            begun = box.advance(sheet, claim, done=done, begin=group, now=NOW).may_go
            mails = [
                replace(written(one.touch_key, one.customer_no), address=addresses[one.customer_no])
                for one in begun
            ]
            done = list(zip(begun, channel.send(mails, NOW), strict=True))
            sent += sum(result.outcome == "accepted" for _, result in done)
        box.advance(sheet, claim, done=done, now=NOW)


def measure(kind: str, port: int, mails: int) -> dict[str, Any]:
    with opened(kind) as store:
        asked = candidates(people(store, mails))
        touches = sum(d.touch_key is not None for d in store.gate(PLACE).admit(asked, NOW, "p1"))
        settings = EmailSettings(host="127.0.0.1", port=port, sender=SENDER, sender_name="B")
        channel = EmailChannel(settings, replace(EMAIL, rate=None))
        base = plain(port, min(mails, 1_000))
        started, cpu = time.perf_counter(), time.process_time()
        sent = send(store, channel)
        took, used = time.perf_counter() - started, time.process_time() - cpu
        channel.close()
        broken = [check for check in store.checks.all(PLACE, NOW) if check.breaks]
    assert sent == touches, (sent, touches)
    assert not broken, broken
    return {
        "store": kind,
        "mails": sent,
        "mails_per_s": round(sent / took),
        "cpu_us_per_mail": round(used / sent * 1e6),
        "baseline_smtplib_per_s": round(base),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mails", type=int, default=4_000)
    parser.add_argument("--store", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ready, done = multiprocessing.Event(), multiprocessing.Event()
    server = multiprocessing.Process(target=serve, args=(port, ready, done))
    server.start()
    try:
        assert ready.wait(30), "the SMTP server did not start"
        kinds = ["sqlite", "postgresql"] if options.store == "both" else [options.store]
        found = [measure(kind, port, options.mails) for kind in kinds]
    finally:
        done.set()
        server.join(10)
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
