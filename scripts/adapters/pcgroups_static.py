#!/usr/bin/env python3
"""A member for jetlag: natsio-pcgroups, static. INSTANCES processes (default 2) stand in for each member of the group.

A static group wants the partition as the first token of the subject. jetlag's subjects end in it, so a second stream is
sourced from jetlag's with a transform that puts it first; every process asks for it, the first one makes it.
"""

from natsio.jetstream import StorageType, StreamConfig, StreamSource, SubjectTransform
from natsio.pcgroups import create_static, static_consume

from pcgroups_member import ENV, GROUP, INDEX, MEMBERS, PARTITIONS, PREFIX, STREAM, consumer, handle, run

INSTANCES = int(ENV.get("INSTANCES", "2"))
NAMES = [f"m{number}" for number in range(max(1, MEMBERS // INSTANCES))]


async def consume(jetstream):
    partitioned = f"{STREAM}-partitioned"
    transform = SubjectTransform(src=f"{PREFIX}.*", dest="{{wildcard(1)}}." + PREFIX)
    source = StreamSource(name=STREAM, subject_transforms=[transform])
    await jetstream.create_stream(StreamConfig(name=partitioned, storage=StorageType.FILE, sources=[source]))
    await create_static(jetstream, partitioned, GROUP, PARTITIONS, [PREFIX], NAMES)
    return await static_consume(jetstream, partitioned, GROUP, NAMES[INDEX % len(NAMES)], handle, consumer())


run(consume)
