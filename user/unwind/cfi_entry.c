/* SPDX-License-Identifier: GPL-2.0-only */
#include "unwind/cfi_entry.h"

#include <dwarf.h>
#include <string.h>

#define FORMAT_BITS 0x0f
#define LETTERS_MAX 16 /* of an augmentation */

/* A record of the section: CIE or FDE. */
struct record {
	struct cursor body; /* behind the identity */
	uint64_t identity;  /* 0 (.eh_frame) or all ones: a CIE; else where the FDE's CIE is */
	size_t identity_at;
	size_t next;
	bool is_common;
};

/* What a CIE says. */
struct common {
	struct frame_entry entry;
	bool has_augmentation_bytes;
};

static bool frame_section__record(const struct frame_section *from, size_t at, struct record *out)
{
	struct cursor cursor = {
		.data = from->section.data,
		.at = at,
		.end = from->section.bytes,
	};
	unsigned int width = 4;
	uint64_t length;

	if (at >= from->section.bytes)
		return false;
	length = cursor__unsigned(&cursor, 4);
	if (length == UINT32_MAX) {
		length = cursor__unsigned(&cursor, 8);
		/* .eh_frame keeps its short identity then. */
		width = from->debug ? 8 : 4;
	}
	if (length == 0 || !cursor__has(&cursor, length))
		return false;
	cursor.end = cursor.at + length;
	out->next = cursor.end;
	out->identity_at = cursor.at;
	out->identity = cursor__unsigned(&cursor, width);
	if (from->debug)
		out->is_common = out->identity == (width == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX);
	else
		out->is_common = out->identity == 0;
	out->body = cursor;
	return !cursor.bad;
}

bool frame_entry__address(const struct frame_section *from, struct cursor *cursor, uint8_t encoding,
			  uint64_t *out)
{
	uint64_t place = from->section.vaddr + cursor->at;
	uint64_t value;

	switch (encoding & FORMAT_BITS) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		value = cursor__unsigned(cursor, 8);
		break;
	case DW_EH_PE_udata2:
		value = cursor__unsigned(cursor, 2);
		break;
	case DW_EH_PE_udata4:
		value = cursor__unsigned(cursor, 4);
		break;
	case DW_EH_PE_sdata2:
		value = (uint64_t)cursor__signed(cursor, 2);
		break;
	case DW_EH_PE_sdata4:
		value = (uint64_t)cursor__signed(cursor, 4);
		break;
	case DW_EH_PE_uleb128:
		value = cursor__uleb(cursor);
		break;
	case DW_EH_PE_sleb128:
		value = (uint64_t)cursor__sleb(cursor);
		break;
	default:
		return false;
	}
	/* Others need addresses that only a running program has. */
	switch (encoding & ~FORMAT_BITS) {
	case DW_EH_PE_absptr:
		break;
	case DW_EH_PE_pcrel:
		value += place;
		break;
	default:
		return false;
	}
	*out = value;
	return !cursor->bad;
}

/* "zR", "zPLRS" and the like. What a letter stands for is skipped where it does not matter here. */
static bool common__augmentation(const struct frame_section *from, struct common *common,
				 const char *letters, struct cursor *cursor)
{
	struct cursor inside;
	uint64_t bytes, unused;

	if (*letters == '\0')
		return true;
	if (*letters != 'z')
		return false;
	bytes = cursor__uleb(cursor);
	if (!cursor__has(cursor, bytes))
		return false;
	inside = *cursor;
	inside.end = inside.at + bytes;
	cursor__skip(cursor, bytes);
	common->has_augmentation_bytes = true;
	while (*++letters) {
		uint8_t encoding;

		switch (*letters) {
		case 'R':
			common->entry.encoding = (uint8_t)cursor__unsigned(&inside, 1);
			break;
		case 'P':
			encoding = (uint8_t)cursor__unsigned(&inside, 1);
			/* Only its length counts. */
			if (!frame_entry__address(from, &inside, encoding & FORMAT_BITS, &unused))
				return false;
			break;
		case 'L':
			cursor__skip(&inside, 1);
			break;
		case 'S':
			common->entry.signal = true;
			break;
		case 'B': /* return addresses are signed with the other key */
		case 'G': /* memory tags */
			break;
		default:
			return false;
		}
	}
	return !inside.bad;
}

static bool frame_section__common(const struct frame_section *from, size_t at, struct common *out)
{
	struct record record;
	struct cursor *body = &record.body;
	const char *letters;
	const void *end;
	uint64_t version;

	memset(out, 0, sizeof(*out));
	if (!frame_section__record(from, at, &record) || !record.is_common)
		return false;
	version = cursor__unsigned(body, 1);
	if (version != 1 && version != 3 && version != 4)
		return false;
	letters = (const char *)body->data + body->at;
	end = memchr(letters, '\0',
		     cursor__left(body) < LETTERS_MAX ? cursor__left(body) : LETTERS_MAX);
	if (!end)
		return false;
	cursor__skip(body, (size_t)((const char *)end - letters) + 1);
	out->entry.encoding = DW_EH_PE_absptr;
	/* Size of an address and of a segment's number. */
	if (version == 4 && (cursor__unsigned(body, 1) != 8 || cursor__unsigned(body, 1) != 0))
		return false;
	out->entry.code_factor = cursor__uleb(body);
	out->entry.data_factor = cursor__sleb(body);
	out->entry.return_register = version == 1 ? cursor__unsigned(body, 1) : cursor__uleb(body);
	if (!common__augmentation(from, out, letters, body) || body->bad)
		return false;
	out->entry.initial = (uint32_t)body->at;
	out->entry.initial_end = (uint32_t)body->end;
	return true;
}

enum entry_kind frame_entry__read(const struct frame_section *from, size_t at, size_t *next,
				  struct frame_entry *out)
{
	struct common common;
	struct record record;
	uint64_t common_at, bytes;

	*next = 0;
	if (!frame_section__record(from, at, &record))
		return ENTRY_DAMAGED;
	*next = record.next;
	if (record.is_common)
		return ENTRY_COMMON;
	if (!from->debug && record.identity > record.identity_at)
		return ENTRY_DAMAGED;
	common_at = from->debug ? record.identity : record.identity_at - record.identity;
	if (!frame_section__common(from, common_at, &common))
		return ENTRY_DAMAGED;
	*out = common.entry;
	if (!frame_entry__address(from, &record.body, out->encoding, &out->start))
		return ENTRY_DAMAGED;
	/* How many bytes: in the same format, relative to nothing. */
	if (!frame_entry__address(from, &record.body, out->encoding & FORMAT_BITS, &bytes))
		return ENTRY_DAMAGED;
	out->end = out->start + bytes;
	if (out->end <= out->start)
		return ENTRY_DAMAGED;
	if (common.has_augmentation_bytes)
		cursor__skip(&record.body, cursor__uleb(&record.body));
	out->program = (uint32_t)record.body.at;
	out->program_end = (uint32_t)record.body.end;
	return record.body.bad ? ENTRY_DAMAGED : ENTRY_FUNCTION;
}
