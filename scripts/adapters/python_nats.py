#!/usr/bin/env python3
"""A member for jetlag in Python with nats-py: one durable pull consumer that all members share (docs/external.md)."""

import asyncio
import os
import signal

import nats
from nats.js.api import AckPolicy, ConsumerConfig

ENV = os.environ


def say(*words):
    print(" ".join(map(str, words)), flush=True)


async def main():
    leave = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave.set)
    identity = {name: ENV.get(f"JETLAG_{name.upper()}") for name in ("user", "password", "token")}
    connection = await nats.connect(ENV["JETLAG_SERVER"].split(","), **identity)
    config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=5)
    jetstream = connection.jetstream(domain=ENV.get("JETLAG_DOMAIN"))
    messages = await jetstream.pull_subscribe("", ENV["JETLAG_GROUP"], stream=ENV["JETLAG_STREAM"], config=config)
    say("ready", 1)
    while not leave.is_set():
        try:
            batch = await messages.fetch(16, timeout=0.5)
        except asyncio.TimeoutError:
            continue
        for message in batch:
            say("start", message.data[:24].decode(), message.metadata.sequence.stream)
            await asyncio.sleep(float(ENV["JETLAG_HANDLER_SECONDS"]))
            say("done", message.data[:24].decode())
            await message.ack()
    await connection.close()
asyncio.run(main())
