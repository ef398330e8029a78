/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers for byte strings, from 1, in the order of their first appearance. NULL is empty. */
struct numbers;

/* 0: no memory. */
uint64_t numbers__of(struct numbers **numbers, const char *key, size_t length, bool *is_new);
void numbers__free(struct numbers *numbers);
