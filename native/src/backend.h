/* What a backend offers: the protocol's steps, for whole batches. Elements and scalars are packed, 32 bytes each.
 *
 * All return 0, or NO_MEMORY, or NO_KEY for a public key that is no element; `bad` is the index of the first element
 * that is no canonical encoding, or -1. Scalars are secret unless a comment says public; elements, hashes' domains and proofs are public.
 */
#ifndef SLUIS_BACKEND_H
#define SLUIS_BACKEND_H
#include <stddef.h>
#include <stdint.h>

enum { NO_MEMORY = -1, NO_KEY = -2 };

typedef struct { const uint8_t *at; size_t length; } bytes;

/* How the weights of a DLEQ proof are hashed (RFC 9497, 2.2.1), and the batch's index of the first element here. */
typedef struct { bytes domain, seed; size_t first; } weighing;

typedef struct {
    const char *name;
    size_t lanes, vector; /* points in the backend's own form come `lanes` at a time, in `vector` bytes */
    int (*from_uniform)(uint8_t *elements, const uint8_t *wide, size_t count);
    /* HashToGroup (RFC 9497, 4.1), plus the generator by an own scalar each if there are `blinds`. */
    int (*hash_to_group)(uint8_t *elements, bytes domain, const bytes *inputs, const uint8_t *blinds, size_t count);
    /* One scalar for all if `step` is 0, a scalar each if it is 32. */
    int (*multiply)(long *bad, uint8_t *products, const uint8_t *scalars, size_t step, const uint8_t *elements, size_t count);
    int (*add)(long *bad, uint8_t *sums, const uint8_t *left, const uint8_t *right, size_t count);
    int (*check)(long *bad, const uint8_t *elements, size_t count);
    /* Σ scalars[i]·elements[i]: all public, reduced. */
    int (*public_sum)(long *bad, uint8_t sum[32], const uint8_t *scalars, const uint8_t *elements, size_t count);
    /* The weights of a proof, 32 bytes each: public. */
    int (*weigh)(uint8_t *weights, const weighing *how, const uint8_t *blinded, const uint8_t *evaluated, size_t count);
    /* secret·elements, and m = Σ d_i·elements[i]. */
    int (*evaluate)(long *bad, uint8_t *evaluated, uint8_t m[32], const uint8_t secret[32], const weighing *how,
                    const uint8_t *elements, size_t count);
    /* Of the answers of `holders`: the right side of threshold.py's equation, and the sums of what they answered, as
     * points in the own form. rho: two public scalars a holder. */
    int (*verify)(long *bad, uint8_t *sums, uint8_t right[32], const weighing *how, const uint8_t *rho,
                  const uint8_t *blinded, const uint8_t *const *answers, size_t holders, size_t count);
    /* One of the points of such sums. */
    int (*encode)(uint8_t element[32], const uint8_t *sums, size_t index);
    /* The outputs, 64 bytes each, of such sums, when they have been verified; blinded as above, key: the public one. */
    int (*finalize)(uint8_t *outputs, const bytes *inputs, const uint8_t *blinds, const uint8_t key[32],
                    const uint8_t *sums, size_t count);
} backend;

extern const backend sluis_portable, sluis_avx2, sluis_ifma;
#endif
