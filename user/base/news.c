/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/news.h"

#include <stdio.h>
#include <string.h>

void news__init(struct news *news)
{
	pthread_mutex_init(&news->lock, NULL);
	news->text[0] = '\0';
}

void news__destroy(struct news *news)
{
	pthread_mutex_destroy(&news->lock);
}

void news__tell(struct news *news, const char *text)
{
	size_t length;

	pthread_mutex_lock(&news->lock);
	length = strlen(news->text);
	snprintf(news->text + length, sizeof(news->text) - length, "%s%s", length ? "; " : "",
		 text);
	pthread_mutex_unlock(&news->lock);
}

bool news__take(struct news *news, char *out, size_t size)
{
	bool is_new;

	pthread_mutex_lock(&news->lock);
	is_new = news->text[0] != '\0';
	if (is_new)
		snprintf(out, size, "%s", news->text);
	news->text[0] = '\0';
	pthread_mutex_unlock(&news->lock);
	return is_new;
}
