/* GF(2^255 - 19) with 64-bit multiplications: five limbs of 51 bits in 64.
 *
 * Products come out carried, below 2^51 and a little; sums and differences don't, and may be multiplied all the same:
 * limbs have 13 bits to spare. So fw and fe_carry, which the wider fields need, are nothing here. The bounds are
 * computed by tests/interval.c, on this very file.
 */
typedef struct { v l[5]; } fe;
typedef fe fw;

#define MASK51 ((1ull << 51) - 1)

INLINE fe fe_carry(fw a) { return a; }
INLINE fw fw_from(fe a) { return a; }

INLINE fe fe_reduce(w r0, w r1, w r2, w r3, w r4) {
    fe r;
    r1 = w_add(r1, w_from(w_shr51(r0)));
    r2 = w_add(r2, w_from(w_shr51(r1)));
    r3 = w_add(r3, w_from(w_shr51(r2)));
    r4 = w_add(r4, w_from(w_shr51(r3)));
    v first = v_add(w_low51(r0), v_times19(w_shr51(r4)));
    r.l[0] = v_and(first, v_set1(MASK51));
    r.l[1] = v_add(w_low51(r1), v_shr(first, 51));
    r.l[2] = w_low51(r2);
    r.l[3] = w_low51(r3);
    r.l[4] = w_low51(r4);
    return r;
}
#define SUM5(a0, b0, a1, b1, a2, b2, a3, b3, a4, b4) \
    w_add(w_add(w_add(w_add(w_times(a0, b0), w_times(a1, b1)), w_times(a2, b2)), w_times(a3, b3)), w_times(a4, b4))
#define SUM3(a0, b0, a1, b1, a2, b2) w_add(w_add(w_times(a0, b0), w_times(a1, b1)), w_times(a2, b2))

INLINE fe fe_mul(fe x, fe y) {
    const v *a = x.l, *b = y.l;
    v c1 = v_times19(b[1]), c2 = v_times19(b[2]), c3 = v_times19(b[3]), c4 = v_times19(b[4]);
    return fe_reduce(SUM5(a[0], b[0], a[1], c4, a[2], c3, a[3], c2, a[4], c1),
                     SUM5(a[0], b[1], a[1], b[0], a[2], c4, a[3], c3, a[4], c2),
                     SUM5(a[0], b[2], a[1], b[1], a[2], b[0], a[3], c4, a[4], c3),
                     SUM5(a[0], b[3], a[1], b[2], a[2], b[1], a[3], b[0], a[4], c4),
                     SUM5(a[0], b[4], a[1], b[3], a[2], b[2], a[3], b[1], a[4], b[0]));
}
INLINE fe fe_sqr(fe x) {
    const v *a = x.l;
    v d0 = v_add(a[0], a[0]), d1 = v_add(a[1], a[1]), d2 = v_add(a[2], a[2]);
    v c3 = v_times19(a[3]), c4 = v_times19(a[4]), d3 = v_add(a[3], a[3]);
    return fe_reduce(SUM3(a[0], a[0], d1, c4, d2, c3), SUM3(d0, a[1], d2, c4, a[3], c3), SUM3(d0, a[2], a[1], a[1], d3, c4),
                     SUM3(d0, a[3], d1, a[2], a[4], c4), SUM3(d0, a[4], d1, a[3], a[2], a[2]));
}
INLINE fw fw_mul(fe a, fe b) { return fe_mul(a, b); }
INLINE fw fw_sqr(fe a) { return fe_sqr(a); }
INLINE fe fe_add(fe a, fe b) {
    for (int i = 0; i < 5; i++) a.l[i] = v_add(a.l[i], b.l[i]);
    return a;
}
/* b may be a sum of three products, or the negative of one. */
INLINE fe fe_sub(fe a, fe b) {
    for (int i = 0; i < 5; i++)
        a.l[i] = v_sub(v_add(a.l[i], v_set1((i ? MASK51 : MASK51 - 18) << 2)), b.l[i]);
    return a;
}
INLINE fw fw_add(fw a, fw b) { return fe_add(a, b); }
INLINE fw fw_sub(fw a, fw b) { return fe_sub(a, b); }
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
