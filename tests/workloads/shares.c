/* SPDX-License-Identifier: GPL-2.0-only */

/* Four functions grow by known shares, in turns and through the same allocate(): shares TOTAL
 * [PAUSE-MS]. 30, 30, 20 and 20 percent; the pause is behind each MiB.
 */

#include "own_frame.h"

#define PIECE_BYTES MIB

static unsigned long bytes_of[4];

OWN_FRAME static void decode_image(void)
{
	allocate(PIECE_BYTES);
	COME_BACK();
}

OWN_FRAME static void read_thumbnail(void)
{
	decode_image();
	COME_BACK();
}

OWN_FRAME static void parse_rows(void)
{
	allocate(PIECE_BYTES);
	COME_BACK();
}

OWN_FRAME static void keep_session(void)
{
	allocate(PIECE_BYTES);
	COME_BACK();
}

OWN_FRAME static void log_line(void)
{
	allocate(PIECE_BYTES);
	COME_BACK();
}

OWN_FRAME static void log_request(void)
{
	log_line();
	COME_BACK();
}

OWN_FRAME static void serve(int which)
{
	switch (which) {
	case 0:
		read_thumbnail();
		break;
	case 1:
		parse_rows();
		break;
	case 2:
		keep_session();
		break;
	case 3:
		log_request();
		break;
	}
	COME_BACK();
	bytes_of[which] += PIECE_BYTES;
}

int main(int argc, char **argv)
{
	/* No stride of addresses belongs to one of them alone. */
	static const int turns[] = {0, 1, 2, 1, 0, 3, 0, 2, 3, 1};
	unsigned long total = argc > 1 ? parse_size(argv[1]) : 0;
	uint64_t pause_ns = argc > 2 ? strtoul(argv[2], NULL, 10) * 1000000 : 0;

	if (!total)
		return 2;
	hard_stop(total, 60);
	tell("pid=%d", getpid());
	for (unsigned long i = 0; i < total / PIECE_BYTES; i++) {
		serve(turns[i % (sizeof(turns) / sizeof(*turns))]);
		sleep_ns(pause_ns);
	}
	tell("bytes.decode_image=%lu", bytes_of[0]);
	tell("chain.decode_image=allocate decode_image read_thumbnail serve main");
	tell("bytes.parse_rows=%lu", bytes_of[1]);
	tell("chain.parse_rows=allocate parse_rows serve main");
	tell("bytes.keep_session=%lu", bytes_of[2]);
	tell("chain.keep_session=allocate keep_session serve main");
	tell("bytes.log_line=%lu", bytes_of[3]);
	tell("chain.log_line=allocate log_line log_request serve main");
	return 0;
}
