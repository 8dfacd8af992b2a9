"""What the two pcgroups members have in common: settings, the connection, the handler that tells jetlag."""

import asyncio
import os
import random
import signal
from datetime import timedelta

import natsio
from natsio.jetstream import AckPolicy, ConsumerConfig

ENV = os.environ
STREAM = ENV["JETLAG_STREAM"]
PREFIX = ENV["JETLAG_SUBJECT_PREFIX"]
PARTITIONS = int(ENV["JETLAG_PARTITIONS"])
MEMBERS = int(ENV["JETLAG_MEMBERS"])
INDEX = int(ENV["JETLAG_MEMBER_INDEX"])
GROUP = "pcg"


def say(*words):
    print(" ".join(map(str, words)), flush=True)


async def handle(message):
    """jetlag's handler: the id is the first 24 bytes. The sourced stream has sequences of its own, so none is said."""
    message_id = message.data[:24].decode()
    say("start", message_id)
    seconds = float(ENV["JETLAG_HANDLER_SECONDS"])
    if ENV["JETLAG_HANDLER"] == "exponential":
        seconds = random.expovariate(1 / seconds)
    await asyncio.sleep(seconds)
    say("done", message_id)
    await message.ack()


def consumer():
    """The library's defaults, but for what the profile sets."""
    config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=timedelta(seconds=float(ENV.get("ACK_WAIT", "5"))))
    if "MAX_ACK_PENDING" in ENV:
        config.max_ack_pending = int(ENV["MAX_ACK_PENDING"])
    return config


def run(consume):
    """Runs `consume(connection, jetstream)`, which joins, and stops what it returns on SIGTERM."""

    async def main():
        leave = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave.set)
        connection = await natsio.connect(*ENV["JETLAG_SERVER"].split(","))
        session = await consume(connection.jetstream())
        say("ready", 1)
        ended = asyncio.create_task(session.wait())
        asked = asyncio.create_task(leave.wait())
        await asyncio.wait((ended, asked), return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            await ended  # raises why it ended
        await session.stop()
        await connection.close()

    asyncio.run(main())
