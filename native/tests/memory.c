/* All steps of one backend, called from C with buffers of exactly the size that they need: for sanitizers and valgrind.
 *
 * Batches of all sizes around lanes, chunks and the few points that get no buckets; inputs and seeds of many lengths;
 * refusals. Every result is read, so a sanitizer for uninitialised memory sees what was never written. It prints a
 * digest of all results, which is the same for every backend. Compiled with -DBACKEND=sluis_portable, for instance.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "scalar.h"

static uint64_t state = 1, digest = 14695981039346656037u; /* a fixed generator; FNV-1a */

static uint8_t *random_bytes(size_t size) {
    uint8_t *r = malloc(size + !size);
    for (size_t i = 0; r && i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        r[i] = (uint8_t)(state >> 56);
    }
    return r;
}
static void see(const void *memory, size_t size) {
    const uint8_t *from = memory;
    for (size_t i = 0; i < size; i++) {
        digest = (digest ^ from[i]) * 1099511628211u;
        if (digest == 0) puts("a branch on each byte"); /* that is where a sanitizer looks */
    }
}
static int wrong(int code, const long *bad, long expected) {
    see(bad, sizeof *bad);
    return code || *bad != expected;
}

static int batch(const backend *b, size_t n) {
    const size_t size = 32 * n, last = n - 1;
    uint8_t *wide = random_bytes(2 * size), *rho = random_bytes(6 * 32), *elements = malloc(size + !n);
    uint8_t *scalars = malloc(size + !n), *out = malloc(size + !n), *sums = malloc(size + !n);
    uint8_t *outputs = malloc(2 * size + !n), m[32], right[32];
    uint8_t *own_form = malloc((n + b->lanes - 1) / b->lanes * b->vector + !n);
    static const uint8_t secret[32] = {9, 8, 7}, key[32];
    bytes *inputs = malloc((n + 1) * sizeof *inputs), domain = {wide, n ? 20 : 0};
    const weighing how[3] = {{domain, {wide, n ? 64 : 0}, 0}, {domain, {NULL, 0}, 0}, {domain, {wide, n > 40 ? 2000 : 0}, 0}};
    const uint8_t *const answers[3] = {out, elements, out};
    int code = 0;
    long bad = -1;

    for (size_t i = 0; i < n; i++) {
        scalar_store(scalars + 32 * i, scalar_load_wide(wide + 64 * i));
        inputs[i] = (bytes){random_bytes(i * 5 % 331), i * 5 % 331};
    }
    code |= b->from_uniform(elements, wide, n), see(elements, size);
    code |= b->hash_to_group(out, domain, inputs, NULL, n), see(out, size);
    code |= b->hash_to_group(out, domain, inputs, scalars, n), see(out, size);
    code |= wrong(b->multiply(&bad, out, scalars, 32, elements, n), &bad, -1), see(out, size);
    code |= wrong(b->multiply(&bad, out, secret, 0, elements, n), &bad, -1), see(out, size);
    code |= wrong(b->add(&bad, sums, out, elements, n), &bad, -1), see(sums, size);
    code |= wrong(b->check(&bad, elements, n), &bad, -1);
    code |= wrong(b->public_sum(&bad, m, scalars, elements, n), &bad, -1), see(m, 32);
    code |= b->weigh(sums, how, elements, out, n), see(sums, size);
    code |= wrong(b->evaluate(&bad, out, m, secret, how, elements, n), &bad, -1), see(out, size), see(m, 32);
    for (size_t holders = 1; holders <= 3; holders++) {
        code |= wrong(b->verify(&bad, own_form, right, how, rho, elements, answers, holders, n), &bad, -1);
        see(right, 32);
        if (n) code |= b->encode(m, own_form, last), see(m, 32);
    }
    code |= b->finalize(outputs, inputs, scalars, n ? elements : key, own_form, n), see(outputs, 2 * size);
    code |= scalar_invert_all(sums, scalars, n), see(sums, size);
    if (n) { /* the last element is none */
        elements[32 * last] ^= 1;
        code |= wrong(b->multiply(&bad, sums, scalars, 32, elements, n), &bad, (long)last);
        code |= wrong(b->add(&bad, sums, out, elements, n), &bad, (long)last);
        code |= wrong(b->check(&bad, elements, n), &bad, (long)last);
        code |= wrong(b->public_sum(&bad, m, scalars, elements, n), &bad, (long)last);
        code |= wrong(b->evaluate(&bad, sums, m, secret, how, elements, n), &bad, (long)last);
        code |= wrong(b->verify(&bad, own_form, right, how, rho, elements, answers, 3, n), &bad, (long)last);
        code |= b->finalize(outputs, inputs, scalars, elements + 32 * last, own_form, n) != NO_KEY;
    }
    for (size_t i = 0; i < n; i++) free((void *)inputs[i].at);
    free(wide), free(rho), free(elements), free(scalars), free(out), free(sums), free(outputs), free(inputs), free(own_form);
    return code;
}

int main(void) {
    static const size_t sizes[] = {0,  1,  2,  3,  4,  5,  7,  8,   9,   15,  16,  17,  31,  32, 33,
                                   47, 48, 49, 63, 64, 65, 67, 96, 128, 255, 256, 257, 300, 513, 700};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (batch(&BACKEND, sizes[i])) {
            printf("wrong with %zu elements\n", sizes[i]);
            return 1;
        }
    printf("%016llx\n", (unsigned long long)digest);
    return 0;
}
