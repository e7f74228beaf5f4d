/* GF(2^255 - 19) with 52-bit multiply-add: five limbs of 51 bits in 64.
 *
 * fe: limbs below 2^52, so that every fe can be multiplied. fw ("wide"): products and their sums, below 2^64, to be
 * carried before they are multiplied. A difference adds a multiple of p that no limb of the subtrahend exceeds.
 * What holds for every bound here is computed by tests/interval.c, on this very file.
 */
typedef struct { v l[5]; } fe;
typedef struct { v l[5]; } fw;

#define MASK51 ((1ull << 51) - 1)

INLINE fe fe_carry(fw a) {
    fe r;
    v mask = v_set1(MASK51), c[5];
    for (int i = 0; i < 5; i++) c[i] = v_shr(a.l[i], 51), r.l[i] = v_and(a.l[i], mask);
    for (int i = 1; i < 5; i++) r.l[i] = v_add(r.l[i], c[i - 1]);
    r.l[0] = v_low52(r.l[0], c[4], v_set1(19)); /* the carry is small: nothing is above the 52 bits */
    return r;
}
/* The column of high halves k stands at 2^(51k + 52): it counts twice in column k + 1, and is where that begins. Columns
 * from 5 on are beyond 2^255 and fold back, times 19. Written out by macros: of a loop, the compiler would keep the
 * columns in memory. */
INLINE fw fw_fold(const v column[10]) {
    fw r;
    for (int k = 0; k < 5; k++) r.l[k] = v_add(column[k], v_times19(column[k + 5]));
    return r;
}
#define HIGH(i, j, y) hi[(i) + (j)] = v_high52(hi[(i) + (j)], a.l[i], y.l[j])
#define LOW(i, j, y) lo[(i) + (j)] = v_low52(lo[(i) + (j)], a.l[i], y.l[j])
#define HIGHS(i) HIGH(i, 0, b), HIGH(i, 1, b), HIGH(i, 2, b), HIGH(i, 3, b), HIGH(i, 4, b)
#define LOWS(i) LOW(i, 0, b), LOW(i, 1, b), LOW(i, 2, b), LOW(i, 3, b), LOW(i, 4, b)
INLINE fw fw_mul(fe a, fe b) {
    v lo[10], hi[9];
    for (int k = 0; k < 9; k++) hi[k] = v_set1(0);
    HIGHS(0), HIGHS(1), HIGHS(2), HIGHS(3), HIGHS(4);
    lo[0] = v_set1(0);
    for (int k = 0; k < 9; k++) lo[k + 1] = v_add(hi[k], hi[k]);
    LOWS(0), LOWS(1), LOWS(2), LOWS(3), LOWS(4);
    return fw_fold(lo);
}
/* The products of different limbs count twice. */
#define CROSS(DO) \
    DO(0, 1, a), DO(0, 2, a), DO(0, 3, a), DO(0, 4, a), DO(1, 2, a), DO(1, 3, a), DO(1, 4, a), DO(2, 3, a), \
        DO(2, 4, a), DO(3, 4, a)
#define OWN(DO) DO(0, 0, a), DO(1, 1, a), DO(2, 2, a), DO(3, 3, a), DO(4, 4, a)
INLINE fw fw_sqr(fe a) {
    v lo[10], hi[9];
    for (int k = 0; k < 9; k++) hi[k] = v_set1(0);
    CROSS(HIGH);
    for (int k = 1; k < 8; k++) hi[k] = v_add(hi[k], hi[k]);
    OWN(HIGH);
    lo[0] = v_set1(0);
    for (int k = 0; k < 9; k++) lo[k + 1] = hi[k];
    CROSS(LOW);
    for (int k = 1; k < 10; k++) lo[k] = v_add(lo[k], lo[k]);
    OWN(LOW);
    return fw_fold(lo);
}
INLINE fw fw_from(fe a) {
    fw r;
    for (int i = 0; i < 5; i++) r.l[i] = a.l[i];
    return r;
}
INLINE fw fw_add(fw a, fw b) {
    for (int i = 0; i < 5; i++) a.l[i] = v_add(a.l[i], b.l[i]);
    return a;
}
/* b is one product: below 2^59. */
INLINE fw fw_sub(fw a, fw b) {
    for (int i = 0; i < 5; i++)
        a.l[i] = v_sub(v_add(a.l[i], v_set1((i ? MASK51 : MASK51 - 18) << 10)), b.l[i]);
    return a;
}
INLINE fe fe_mul(fe a, fe b) { return fe_carry(fw_mul(a, b)); }
INLINE fe fe_sqr(fe a) { return fe_carry(fw_sqr(a)); }
INLINE fe fe_add(fe a, fe b) { return fe_carry(fw_add(fw_from(a), fw_from(b))); }
INLINE fe fe_sub(fe a, fe b) {
    fw r;
    for (int i = 0; i < 5; i++) r.l[i] = v_sub(v_add(a.l[i], v_set1((i ? MASK51 : MASK51 - 18) << 2)), b.l[i]);
    return fe_carry(r);
}
INLINE fe fe_select(vm m, fe yes, fe no) {
    for (int i = 0; i < 5; i++) no.l[i] = v_select(m, yes.l[i], no.l[i]);
    return no;
}
INLINE void fe_to51(v to[5], fe a) {
    for (int i = 0; i < 5; i++) to[i] = a.l[i];
}
INLINE fe fe_from51(const v from[5]) {
    fe r;
    for (int i = 0; i < 5; i++) r.l[i] = from[i];
    return r;
}
/* Five words to keep an element in memory. */
INLINE void fe_pack(v to[5], fe a) { fe_to51(to, a); }
INLINE fe fe_unpack(const v from[5]) { return fe_from51(from); }
#define FIELD_CALL INLINE
