/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define NEWS_BYTES 640

/* What one thread has to say, in words, and another one prints: the first one never waits for
 * that. */
struct news {
	pthread_mutex_t lock;
	char text[NEWS_BYTES];
};

void news__init(struct news *news);
void news__destroy(struct news *news);

/* Behind what has not been taken yet, as far as there is room. */
void news__tell(struct news *news, const char *text);

/* False: there is nothing new. */
bool news__take(struct news *news, char *out, size_t size);
