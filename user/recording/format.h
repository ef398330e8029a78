/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * The recording format, `.trail`. This header is its document.
 *
 *     file   = file_header block* close_block?
 *     block  = block_header, then stored_bytes bytes: zlib data of raw_bytes bytes
 *     raw    = events of bpf/events.h back to back, each a multiple of 8 bytes long
 *
 * All numbers are little-endian. The file only ever grows; nothing is rewritten, so whatever a
 * crash leaves behind is a valid beginning.
 *
 * Blocks carry the number of their first event. The numbers are the order in which recorder and
 * model received the events; a gap between blocks means bytes are missing and ends the reading.
 *
 * Complete or not: a recording ends with a BLOCK_CLOSE. Without one it is INCOMPLETE (the
 * recorder was killed, the host went down, the disk filled): everything up to the last intact
 * block counts. A block whose header or CRC is wrong, or which the file is too short for, is
 * TORN; reading ends there, and how many bytes were left is told.
 *
 * Durability: a block reaches the kernel (write(2)) when 256 KiB of raw events have gathered,
 * after one second, or at once behind an OOM kill. That survives the recorder's own death.
 * writer__sync() asks for the disk's word as well and survives power loss.
 *
 * Hostile input: every length is checked against the limits below before anything is allocated
 * or inflated, and each event against the smallest size of its kind. Kinds unknown to the reader
 * are passed over by their length.
 */

#include <linux/types.h>

#define TRAIL_MAGIC            0x4c49415254544f4fULL /* "OOTTRAIL" in file order */
#define TRAIL_VERSION          1

#define TRAIL_BLOCK_MAGIC      0x4b4c4254U  /* "TBLK" in file order */
#define TRAIL_BLOCK_RAW_BYTES  (256U << 10) /* a block is closed when it would exceed this */
#define TRAIL_MAX_RAW_BYTES    (1U << 20)   /* a reader refuses more */
#define TRAIL_MAX_STORED_BYTES (TRAIL_MAX_RAW_BYTES + (64U << 10)) /* zlib's worst case fits */

struct trail_file_header {
	__u64 magic;
	__u32 version;      /* a reader refuses a version above its own */
	__u32 header_bytes; /* of this struct; the first block follows; 24 to 4096 */
	__u32 crc32;        /* of this struct with crc32 = 0 */
	__u32 reserved;
};

enum trail_block_kind {
	TRAIL_BLOCK_EVENTS = 1,
	TRAIL_BLOCK_CLOSE = 2, /* no data; first_event is the number of all events */
};

struct trail_block_header {
	__u32 magic;
	__u16 version;
	__u16 kind; /* enum trail_block_kind; others are passed over */
	__u32 raw_bytes;
	__u32 stored_bytes;
	__u64 first_event; /* number of its first event, counted from 0 */
	__u32 events;      /* how many it holds */
	__u32 crc32;       /* of this header with crc32 = 0, then of the stored bytes */
};

_Static_assert(sizeof(struct trail_file_header) == 24, "trail_file_header");
_Static_assert(sizeof(struct trail_block_header) == 32, "trail_block_header");
