#!/usr/bin/env python3
"""A member for jetlag: natsio-pcgroups, elastic. Each process is a member, which adds itself and on SIGTERM drops itself.

Membership is administrative: nobody drops a member that was killed, and nobody takes over its partitions.
"""

import asyncio
import random

from natsio.jetstream.errors import WrongLastSequenceError
from natsio.pcgroups import PartitioningFilter, add_members, create_elastic, delete_members, elastic_consume

from pcgroups_member import GROUP, INDEX, PARTITIONS, PREFIX, STREAM, consumer, handle, run

NAME = f"m{INDEX}"


async def consume(jetstream):
    by_partition = PartitioningFilter(filter=f"{PREFIX}.*", partitioning_wildcards=[1])
    await create_elastic(jetstream, STREAM, GROUP, PARTITIONS, [by_partition])
    await in_turn(add_members, jetstream)
    session = await elastic_consume(jetstream, STREAM, GROUP, NAME, handle, consumer())
    return Leaving(jetstream, session)


async def in_turn(change, jetstream):
    """Changes the membership. The library leaves it to the caller to try again when somebody else was faster."""
    for _ in range(20):
        try:
            return await change(jetstream, STREAM, GROUP, [NAME])
        except WrongLastSequenceError:
            await asyncio.sleep(random.uniform(0.01, 0.1))
    raise RuntimeError("the membership kept changing")


class Leaving:
    """A session that drops its member when it is stopped, so that the others take over."""

    def __init__(self, jetstream, session):
        self.jetstream, self.session = jetstream, session

    async def wait(self):
        await self.session.wait()

    async def stop(self):
        await in_turn(delete_members, self.jetstream)
        await self.session.stop()


run(consume)
