# SPDX-License-Identifier: GPL-2.0-only
"""As much of a recording as the check needs: user/recording/format.h, bpf/events.h."""

import struct
import zlib

FILE_BYTES = 24
BLOCK = struct.Struct("<IHHIIQII")
EVENT = struct.Struct("<IHHQ")
BLOCK_EVENTS = 1
OOM_KILL = 12
OWN_WORDS = (42, 43)  # RECORDER, DIGEST: about what is recorded, told anew when a chunk ends


class Block:
    """end: its last byte's offset + 1; since_ns: when its first event was admitted, at the
    earliest, None if there are only the recorder's own words in it; kills: victims' pids."""
    __slots__ = ("end", "since_ns", "events", "kills")


def blocks(data, begun_ns):
    """Of a recording that the program wrote, begun at that time. Events of before it (the state
    that a chunk opens with) are admitted at its beginning."""
    found, at, latest_ns = [], FILE_BYTES, begun_ns
    while at + BLOCK.size <= len(data):
        _, _, kind, _, stored, _, count, _ = BLOCK.unpack_from(data, at)
        block = Block()
        block.end, block.events = at + BLOCK.size + stored, count
        block.since_ns, block.kills = None, []
        raw = zlib.decompress(data[at + BLOCK.size:block.end]) if kind == BLOCK_EVENTS else b""
        place = 0
        while place < len(raw):
            size, event, _, time_ns = EVENT.unpack_from(raw, place)
            latest_ns = max(latest_ns, time_ns)
            if block.since_ns is None and event not in OWN_WORDS:
                block.since_ns = latest_ns
            if event == OOM_KILL:
                block.kills.append(struct.unpack_from("<I", raw, place + EVENT.size)[0])
            place += size
        found.append(block)
        at = block.end
    return found
