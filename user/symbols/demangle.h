/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * The readable form of a C++ or Rust (legacy and v0) function name, without its parameters, to be
 * freed; NULL when it has none: the name is not mangled, is damaged, longer than libiberty takes
 * (1 KiB for C++), or would become longer than 16 KiB. Time and memory are bounded. Any thread with
 * 1 MiB of stack.
 */
char *demangle(const char *name);
