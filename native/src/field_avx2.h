/* GF(2^255 - 19) with 32-bit multiplications: ten limbs of 26 and 25 bits in turn, each in 64.
 *
 * fe: limbs that can be multiplied, below 2^27.7. fw ("wide"): products and their sums, below 2^64, to be carried
 * before they are multiplied. A difference adds a multiple of p that no limb of the subtrahend exceeds. The bounds are
 * computed by tests/interval.c, on this very file.
 */
typedef struct { v l[10]; } fe;
typedef struct { v l[10]; } fw;

#define BITS(i) ((i) % 2 ? 25 : 26)
#define MASK(i) ((1ull << BITS(i)) - 1)
#define P_LIMB(i) ((i) ? MASK(i) : MASK(0) - 18)

#define CARRY(i) \
    (a.l[(i) + 1] = v_add(a.l[(i) + 1], v_shr(a.l[i], BITS(i))), a.l[i] = v_and(a.l[i], v_set1(MASK(i))))

/* Two chains side by side, so that the one computes while the other waits. */
INLINE fe fe_carry(fw a) {
    fe r;
    CARRY(0);
    CARRY(4);
    CARRY(1);
    CARRY(5);
    CARRY(2);
    CARRY(6);
    CARRY(3);
    CARRY(7);
    CARRY(4);
    CARRY(8);
    a.l[0] = v_add(a.l[0], v_times19(v_shr(a.l[9], 25)));
    a.l[9] = v_and(a.l[9], v_set1(MASK(9)));
    CARRY(0);
    for (int i = 0; i < 10; i++) r.l[i] = a.l[i];
    return r;
}
/* A product of two odd limbs counts twice (25.5 bits a limb, rounded up), one beyond 2^255 nineteen times. Written out
 * by macros: of a loop, the compiler would keep the sums in memory. */
#define TERM(i, j)                                                                                                    \
    r.l[((i) + (j)) % 10] = v_add(r.l[((i) + (j)) % 10], v_times32((i) % 2 && (j) % 2 ? twice[i] : a.l[i],            \
                                                                   (i) + (j) < 10 ? b.l[j] : b19[j]));
#define TERMS(i)                                                                                                      \
    TERM(i, 0) TERM(i, 1) TERM(i, 2) TERM(i, 3) TERM(i, 4) TERM(i, 5) TERM(i, 6) TERM(i, 7) TERM(i, 8) TERM(i, 9)
INLINE fw fw_mul(fe a, fe b) {
    fw r;
    v b19[10], twice[10];
    for (int i = 1; i < 10; i++) b19[i] = v_times32(b.l[i], v_set1(19));
    for (int i = 1; i < 10; i += 2) twice[i] = v_add(a.l[i], a.l[i]);
    for (int i = 0; i < 10; i++) r.l[i] = v_times32(a.l[0], b.l[i]);
    TERMS(1) TERMS(2) TERMS(3) TERMS(4) TERMS(5) TERMS(6) TERMS(7) TERMS(8) TERMS(9)
    return r;
}
#undef TERM
#undef TERMS
/* Twice for two different limbs, and twice for two odd ones. */
#define LEFT(i, j) ((i) != (j) ? (i) % 2 && (j) % 2 ? four[i] : twice[i] : (i) % 2 ? twice[i] : a.l[i])
#define TERM(i, j) v_times32(LEFT(i, j), (i) + (j) < 10 ? a.l[j] : a19[j])
#define SUM6(i0, j0, i1, j1, i2, j2, i3, j3, i4, j4, i5, j5)                                                          \
    v_add(SUM5(i0, j0, i1, j1, i2, j2, i3, j3, i4, j4), TERM(i5, j5))
#define SUM5(i0, j0, i1, j1, i2, j2, i3, j3, i4, j4)                                                                  \
    v_add(v_add(v_add(v_add(TERM(i0, j0), TERM(i1, j1)), TERM(i2, j2)), TERM(i3, j3)), TERM(i4, j4))
