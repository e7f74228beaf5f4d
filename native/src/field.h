/* What every field has in common, on top of its own header: canonical form, powers, square roots, constants. */

/* Products as functions of pointers: FIELD_CALL says whether a call, or the same code again, is the faster. */
FIELD_CALL void fw_product(fw *r, const fe *a, const fe *b) { *r = fw_mul(*a, *b); }
FIELD_CALL void fw_square(fw *r, const fe *a) { *r = fw_sqr(*a); }
FIELD_CALL void fe_product(fe *r, const fe *a, const fe *b) { *r = fe_mul(*a, *b); }

static __attribute__((noinline)) fe mul(fe a, fe b) { return fe_mul(a, b); }
static __attribute__((noinline)) fe sqr(fe a) { return fe_sqr(a); }

#define CONSTANT(name, ...) static const uint64_t name[5] = {__VA_ARGS__}
CONSTANT(ZERO, 0, 0, 0, 0, 0);
CONSTANT(ONE, 1, 0, 0, 0, 0);
CONSTANT(TWO, 2, 0, 0, 0, 0);
/* d = -121665/121666 of the curve -x^2 + y^2 = 1 + d x^2 y^2, and RFC 9496's constants (4.1), limbs of 51 bits. */
CONSTANT(D, 0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff);
CONSTANT(TWICE_D, 0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff);
CONSTANT(SQRT_M1, 0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d);
CONSTANT(SQRT_AD_MINUS_ONE, 0x7f6a0497b2e1b, 0x1836f0a97afd2, 0x7d747f6be7638, 0x456079e7e6498, 0x376931bf2b834);
CONSTANT(INVSQRT_A_MINUS_D, 0x0fdaa805d40ea, 0x2eb482e57d339, 0x007610274bc58, 0x6510b613dc8ff, 0x786c8905cfaff);
CONSTANT(ONE_MINUS_D_SQ, 0x409c1945fc176, 0x719abc6a1fc4f, 0x1c37f90b20684, 0x06bccca55eedf, 0x029072a8b2b3e);
CONSTANT(D_MINUS_ONE_SQ, 0x55aaa44ed4d20, 0x59603c3332635, 0x26d3baf4a7928, 0x120a66e6997a9, 0x5968b37af66c2);

INLINE fe fe_const(const uint64_t limbs[5]) {
    v l[5];
    for (int i = 0; i < 5; i++) l[i] = v_set1(limbs[i]);
    return fe_from51(l);
}
INLINE fe fe_neg(fe a) { return fe_sub(fe_const(ZERO), a); }

/* The one representative below p, as limbs of exactly 51 bits. */
static void fe_freeze(v l[5], fe a) {
    const v mask = v_set1((1ull << 51) - 1);
    fe_to51(l, a);
    for (int i = 0; i < 4; i++) l[i + 1] = v_add(l[i + 1], v_shr(l[i], 51)), l[i] = v_and(l[i], mask);
    l[0] = v_add(l[0], v_times19(v_shr(l[4], 51))); /* now below 2^255 + 2^8, so p is in it once at most */
    l[4] = v_and(l[4], mask);
    v q = v_shr(v_add(l[0], v_set1(19)), 51); /* 1 if it is p or more */
    for (int i = 1; i < 5; i++) q = v_shr(v_add(l[i], q), 51);
    l[0] = v_add(l[0], v_times19(q));
    for (int i = 0; i < 4; i++) l[i + 1] = v_add(l[i + 1], v_shr(l[i], 51)), l[i] = v_and(l[i], mask);
    l[4] = v_and(l[4], mask);
}
static vm fe_is_negative(fe a) {
    v l[5];
    fe_freeze(l, a);
    return v_equal(v_and(l[0], v_set1(1)), v_set1(1));
}
static vm fe_is_zero(fe a) {
    v l[5];
    fe_freeze(l, a);
    return v_equal(v_or(v_or(v_or(l[0], l[1]), v_or(l[2], l[3])), l[4]), v_set1(0));
}
INLINE vm fe_equal(fe a, fe b) { return fe_is_zero(fe_sub(a, b)); }
INLINE fe fe_negate_if(vm m, fe a) { return fe_select(m, fe_neg(a), a); }
INLINE fe fe_abs(fe a) { return fe_negate_if(fe_is_negative(a), a); }

