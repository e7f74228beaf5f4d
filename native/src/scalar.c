/* Montgomery's multiplication with 2^256, on four words. See scalar.h. */
#include "scalar.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 u128;

const uint64_t sluis_nineteen = 19;

static const scalar ORDER = {{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000}};
static const scalar R2 = {{0xa40611e3449c0f01, 0xd00e1ba768859347, 0xceec73d217f5be65, 0x0399411b7c309a3d}};
static const scalar R3 = {{0x2a9e49687b83a2db, 0x278324e6aef7f3ec, 0x8065dc6c04ec5b65, 0x0e530b773599cec7}};
static const scalar UNIT = {{1, 0, 0, 0}};
static const uint64_t MINUS_INVERSE = 0xd2b51da312547e1b; /* of the order, modulo 2^64 */

/* a - b, and whether it went below zero. */
static uint64_t subtract(scalar *r, const scalar *a, const scalar *b) {
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        u128 d = (u128)a->w[i] - b->w[i] - borrow;
        r->w[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return borrow;
}
static uint64_t add(scalar *r, const scalar *a, const scalar *b, uint64_t mask) {
    u128 sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += (u128)a->w[i] + (b->w[i] & mask);
        r->w[i] = (uint64_t)sum;
        sum >>= 64;
    }
    return (uint64_t)sum;
}
static scalar once_less(const scalar *a) { /* a - order where that is not below zero */
    scalar r;
    uint64_t borrow = subtract(&r, a, &ORDER);
    add(&r, &r, &ORDER, 0 - borrow);
    return r;
}
/* a·b/2^256, reduced, for any a below 2^256 and b below the order: the sum stays below twice the order. */
static scalar montgomery(const scalar *a, const scalar *b) {
    uint64_t t[5] = {0, 0, 0, 0, 0};
    for (int i = 0; i < 4; i++) {
        u128 c = 0;
        for (int j = 0; j < 4; j++) {
            c += (u128)a->w[i] * b->w[j] + t[j];
            t[j] = (uint64_t)c;
            c >>= 64;
        }
        c += t[4];
        t[4] = (uint64_t)c; /* what is left over is below 2^64 because b is below 2^253 */
        uint64_t m = t[0] * MINUS_INVERSE;
        c = ((u128)m * ORDER.w[0] + t[0]) >> 64;
        for (int j = 1; j < 4; j++) {
            c += (u128)m * ORDER.w[j] + t[j];
            t[j - 1] = (uint64_t)c;
            c >>= 64;
        }
        c += t[4];
        t[3] = (uint64_t)c;
        t[4] = (uint64_t)(c >> 64);
    }
    scalar r = {{t[0], t[1], t[2], t[3]}};
    return once_less(&r);
}

static scalar words(const uint8_t from[32]) {
    scalar r;
    memcpy(r.w, from, 32);
    return r;
}
scalar scalar_prepare(scalar a) { return montgomery(&a, &R2); }
scalar scalar_multiply_prepared(scalar a, scalar b) { return montgomery(&a, &b); }
static scalar finish(scalar a) { return montgomery(&a, &UNIT); }
scalar scalar_load(const uint8_t from[32]) { return finish(scalar_prepare(words(from))); }
scalar scalar_load_wide(const uint8_t from[64]) { /* low + 2^256·high */
    scalar low = words(from), high = words(from + 32);
    return finish(scalar_add(montgomery(&low, &R2), montgomery(&high, &R3)));
}
void scalar_store(uint8_t to[32], scalar a) { memcpy(to, a.w, 32); }
scalar scalar_add(scalar a, scalar b) {
    scalar sum;
    add(&sum, &a, &b, ~(uint64_t)0);
    return once_less(&sum);
}
scalar scalar_subtract(scalar a, scalar b) {
    scalar r;
    uint64_t borrow = subtract(&r, &a, &b);
    add(&r, &r, &ORDER, 0 - borrow);
    return r;
}
scalar scalar_multiply(scalar a, scalar b) { return scalar_multiply_prepared(a, scalar_prepare(b)); }

/* a^(order - 2): the exponent is public, and so is the way through it. */
static scalar invert_prepared(scalar a) {
    scalar e, two = {{2, 0, 0, 0}}, r = a;
    subtract(&e, &ORDER, &two);
    for (int bit = 251; bit >= 0; bit--) {
        r = montgomery(&r, &r);
        if (e.w[bit / 64] >> (bit % 64) & 1) r = montgomery(&r, &a);
    }
    return r;
}

void scalar_halve(uint8_t to[32], const uint8_t from[32]) {
    scalar a = words(from);
    a.w[3] &= ~(uint64_t)0 >> 1;
    add(&a, &a, &ORDER, 0 - (a.w[0] & 1));
    for (int i = 0; i < 4; i++) a.w[i] = a.w[i] >> 1 | (i < 3 ? a.w[i + 1] << 63 : 0);
    memcpy(to, a.w, 32);
    sluis_wipe(&a, sizeof a);
}
int scalar_invert_all(uint8_t *to, const uint8_t *from, size_t count) {
    if (!count) return 0;
    scalar product = words(from);
    product = scalar_prepare(product);
    for (size_t i = 1; i < count; i++) { /* to[i] = the product of all before, prepared */
        scalar_store(to + 32 * i, product);
        scalar next = scalar_prepare(words(from + 32 * i));
        product = montgomery(&product, &next);
    }
    uint64_t any = product.w[0] | product.w[1] | product.w[2] | product.w[3];
    scalar rest = invert_prepared(product);
    for (size_t i = count - 1; i > 0; i--) {
        scalar before = words(to + 32 * i), own = scalar_prepare(words(from + 32 * i));
        scalar_store(to + 32 * i, finish(montgomery(&rest, &before)));
        rest = montgomery(&rest, &own);
    }
    scalar_store(to, finish(rest));
    sluis_wipe(&rest, sizeof rest);
    sluis_wipe(&product, sizeof product);
    return any ? 0 : -1;
}

void sluis_wipe(void *memory, size_t size) {
    memset(memory, 0, size);
    __asm__ volatile("" : : "r"(memory) : "memory");
}
__attribute__((noinline)) void sluis_wipe_stack(void) {
    uint8_t below[64 * 1024];
    sluis_wipe(below, sizeof below);
}