INLINE fw fw_sqr(fe a) {
    fw r;
    v a19[10], twice[10], four[10];
    for (int i = 5; i < 10; i++) a19[i] = v_times32(a.l[i], v_set1(19));
    for (int i = 0; i < 10; i++) twice[i] = v_add(a.l[i], a.l[i]);
    for (int i = 1; i < 8; i += 2) four[i] = v_add(twice[i], twice[i]);
    r.l[0] = SUM6(0, 0, 1, 9, 2, 8, 3, 7, 4, 6, 5, 5);
    r.l[1] = SUM5(0, 1, 2, 9, 3, 8, 4, 7, 5, 6);
    r.l[2] = SUM6(0, 2, 1, 1, 3, 9, 4, 8, 5, 7, 6, 6);
    r.l[3] = SUM5(0, 3, 1, 2, 4, 9, 5, 8, 6, 7);
    r.l[4] = SUM6(0, 4, 1, 3, 2, 2, 5, 9, 6, 8, 7, 7);
    r.l[5] = SUM5(0, 5, 1, 4, 2, 3, 6, 9, 7, 8);
    r.l[6] = SUM6(0, 6, 1, 5, 2, 4, 3, 3, 7, 9, 8, 8);
    r.l[7] = SUM5(0, 7, 1, 6, 2, 5, 3, 4, 8, 9);
    r.l[8] = SUM6(0, 8, 1, 7, 2, 6, 3, 5, 4, 4, 9, 9);
    r.l[9] = SUM5(0, 9, 1, 8, 2, 7, 3, 6, 4, 5);
    return r;
}
INLINE fw fw_from(fe a) {
    fw r;
    for (int i = 0; i < 10; i++) r.l[i] = a.l[i];
    return r;
}
INLINE fw fw_add(fw a, fw b) {
    for (int i = 0; i < 10; i++) a.l[i] = v_add(a.l[i], b.l[i]);
    return a;
}
/* b is one product: below 2^62 - 2^41 in even, 2^61 - 2^36 in odd limbs. */
INLINE fw fw_sub(fw a, fw b) {
    for (int i = 0; i < 10; i++) a.l[i] = v_sub(v_add(a.l[i], v_set1(P_LIMB(i) << 36)), b.l[i]);
    return a;
}
INLINE fe fe_mul(fe a, fe b) { return fe_carry(fw_mul(a, b)); }
INLINE fe fe_sqr(fe a) { return fe_carry(fw_sqr(a)); }
/* Sums are not carried: twice 2^26 can be multiplied. A sum of sums can't. */
INLINE fe fe_add(fe a, fe b) {
    for (int i = 0; i < 10; i++) a.l[i] = v_add(a.l[i], b.l[i]);
    return a;
}
INLINE fe fe_sub(fe a, fe b) {
    fw r;
    for (int i = 0; i < 10; i++) r.l[i] = v_sub(v_add(a.l[i], v_set1(P_LIMB(i) << 2)), b.l[i]);
    return fe_carry(r);
}
INLINE fe fe_select(vm m, fe yes, fe no) {
    for (int i = 0; i < 10; i++) no.l[i] = v_select(m, yes.l[i], no.l[i]);
    return no;
}
/* Two limbs make one of 51 bits, not carried. */
INLINE void fe_to51(v to[5], fe a) {
    for (int i = 0; i < 5; i++) to[i] = v_add(a.l[2 * i], v_shl(a.l[2 * i + 1], 26));
}
INLINE fe fe_from51(const v from[5]) {
    fe r;
    for (int i = 0; i < 5; i++) r.l[2 * i] = v_and(from[i], v_set1(MASK(0))), r.l[2 * i + 1] = v_shr(from[i], 26);
    return r;
}
/* Five words to keep an element in memory. */
INLINE void fe_pack(v to[5], fe a) {
    for (int i = 0; i < 5; i++) to[i] = v_or(a.l[2 * i], v_shl(a.l[2 * i + 1], 32));
}
INLINE fe fe_unpack(const v from[5]) {
    fe r;
    for (int i = 0; i < 5; i++) r.l[2 * i] = v_and(from[i], v_set1(0xffffffff)), r.l[2 * i + 1] = v_shr(from[i], 32);
    return r;
}
#define FIELD_CALL static __attribute__((noinline))