/* LANES encodings of 32 bytes, bit 255 ignored, and back. */
static fe fe_load(const uint8_t *const from[LANES]) {
    uint64_t limbs[5][LANES];
    for (int lane = 0; lane < LANES; lane++) {
        uint64_t word[4];
        memcpy(word, from[lane], 32);
        limbs[0][lane] = word[0];
        limbs[1][lane] = word[0] >> 51 | word[1] << 13;
        limbs[2][lane] = word[1] >> 38 | word[2] << 26;
        limbs[3][lane] = word[2] >> 25 | word[3] << 39;
        limbs[4][lane] = word[3] >> 12;
    }
    v l[5];
    for (int i = 0; i < 5; i++) l[i] = v_and(v_load(limbs[i]), v_set1((1ull << 51) - 1));
    return fe_from51(l);
}
static void fe_store(uint8_t *const to[LANES], fe a) {
    uint64_t limbs[5][LANES];
    v l[5];
    fe_freeze(l, a);
    for (int i = 0; i < 5; i++) v_store(limbs[i], l[i]);
    for (int lane = 0; lane < LANES; lane++) {
        uint64_t word[4] = {
            limbs[0][lane] | limbs[1][lane] << 51,
            limbs[1][lane] >> 13 | limbs[2][lane] << 38,
            limbs[2][lane] >> 26 | limbs[3][lane] << 25,
            limbs[3][lane] >> 39 | limbs[4][lane] << 12,
        };
        memcpy(to[lane], word, 32);
    }
}

/* Powers and roots of one element or of two side by side, n = 1 or 2: each step of a chain of squares waits for the
 * one before, and the CPU has time for another chain meanwhile. */
#define PAIR 2
static __attribute__((noinline)) void sqr_times(fe *r, const fe *a, int n, int times) {
    fe x = a[0], y = a[n - 1];
    if (n == 1)
        for (; times; times--) x = fe_sqr(x);
    else
        for (; times; times--) x = fe_sqr(x), y = fe_sqr(y);
    r[n - 1] = y;
    r[0] = x;
}
/* r = a^(2^times)·b */
static void sqr_times_mul(fe *r, const fe *a, int n, int times, const fe *b) {
    fe t[PAIR];
    sqr_times(t, a, n, times);
    for (int i = 0; i < n; i++) r[i] = mul(t[i], b[i]);
}
/* a^(2^250 - 1), and a^11 by the way. */
static void fe_pow250(fe *r, fe *a11, const fe *a, int n) {
    fe a2[PAIR], a9[PAIR], p5[PAIR], p10[PAIR], p20[PAIR], p50[PAIR], p100[PAIR];
    sqr_times(a2, a, n, 1);
    sqr_times_mul(a9, a2, n, 2, a);
    for (int i = 0; i < n; i++) a11[i] = mul(a9[i], a2[i]);
    sqr_times_mul(p5, a11, n, 1, a9); /* a^(2^5 - 1), and so on */
    sqr_times_mul(p10, p5, n, 5, p5);
    sqr_times_mul(p20, p10, n, 10, p10);
    sqr_times_mul(p50, p20, n, 20, p20);
    sqr_times_mul(p50, p50, n, 10, p10);
    sqr_times_mul(p100, p50, n, 50, p50);
    sqr_times_mul(r, p100, n, 100, p100);
    sqr_times_mul(r, r, n, 50, p50);
}
/* 1/a = a^(2^255 - 21); 0 for 0. */
static fe fe_invert(fe a) {
    fe a11, r;
    fe_pow250(&r, &a11, &a, 1);
    sqr_times_mul(&r, &r, 1, 5, &a11);
    return r;
}
/* SQRT_RATIO_M1 (RFC 9496, 4.2): the root, not negative, of u/w or of sqrt(-1)·u/w, and which it is. */
static void fe_sqrt_ratio(vm *square, fe *root, const fe *u, const fe *w, int n) {
    const fe i = fe_const(SQRT_M1);
    fe w3[PAIR], base[PAIR], power[PAIR], unused[PAIR];
    for (int k = 0; k < n; k++) {
        w3[k] = mul(sqr(w[k]), w[k]);
        base[k] = mul(u[k], mul(sqr(w3[k]), w[k])); /* u·w^7 */
    }
    fe_pow250(power, unused, base, n);
    sqr_times_mul(power, power, n, 2, base); /* to the (p - 5) / 8 = 2^252 - 3 */
    for (int k = 0; k < n; k++) {
        fe r = mul(mul(u[k], w3[k]), power[k]);
        fe check = mul(w[k], sqr(r)), minus_u = fe_neg(u[k]);
        vm correct = fe_equal(check, u[k]), flipped = fe_equal(check, minus_u);
        vm flipped_i = fe_equal(check, mul(minus_u, i));
        root[k] = fe_abs(fe_select(vm_or(flipped, flipped_i), mul(r, i), r));
        square[k] = vm_or(correct, flipped);
    }
}
