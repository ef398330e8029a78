/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/model_internal.h"

/* Recordings from before there were source lines keep their digests. */
static void digest__lines(struct digest *digest, const struct stack *stack)
{
	for (size_t i = 0; stack && i < stack->count; i++) {
		const struct frame *frame = stack->frames[i];

		if (!frame || !frame->file)
			continue;
		digest__text(digest, frame->file);
		digest__u64(digest, frame->line);
	}
}

/* Stacks by their contents: under which numbers they were told shows in no report. */
void digest__growth(struct digest *digest, const struct model *model)
{
	const struct growths *growths = &model->growths;

	/* Recordings from before there were samples keep their digests. */
	if (!growths->growers)
		return;
	digest__u64(digest, growths->count);
	for (size_t i = 0; i < growths->count; i++) {
		const struct growth *growth = &growths->slots[i]->growth;
		const struct definition *stack = (const struct definition *)growth->stack;

		digest__task(digest, &growth->task);
		digest__u64(digest, stack != NULL);
		digest__u64(digest, stack ? stack->hash : 0);
		digest__lines(digest, growth->stack);
		digest__u64(digest, growth->first_ns);
		digest__u64(digest, growth->last_ns);
		digest__u64(digest, growth->samples);
		digest__u64(digest, (uint64_t)growth->anon_bytes);
		digest__u64(digest, (uint64_t)growth->file_bytes);
		digest__u64(digest, (uint64_t)growth->shmem_bytes);
		digest__u64(digest, (uint64_t)growth->from_swap_bytes);
		digest__u64(digest, (uint64_t)growth->in_kernel_bytes);
		digest__u64(digest, growth->variance_pages);
		digest__u64(digest, (uint64_t)growths->slots[i]->key.grower->rose_bytes);
		digest__u64(digest, growth->gone_samples);
		digest__u64(digest, (uint64_t)growth->gone_anon_bytes);
		digest__u64(digest, (uint64_t)growth->gone_file_bytes);
		digest__u64(digest, (uint64_t)growth->gone_shmem_bytes);
		digest__u64(digest, (uint64_t)growth->gone_from_swap_bytes);
		digest__u64(digest, growths->slots[i]->key.grower->looked_ns);
		if (growth->unwatched)
			digest__u64(digest, 1);
		if (growth->file)
			digest__u64(digest, ((const struct definition *)growth->file)->hash);
	}
}
