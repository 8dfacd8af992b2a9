#!/usr/bin/env python3
"""A member for jetlag in Python with nats-py: one durable pull consumer that all members share (docs/external.md)."""

import asyncio
import os
import random
import signal

import nats
from nats.errors import TimeoutError as NothingYet
from nats.js.api import AckPolicy, ConsumerConfig

ENV = os.environ


def say(*words):
    print(*words, flush=True)


async def main():
    leave = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave.set)
    connection = await nats.connect(ENV["JETLAG_SERVER"].split(","), user=ENV.get("JETLAG_USER"),
                                    password=ENV.get("JETLAG_PASSWORD"), token=ENV.get("JETLAG_TOKEN"))
    config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=float(ENV.get("ACK_WAIT", "5")))
    messages = await connection.jetstream().pull_subscribe("", durable=ENV["JETLAG_GROUP"], stream=ENV["JETLAG_STREAM"], config=config)
    say("ready", 1)
    while not leave.is_set():
        try:
            batch = await messages.fetch(16, timeout=0.5)
        except NothingYet:
            continue
        for message in batch:
            message_id = message.data[:24].decode()
            say("start", message_id)
            await handle()
            say("done", message_id, message.metadata.sequence.stream)
            await message.ack()
    await connection.close()


async def handle():
    seconds = float(ENV["JETLAG_HANDLER_SECONDS"])
    if ENV["JETLAG_HANDLER"] == "exponential":
        seconds = random.expovariate(1 / seconds)
    await asyncio.sleep(seconds)


asyncio.run(main())
